//! The checkout in which the target branch stands: a person's own folder, which nothing of theirs may be lost in.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::Repo;
use super::changes::Change;
use super::occupied::{occupied, standing_at};
use super::read::{records, utf8};

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
            .collect::<anyhow::Result<HashSet<_>>>()?;
        let occupied: HashSet<&str> = occupied(checkout, changes).into_iter().collect();
        let mut found: Vec<String> = changes
            .iter()
            .filter(|c| dirty.contains(&c.path) || occupied.contains(c.path.as_str()))
            .map(|change| standing_at(checkout, &change.path).to_owned())
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
}
