//! An index as it was read, and that of the main checkout, which is read once for all that want to know it.

use std::cell::OnceCell;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::git::{CheckoutSize, IndexFile, Repo};
use crate::oid::Oid;

/// An index that was understood.
pub(super) struct ReadIndex {
    pub(super) index: IndexFile,
    /// When it was written, in seconds and nanoseconds.
    pub(super) written: (u32, u32),
    file: Identity,
}

/// What tells one index file from the next: git puts another file in its place, and never changes one.
#[derive(PartialEq, Eq)]
struct Identity {
    inode: u64,
    size: u64,
    /// Seconds and nanoseconds.
    changed: (i64, i64),
}

impl Identity {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            size: metadata.len(),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

impl ReadIndex {
    /// The index at `path`, of a repository whose object names are `hash` bytes long. Nothing where it is not there, or
    /// is not understood: then nothing is cloned by it.
    pub(super) fn find(path: &Path, hash: usize) -> Option<Self> {
        // Opened once, so that content and times are of one file.
        let mut file = File::open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default() + 1);
        file.read_to_end(&mut bytes).ok()?;
        // Nothing for a time that no index has.
        let seconds = u32::try_from(metadata.mtime()).ok()?;
        let nanoseconds = u32::try_from(metadata.mtime_nsec()).unwrap_or_default();
        Some(Self {
            index: IndexFile::parse(bytes, hash)?,
            written: (seconds, nanoseconds),
            file: Identity::of(&metadata),
        })
    }

    /// Whether the index at `path` is still the one that was read.
    pub(super) fn is_still_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| Identity::of(&metadata) == self.file)
    }
}

/// The index of the main checkout, as it is when it is first asked for: of a large one that takes milliseconds.
pub(crate) struct MainIndex<'r> {
    repo: &'r Repo,
    /// Length of an object's name, in bytes.
    hash: usize,
    read: OnceCell<Option<ReadIndex>>,
}

impl<'r> MainIndex<'r> {
    /// For a repository with an object of this name.
    pub(crate) fn new(repo: &'r Repo, some: &Oid) -> Self {
        Self {
            repo,
            hash: some.as_str().len() / 2,
            read: OnceCell::new(),
        }
    }

    pub(super) fn repo(&self) -> &'r Repo {
        self.repo
    }

    fn read(&self) -> Option<&ReadIndex> {
        let read = self.read.get_or_init(|| {
            self.repo.main_checkout()?;
            ReadIndex::find(&self.repo.common().join("index"), self.hash)
        });
        read.as_ref()
    }

    /// How large the checkout is, by what its index says, with content rounded up to `block` bytes.
    pub(crate) fn checkout_size(&self, block: u64) -> Option<CheckoutSize> {
        let read = self.read()?;
        Some(CheckoutSize::of(&read.index, block))
    }

    pub(super) fn into_read(self) -> Option<ReadIndex> {
        self.read();
        self.read.into_inner()?
    }
}
