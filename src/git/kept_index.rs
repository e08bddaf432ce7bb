//! The objects that only an index names, kept from git's garbage collection while that index is put away.

use std::collections::BTreeSet;
use std::path::Path;

use super::Repo;
use super::read::{records, utf8};
use crate::oid::Oid;

impl Repo {
    /// Makes `reference` hold every blob of the index at `index`, conflict stages included.
    pub(crate) fn keep_index(&self, index: &Path, reference: &str) -> anyhow::Result<()> {
        let list = self
            .git
            .command(["ls-files", "--stage", "-z"])
            .env("GIT_INDEX_FILE", index)
            .bytes()?;
        let mut blobs = BTreeSet::new();
        for record in records(&list) {
            // `<mode> <oid> <stage>TAB<path>`; a submodule's commit is in another repository.
            let mut fields = record.split(|byte| *byte == b' ');
            if let (Some(mode), Some(oid)) = (fields.next(), fields.next())
                && mode != b"160000"
            {
                blobs.insert(utf8(oid)?);
            }
        }
        let lines: String = blobs
            .iter()
            .map(|oid| format!("100644 blob {oid}\t{oid}\n"))
            .collect();
        let tree = self.git.command(["mktree"]).stdin(lines).text()?;
        let commit = self.commit_by_machine(&Oid::parse(&tree)?, &[], "wt: index put away\n")?;
        let before = self.read.tip(reference)?;
        self.move_ref(reference, before.as_ref(), Some(&commit), "wt: removed")?;
        Ok(())
    }

    /// Lets go of what [`Self::keep_index`] kept.
    pub(crate) fn release_index(&self, reference: &str) -> anyhow::Result<()> {
        if let Some(kept) = self.read.tip(reference)? {
            self.move_ref(reference, Some(&kept), None, "wt: restored")?;
        }
        Ok(())
    }
}
