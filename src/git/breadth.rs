//! How many paths a tree has. A few kilobytes of objects can say ten thousand million: each folder ten times the same
//! one, ten levels deep. Git, which goes through them one by one, would never come to an end.

use std::collections::HashMap;

use git2::{ObjectType, Repository};

use super::Repo;
use super::read::raw;
use crate::error::Refusal;
use crate::oid::Oid;

/// More paths than the largest repositories have.
const MOST: u64 = 5_000_000;
/// Deeper than any path that can be checked out.
const DEPTH: usize = 2048;

impl Repo {
    /// Looks at what `tip` has beyond `known`, without going through it path by path. A repository that libgit2 can't
    /// open is not looked at.
    ///
    /// # Errors
    /// A refusal for a commit whose tree has too many paths.
    pub(crate) fn require_finite(&self, known: &Oid, tip: &Oid) -> anyhow::Result<()> {
        let Some(repo) = self.read.libgit2() else {
            return Ok(());
        };
        let mut seen = HashMap::new();
        for (commit, _) in self.read.new_commits(known, tip)? {
            let tree = repo.find_commit(raw(&commit)?)?.tree_id();
            if paths(repo, tree, &mut seen, 0)? > MOST {
                return Err(Refusal::refused(format!(
                    "the tree of commit {} has more than {MOST} paths",
                    commit.short()
                ))
                .hint("take that commit back: git reset --hard HEAD~1")
                .into());
            }
        }
        Ok(())
    }
}

/// The paths below a tree; as soon as there are too many, some number that is too large.
fn paths(
    repo: &Repository,
    tree: git2::Oid,
    seen: &mut HashMap<git2::Oid, u64>,
    depth: usize,
) -> Result<u64, git2::Error> {
    if let Some(count) = seen.get(&tree) {
        return Ok(*count);
    }
    if depth > DEPTH {
        return Ok(u64::MAX);
    }
    let mut count = 0_u64;
    for entry in &repo.find_tree(tree)? {
        let below = match entry.kind() {
            Some(ObjectType::Tree) => paths(repo, entry.id(), seen, depth + 1)?,
            _ => 1,
        };
        count = count.saturating_add(below);
    }
    seen.insert(tree, count);
    Ok(count)
}
