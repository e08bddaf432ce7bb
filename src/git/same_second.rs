//! Files that were cloned in the very second in which their index was written. They keep older times, so that git does not
//! take them for racy; and it compares whole seconds: a change of one of them within that second, with its size and time
//! kept, would be none to git. The index has nanoseconds.

use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::index_file::{IndexEntry, IndexFile};
use super::read_index::ReadIndex;

/// Reads the index of the checkout at `root`, in a repository whose object names are `hash` bytes long; where it was
/// written in the second in which files were cloned, those that changed since lose their stat in it first, so that git
/// reads them. Nothing where it is no plain index.
pub(super) fn read_settled(index: &Path, root: &Path, hash: usize) -> Option<ReadIndex> {
    let read = ReadIndex::find(index, hash)?;
    let written = i64::from(read.written.0);
    if !read
        .index
        .entries()
        .iter()
        .any(|entry| is_cloned_late(entry, written))
    {
        return Some(read);
    }
    let stats: Vec<_> = read
        .index
        .entries()
        .iter()
        .map(|entry| {
            let is_racy = i64::from(entry.stat.mtime.0) >= written;
            let has_changed =
                || is_cloned_late(entry, written) && !is_as_cloned(&read.index, entry, root);
            // Written anew, the index no longer tells git which files are racy.
            (!is_racy && !has_changed()).then_some(entry.stat)
        })
        .collect();
    let anew = index.with_extension("settled");
    fs::write(&anew, read.index.patched(&stats)).ok()?;
    fs::rename(&anew, index).ok()?;
    ReadIndex::find(index, hash)
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
