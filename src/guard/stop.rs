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
    if awaits_nothing(task) {
        return Ok(None);
    }
    if task.state == State::Planning {
        // One that waits for approval is all that an agent can give.
        let waits = task.plan_stage() == Some("submitted");
        return Ok((!waits).then(|| task.plan_next()));
    }
    if let Some(inside) = ws.ctx.cage_of(&task.name) {
        let owed = forward::ask(&inside, &task.worktree, &[VERB])?;
        return Ok((!owed.is_empty()).then_some(owed));
    }
    let _lock = ws.lock_task(&task.name)?;
    // While the lock was waited for, a judge may have settled it.
    let task = ws.store.require_task(&task.name)?;
    if awaits_nothing(&task) || !is_unjudged(ws, &task)? {
        return Ok(None);
    }
    let next = match task.state {
        State::Failed => "commit, then: wt validate --cause \"<why it failed>\"",
        _ => "commit, then: wt validate",
    };
    Ok(Some(next.to_owned()))
}

/// Whether the task's agent can do nothing more for it.
fn awaits_nothing(task: &Task) -> bool {
    matches!(task.state, State::Waiting | State::Stopped | State::Landed)
}

fn has_commits(ws: &Workspace, task: &Task) -> anyhow::Result<bool> {
    let read = &ws.repo.read;
    let tip = ws.repo_for(task).tip_of(task)?;
    Ok(!read.is_ancestor(&tip, &ws.target_tip(task)?)?)
}

/// Whether there are changes that no receipt is for. The task's lock must be held.
fn is_unjudged(ws: &Workspace, task: &Task) -> anyhow::Result<bool> {
    let repo = ws.repo_for(task);
    repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
    quarantine::bring_in(ws, &repo, task)?;
    let tip = repo.tip_of(task)?;
    let index = ws.store.task_index(&task.name);
    let uncommitted = repo.uncommitted_paths(&task.worktree, &index, &tip)?;
    let validated = task.validated.as_ref();
    let Some(validated) = validated.filter(|_| task.state == State::Validated) else {
        return Ok(!uncommitted.is_empty() || has_commits(ws, task)?);
    };
    // No object need be stored for the rest, at the end of every turn.
    if uncommitted.is_empty() {
        return Ok(has_commits(ws, task)? && validated.snapshot.tree != repo.read.tree_of(&tip)?);
    }
    let snapshot = repo.snapshot(&SnapshotRequest {
        worktree: &task.worktree,
        index: &index,
        tip: &tip,
        max_file: ws.max_file(&repo, task)?,
    })?;
    quarantine::hold(ws, &repo, task, &snapshot.commit)?;
    Ok(validated.snapshot.tree != snapshot.tree)
}
