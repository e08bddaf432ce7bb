//! Where the target stands: checked out somewhere, with a person's work in it, or nowhere.

use std::path::{Path, PathBuf};

use crate::error::{Refusal, some_of};
use crate::git::{Change, Checkout, CheckoutMove, CheckoutMoved};
use crate::halfway::{Left, take_back};
use crate::oid::Oid;
use crate::workspace::Workspace;

use super::attempt::Attempt;
use super::proof::Judged;

/// The place of the target branch.
pub(super) enum Place {
    /// In no checkout: only the ref moves.
    RefAlone,
    /// In this one, in which these paths of a person's own stand in the way.
    Checkout {
        root: PathBuf,
        in_the_way: Vec<String>,
    },
}

/// Whether the target was moved.
pub(super) enum Moved {
    Done,
    /// Another one moved it before; all is as it was.
    ByAnother,
    /// It failed in the middle: the intent must stay open.
    Half(anyhow::Error),
}

impl Place {
    /// Where the target of `attempt` is, which is to be changed so.
    pub(super) fn find(attempt: &Attempt, changes: &[Change]) -> anyhow::Result<Self> {
        let repo = &attempt.ws.repo;
        let target = &attempt.task.target;
        if let Some(place) = repo.rebasing(target) {
            return Err(Refusal::refused(format!(
                "{target} is being rebased ({})",
                place.display()
            ))
            .hint("finish that rebase (git status), then land again")
            .into());
        }
        let mut roots = repo.checkouts_of(target)?;
        roots.retain(|root| root.is_dir());
        if roots.len() > 1 {
            let names: Vec<String> = roots.iter().map(|r| r.display().to_string()).collect();
            return Err(Refusal::refused(format!(
                "{target} is checked out in several places: {}",
                names.join(", ")
            ))
            .hint("switch all but one of them to another branch")
            .into());
        }
        let Some(root) = roots.pop() else {
            return Ok(Self::RefAlone);
        };
        require_no_worktree_of_task(attempt.ws, target, &root)?;
        let in_the_way = repo.in_the_way(&root, changes)?;
        Ok(Self::Checkout { root, in_the_way })
    }

    pub(super) fn checkout(&self) -> Option<&PathBuf> {
        match self {
            Self::RefAlone => None,
            Self::Checkout { root, .. } => Some(root),
        }
    }

    pub(super) fn in_the_way(&self) -> &[String] {
        match self {
            Self::RefAlone => &[],
            Self::Checkout { in_the_way, .. } => in_the_way,
        }
    }

    /// # Errors
    /// A refusal that names the paths where a person's own work would be overwritten.
    pub(super) fn require_free(&self, attempt: &Attempt) -> anyhow::Result<()> {
        let Self::Checkout { root, in_the_way } = self else {
            return Ok(());
        };
        if in_the_way.is_empty() {
            return Ok(());
        }
        Err(Refusal::refused(format!(
            "{} has work of your own in {}, where task `{}` is to land: {}",
            root.display(),
            attempt.task.target,
            attempt.task.name,
            some_of(in_the_way)
        ))
        .hint(format!(
            "commit these paths, or move them away, then: wt merge {}",
            attempt.task.name
        ))
        .into())
    }

    /// Moves the target from the commit that was judged against to `commit`, or leaves all as it is.
    pub(super) fn move_to(
        &self,
        attempt: &Attempt,
        judged: &Judged,
        commit: &Oid,
    ) -> anyhow::Result<Moved> {
        let repo = &attempt.ws.repo;
        let reference = attempt.task.target_ref();
        let old = judged.target();
        let reason = format!("wt: land {}", judged.names().join(" "));
        match self {
            Self::RefAlone => match repo.move_ref(&reference, Some(old), Some(commit), &reason) {
                Ok(true) => Ok(Moved::Done),
                Ok(false) => Ok(Moved::ByAnother),
                Err(error) => {
                    repo.remove_dead_locks(None, &reference)?;
                    Err(error)
                }
            },
            Self::Checkout { root, .. } => {
                let step = CheckoutMove {
                    checkout: Checkout::Operators(root),
                    reference: &reference,
                    old,
                    new: commit,
                    reason: &reason,
                };
                match repo.move_checkout(&step) {
                    Ok(CheckoutMoved::Done) => Ok(Moved::Done),
                    Ok(CheckoutMoved::RefMoved) => Ok(Moved::ByAnother),
                    Ok(CheckoutMoved::Refused(why)) => Err(Refusal::refused(format!(
                        "git did not move {} in {}: {why}",
                        attempt.task.target,
                        root.display()
                    ))
                    .hint("finish what is under way there (git status), then land again")
                    .into()),
                    Err(error) => match take_back(repo, &step) {
                        Left::Moved => Ok(Moved::Done),
                        Left::Nothing => Err(error.context("nothing was changed")),
                        Left::Half(why) => Ok(Moved::Half(why.context(error))),
                    },
                }
            }
        }
    }
}

/// Git is never let loose in a task's worktree, whose settings its agent can write; and left behind by the branch
/// that is checked out there, it would look as if it took the landing back.
pub(super) fn require_no_worktree_of_task(
    ws: &Workspace,
    target: &str,
    root: &Path,
) -> anyhow::Result<()> {
    for (name, other) in ws.store.tasks()? {
        let other = other?;
        if other.worktree == root {
            return Err(Refusal::refused(format!(
                "{target} is checked out in the worktree of task `{name}`"
            ))
            .hint(format!(
                "in {}: git switch {}",
                root.display(),
                other.branch
            ))
            .into());
        }
    }
    Ok(())
}
