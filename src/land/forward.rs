//! A target brought forward to a commit that others made and `wt` did not judge: what its remote has.

use std::path::{Path, PathBuf};

use crate::error::{Refusal, some_of};
use crate::halfway::{self, Moved};
use crate::oid::Oid;
use crate::process::Identity;
use crate::store::Operation;
use crate::task::Task;
use crate::workspace::Workspace;

use super::target::{Way, checkout_of};

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
            return self.answer(self.move_to(None));
        };
        let operation = Operation::Forward {
            target: self.target.to_owned(),
            old: self.old.clone(),
            new: self.new.clone(),
            checkout: root.clone(),
        };
        store.intend(owner, &Identity::current()?, operation)?;
        let moved = self.move_to(Some(&root));
        if !matches!(moved, Moved::Half(_)) {
            store.settle(owner)?;
        }
        self.answer(moved)
    }

    /// The checkout of the branch, where nothing stands against moving it; none where it is not checked out.
    fn place(&self) -> anyhow::Result<Option<PathBuf>> {
        let repo = &self.ws.repo;
        let Some(root) = checkout_of(self.ws, self.target)? else {
            return Ok(None);
        };
        let changes = repo.read.changes_between(self.old, self.new)?;
        let in_the_way = repo.in_the_way(&root, &changes)?;
        if in_the_way.is_empty() {
            return Ok(Some(root));
        }
        let (root, paths) = (root.display(), some_of(&in_the_way));
        let what = format!("{root} has work of your own where its remote has newer: {paths}");
        Err(Refusal::refused(what)
            .hint("commit these paths, or move them away, then land again")
            .into())
    }

    fn way<'s>(&'s self, reason: &'s str) -> Way<'s> {
        Way {
            target: self.target,
            old: self.old,
            new: self.new,
            reason,
        }
    }

    fn move_to(&self, root: Option<&PathBuf>) -> Moved {
        let (repo, target, reason) = (&self.ws.repo, self.target, self.reason());
        let way = self.way(&reason);
        match root {
            None => way.move_ref(repo),
            Some(root) => {
                let what = format!("{target} can't be brought to what its remote has");
                way.move_checkout(repo, root, &what)
            }
        }
    }

    fn reason(&self) -> String {
        format!("wt: {} as its remote has it", self.target)
    }

    fn answer(&self, moved: Moved) -> anyhow::Result<()> {
        match moved {
            Moved::Done => Ok(()),
            Moved::ByAnother => {
                let what = format!("{} moved meanwhile", self.target);
                Err(Refusal::refused(what).hint("land again").into())
            }
            Moved::Undone(error) | Moved::Half(error) => Err(error),
        }
    }

    /// Brings one that was killed to its end, or back, and says to which. Safe to repeat. The landing lock of the
    /// target and the lock of the task that the journal has it under must be held.
    ///
    /// # Errors
    /// A refusal where a path of the checkout holds what is neither of the two commits', or another program's git is
    /// at work there: the intent stays open.
    pub(super) fn recover(&self, owner: &Task, root: &Path) -> anyhow::Result<String> {
        let (repo, reason) = (&self.ws.repo, self.reason());
        let reference = format!("refs/heads/{}", self.target);
        let way = self.way(&reason);
        let step = way.step(root, &reference);
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
    let root = forward.place()?;
    forward.answer(forward.move_to(root.as_ref()))
}
