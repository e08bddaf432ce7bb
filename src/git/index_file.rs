//! Git's index as bytes (versions 2, 3 and 4): what it says of each file, and the same index for copies of the files.
//!
//! Pure. The format is that of git's own `Documentation/gitformat-index`.

mod blob;
mod parse;
mod patch;

#[cfg(test)]
mod tests;

pub(crate) use blob::BlobHash;

use crate::oid::Oid;

/// Length of the stat fields that each entry begins with, the mode among them, in bytes.
const STAT: usize = 40;
/// Where the mode lies among them.
const MODE: usize = 24;

/// An index that was understood whole.
pub(crate) struct IndexFile {
    bytes: Vec<u8>,
    entries: Vec<IndexEntry>,
    /// The entries' paths, one after the other: version 4 has them in pieces.
    paths: Vec<u8>,
    /// Where the entries end and the extensions begin.
    end_of_entries: usize,
    /// Where the cached trees lie, the extension's head included.
    trees: Option<std::ops::Range<usize>>,
    tree: Option<Oid>,
    /// Length of an object's name, in bytes.
    hash: usize,
}

/// One path of an index.
pub(crate) struct IndexEntry {
    /// Where it begins.
    at: u32,
    path: (u32, u32),
    pub(crate) kind: IndexKind,
    pub(crate) stat: IndexStat,
}

/// What an entry is, as far as making the same file elsewhere goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IndexKind {
    File,
    Executable,
    Link,
    Submodule,
    /// A conflict's stage, one that is only intended, one outside the sparse checkout: no file vouches for it.
    Unsettled,
}

/// What git keeps of a file's metadata, each cut to 32 bits as git does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct IndexStat {
    /// Seconds and nanoseconds.
    pub(crate) ctime: (u32, u32),
    /// Seconds and nanoseconds.
    pub(crate) mtime: (u32, u32),
    pub(crate) dev: u32,
    pub(crate) ino: u32,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) size: u32,
}

impl IndexFile {
    pub(crate) fn entries(&self) -> &[IndexEntry] {
        &self.entries
    }

    /// How long the whole index is, in bytes.
    pub(crate) fn length(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// An entry's path from the root.
    pub(crate) fn path(&self, entry: &IndexEntry) -> &[u8] {
        &self.paths[entry.path.0 as usize..entry.path.1 as usize]
    }

    /// The name of the blob or commit of an entry.
    pub(crate) fn oid(&self, entry: &IndexEntry) -> anyhow::Result<Oid> {
        let at = entry.at as usize + STAT;
        Oid::parse(&hex(&self.bytes[at..at + self.hash]))
    }

    /// Whether `hash` is the name of the blob of an entry.
    pub(crate) fn is_blob(&self, entry: &IndexEntry, hash: BlobHash) -> bool {
        let at = entry.at as usize + STAT;
        hash.finish()[..] == self.bytes[at..at + self.hash]
    }

    /// For the name of a blob of so many bytes.
    pub(crate) fn blob_hash(&self, length: u64) -> BlobHash {
        BlobHash::new(length, self.hash)
    }

    /// The tree that the whole index makes up, where git has noted it there.
    pub(crate) fn tree(&self) -> Option<&Oid> {
        self.tree.as_ref()
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
