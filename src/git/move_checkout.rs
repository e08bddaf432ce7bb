//! A checkout moved from one commit to another together with its branch: both, or neither.
//!
//! The ref is held while index and files are written. A commit that a person makes at that moment was begun on the old
//! commit and is refused by git: it can't take the files that were just written for its own.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::Context as _;

use super::Repo;
use super::answer::complaint;
use super::call::GitCommand;
use super::changes::Change;
use super::empty_folders::missing_above;
use super::indexed::Side;
use super::occupied::occupied;
use super::ref_hold::{RefHold, RefStep};
use super::under_way::under_way;
use crate::error::some_of;
use crate::oid::Oid;
use crate::task::Task;

/// How often an index that another git is at work on is tried.
const TRIES: u32 = 10;
/// How long that is waited for each time.
const PAUSE: Duration = Duration::from_millis(100);

/// A checkout whose branch is to move.
#[derive(Clone, Copy)]
pub(crate) enum Checkout<'a> {
    /// A person's own, at this root: their settings, filters and form of the index count.
    Operators(&'a Path),
    /// A task's worktree, whose `.git` file leads to `git_dir`. Nothing that its agent can write is asked.
    Task { task: &'a Task, git_dir: &'a Path },
}

/// A checkout's way from a commit to another.
#[derive(Clone, Copy)]
pub(crate) struct CheckoutMove<'a> {
    pub(crate) checkout: Checkout<'a>,
    /// The branch that is checked out there, by its full name.
    pub(crate) reference: &'a str,
    pub(crate) old: &'a Oid,
    pub(crate) new: &'a Oid,
    /// For the reflog.
    pub(crate) reason: &'a str,
}

/// What became of it.
#[derive(Debug)]
pub(crate) enum CheckoutMoved {
    Done,
    /// The branch is not at the old commit any more; nothing was changed.
    RefMoved,
    /// Something there stands in the way, in words; nothing was changed.
    Refused(String),
}

impl<'a> Checkout<'a> {
    pub(crate) fn root(self) -> &'a Path {
        match self {
            Self::Operators(root) => root,
            Self::Task { task, .. } => &task.worktree,
        }
    }

    /// The git directory of this checkout alone.
    pub(super) fn git_dir(self) -> anyhow::Result<PathBuf> {
        let root = match self {
            Self::Operators(root) => root,
            Self::Task { git_dir, .. } => return Ok(git_dir.to_owned()),
        };
        let link = root.join(".git");
        if link.is_dir() {
            return Ok(link);
        }
        let text =
            fs::read_to_string(&link).with_context(|| format!("can't read {}", link.display()))?;
        let named = text.trim_end().trim_start_matches("gitdir: ");
        Ok(root.join(named))
    }
}

impl Repo {
    /// A git command on the files and the index of `checkout`.
    pub(super) fn in_checkout<'g>(&'g self, checkout: Checkout, args: &[&str]) -> GitCommand<'g> {
        let command = self.git.command(args).shielded();
        match checkout {
            Checkout::Operators(root) => command.in_operators_checkout(root),
            Checkout::Task { task, git_dir } => command
                .on_worktree(&task.worktree, &git_dir.join("index"))
                .sparsely(self.sparse_of(task).as_deref()),
        }
    }

    /// Moves a checkout and its branch. Uncommitted work of a person in other paths stays as it is, staged or not.
    ///
    /// # Errors
    /// Where git or the disk failed, maybe in the middle: an intent in the journal must stay open until the branch was
    /// looked at, and the checkout settled ([`Self::settle_checkout`]).
    pub(crate) fn move_checkout(&self, step: &CheckoutMove) -> anyhow::Result<CheckoutMoved> {
        let changes = self.read.changes_between(step.old, step.new)?;
        let lock = self.index_lock(step.checkout)?;
        for _ in 1..TRIES {
            match self.try_move(step, &changes)? {
                Tried::IndexInUse(_) => std::thread::sleep(PAUSE),
                Tried::Ended(moved) => return Ok(moved),
            }
        }
        // A living one is named by git, below.
        let _ = lock.remove_if_left();
        Ok(match self.try_move(step, &changes)? {
            Tried::IndexInUse(why) => CheckoutMoved::Refused(why),
            Tried::Ended(moved) => moved,
        })
    }

    fn try_move(&self, step: &CheckoutMove, changes: &[Change]) -> anyhow::Result<Tried> {
        let refused = |why: String| Ok(Tried::Ended(CheckoutMoved::Refused(why)));
        let hold = match self.hold(step)? {
            Ok(hold) => hold,
            Err(_) if self.read.tip(step.reference)?.as_ref() != Some(step.old) => {
                return Ok(Tried::Ended(CheckoutMoved::RefMoved));
            }
            Err(why) => return refused(why),
        };
        // From here on the branch stands still, and where git keeps refs in files HEAD does as well.
        if let Some(why) = self.not_ready(step)? {
            return refused(why);
        }
        let root = step.checkout.root();
        let occupied = occupied(root, changes);
        if !occupied.is_empty() {
            let paths: Vec<String> = occupied.into_iter().map(str::to_owned).collect();
            return refused(format!("git does not track {}", some_of(&paths)));
        }
        let (before, missing) = (stamps(root, changes), missing_above(root, changes));
        let output = self.write_files(step)?;
        if output.status.success() {
            hold.commit()?;
            return Ok(Tried::Ended(CheckoutMoved::Done));
        }
        let why = complaint(&output);
        if stamps(root, changes) != before {
            anyhow::bail!("git was stopped in the middle of it: {why}");
        }
        for folder in missing.iter().rev() {
            // Most of them are still missing.
            let _ = fs::remove_dir(folder);
        }
        Ok(if why.contains("index.lock': File exists") {
            Tried::IndexInUse(why)
        } else {
            Tried::Ended(CheckoutMoved::Refused(why))
        })
    }

    fn hold(&self, step: &CheckoutMove) -> anyhow::Result<Result<RefHold, String>> {
        let command = self
            .git
            .command([
                "update-ref",
                "-m",
                step.reason,
                "--create-reflog",
                "--stdin",
            ])
            .shielded();
        let command = match step.checkout {
            // Called in there, git writes the reflog of that checkout's HEAD as well.
            Checkout::Operators(root) => command.in_operators_checkout(root),
            Checkout::Task { .. } => command,
        };
        let way = RefStep {
            reference: step.reference,
            old: step.old.as_str(),
            new: step.new.as_str(),
        };
        RefHold::take(command, way)
    }

    /// What of this checkout itself stands against moving it, in words.
    fn not_ready(&self, step: &CheckoutMove) -> anyhow::Result<Option<String>> {
        let git_dir = step.checkout.git_dir()?;
        match step.checkout {
            Checkout::Operators(_) => {
                // A person may have switched a moment ago.
                if !self.stands_at(step.checkout, step.reference)? {
                    return Ok(Some(format!(
                        "{} is no longer checked out there",
                        step.reference
                    )));
                }
            }
            Checkout::Task { task, git_dir } => {
                self.verify_worktree(task, git_dir)?;
                let index = git_dir.join("index");
                if fs::symlink_metadata(&index).is_ok_and(|metadata| !metadata.is_file()) {
                    return Ok(Some(format!("{} is no plain file", index.display())));
                }
            }
        }
        let begun = under_way(&git_dir);
        Ok(begun.map(|begun| format!("{} is under way there ({})", begun.what, begun.next)))
    }

    /// Whether HEAD of a person's checkout stands at the branch `reference`.
    pub(crate) fn stands_at(&self, checkout: Checkout, reference: &str) -> anyhow::Result<bool> {
        Ok(self.head(checkout, &checkout.git_dir()?)? == reference)
    }

    /// Which end of a move `commit` holds in all that the move changes; none where it holds some of each, or else.
    pub(crate) fn holds(&self, commit: &Oid, step: &CheckoutMove) -> anyhow::Result<Option<Side>> {
        let tree = |commit: &Oid| self.read.tree_of(commit);
        let (old, new, here) = (tree(step.old)?, tree(step.new)?, tree(commit)?);
        let moved: HashSet<String> = self
            .read
            .changes(&old, &new)?
            .into_iter()
            .map(|c| c.path)
            .collect();
        let is_at = |end: &Oid| -> anyhow::Result<bool> {
            let differing = self.read.changes(end, &here)?;
            Ok(!differing.iter().any(|change| moved.contains(&change.path)))
        };
        Ok(if is_at(&old)? {
            Some(Side::Old)
        } else {
            is_at(&new)?.then_some(Side::New)
        })
    }

    /// The ref that HEAD of a person's checkout stands at.
    fn head(&self, checkout: Checkout, git_dir: &Path) -> anyhow::Result<String> {
        let text = fs::read_to_string(git_dir.join("HEAD")).unwrap_or_default();
        match text.trim_end().strip_prefix("ref: ") {
            // Where refs are in a database, this file names one that can't be.
            Some(name) if name != "refs/heads/.invalid" => Ok(name.to_owned()),
            _ => {
                let output = self
                    .in_checkout(checkout, &["symbolic-ref", "--quiet", "HEAD"])
                    .output()?;
                Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
            }
        }
    }

    /// Has git write index and files from the old tree to the new one; the branch stays. Answers what git said.
    pub(super) fn write_files(&self, step: &CheckoutMove) -> anyhow::Result<Output> {
        let trees = [step.old.as_str(), step.new.as_str()];
        let write = || {
            self.in_checkout(step.checkout, &["read-tree", "-m", "-u"])
                .args(trees)
                .output()
        };
        let first = write()?;
        if first.status.success() || !complaint(&first).contains("not uptodate") {
            return Ok(first);
        }
        // A file of other times and the same content is no change; git merely does not know it yet.
        self.in_checkout(step.checkout, &["update-index", "-q", "--refresh"])
            .output()?;
        write()
    }
}

enum Tried {
    /// Another git is at work on this index, in git's own words.
    IndexInUse(String),
    Ended(CheckoutMoved),
}

/// What tells whether a file was written: its kind, size, place and times; nothing where there is none.
type Stamp = Option<(u32, u64, u64, i64, i64)>;

/// The stamps of the changed paths.
fn stamps(root: &Path, changes: &[Change]) -> Vec<Stamp> {
    changes
        .iter()
        .map(|change| {
            let there = fs::symlink_metadata(root.join(&change.path)).ok()?;
            let time = (there.mtime(), there.mtime_nsec());
            Some((there.mode(), there.size(), there.ino(), time.0, time.1))
        })
        .collect()
}
