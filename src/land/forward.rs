//! A target brought forward to a commit that others made and `wt` did not judge: what its remote has.

use std::path::{Path, PathBuf};

use crate::error::{Refusal, some_of};
use crate::git::{Checkout, CheckoutMove, CheckoutMoved};
use crate::halfway::{self, Left, take_back};
use crate::oid::Oid;
use crate::process::Identity;
use crate::store::Operation;
use crate::task::Task;
use crate::workspace::Workspace;

use super::target::require_no_worktree_of_task;

/// A branch's way to what its remote has.
#[derive(Clone, Copy)]
pub(super) struct Forward<'a> {
    pub(super) ws: &'a Workspace<'a>,
    /// Short name of the branch.
    pub(super) target: &'a str,
    pub(super) old: &'a Oid,
    pub(super) new: &'a Oid,
}

impl Forward<'_> {
    /// Moves the branch, and its checkout if it is checked out. The journal has it under the task `owner`, whose lock
    /// must be held; so must the landing lock of the target.
    ///
    /// # Errors
    /// A refusal where a person's work is in the way, or the branch has moved; nothing is changed then.
    pub(super) fn run(&self, owner: &str) -> anyhow::Result<()> {
        let store = &self.ws.store;
        let Some(root) = self.place()? else {
            return self.move_ref();
        };
        let operation = Operation::Forward {
            target: self.target.to_owned(),
            old: self.old.clone(),
            new: self.new.clone(),
            checkout: root.clone(),
        };
        store.intend(owner, &Identity::current()?, operation)?;
        let done = self.move_checkout(&root);
        if !matches!(done, Err(Undone::Half(_))) {
            store.settle(owner)?;
        }
        done.map_err(Undone::into_error)
    }

    /// The checkout of the branch, where nothing stands against moving it; none where it is not checked out.
    fn place(&self) -> anyhow::Result<Option<PathBuf>> {
        let (repo, target) = (&self.ws.repo, self.target);
        if let Some(place) = repo.rebasing(target) {
            let what = format!("{target} is being rebased ({})", place.display());
            return Err(Refusal::refused(what)
                .hint("finish that rebase (git status), then land again")
                .into());
        }
        let mut roots = repo.checkouts_of(target)?;
        roots.retain(|root| root.is_dir());
        let root = match &roots[..] {
            [] => return Ok(None),
            [root] => root,
            _ => return Err(self.refused("it is checked out in several places").into()),
        };
        require_no_worktree_of_task(self.ws, target, root)?;
        let tree = |commit: &Oid| repo.read.tree_of(commit);
        let changes = repo.read.changes(&tree(self.old)?, &tree(self.new)?)?;
        let in_the_way = repo.in_the_way(root, &changes)?;
        if in_the_way.is_empty() {
            return Ok(roots.pop());
        }
        let (root, paths) = (root.display(), some_of(&in_the_way));
        let what = format!("{root} has work of your own where its remote has newer: {paths}");
        Err(Refusal::refused(what)
            .hint("commit these paths, or move them away, then land again")
            .into())
    }

    fn move_ref(&self) -> anyhow::Result<()> {
        let (repo, reference) = (&self.ws.repo, self.reference());
        let moved = repo.move_ref(&reference, Some(self.old), Some(self.new), &self.reason());
        match moved {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.moved_meanwhile().into()),
            Err(error) => {
                repo.remove_dead_locks(None, &reference)?;
                Err(error)
            }
        }
    }

    fn move_checkout(&self, root: &Path) -> Result<(), Undone> {
        let (repo, reference, reason) = (&self.ws.repo, self.reference(), self.reason());
        let step = self.step(root, &reference, &reason);
        match repo.move_checkout(&step) {
            Ok(CheckoutMoved::Done) => Ok(()),
            Ok(CheckoutMoved::RefMoved) => Err(Undone::Nothing(self.moved_meanwhile().into())),
            Ok(CheckoutMoved::Refused(why)) => Err(Undone::Nothing(self.refused(&why).into())),
            Err(error) => match take_back(repo, &step) {
                Left::Moved => Ok(()),
                Left::Nothing => Err(Undone::Nothing(error.context("nothing was changed"))),
                Left::Half(why) => Err(Undone::Half(why.context(error))),
            },
        }
    }

    fn step<'s>(&'s self, root: &'s Path, reference: &'s str, reason: &'s str) -> CheckoutMove<'s> {
        CheckoutMove {
            checkout: Checkout::Operators(root),
            reference,
            old: self.old,
            new: self.new,
            reason,
        }
    }

    fn reference(&self) -> String {
        format!("refs/heads/{}", self.target)
    }

    fn reason(&self) -> String {
        format!("wt: {} as its remote has it", self.target)
    }

    fn moved_meanwhile(&self) -> Refusal {
        Refusal::refused(format!("{} moved meanwhile", self.target)).hint("land again")
    }

    fn refused(&self, why: &str) -> Refusal {
        let target = self.target;
        Refusal::refused(format!(
            "{target} can't be brought to what its remote has: {why}"
        ))
        .hint("finish what is under way there (git status), then land again")
    }

    /// Brings one that was killed to its end, or back, and says to which. Safe to repeat. The landing lock of the
    /// target and the lock of the task that the journal has it under must be held.
    ///
    /// # Errors
    /// A refusal where a path of the checkout holds what is neither of the two commits', or another program's git is
    /// at work there: the intent stays open.
    pub(super) fn recover(&self, owner: &Task, root: &Path) -> anyhow::Result<String> {
        let (repo, reference, reason) = (&self.ws.repo, self.reference(), self.reason());
        let step = self.step(root, &reference, &reason);
        let there = root.is_dir().then_some(step.checkout);
        repo.remove_dead_locks(there, &reference)?;
        let is_there = || -> anyhow::Result<bool> {
            let tip = repo.read.tip(&reference)?;
            tip.map_or(Ok(false), |tip| repo.read.is_ancestor(self.new, &tip))
        };
        let mut notes = Vec::new();
        if let Some(checkout) = there
            && !is_there()?
            && repo.stands_at(checkout, &reference)?
        {
            notes = halfway::end(self.ws, repo, owner, &step)?;
        }
        let ending = if is_there()? {
            "it is there"
        } else {
            "it is as before"
        };
        let line = format!(
            "{} was half brought to what its remote has; {ending}",
            self.target
        );
        self.ws.store.settle(&owner.name)?;
        Ok(notes
            .iter()
            .fold(line, |line, note| format!("{line}; {note}")))
    }
}

/// Why a checkout did not move.
enum Undone {
    /// All is as before.
    Nothing(anyhow::Error),
    /// It must be mended from the journal.
    Half(anyhow::Error),
}

impl Undone {
    fn into_error(self) -> anyhow::Error {
        match self {
            Self::Nothing(error) | Self::Half(error) => error,
        }
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
    let forward = Forward {
        ws,
        target: &task.target,
        old: &old,
        new,
    };
    // The intent of the landing is open still, and has this move as well.
    match forward.place()? {
        Some(root) => forward.move_checkout(&root).map_err(Undone::into_error),
        None => forward.move_ref(),
    }
}
