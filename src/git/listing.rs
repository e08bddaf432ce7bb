//! What is in a tree: folder by folder, or every path at once.

use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

use super::read::{Reader, oid, raw, records};
use crate::oid::Oid;

/// What is in one folder of a tree, each in git's order; without names that are no UTF-8, and submodules.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    pub(crate) files: Vec<String>,
    /// Each with its tree.
    pub(crate) folders: Vec<(String, Oid)>,
}

impl Reader {
    /// What is in the folder whose tree this is, without what is in its folders. Nothing where libgit2 can't open the
    /// repository: a git child for each folder would take longer than [`Self::paths`].
    pub(crate) fn folder(&self, tree: &Oid) -> anyhow::Result<Option<Listing>> {
        let Some(repo) = self.libgit2() else {
            return Ok(None);
        };
        let mut listing = Listing::default();
        for entry in &repo.find_tree(raw(tree)?)? {
            match (entry.kind(), entry.name()) {
                (Some(ObjectType::Blob), Ok(name)) => listing.files.push(name.to_owned()),
                (Some(ObjectType::Tree), Ok(name)) => {
                    listing.folders.push((name.to_owned(), oid(entry.id())?));
                }
                _ => {}
            }
        }
        Ok(Some(listing))
    }

    /// The files of `tree` down to `depth` folders, as paths; names that are no UTF-8 are left out.
    pub(crate) fn paths(&self, tree: &Oid, depth: usize) -> anyhow::Result<Vec<String>> {
        let Some(repo) = self.libgit2() else {
            let all = self
                .git
                .command(["ls-tree", "-r", "-z", "--name-only", tree.as_str()])
                .bytes()?;
            return Ok(records(&all)
                .filter_map(|path| std::str::from_utf8(path).ok())
                .filter(|path| path.matches('/').count() <= depth)
                .map(str::to_owned)
                .collect());
        };
        let mut paths = Vec::new();
        repo.find_tree(raw(tree)?)?
            .walk(TreeWalkMode::PreOrder, |folder, entry| {
                let level = folder.matches('/').count();
                match (entry.kind(), entry.name()) {
                    (Some(ObjectType::Blob), Ok(name)) => {
                        paths.push(format!("{folder}{name}"));
                    }
                    (Some(ObjectType::Tree), _) if level >= depth => {
                        return TreeWalkResult::Skip;
                    }
                    _ => {}
                }
                TreeWalkResult::Ok
            })?;
        Ok(paths)
    }
}
