//! How large a checkout is, by an index of one: its sizes are added up, and nothing of it is kept.

use std::path::Path;
use std::time::{Duration, Instant};

use git2::{ObjectType, TreeWalkMode, TreeWalkResult};

use super::index_file::{IndexFile, IndexKind};
use super::read::{Reader, raw};
use super::read_index::ReadIndex;
use crate::oid::Oid;

/// For how long a tree is gone through where no index tells.
const LIMIT: Duration = Duration::from_millis(15);
/// A file of up to this size, in bytes, is written also where it could share its blocks, if that takes longer there.
pub(crate) const CHEAPLY_WRITTEN: u64 = 16 << 10;

/// How many files a checkout has, and what they take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct CheckoutSize {
    pub(crate) files: u64,
    /// In bytes, each file rounded up to whole blocks.
    pub(crate) bytes: u64,
    /// Of these, what is written where the files can share their blocks, and small ones are sooner written.
    pub(crate) written: u64,
    /// Size of the index, in bytes.
    pub(crate) index: u64,
}

impl CheckoutSize {
    /// What the index at `path` says, where content is rounded up to `block` bytes. Nothing where it is not there, or
    /// is none that is understood; `name` is how long an object's name is there, in bytes.
    pub(crate) fn of_index(path: &Path, name: usize, block: u64) -> Option<Self> {
        Some(Self::of(&ReadIndex::find(path, name)?.index, block))
    }

    /// As [`Self::of_index`], of one that was read.
    pub(crate) fn of(index: &IndexFile, block: u64) -> Self {
        let mut size = Self {
            index: index.length(),
            ..Self::default()
        };
        for entry in index.entries() {
            match entry.kind {
                IndexKind::File | IndexKind::Executable | IndexKind::Link => {
                    size.add(entry.stat.size.into(), block);
                }
                IndexKind::Submodule | IndexKind::Unsettled => {}
            }
        }
        size
    }

    /// Both together.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            files: self.files + other.files,
            bytes: self.bytes + other.bytes,
            written: self.written + other.written,
            index: self.index + other.index,
        }
    }

    fn add(&mut self, size: u64, block: u64) {
        self.files += 1;
        let bytes = size.div_ceil(block) * block;
        self.bytes += bytes;
        if size <= CHEAPLY_WRITTEN {
            self.written += bytes;
        }
    }
}

impl Reader {
    /// As [`CheckoutSize::of_index`], of a folder in a tree, which is all of it where it has no name: at least so much,
    /// as far as it is gone through in a few milliseconds. Nothing where it is not there, or libgit2 can't open the
    /// repository.
    pub(crate) fn tree_size(&self, tree: &Oid, folder: &str, block: u64) -> Option<CheckoutSize> {
        let repo = self.libgit2()?;
        let objects = repo.odb().ok()?;
        let mut size = CheckoutSize::default();
        let end = Instant::now() + LIMIT;
        let mut tree = repo.find_tree(raw(tree).ok()?).ok()?;
        if !folder.is_empty() {
            let inner = tree.get_path(Path::new(folder)).ok()?;
            tree = repo.find_tree(inner.id()).ok()?;
        }
        // An end before the end is one.
        let _ = tree.walk(TreeWalkMode::PreOrder, |_, entry| {
            if entry.kind() == Some(ObjectType::Blob)
                && let Ok((bytes, _)) = objects.read_header(entry.id())
            {
                size.add(bytes as u64, block);
            }
            if Instant::now() < end {
                TreeWalkResult::Ok
            } else {
                TreeWalkResult::Abort
            }
        });
        Some(size)
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::git::Scratch;

    #[test]
    fn the_sizes_of_an_index_are_added_up_in_each_of_its_versions() {
        let scratch = Scratch::new();
        let mut wanted = CheckoutSize::default();
        for (number, length) in [0, 1, 511, 512, 513, 5000].into_iter().enumerate() {
            let name = "n".repeat(1 + 7 * number) + &"/sub".repeat(number);
            scratch.write(&format!("{name}.txt"), vec![b'x'; length]);
            wanted.add(length as u64, 512);
        }
        for version in ["2", "3", "4"] {
            scratch.git(&["add", "-A"]);
            scratch.git(&["update-index", "--index-version", version]);
            let index = scratch.root().join(".git/index");
            let found = CheckoutSize::of_index(&index, 20, 512).expect("read");
            assert_eq!(
                (found.files, found.bytes),
                (wanted.files, wanted.bytes),
                "{version}"
            );
            assert_eq!(found.index, fs::metadata(&index).expect("there").len());
        }
        scratch.git(&["update-index", "--skip-worktree", "n.txt"]);
        let index = scratch.root().join(".git/index");
        let found = CheckoutSize::of_index(&index, 20, 512).expect("read");
        assert_eq!(found.files, wanted.files - 1);
        let bytes = fs::read(&index).expect("read");
        for cut in [0, 3, 11, 40, bytes.len() / 2] {
            fs::write(&index, &bytes[..cut]).expect("written");
            assert_eq!(CheckoutSize::of_index(&index, 20, 512), None, "{cut}");
        }
    }
}
