//! Files that were cloned in the very second in which their index was written. They keep older times, so that git does not
//! take them for racy; and it compares whole seconds: a change of one of them within that second, with its size and time
//! kept, would be none to git. The index has nanoseconds.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata};
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::index_file::{IndexEntry, IndexFile};

/// An index as it was read.
pub(super) struct ReadIndex {
    pub(super) index: IndexFile,
    /// When it was written, in seconds.
    pub(super) written: i64,
}

/// Reads the index of the checkout at `root`, in a repository whose object names are `hash` bytes long; where it was
/// written in the second in which files were cloned, those that changed since lose their stat in it first, so that git
/// reads them. Nothing where it is no plain index.
pub(super) fn read_settled(index: &Path, root: &Path, hash: usize) -> Option<ReadIndex> {
    let read = read(index, hash)?;
    if !read
        .index
        .entries()
        .iter()
        .any(|entry| is_cloned_late(entry, read.written))
    {
        return Some(read);
    }
    let stats: Vec<_> = read
        .index
        .entries()
        .iter()
        .map(|entry| {
            let is_racy = i64::from(entry.stat.mtime.0) >= read.written;
            let has_changed =
                || is_cloned_late(entry, read.written) && !is_as_cloned(&read.index, entry, root);
            // Written anew, the index no longer tells git which files are racy.
            (!is_racy && !has_changed()).then_some(entry.stat)
        })
        .collect();
    let anew = index.with_extension("settled");
    fs::write(&anew, read.index.patched(&stats)).ok()?;
    fs::rename(&anew, index).ok()?;
    self::read(index, hash)
}

fn read(index: &Path, hash: usize) -> Option<ReadIndex> {
    let mut file = File::open(index).ok()?;
    let written = file.metadata().ok()?.mtime();
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).ok()?;
    let index = IndexFile::parse(bytes, hash)?;
    Some(ReadIndex { index, written })
}

fn is_cloned_late(entry: &IndexEntry, written: i64) -> bool {
    i64::from(entry.stat.ctime.0) >= written && i64::from(entry.stat.mtime.0) < written
}

fn is_as_cloned(index: &IndexFile, entry: &IndexEntry, root: &Path) -> bool {
    let path = root.join(OsStr::from_bytes(index.path(entry)));
    let ctime = |m: &Metadata| (m.ctime(), m.ctime_nsec());
    let noted = (i64::from(entry.stat.ctime.0), i64::from(entry.stat.ctime.1));
    fs::symlink_metadata(path).is_ok_and(|metadata| ctime(&metadata) == noted)
}
