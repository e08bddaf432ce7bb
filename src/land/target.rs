//! Where the target stands: checked out somewhere, with a person's work in it, or nowhere.

use std::path::{Path, PathBuf};

use crate::error::{Refusal, some_of};
use crate::git::{Change, Checkout, CheckoutMove, Repo};
use crate::halfway::{Moved, carry_out};
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

impl Place {
    /// Where the target of `attempt` is, which is to be changed so.
    pub(super) fn find(attempt: &Attempt, changes: &[Change]) -> anyhow::Result<Self> {
        let Some(root) = checkout_of(attempt.ws, &attempt.task.target)? else {
            return Ok(Self::RefAlone);
        };
        let in_the_way = attempt.ws.repo.in_the_way(&root, changes)?;
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
    pub(super) fn move_to(&self, attempt: &Attempt, judged: &Judged, commit: &Oid) -> Moved {
        let target = &attempt.task.target;
        let way = Way {
            target,
            old: judged.target(),
            new: commit,
            reason: &format!("wt: land {}", judged.names().join(" ")),
        };
        let repo = &attempt.ws.repo;
        match self.checkout() {
            None => way.move_ref(repo),
            Some(root) => {
                let what = format!("git did not move {target} in {}", root.display());
                way.move_checkout(repo, root, &what)
            }
        }
    }
}

/// A target's way to another commit.
#[derive(Clone, Copy)]
pub(super) struct Way<'a> {
    /// Short name of the branch.
    pub(super) target: &'a str,
    pub(super) old: &'a Oid,
    pub(super) new: &'a Oid,
    /// For the reflog.
    pub(super) reason: &'a str,
}

impl Way<'_> {
    /// Moves the branch and its checkout at this root; `what` begins the refusal, where something stands in the way.
    pub(super) fn move_checkout(&self, repo: &Repo, root: &Path, what: &str) -> Moved {
        let reference = format!("refs/heads/{}", self.target);
        carry_out(repo, &self.step(root, &reference), |why| {
            Refusal::refused(format!("{what}: {why}"))
                .hint("finish what is under way there (git status), then land again")
        })
    }

    /// Moves the branch, which is in no checkout.
    pub(super) fn move_ref(&self, repo: &Repo) -> Moved {
        let reference = format!("refs/heads/{}", self.target);
        match repo.move_ref(&reference, Some(self.old), Some(self.new), self.reason) {
            Ok(true) => Moved::Done,
            Ok(false) => Moved::ByAnother,
            Err(error) => Moved::Undone(match repo.remove_dead_locks(None, &reference) {
                Ok(()) => error,
                Err(why) => why.context(error),
            }),
        }
    }

    /// The way in the checkout at `root`; `reference` is the target's full name.
    pub(super) fn step<'s>(&'s self, root: &'s Path, reference: &'s str) -> CheckoutMove<'s> {
        CheckoutMove {
            checkout: Checkout::Operators(root),
            reference,
            old: self.old,
            new: self.new,
            reason: self.reason,
        }
    }
}

/// The checkout of a target that is to move, if it has one.
///
/// # Errors
/// A refusal where the target can't be moved there: a rebase is under way, it has several checkouts, or a task's.
pub(super) fn checkout_of(ws: &Workspace, target: &str) -> anyhow::Result<Option<PathBuf>> {
    let repo = &ws.repo;
    if let Some(place) = repo.rebasing(target) {
        let what = format!("{target} is being rebased ({})", place.display());
        return Err(Refusal::refused(what)
            .hint("finish that rebase (git status), then land again")
            .into());
    }
    let mut roots = repo.checkouts_of(target)?;
    roots.retain(|root| root.is_dir());
    if roots.len() > 1 {
        let names: Vec<String> = roots.iter().map(|r| r.display().to_string()).collect();
        let names = names.join(", ");
        let what = format!("{target} is checked out in several places: {names}");
        return Err(Refusal::refused(what)
            .hint("switch all but one of them to another branch")
            .into());
    }
    let root = roots.pop();
    // The main checkout is no task's, whatever a record says that can't be read.
    if let Some(root) = &root
        && ws.repo.main_checkout() != Some(root.as_path())
    {
        require_no_worktree_of_task(ws, target, root)?;
    }
    Ok(root)
}

/// Git is never let loose in a task's worktree, whose settings its agent can write; and left behind by the branch
/// that is checked out there, it would look as if it took the landing back.
fn require_no_worktree_of_task(ws: &Workspace, target: &str, root: &Path) -> anyhow::Result<()> {
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
