//! A target brought forward to a commit that others made and `wt` did not judge: what its remote has.

use crate::error::{Refusal, some_of};
use crate::git::{Checkout, CheckoutMove, CheckoutMoved};
use crate::oid::Oid;
use crate::task::Task;
use crate::workspace::Workspace;

use super::target::require_no_worktree_of_task;

/// Moves the branch `target` (short name) and its checkout, if it is checked out, from `old` to `new`.
///
/// # Errors
/// A refusal where a person's work is in the way, or the branch is no longer at `old`; nothing is changed then.
pub(super) fn forward(ws: &Workspace, target: &str, old: &Oid, new: &Oid) -> anyhow::Result<()> {
    let (repo, reference) = (&ws.repo, format!("refs/heads/{target}"));
    let reason = format!("wt: {target} as its remote has it");
    if let Some(place) = repo.rebasing(target) {
        let what = format!("{target} is being rebased ({})", place.display());
        return Err(Refusal::refused(what)
            .hint("finish that rebase (git status), then land again")
            .into());
    }
    let mut roots = repo.checkouts_of(target)?;
    roots.retain(|root| root.is_dir());
    let moved = match &roots[..] {
        [] if repo.move_ref(&reference, Some(old), Some(new), &reason)? => CheckoutMoved::Done,
        [] => CheckoutMoved::RefMoved,
        [root] => {
            require_no_worktree_of_task(ws, target, root)?;
            let changes = repo
                .read
                .changes(&repo.read.tree_of(old)?, &repo.read.tree_of(new)?)?;
            let in_the_way = repo.in_the_way(root, &changes)?;
            if !in_the_way.is_empty() {
                return Err(Refusal::refused(format!(
                    "{} has work of your own where its remote has newer: {}",
                    root.display(),
                    some_of(&in_the_way)
                ))
                .hint("commit these paths, or move them away, then land again")
                .into());
            }
            repo.move_checkout(&CheckoutMove {
                checkout: Checkout::Operators(root),
                reference: &reference,
                old,
                new,
                reason: &reason,
            })?
        }
        _ => CheckoutMoved::Refused("it is checked out in several places".to_owned()),
    };
    match moved {
        CheckoutMoved::Done => Ok(()),
        CheckoutMoved::RefMoved => Err(Refusal::refused(format!("{target} moved meanwhile"))
            .hint("land again; nothing was changed")
            .into()),
        CheckoutMoved::Refused(why) => Err(Refusal::refused(format!(
            "{target} can't be brought to what its remote has: {why}"
        ))
        .hint("finish what is under way there (git status), then land again; nothing was changed")
        .into()),
    }
}

/// Brings the target to a landing that its remote has already, and that a killed command could not bring here. The
/// landing lock of the target must be held.
///
/// # Errors
/// A refusal where the target has moved since, or a person's work is in the way.
pub(super) fn follow_remote(ws: &Workspace, task: &Task, new: &Oid) -> anyhow::Result<()> {
    let old = ws.target_tip(task)?;
    if !ws.repo.read.is_ancestor(&old, new)? {
        return Err(Refusal::refused(format!(
            "its remote has it as {}, and {} has moved since",
            new.short(),
            task.target
        ))
        .hint("bring both together (git pull --no-rebase), then: wt doctor --fix")
        .into());
    }
    forward(ws, &task.target, &old, new)
}
