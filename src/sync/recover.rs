//! A sync that was killed, or failed in the middle: brought to its end, or to the state before it.

use anyhow::bail;

use super::record;
use crate::git::{Checkout, CheckoutMove};
use crate::halfway;
use crate::store::Operation;
use crate::workspace::Workspace;

/// Brings a killed sync to its end, and says to which. Safe to repeat. The task's lock must be held, and the process
/// that began it must be gone.
///
/// # Errors
/// A refusal where a path of the worktree holds what the sync does not know of, or another program's git is at work
/// there: the intent stays open.
pub(crate) fn recover(ws: &Workspace, name: &str, operation: &Operation) -> anyhow::Result<String> {
    let Operation::Sync {
        old,
        new,
        validated,
    } = operation
    else {
        bail!("the intent on task `{name}` is of no sync");
    };
    let Some(mut task) = ws.store.find_task(name)? else {
        ws.store.settle(name)?;
        return Ok(format!("task `{name}` was half synced, and is gone"));
    };
    let repo = ws.repo_for(&task);
    let git_dir = ws.git_dir_of(&task)?;
    repo.verify_worktree(&task, &git_dir)?;
    let reference = task.branch_ref();
    let step = CheckoutMove {
        checkout: Checkout::Task {
            task: &task,
            git_dir: &git_dir,
        },
        reference: &reference,
        old,
        new,
        reason: "wt sync: mended",
    };
    repo.remove_dead_locks(Some(step.checkout), &reference)?;
    let notes = if repo.read.is_ancestor(new, &repo.tip_of(&task)?)? {
        Vec::new()
    } else {
        halfway::end(ws, &repo, &task, &step)?
    };
    let mut line = if repo.read.is_ancestor(new, &repo.tip_of(&task)?)? {
        record(ws, &mut task, validated.as_ref())?;
        format!("task `{name}` was half synced; it is synced")
    } else {
        format!("task `{name}` was half synced; it is as before")
    };
    for note in notes {
        line.push_str("; ");
        line.push_str(&note);
    }
    ws.store.settle(name)?;
    Ok(line)
}
