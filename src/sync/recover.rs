//! A sync that was killed, or failed in the middle: brought to its end, or to the state before it.

use std::path::PathBuf;

use anyhow::bail;

use super::record;
use crate::error::{Refusal, some_of};
use crate::git::{Checkout, CheckoutMove, CheckoutMoved, Repo, Settled, Side};
use crate::store::Operation;
use crate::task::Task;
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
        stays_validated,
    } = operation
    else {
        bail!("the intent on task `{name}` is of no sync");
    };
    let Some(mut task) = ws.store.find_task(name)? else {
        ws.store.settle(name)?;
        return Ok(format!("task `{name}` was half synced, and is gone"));
    };
    let repo = ws.repo_for(&task);
    let mut saved = Vec::new();
    let (reference, git_dir) = (task.branch_ref(), repo.admin_dir(&task.admin));
    let step = CheckoutMove {
        checkout: Checkout::Task {
            task: &task,
            git_dir: &git_dir,
        },
        reference: &reference,
        old,
        new,
        reason: "wt sync",
    };
    let is_synced = end(ws, &repo, &task, &step, &mut saved)?;
    let line = if is_synced {
        record(ws, &mut task, new, *stays_validated)?;
        format!("task `{name}` was half synced; it is synced")
    } else {
        format!("task `{name}` was half synced; it is as before")
    };
    ws.store.settle(name)?;
    let places: Vec<String> = saved.iter().map(|p| p.display().to_string()).collect();
    Ok(match &places[..] {
        [] => line,
        places => format!(
            "{line}; what had been cut off is saved: {}",
            some_of(places)
        ),
    })
}

/// Leaves nothing half moved, and answers whether the branch has the synced commit.
fn end(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    step: &CheckoutMove,
    saved: &mut Vec<PathBuf>,
) -> anyhow::Result<bool> {
    repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
    repo.remove_dead_locks(Some(step.checkout), step.reference)?;
    let has_moved = || repo.read.is_ancestor(step.new, &repo.tip_of(task)?);
    // Index and files went first.
    if has_moved()? {
        return Ok(true);
    }
    let at = settle(ws, repo, task, step, saved)?;
    let tip = repo.tip_of(task)?;
    if tip == *step.old && matches!(repo.move_checkout(step)?, CheckoutMoved::Done) {
        return Ok(true);
    }
    if at == Side::New && repo.holds(&repo.tip_of(task)?, step)? == Some(Side::Old) {
        repo.undo_checkout(step)?;
    }
    has_moved()
}

/// # Errors
/// A refusal that names the paths which hold neither what was there nor what was to come.
fn settle(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    step: &CheckoutMove,
    saved: &mut Vec<PathBuf>,
) -> anyhow::Result<Side> {
    let mut save = |path: &str, bytes: &[u8]| ws.store.save_found(&task.name, path, bytes);
    match repo.settle_checkout(step, &mut save)? {
        Settled::Whole { at, saved: places } => {
            saved.extend(places);
            Ok(at)
        }
        Settled::Foreign(paths) => Err(Refusal::refused(format!(
            "a sync of task `{}` was stopped halfway in {}, and these paths hold neither what was there nor what was \
             to come: {}",
            task.name,
            task.worktree.display(),
            some_of(&paths)
        ))
        .hint("keep what you need of them, bring them back (git checkout HEAD -- <path>), then: wt doctor --fix")
        .into()),
    }
}
