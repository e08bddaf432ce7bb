//! The checkout in which the target branch stands: a person's own folder, which nothing of theirs may be lost in.

use std::fs;
use std::path::{Path, PathBuf};

use super::Repo;
use super::call::complaint;
use super::changes::Change;
use super::read::{records, utf8};
use crate::oid::Oid;

/// Whether a fast-forward took place.
pub(crate) enum FastForward {
    Done,
    /// Git refused, in its own words; nothing was changed.
    Refused(String),
}

impl Repo {
    /// The paths of `changes` that a person's own work in `checkout` stands in the way of: uncommitted changes,
    /// and untracked or ignored files where a file would come.
    pub(crate) fn in_the_way(
        &self,
        checkout: &Path,
        changes: &[Change],
    ) -> anyhow::Result<Vec<String>> {
        let status = self
            .git
            .command([
                "status",
                "--porcelain",
                "-z",
                "--untracked-files=no",
                "--no-renames",
                "--ignore-submodules=dirty",
            ])
            .in_operators_checkout(checkout)
            .bytes()?;
        let dirty = records(&status)
            .map(|record| utf8(record.get(3..).unwrap_or_default()))
            .collect::<anyhow::Result<std::collections::BTreeSet<_>>>()?;
        let mut found: Vec<String> = changes
            .iter()
            .filter(|change| {
                dirty.contains(&change.path)
                    || (change.before.is_none() && is_occupied(checkout, &change.path, changes))
            })
            .map(|change| change.path.clone())
            .collect();
        found.dedup();
        Ok(found)
    }

    /// The administrative folder of the checkout in which `branch` (short name) is being rebased: its HEAD is
    /// detached meanwhile, and the rebase moves the branch when it ends.
    pub(crate) fn rebasing(&self, branch: &str) -> Option<PathBuf> {
        let linked = fs::read_dir(self.common().join("worktrees"));
        let linked = linked.into_iter().flatten().flatten().map(|e| e.path());
        let is_it = |dir: &PathBuf| {
            ["rebase-merge", "rebase-apply"].iter().any(|state| {
                fs::read_to_string(dir.join(state).join("head-name"))
                    .is_ok_and(|name| name.trim_end() == format!("refs/heads/{branch}"))
            })
        };
        std::iter::once(self.common().to_owned())
            .chain(linked)
            .find(is_it)
    }

    /// Moves the branch `reference`, checked out in `checkout`, and its files forward to `commit`; no hook is run.
    pub(crate) fn fast_forward(
        &self,
        checkout: &Path,
        reference: &str,
        commit: &Oid,
    ) -> anyhow::Result<FastForward> {
        // Git merges into whatever is checked out there: a person may have switched a moment ago.
        let head = self
            .git
            .command(["symbolic-ref", "--quiet", "HEAD"])
            .in_operators_checkout(checkout)
            .output()?;
        if String::from_utf8_lossy(&head.stdout).trim() != reference {
            return Ok(FastForward::Refused(format!(
                "{reference} is no longer checked out there"
            )));
        }
        let output = self
            .git
            .command([
                "merge",
                "--ff-only",
                // `branch.<name>.mergeOptions` could ask for one.
                "--no-squash",
                "--no-overwrite-ignore",
                "--no-autostash",
                "--quiet",
                commit.as_str(),
            ])
            .in_operators_checkout(checkout)
            .shielded()
            .output()?;
        Ok(if output.status.success() {
            FastForward::Done
        } else {
            FastForward::Refused(complaint(&output))
        })
    }
}

/// Whether something that git does not track stands where the file `path` is to come.
fn is_occupied(checkout: &Path, path: &str, changes: &[Change]) -> bool {
    let removed = |path: &str| changes.iter().any(|c| c.path == path && c.after.is_none());
    // A folder on the way that is a file there: in the way, unless the landing itself removes that file.
    for (end, _) in path.match_indices('/') {
        let parent = &path[..end];
        match fs::symlink_metadata(checkout.join(parent)) {
            Ok(metadata) if !metadata.is_dir() => return !removed(parent),
            Ok(_) => {}
            Err(_) => return false,
        }
    }
    match fs::symlink_metadata(checkout.join(path)) {
        // Git removes a folder that holds only what the landing removes, and refuses any other.
        Ok(metadata) if metadata.is_dir() => holds_more(checkout, path, &removed),
        // On a file system that folds case, a renamed file stands there under its old name.
        Ok(_) => !changes
            .iter()
            .any(|c| c.after.is_none() && c.path.to_lowercase() == path.to_lowercase()),
        Err(_) => false,
    }
}

/// Whether the folder `path` holds a file that is not `removed`, or can't be looked into.
fn holds_more(checkout: &Path, path: &str, removed: &impl Fn(&str) -> bool) -> bool {
    let Ok(entries) = fs::read_dir(checkout.join(path)) else {
        return true;
    };
    entries.into_iter().any(|entry| {
        let Ok(entry) = entry else { return true };
        let Ok(name) = entry.file_name().into_string() else {
            return true;
        };
        let inside = format!("{path}/{name}");
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => holds_more(checkout, &inside, removed),
            Ok(_) => !removed(&inside),
            Err(_) => true,
        }
    })
}
