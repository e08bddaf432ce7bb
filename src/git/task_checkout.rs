//! The checkout of a task while `wt` moves its branch: what its agent has under way there, and stands in the way.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::Repo;
use super::changes::Change;
use super::occupied::{occupied, standing_at};
use super::read::{records, utf8};
use super::under_way::under_way;
use crate::error::{Code, Refusal, some_of};
use crate::oid::Oid;
use crate::task::Task;

impl Repo {
    /// # Errors
    /// A refusal where something of git's is under way in a task's worktree: a branch that moved meanwhile would make
    /// it end otherwise than it began.
    pub(crate) fn require_at_rest(&self, task: &Task) -> anyhow::Result<()> {
        let admin = self.admin_dir(&task.admin);
        let is_there = |name: &str| fs::symlink_metadata(admin.join(name)).is_ok();
        if let Some(begun) = under_way(&admin) {
            return Err(Refusal::refused(format!(
                "{} is under way in the worktree of task `{}`",
                begun.what, task.name
            ))
            .hint(format!(
                "in {}: {} (or: --abort)",
                task.worktree.display(),
                begun.next
            ))
            .into());
        }
        if is_there("index.lock") {
            let lock = admin.join("index.lock");
            return Err(Refusal::new(
                Code::Busy,
                format!("git is at work in the worktree of task `{}`", task.name),
            )
            .hint(format!(
                "try again when it is done; where no git runs there: rm {}",
                lock.display()
            ))
            .into());
        }
        if !fs::symlink_metadata(admin.join("index")).is_ok_and(|index| index.is_file()) {
            return Err(Refusal::refused(format!(
                "the worktree of task `{}` has no index that is a plain file",
                task.name
            ))
            .hint(format!("in {}: git reset", task.worktree.display()))
            .into());
        }
        Ok(())
    }

    /// The paths of `changes` that are in use in a task's worktree, whose branch stands at `tip`: `uncommitted` ones,
    /// those that are staged, and those where something lies that git does not track, ignored or not.
    ///
    /// # Errors
    /// A refusal where the worktree's own index holds conflicts.
    pub(crate) fn in_use(
        &self,
        task: &Task,
        tip: &Oid,
        uncommitted: &[String],
        changes: &[Change],
    ) -> anyhow::Result<Vec<String>> {
        let root = &task.worktree;
        let staged = self.staged(task, tip)?;
        let taken: BTreeSet<&str> = uncommitted
            .iter()
            .chain(&staged)
            .map(String::as_str)
            .chain(occupied(root, changes))
            .collect();
        let mut found: Vec<String> = changes
            .iter()
            .map(|change| &change.path)
            .filter(|path| taken.contains(path.as_str()) || is_beyond_other(root, path, changes))
            .map(|path| standing_at(root, path).to_owned())
            .collect();
        found.dedup();
        Ok(found)
    }

    /// The paths that the worktree's own index holds otherwise than the commit `tip`.
    fn staged(&self, task: &Task, tip: &Oid) -> anyhow::Result<Vec<String>> {
        const STAGED: [&str; 6] = [
            "diff-index",
            "--cached",
            "--no-renames",
            "--name-status",
            "-z",
            "--ignore-submodules=none",
        ];
        let list = self.on_own_index(task, &STAGED).arg(tip.as_str()).bytes()?;
        let fields: Vec<&[u8]> = records(&list).collect();
        let (mut staged, mut unmerged) = (Vec::new(), Vec::new());
        for pair in fields.chunks_exact(2) {
            let path = utf8(pair[1])?;
            if pair[0] == b"U" {
                unmerged.push(path);
            } else {
                staged.push(path);
            }
        }
        if unmerged.is_empty() {
            return Ok(staged);
        }
        unmerged.dedup();
        Err(Refusal::refused(format!(
            "the worktree of task `{}` has unsolved conflicts in: {}",
            task.name,
            some_of(&unmerged)
        ))
        .hint("solve them and commit, in the worktree")
        .into())
    }
}

/// Whether a folder on the way to `path` is something else, which is not among the changes: a file or a link.
fn is_beyond_other(root: &Path, path: &str, changes: &[Change]) -> bool {
    let standing = standing_at(root, path);
    standing != path && !changes.iter().any(|change| change.path == standing)
}
