//! Writing the same index for copies of its files.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

use super::{IndexFile, IndexStat, MODE, STAT};

/// Git does not look at the file of an entry with this flag.
const ASSUME_VALID: u8 = 0x80;
/// The entry has a second pair of flags.
const EXTENDED: u8 = 0x40;
/// Among these: git writes no file for the entry.
const SKIP_WORKTREE: u8 = 0x40;

impl IndexFile {
    /// The index as bytes, each entry with the stat of its copy: zeros, which no file has, for one without. No entry is
    /// assumed to be unchanged or passed over, and of the extensions only the cached trees stay: they tell of objects alone.
    pub(crate) fn patched(&self, stats: &[Option<IndexStat>]) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        for (entry, stat) in self.entries.iter().zip(stats) {
            let at = entry.at as usize;
            let (head, rest) = bytes[at..].split_at_mut(STAT + self.hash + 2);
            stat.unwrap_or_default().write(head);
            let flags = &mut head[STAT + self.hash];
            *flags &= !ASSUME_VALID;
            if *flags & EXTENDED != 0 {
                rest[0] &= !SKIP_WORKTREE;
            }
        }
        match &self.trees {
            Some(trees) => {
                bytes.truncate(trees.end);
                bytes.drain(self.end_of_entries..trees.start);
            }
            None => bytes.truncate(self.end_of_entries),
        }
        let checksum = match (self.is_unsigned(), self.hash) {
            (true, length) => vec![0; length],
            (false, 20) => Sha1::digest(&bytes).to_vec(),
            (false, _) => Sha256::digest(&bytes).to_vec(),
        };
        bytes.extend(checksum);
        bytes
    }

    /// Whether it was written without a checksum, as `index.skipHash` has it.
    fn is_unsigned(&self) -> bool {
        self.bytes.iter().rev().take(self.hash).all(|b| *b == 0)
    }
}

impl IndexStat {
    /// Writes these fields into the head of an entry, around its mode.
    fn write(self, head: &mut [u8]) {
        let before = [
            self.ctime.0,
            self.ctime.1,
            self.mtime.0,
            self.mtime.1,
            self.dev,
            self.ino,
        ];
        let after = [self.uid, self.gid, self.size];
        let mut put = |from: usize, fields: &[u32]| {
            for (place, field) in head[from..].chunks_exact_mut(4).zip(fields) {
                place.copy_from_slice(&field.to_be_bytes());
            }
        };
        put(0, &before);
        put(MODE + 4, &after);
    }
}
