//! Replaying a task's commits on its target: one by one, in memory, each with its author.

use crate::error::Refusal;
use crate::git::{Combination, Reader, Repo};
use crate::oid::Oid;
use crate::task::Task;

/// The commits of a task that its target has not.
pub(crate) struct Replay {
    /// Oldest first, each with its first parent.
    commits: Vec<(Oid, Oid)>,
    /// Whether there are merges among them. A merge of the target is not replayed: the target has what it brought.
    pub(crate) leaves_merges_out: bool,
}

/// One commit that is to be made anew.
pub(crate) struct Step<'s> {
    pub(crate) original: &'s Oid,
    /// The first parent of the original.
    before: &'s Oid,
    /// What the new one holds.
    pub(crate) tree: &'s Oid,
    pub(crate) parent: &'s Oid,
    pub(crate) is_last: bool,
}

impl Step<'_> {
    /// Whether what it is put upon has what this commit changed. One that was empty from the beginning was meant to be.
    fn is_there_already(&self, read: &Reader) -> anyhow::Result<bool> {
        Ok(read.tree_of(self.parent)? == *self.tree
            && read.tree_of(self.original)? != read.tree_of(self.before)?)
    }
}

/// What replaying came to.
pub(crate) enum Replayed {
    /// The last of the new commits.
    At(Oid),
    /// The paths where one of them conflicts.
    Conflict(Vec<String>),
}

impl Replay {
    /// No commit at all.
    pub(crate) fn nothing() -> Self {
        Self {
            commits: Vec::new(),
            leaves_merges_out: false,
        }
    }

    /// The commits of `tip` that `target` has not.
    pub(crate) fn of(read: &Reader, target: &Oid, tip: &Oid) -> anyhow::Result<Self> {
        let new = read.new_commits(target, tip)?;
        let leaves_merges_out = new.iter().any(|(_, parents)| parents.len() > 1);
        let commits = new
            .into_iter()
            .filter(|(_, parents)| parents.len() == 1)
            .map(|(commit, mut parents)| (commit, parents.remove(0)))
            .collect();
        Ok(Self {
            commits,
            leaves_merges_out,
        })
    }

    /// Replays them on `target` to see what comes of it, in commits of nobody's name. Those whose change is there
    /// already are left out from then on.
    pub(crate) fn rehearse(&mut self, repo: &Repo, target: &Oid) -> anyhow::Result<Replayed> {
        let mut there = Vec::new();
        let replayed = self.onto(repo, target, |step| {
            if step.is_there_already(&repo.read)? {
                there.push(step.original.clone());
                return Ok(step.parent.clone());
            }
            repo.commit_by_machine(step.tree, &[step.parent], "wt: replayed\n")
        });
        self.commits.retain(|(commit, _)| !there.contains(commit));
        replayed
    }

    /// Replays them on `target`; `commit` makes each.
    pub(crate) fn onto(
        &self,
        repo: &Repo,
        target: &Oid,
        mut commit: impl FnMut(&Step) -> anyhow::Result<Oid>,
    ) -> anyhow::Result<Replayed> {
        let mut parent = target.clone();
        for (position, (original, before)) in self.commits.iter().enumerate() {
            let tree = match repo.replay(original, before, &parent)? {
                Combination::Clean(tree) => tree,
                Combination::Conflict(paths) => return Ok(Replayed::Conflict(paths)),
            };
            parent = commit(&Step {
                original,
                before,
                tree: &tree,
                parent: &parent,
                is_last: position + 1 == self.commits.len(),
            })?;
        }
        Ok(Replayed::At(parent))
    }
}

/// What is said where the other commits alone do not come to the same as all of them.
pub(crate) fn loses_a_merge(task: &Task) -> Refusal {
    Refusal::refused(format!(
        "a merge commit of task `{}` holds work of its own, which replaying the other commits would lose",
        task.name
    ))
}
