//! Many pairs of commits merged in memory, to learn which conflict.

use anyhow::{Context as _, bail};

use super::read::utf8;
use super::{Combination, Repo};
use crate::oid::Oid;

impl Repo {
    /// For each pair the paths where merging it conflicts, none where it does not. What git writes to merge goes to
    /// a temporary folder, so that nothing is left in the repository.
    ///
    /// # Errors
    /// Where git can't merge one of them at all, such as commits without a common ancestor.
    pub(crate) fn conflicts(&self, pairs: &[[Oid; 2]]) -> anyhow::Result<Vec<Vec<String>>> {
        if pairs.is_empty() {
            return Ok(Vec::new());
        }
        match self.merge_many(pairs) {
            Ok(found) => Ok(found),
            // A git before 2.40 merges one pair a call.
            Err(_) => pairs
                .iter()
                .map(|[one, other]| match self.combine(one, other)? {
                    Combination::Clean(_) => Ok(Vec::new()),
                    Combination::Conflict(paths) => Ok(paths),
                })
                .collect(),
        }
    }

    fn merge_many(&self, pairs: &[[Oid; 2]]) -> anyhow::Result<Vec<Vec<String>>> {
        let objects = tempfile::tempdir().context("can't make a temporary folder")?;
        let list: String = pairs
            .iter()
            .map(|[one, other]| format!("{one} {other}\n"))
            .collect();
        let answer = self
            .git
            .command(["merge-tree", "--write-tree", "--stdin"])
            .args(["--name-only", "--no-messages"])
            .env("GIT_OBJECT_DIRECTORY", objects.path())
            .env(
                "GIT_ALTERNATE_OBJECT_DIRECTORIES",
                self.common().join("objects"),
            )
            .stdin(list)
            .bytes()?;
        let found = parse(&answer)?;
        if found.len() != pairs.len() {
            bail!("git merged {} of {} pairs", found.len(), pairs.len());
        }
        Ok(found)
    }
}

/// For each merge its status, its tree, the paths in conflict and an empty field, each ended by a zero.
fn parse(answer: &[u8]) -> anyhow::Result<Vec<Vec<String>>> {
    let mut fields = answer
        .strip_suffix(b"\0")
        .unwrap_or(answer)
        .split(|byte| *byte == 0);
    let mut found = Vec::new();
    while let Some(status) = fields.next() {
        if !matches!(status, b"0" | b"1") {
            bail!(
                "git merge-tree answered \"{}\" for a status",
                status.escape_ascii()
            );
        }
        fields.next().context("git merge-tree named no tree")?;
        let mut paths = fields
            .by_ref()
            .take_while(|field| !field.is_empty())
            .map(utf8)
            .collect::<anyhow::Result<Vec<_>>>()?;
        paths.dedup();
        found.push(paths);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answers_of_many_merges_are_told_apart() {
        let answer = b"0\0aaaa\0f\0f\0g h\0\x001\0bbbb\0\x000\0cccc\0f\0\0";
        let found = parse(answer).expect("understood");
        assert_eq!(found, [vec!["f", "g h"], vec![], vec!["f"]]);
        assert!(parse(b"fatal\0").is_err());
    }
}
