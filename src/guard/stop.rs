//! Whether a task's work is judged, asked when its agent is about to end its turn.

use crate::forward;
use crate::git::SnapshotRequest;
use crate::quarantine;
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// The verb by which a hook in a cage, which can't look into the worktree through `wt`'s own index, asks outside.
pub(crate) const VERB: &str = "_owed";

/// What the agent is to do before it ends its turn: nothing where there are no changes, where they have a receipt,
/// and where only a person can go on.
pub(crate) fn needs_receipt(ws: &Workspace, task: &Task) -> anyhow::Result<Option<String>> {
    if matches!(task.state, State::Waiting | State::Stopped | State::Landed) {
        return Ok(None);
    }
    if let Some(inside) = ws.ctx.cage_of(&task.name) {
        let owed = forward::ask(&inside, &task.worktree, &[VERB])?;
        return Ok((!owed.is_empty()).then_some(owed));
    }
    let needed = is_unjudged(ws, task)?;
    let next = match task.state {
        State::Failed => "commit, then: wt validate --cause \"<why it failed>\"",
        _ => "commit, then: wt validate",
    };
    Ok(needed.then(|| next.to_owned()))
}

fn has_commits(ws: &Workspace, task: &Task) -> anyhow::Result<bool> {
    let read = &ws.repo.read;
    let tip = ws.repo_for(task).tip_of(task)?;
    Ok(!read.is_ancestor(&tip, &ws.target_tip(task)?)?)
}

fn is_unjudged(ws: &Workspace, task: &Task) -> anyhow::Result<bool> {
    let repo = ws.repo_for(task);
    repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
    let _lock = ws.lock_task(&task.name)?;
    quarantine::bring_in(ws, &repo, task)?;
    let tip = repo.tip_of(task)?;
    let index = ws.store.task_index(&task.name);
    let request = SnapshotRequest {
        worktree: &task.worktree,
        index: &index,
        tip: &tip,
        max_file: u64::MAX,
    };
    let snapshot = repo.snapshot(&request)?;
    if snapshot.uncommitted.is_empty() && !has_commits(ws, task)? {
        return Ok(false);
    }
    let judged = task
        .validated
        .as_ref()
        .map(|validated| &validated.snapshot.tree);
    Ok(task.state != State::Validated || judged != Some(&snapshot.tree))
}
