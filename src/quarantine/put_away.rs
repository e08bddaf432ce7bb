//! What belongs to a cage when its task goes, and when it comes back.

use std::fs;

use anyhow::Context as _;

use super::intake::held_ref;
use crate::store::{Trashed, remove_dir};
use crate::workspace::Workspace;

/// Forgets all that belongs to the cage of a task which is no more. Safe to repeat.
pub(crate) fn forget(ws: &Workspace, task: &str) -> anyhow::Result<()> {
    rename_ref(ws, &held_ref(task), None)?;
    remove_dir(&ws.store.cage_dir(task))
}

/// Puts the private repository of a removed task away. Safe to repeat.
pub(crate) fn put_away(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<()> {
    let name = &trashed.task.name;
    rename_ref(ws, &held_ref(name), Some(&trashed.cage_ref()))?;
    rename(
        &ws.store.cage_dir(name),
        &ws.store.archived_dir(&trashed.id).join("cage"),
    )
}

/// Puts it back. Safe to repeat.
pub(crate) fn bring_back(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<()> {
    let name = &trashed.task.name;
    rename_ref(ws, &trashed.cage_ref(), Some(&held_ref(name)))?;
    rename(
        &ws.store.archived_dir(&trashed.id).join("cage"),
        &ws.store.cage_dir(name),
    )
}

/// Moves what a ref holds to another one, or lets go of it.
fn rename_ref(ws: &Workspace, from: &str, to: Option<&str>) -> anyhow::Result<()> {
    let Some(held) = ws.repo.read.tip(from)? else {
        return Ok(());
    };
    if let Some(to) = to {
        let there = ws.repo.read.tip(to)?;
        ws.repo
            .move_ref(to, there.as_ref(), Some(&held), "wt: moved")?;
    }
    ws.repo.move_ref(from, Some(&held), None, "wt: moved")?;
    Ok(())
}

fn rename(from: &std::path::Path, to: &std::path::Path) -> anyhow::Result<()> {
    if !from.is_dir() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    fs::rename(from, to)
        .with_context(|| format!("can't move {} to {}", from.display(), to.display()))
}
