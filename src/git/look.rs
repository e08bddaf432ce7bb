//! A look into a worktree: what differs there from a tree, through an index that its agent can't reach.

use std::collections::HashSet;
use std::fs;

use anyhow::bail;

use super::Repo;
use super::answer::complaint;
use super::call::GitCommand;
use super::changes::Entry;
use super::read::{records, utf8};
use super::read_index::ReadIndex;
use super::same_second::read_settled;
use super::snapshot::{View, joined};
use crate::error::{Refusal, shown};
use crate::oid::Oid;
use crate::threads;

/// As many files as git may read at each look, because their times can't tell whether they changed: an index with more
/// is written anew.
const MOST_RACY: usize = 50;
/// As many changed paths as a kept snapshot is held against, before a new one is cheaper.
const MOST_KEPT: usize = 1000;

impl Repo {
    /// Brings the kept index to `base`, or leaves it at the last snapshot where that holds nothing that a new one from
    /// `base` would not; answers at which tree it is.
    pub(super) fn begin_look(&self, view: View, base: &Oid) -> anyhow::Result<Oid> {
        let held = held_tree(view, base).filter(|held| held != base);
        let stands = |kept: &Oid| self.still_stands(view, base, kept).unwrap_or(false);
        if let Some(kept) = held.filter(stands) {
            free(view);
            return Ok(kept);
        }
        self.align_index(view, base)?;
        Ok(base.clone())
    }

    /// Whether a snapshot of `base` with the tree `kept` can be gone on from. Its files are looked at anew, like all that
    /// are tracked; but what it added may be ignored by now, and what it deleted may be there again.
    fn still_stands(&self, view: View, base: &Oid, kept: &Oid) -> anyhow::Result<bool> {
        let changes = self.read.changes(base, kept)?;
        if changes.len() > MOST_KEPT || view.sparse.is_some() || self.sparse_patterns()?.is_some() {
            return Ok(false);
        }
        // What is recorded of a submodule is looked at with its commit in the index, and never taken from its folder.
        let of_submodule = |entry: &Option<Entry>| entry.as_ref().is_some_and(Entry::is_submodule);
        if changes
            .iter()
            .any(|c| of_submodule(&c.before) || of_submodule(&c.after))
        {
            return Ok(false);
        }
        let is_there = |path: &str| fs::symlink_metadata(view.worktree.join(path)).is_ok();
        if changes
            .iter()
            .any(|c| c.after.is_none() && is_there(&c.path))
        {
            return Ok(false);
        }
        // A `git gc` of the operator's removes what no ref holds.
        let held = changes.iter().filter_map(|c| c.after.as_ref());
        let blobs: Vec<&Oid> = held.map(|entry| &entry.oid).collect();
        self.read.sizes(&blobs)?;
        let added = changes.iter().filter(|c| c.before.is_none());
        let added: Vec<&String> = added.map(|c| &c.path).collect();
        if added.is_empty() {
            return Ok(true);
        }
        let ask = ["check-ignore", "--no-index", "-z", "--stdin"];
        let ignored = self.on(view, &ask).stdin(joined(&added)).yes_or_no()?;
        Ok(!ignored)
    }

    /// The paths of a worktree that differ from `tree`, at which the index is: changed, deleted and untracked.
    pub(super) fn look(&self, view: View, tree: &Oid) -> anyhow::Result<Vec<String>> {
        let mut paths = match self.differing(view) {
            Err(error) if !error.is::<Refusal>() => {
                // It may be damaged where only git sees it.
                self.renew_index(view, tree)?;
                self.differing(view)?
            }
            found => found?,
        };
        paths.sort();
        paths.dedup();
        self.pass_over_sparse(view, &mut paths)?;
        self.check_submodules(view)?;
        Ok(paths)
    }

    /// Brings the kept index to `tree`, where it is not there.
    pub(super) fn align_index(&self, view: View, tree: &Oid) -> anyhow::Result<()> {
        free(view);
        if held_tree(view, tree).as_ref() == Some(tree) {
            return Ok(());
        }
        self.reset_index(view, tree)
    }

    /// Brings an index to `tree`, keeping the file times that still hold, whatever it says of itself.
    pub(super) fn reset_index(&self, view: View, tree: &Oid) -> anyhow::Result<()> {
        // Not `-m`: that refuses where a file that the last snapshot took was changed again since, and then every
        // file would have to be read anew.
        let reset = self.on(view, &["read-tree", "--reset", tree.as_str()]);
        match reset.run() {
            Err(_) => self.renew_index(view, tree),
            aligned => aligned,
        }
    }

    /// A missing or damaged index is only a cache: it is made anew.
    fn renew_index(&self, view: View, tree: &Oid) -> anyhow::Result<()> {
        let _ = fs::remove_file(view.index);
        free(view);
        self.on(view, &["read-tree", tree.as_str()]).run()
    }

    /// Notes the times of the files that are as the index has them; answers whether all are.
    pub(super) fn refresh(&self, view: View) -> anyhow::Result<bool> {
        let refresh = || self.on(view, &["update-index", "--refresh"]).output();
        let output = match refresh() {
            Err(error) if !error.is::<Refusal>() => {
                // It was killed.
                free(view);
                refresh()?
            }
            refreshed => refreshed?,
        };
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!("`git update-index` failed: {}", complaint(&output)),
        }
    }

    /// The paths that differ from the index. What it does not have is looked for while its own files are looked at.
    fn differing(&self, view: View) -> anyhow::Result<Vec<String>> {
        let others = ["ls-files", "-z", "--others", "--exclude-standard"];
        // A folder that the index holds as one entry is not there, so nothing in it has changed.
        let folded = view.sparse.map(|_| "--sparse");
        let others = self.on(view, &others).args(folded);
        let (others, own) = threads::both(|| listed(others), || self.changed(view));
        let (own, others) = (own?, others?);
        records(&own).chain(records(&others)).map(utf8).collect()
    }

    /// The files of the index that are no longer as it has them, deleted ones included.
    fn changed(&self, view: View) -> anyhow::Result<Vec<u8>> {
        if self.refresh(view)? {
            return Ok(Vec::new());
        }
        // Into a submodule `wt` looks by itself: git would believe what its agent set there.
        let list = [
            "diff-files",
            "-z",
            "--name-only",
            "--ignore-submodules=dirty",
        ];
        self.on(view, &list).bytes()
    }

    /// Takes out of `paths` what is missing because the sparse-checkout patterns leave it out: it came with a merge,
    /// and nobody deleted it.
    fn pass_over_sparse(&self, view: View, paths: &mut Vec<String>) -> anyhow::Result<()> {
        let is_missing = |path: &&String| fs::symlink_metadata(view.worktree.join(path)).is_err();
        let missing: Vec<&String> = paths.iter().filter(is_missing).collect();
        let all_there = || anyhow::Ok(view.sparse.is_none() && self.sparse_patterns()?.is_none());
        if missing.is_empty() || all_there()? {
            return Ok(());
        }
        let rules = ["sparse-checkout", "check-rules", "-z"];
        let output = self.on(view, &rules).stdin(joined(&missing)).output()?;
        if !output.status.success() {
            // A git older than 2.41 does not know the rules by path: what is missing counts as deleted.
            return Ok(());
        }
        let inside = records(&output.stdout)
            .map(utf8)
            .collect::<anyhow::Result<HashSet<_>>>()?;
        let outside: HashSet<String> = missing
            .into_iter()
            .filter(|path| !inside.contains(*path))
            .cloned()
            .collect();
        let listed: Vec<&String> = outside.iter().collect();
        self.on(view, &["update-index", "--skip-worktree", "-z", "--stdin"])
            .stdin(joined(&listed))
            .run()?;
        paths.retain(|path| !outside.contains(path));
        Ok(())
    }
}

/// What a listing of files that the index does not have answers.
///
/// # Errors
/// A refusal where a folder can't be looked into: what lies in it would be missing, as if it were not there.
fn listed(listing: GitCommand) -> anyhow::Result<Vec<u8>> {
    let output = listing.output()?;
    if !output.status.success() {
        bail!("`git ls-files` failed: {}", complaint(&output));
    }
    match closed_folder(&String::from_utf8_lossy(&output.stderr)) {
        None => Ok(output.stdout),
        Some((folder, why)) => {
            let folder = shown(folder);
            Err(Refusal::refused(format!("can't look into {folder}: {why}"))
                .hint(format!(
                    "what lies in it may be work: chmod -R u+rwX '{folder}'; or have git ignore it"
                ))
                .into())
        }
    }
}

/// The first folder that git says it could not open, and why. One that is gone by now holds nothing.
fn closed_folder(said: &str) -> Option<(&str, &str)> {
    let warnings = said
        .lines()
        .filter_map(|line| line.strip_prefix("warning: could not open directory '"));
    warnings
        .filter_map(|rest| rest.rsplit_once("': "))
        .find(|(_, why)| *why != "No such file or directory")
}

/// Removes the lock that a killed git left of an index, which is the caller's alone.
fn free(view: View) {
    let _ = fs::remove_file(view.index.with_extension("lock"));
}

/// The tree that an index holds, as git noted it there. Nothing where the index is one of a sparse worktree, or is to be
/// written anew: a file may have changed after it was written, without its times telling so. `like` is any object's
/// name of this repository.
fn held_tree(view: View, like: &Oid) -> Option<Oid> {
    if view.sparse.is_some() {
        return None;
    }
    let ReadIndex { index, written, .. } =
        read_settled(view.index, view.worktree, like.as_str().len() / 2)?;
    let changed = index.entries().iter().map(|entry| entry.stat.mtime.0);
    let racy = changed.filter(|seconds| *seconds >= written.0);
    let tree = index.tree()?;
    (racy.count() <= MOST_RACY).then(|| tree.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_git_could_not_open_is_named_and_one_that_is_gone_is_not() {
        let gone = "warning: could not open directory 'a/': No such file or directory\n";
        assert_eq!(closed_folder(gone), None);
        let closed =
            format!("{gone}warning: could not open directory 'b': c/': Permission denied\n");
        assert_eq!(
            closed_folder(&closed),
            Some(("b': c/", "Permission denied"))
        );
        assert_eq!(closed_folder("warning: something else\n"), None);
    }
}
