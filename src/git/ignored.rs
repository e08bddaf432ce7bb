//! What git ignores in a checkout.

use std::path::Path;

use anyhow::Context as _;

use super::Repo;
use super::read::{records, utf8};
use crate::oid::Oid;

impl Repo {
    /// Those of `folders` that git would ignore in the checkout of `tree` at `root` and that hold nothing tracked.
    pub(crate) fn ignored_folders(
        &self,
        root: &Path,
        tree: &Oid,
        folders: &[String],
    ) -> anyhow::Result<Vec<String>> {
        if folders.is_empty() {
            return Ok(Vec::new());
        }
        // They need not be there yet, and patterns for folders alone are meant as well.
        let mut lines = Vec::new();
        for folder in folders {
            lines.extend_from_slice(folder.as_bytes());
            lines.extend_from_slice(b"/\0");
        }
        let ignored = ["check-ignore", "--no-index", "-z", "--stdin"];
        // Git ends with what it has answered at a path that leads through a link: that one is no folder of ours.
        let output = self
            .git
            .command(ignored)
            .on_worktree(root, Path::new("/dev/null"))
            .stdin(lines)
            .output()?;
        let folder = |path: &[u8]| utf8(path.strip_suffix(b"/").unwrap_or(path));
        let mut found = Vec::new();
        for record in records(&output.stdout) {
            let path = folder(record)?;
            if !self.read.is_folder(tree, &path)? {
                found.push(path);
            }
        }
        Ok(found)
    }
}

/// Files that git ignores in `root` and that one of `patterns` (as in a `.gitignore`) or the file `list` names.
pub(crate) fn ignored_files(
    repo: &Repo,
    root: &Path,
    patterns: &[String],
    list: Option<&Path>,
) -> anyhow::Result<Vec<String>> {
    if patterns.is_empty() && list.is_none() {
        return Ok(Vec::new());
    }
    let mut command = repo
        .git
        .command(["ls-files", "-z", "--others", "--ignored"])
        .in_operators_checkout(root);
    for pattern in patterns {
        command = command.arg(format!("--exclude={pattern}"));
    }
    if let Some(list) = list {
        command = command.arg(format!("--exclude-from={}", list.display()));
    }
    let named = command.bytes()?;
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let ignored = repo
        .git
        .command(["check-ignore", "-z", "--stdin"])
        .in_operators_checkout(root)
        .stdin(named)
        .found()
        .context("can't ask git which files are ignored")?;
    records(&ignored).map(utf8).collect()
}
