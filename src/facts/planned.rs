//! What can be said of a task's plan, and of what it did to it.

use std::collections::BTreeSet;

use serde::Serialize;

use super::Seen;
use crate::gate::Receipt;
use crate::oid::Oid;
use crate::plan::{Beside, beside};
use crate::scope::Globs;
use crate::task::{Approved, Proposal, Task};
use crate::workspace::Workspace;

/// Where a task's plan stands.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PlanFacts {
    /// `wanted`, `submitted`, `rejected`, `approved`, `amendment submitted` or `amendment rejected`.
    pub(crate) stage: &'static str,
    pub(crate) approved: Option<Approved>,
    pub(crate) proposal: Option<Proposal>,
    /// Whether it was approved after the receipt was made: what that covers may be beyond it.
    pub(crate) newer_than_receipt: bool,
}

impl PlanFacts {
    pub(super) fn of(task: &Task, receipt: Option<&Receipt>) -> Option<Self> {
        let approved = task.plan.clone();
        let judged = receipt.map(|receipt| receipt.at);
        Some(Self {
            stage: task.plan_stage()?,
            newer_than_receipt: approved
                .as_ref()
                .zip(judged)
                .is_some_and(|(plan, judged)| judged < plan.at),
            approved,
            proposal: task.proposal.clone(),
        })
    }

    /// What of it somebody has to do something about, in words.
    pub(super) fn waits(&self) -> Option<String> {
        match (self.stage, &self.approved) {
            ("approved", _) if self.newer_than_receipt => Some("plan amended since".to_owned()),
            ("approved" | "wanted", _) => None,
            (stage, None) => Some(format!("plan {stage}")),
            (stage, Some(_)) => Some(stage.to_owned()),
        }
    }
}

/// A task's plan beside what it changed: what it has committed, or landed, and what was last seen uncommitted. Nothing
/// for a task without an approved plan.
pub(crate) fn beside_plan(
    ws: &Workspace,
    task: &Task,
    seen: Option<&Seen>,
) -> anyhow::Result<Option<Beside>> {
    let Some(plan) = &task.plan else {
        return Ok(None);
    };
    let planned = Globs::parse(&plan.files, Workspace::case(&ws.repo)?)?;
    let mut paths: BTreeSet<String> = BTreeSet::new();
    if let Some((from, to)) = change(ws, task)? {
        let changes = ws.repo.read.changes_between(&from, &to)?;
        paths.extend(changes.into_iter().map(|change| change.path));
    }
    if let Some(seen) = seen.filter(|_| task.landing.is_none()) {
        paths.extend(seen.uncommitted.iter().cloned());
    }
    let paths: Vec<String> = paths.into_iter().collect();
    Ok(Some(beside(&planned, &paths)))
}

/// The two commits between which lies what the task changed.
fn change(ws: &Workspace, task: &Task) -> anyhow::Result<Option<(Oid, Oid)>> {
    let read = &ws.repo.read;
    if let Some(landing) = &task.landing {
        let onto = landing.onto.clone();
        return Ok(onto.map(|onto| (onto, landing.commit.clone())));
    }
    let tips = (read.tip(&task.branch_ref())?, read.tip(&task.target_ref())?);
    let (Some(tip), Some(target)) = tips else {
        return Ok(None);
    };
    let base = read.merge_base_or(&tip, &target, &task.base)?;
    Ok(Some((base, tip)))
}
