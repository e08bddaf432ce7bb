//! Reading an index file, and telling it from the next one.

use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::index_file::IndexFile;

/// An index that was understood, as it was read.
pub(crate) struct ReadIndex {
    pub(crate) index: IndexFile,
    /// When it was written, in seconds and nanoseconds.
    pub(crate) written: (u32, u32),
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
    /// is not understood.
    pub(crate) fn find(path: &Path, hash: usize) -> Option<Self> {
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
    pub(crate) fn is_still_at(&self, path: &Path) -> bool {
        fs::metadata(path).is_ok_and(|metadata| Identity::of(&metadata) == self.file)
    }
}
