//! Whether the rules in a worktree are those that hold now, without reading the contract of a commit twice.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::oid::Oid;
use crate::store::{read_json, write_json_shown};
use crate::task::{State, Task};
use crate::workspace::{Ruling, Workspace, identity_of_rules};

/// How many commits of targets are kept in mind.
const KEPT: usize = 32;

/// What the contracts of commits say of rules.
#[derive(Default, Serialize, Deserialize)]
struct Known {
    by_commit: BTreeMap<String, Ruling>,
}

/// Whether the task's rules are not those of its target, whose tip is `tip`. What can't be told, such as of an included
/// file that is gone, is: bringing them up to date says why.
pub(super) fn are_stale(ws: &Workspace, task: &Task, tip: &Oid) -> bool {
    if matches!(task.state, State::Waiting | State::Landed) {
        return false;
    }
    let now = ruling(ws, task, tip)
        .and_then(|ruling| identity_of_rules(&ws.repo.read, tip, &ruling, task));
    now.map_or(true, |now| now != task.rules)
}

fn ruling(ws: &Workspace, task: &Task, tip: &Oid) -> anyhow::Result<Ruling> {
    // The version: another one may reckon otherwise.
    let key = format!("{} {tip}", env!("CARGO_PKG_VERSION"));
    let mut known: Known = read_json(&file(ws)).ok().flatten().unwrap_or_default();
    if let Some(ruling) = known.by_commit.get(&key) {
        return Ok(ruling.clone());
    }
    let ruling = ws.ruling_at(tip, &task.target)?;
    if known.by_commit.len() >= KEPT {
        known.by_commit.clear();
    }
    known.by_commit.insert(key, ruling.clone());
    // It is only a cache, and whoever lists may not be allowed to write.
    let _ = write_json_shown(&file(ws), &known);
    Ok(ruling)
}

fn file(ws: &Workspace) -> PathBuf {
    ws.store.root().join("rules-known.json")
}
