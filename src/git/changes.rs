//! What differs between two trees, and what a branch held at some time.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Repo;
use super::read::{Reader, oid, raw, records, utf8};
use crate::oid::Oid;

/// One path that differs between two trees. A rename is two of these: both its sides count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) path: String,
    pub(crate) before: Option<Entry>,
    pub(crate) after: Option<Entry>,
}

/// What a tree holds at a path: the file mode and the object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Entry {
    pub(crate) mode: u32,
    pub(crate) oid: Oid,
}

impl Entry {
    pub(crate) fn is_submodule(&self) -> bool {
        self.mode == 0o160_000
    }
}

impl Change {
    /// The letter that `git diff --name-status` gives it: added, deleted, or modified.
    pub(crate) fn status(&self) -> char {
        match (&self.before, &self.after) {
            (None, _) => 'A',
            (_, None) => 'D',
            _ => 'M',
        }
    }
}

impl Reader {
    /// As [`Self::changes`], between the trees of two commits.
    pub(crate) fn changes_between(&self, old: &Oid, new: &Oid) -> anyhow::Result<Vec<Change>> {
        self.changes(&self.tree_of(old)?, &self.tree_of(new)?)
    }

    /// Every path that differs between two trees, in git's order, renames as both their sides.
    ///
    /// # Errors
    /// A path that is no UTF-8 is refused by its escaped name: no scope could be checked on it.
    pub(crate) fn changes(&self, before: &Oid, after: &Oid) -> anyhow::Result<Vec<Change>> {
        if before == after {
            return Ok(Vec::new());
        }
        let Some(repo) = self.libgit2() else {
            return self.changes_by_command(before, after);
        };
        let (before, after) = (repo.find_tree(raw(before)?)?, repo.find_tree(raw(after)?)?);
        let mut options = git2::DiffOptions::new();
        options
            .include_typechange(true)
            .context_lines(0)
            .skip_binary_check(true);
        let diff = repo.diff_tree_to_tree(Some(&before), Some(&after), Some(&mut options))?;
        let mut changes: Vec<Change> = Vec::new();
        for delta in diff.deltas() {
            let side = |file: &git2::DiffFile| -> anyhow::Result<Option<Entry>> {
                if file.id().is_zero() {
                    return Ok(None);
                }
                Ok(Some(Entry {
                    mode: u32::from(file.mode()),
                    oid: oid(file.id())?,
                }))
            };
            let path = delta
                .new_file()
                .path_bytes()
                .or(delta.old_file().path_bytes())
                .context("a difference without a path")?;
            changes.push(Change {
                path: utf8(path)?,
                before: side(&delta.old_file())?,
                after: side(&delta.new_file())?,
            });
        }
        Ok(changes)
    }

    fn changes_by_command(&self, before: &Oid, after: &Oid) -> anyhow::Result<Vec<Change>> {
        let raw = self
            .git
            .command([
                "diff-tree",
                "-r",
                "-z",
                "--no-renames",
                "--raw",
                "--no-abbrev",
            ])
            .args([before.as_str(), after.as_str()])
            .bytes()?;
        parse_raw(&raw)
    }

    /// Every entry that a first-parent commit of `base..tip` gave a path: what was on the branch at some time.
    pub(crate) fn entries_since(&self, base: &Oid, tip: &Oid) -> anyhow::Result<Vec<Change>> {
        let raw = self
            .git
            .command([
                "log",
                "--first-parent",
                "--diff-merges=first-parent",
                "--format=",
                "-z",
                "--raw",
            ])
            .args(["--no-renames", "--no-abbrev", &format!("{base}..{tip}")])
            .bytes()?;
        parse_raw(&raw)
    }
}

impl Repo {
    /// What the index at `index` holds otherwise than the tree of `tip` and no commit of `base..tip` held: only staged.
    /// An index may lag behind its branch, since a commit need not go through it.
    pub(crate) fn staged_alone(
        &self,
        index: &Path,
        base: &Oid,
        tip: &Oid,
    ) -> anyhow::Result<Vec<String>> {
        let tree = self.read.tree_of(tip)?;
        let raw = self
            .git
            .command(["diff-index", "--cached", "--raw", "-z"])
            .args(["--no-renames", "--no-abbrev", tree.as_str(), "--"])
            .env("GIT_INDEX_FILE", index)
            .bytes()?;
        let mut staged = parse_raw(&raw)?;
        // A deletion holds no content; a submodule's commit is in a repository of its own.
        staged.retain(|change| change.after.as_ref().is_some_and(|e| !e.is_submodule()));
        if staged.is_empty() {
            return Ok(Vec::new());
        }
        let base = self
            .read
            .merge_base(base, tip)?
            .unwrap_or_else(|| base.clone());
        let ours = self.read.changes(&self.read.tree_of(&base)?, &tree)?;
        let since = self.read.entries_since(&base, tip)?;
        let was_there = |staged: &Change| {
            let at = |change: &&Change| change.path == staged.path;
            ours.iter().filter(at).any(|c| c.before == staged.after)
                || since.iter().filter(at).any(|c| c.after == staged.after)
        };
        staged.retain(|change| !was_there(change));
        Ok(staged.into_iter().map(|change| change.path).collect())
    }
}

/// Parses git's raw difference format with `-z`.
fn parse_raw(raw: &[u8]) -> anyhow::Result<Vec<Change>> {
    let mut changes = Vec::new();
    let mut fields = records(raw).filter(|field| !field.is_empty());
    while let Some(head) = fields.next() {
        let head = std::str::from_utf8(head)?.trim_start_matches(['\n', ':']);
        let words: Vec<&str> = head.split(' ').collect();
        let [mode_before, mode_after, oid_before, oid_after, _status] = words[..] else {
            bail!("git gave a difference that is not understood: {head:?}");
        };
        let path = fields
            .next()
            .context("git gave a difference without a path")?;
        let side = |mode: &str, id: &str| -> anyhow::Result<Option<Entry>> {
            let mode = u32::from_str_radix(mode, 8)?;
            Ok((mode != 0).then_some(Entry {
                mode,
                oid: Oid::parse(id)?,
            }))
        };
        changes.push(Change {
            path: utf8(path)?,
            before: side(mode_before, oid_before)?,
            after: side(mode_after, oid_after)?,
        });
    }
    Ok(changes)
}
