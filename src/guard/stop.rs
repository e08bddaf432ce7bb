//! Whether a task's work is judged, asked when its agent is about to end its turn.

use crate::ctx::Ctx;
use crate::git::SnapshotRequest;
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Whether this process runs in the cage of `wt run`, where nothing but the worktree can be written.
fn is_caged(ctx: &Ctx) -> bool {
    ctx.environment.text("WT_SOCKET").is_some()
}

/// What the agent is to do before it ends its turn: nothing where there are no changes, where they have a receipt,
/// and where only a person can go on.
pub(super) fn needs_receipt(ws: &Workspace, task: &Task) -> anyhow::Result<Option<String>> {
    if matches!(task.state, State::Waiting | State::Stopped | State::Landed) {
        return Ok(None);
    }
    let needed = if is_caged(ws.ctx) {
        // Looking into the worktree wants `wt`'s index, which can't be written here.
        task.state != State::Validated && has_commits(ws, task)?
    } else {
        is_unjudged(ws, task)?
    };
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
    repo.verify_worktree(task)?;
    let _lock = ws.lock_task(&task.name)?;
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
