//! What git says of a checkout that files are cloned from.

use std::collections::HashSet;
use std::path::Path;

use super::Repo;
use super::read::records;
use crate::oid::Oid;

impl Repo {
    /// The paths at which the index at `index` and `tree` differ.
    pub(crate) fn differing_from(
        &self,
        index: &Path,
        tree: &Oid,
    ) -> anyhow::Result<HashSet<Vec<u8>>> {
        let arguments = [
            "diff-index",
            "--cached",
            "--name-only",
            "-z",
            "--no-renames",
        ];
        let list = self
            .git
            .command(arguments)
            .arg(tree.as_str())
            .env("GIT_INDEX_FILE", index)
            .bytes()?;
        Ok(records(&list).map(<[u8]>::to_vec).collect())
    }

    /// Path, attribute and value, each ended by a zero byte, of all attributes that `paths` (each ended so) have in
    /// `tree`; nothing where this git can't tell, as before 2.40.
    pub(crate) fn attributes_in(
        &self,
        tree: &Oid,
        paths: Vec<u8>,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let output = self
            .git
            .command(["check-attr", "--all", "--stdin", "-z"])
            .arg(format!("--source={tree}"))
            .stdin(paths)
            .output()?;
        Ok(output.status.success().then_some(output.stdout))
    }
}
