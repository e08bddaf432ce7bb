//! Reading an index: all of it is understood, or it is none that files are cloned by.

use super::{IndexEntry, IndexFile, IndexKind, IndexStat, MODE, STAT, hex};
use crate::oid::Oid;

/// The length of a path that an entry's flags can say; a longer one is found by its end.
const LONGEST_SAID: usize = 0xfff;
/// An entry of version 3 and later has a second pair of flags.
const EXTENDED: u16 = 0x4000;
const STAGE: u16 = 0x3000;
/// Among the second pair of flags: outside the sparse checkout, or only intended to be added.
const SKIP_OR_INTEND: u16 = 0x4000 | 0x2000;

impl IndexFile {
    /// Reads an index of a repository whose object names are `hash` bytes long. Nothing for one that is cut short, of a
    /// newer version, split in two, sparse, with an extension that must be understood and is not, or with a path that
    /// git would not check out.
    pub(crate) fn parse(bytes: Vec<u8>, hash: usize) -> Option<Self> {
        let (version, count) = header(&bytes)?;
        let body = bytes.len().checked_sub(hash)?;
        let mut index = Self {
            entries: Vec::with_capacity(count.min(bytes.len() / STAT)),
            paths: Vec::with_capacity(bytes.len() / 2),
            end_of_entries: 0,
            trees: None,
            tree: None,
            hash,
            bytes,
        };
        let mut at = 12;
        for _ in 0..count {
            at = index.read_entry(at, body, version)?;
        }
        index.end_of_entries = at;
        index.read_extensions(body)?;
        Some(index)
    }

    /// Reads the entry at `at`; answers where the next one begins.
    fn read_entry(&mut self, at: usize, body: usize, version: u32) -> Option<usize> {
        let head = self.bytes.get(at..body)?.get(..STAT + self.hash + 2)?;
        let flags = u16::from_be_bytes(head[STAT + self.hash..].try_into().ok()?);
        let mut name_at = at + STAT + self.hash + 2;
        let mut unsettled = flags & STAGE != 0;
        if flags & EXTENDED != 0 {
            let more = self.bytes.get(name_at..body)?.get(..2)?;
            if version < 3 {
                return None;
            }
            unsettled |= u16::from_be_bytes(more.try_into().ok()?) & SKIP_OR_INTEND != 0;
            name_at += 2;
        }
        let kind = kind(&head[MODE..MODE + 4])?;
        let stat = stat(head);
        let start = self.paths.len();
        let next = if version == 4 {
            self.read_prefixed(name_at, body)?
        } else {
            let rest = self.bytes.get(name_at..body)?;
            let said = usize::from(flags) & LONGEST_SAID;
            let length = if said < LONGEST_SAID {
                said
            } else {
                rest.iter().position(|byte| *byte == 0)?
            };
            self.paths.extend_from_slice(rest.get(..length)?);
            // From one to eight zeros, so that each entry takes a multiple of eight bytes.
            at + (name_at - at + length + 8) / 8 * 8
        };
        let path = &self.paths[start..];
        if !is_plain(path) || next > body {
            return None;
        }
        self.entries.push(IndexEntry {
            at: u32::try_from(at).ok()?,
            path: (
                u32::try_from(start).ok()?,
                u32::try_from(self.paths.len()).ok()?,
            ),
            kind: if unsettled {
                IndexKind::Unsettled
            } else {
                kind
            },
            stat,
        });
        Some(next)
    }

    /// Reads a path of version 4: how much to leave away of the end of the one before, and what comes instead.
    fn read_prefixed(&mut self, at: usize, body: usize) -> Option<usize> {
        let (strip, at) = offset(self.bytes.get(..body)?, at)?;
        let rest = self.bytes.get(at..body)?;
        let length = rest.iter().position(|byte| *byte == 0)?;
        let before = self.entries.last().map_or((0, 0), |entry| entry.path);
        let (start, end) = (before.0 as usize, before.1 as usize);
        let kept = (end - start).checked_sub(strip)?;
        self.paths.extend_from_within(start..start + kept);
        self.paths.extend_from_slice(&rest[..length]);
        Some(at + length + 1)
    }

    fn read_extensions(&mut self, body: usize) -> Option<()> {
        let mut at = self.end_of_entries;
        while at < body {
            let head = self.bytes.get(at..body)?.get(..8)?;
            let length = usize::try_from(number(&head[4..])).ok()?;
            let end = at.checked_add(8)?.checked_add(length)?;
            let data = self.bytes.get(..body)?.get(at + 8..end)?;
            match &head[..4] {
                b"TREE" => {
                    self.tree = root_tree(data, self.entries.len(), self.hash);
                    self.trees = Some(at..end);
                }
                // What begins with a capital may be passed over; git itself makes it anew.
                [b'A'..=b'Z', ..] => {}
                _ => return None,
            }
            at = end;
        }
        Some(())
    }
}

/// Version and number of entries.
fn header(bytes: &[u8]) -> Option<(u32, usize)> {
    let head = bytes.get(..12)?;
    let version = number(&head[4..]);
    let known = head.starts_with(b"DIRC") && (2..=4).contains(&version);
    known.then_some((version, usize::try_from(number(&head[8..])).ok()?))
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
}

fn kind(mode: &[u8]) -> Option<IndexKind> {
    match number(mode) {
        0o100_644 => Some(IndexKind::File),
        0o100_755 => Some(IndexKind::Executable),
        0o120_000 => Some(IndexKind::Link),
        0o160_000 => Some(IndexKind::Submodule),
        _ => None,
    }
}

fn stat(head: &[u8]) -> IndexStat {
    let field = |place: usize| number(&head[place * 4..]);
    IndexStat {
        ctime: (field(0), field(1)),
        mtime: (field(2), field(3)),
        dev: field(4),
        ino: field(5),
        uid: field(7),
        gid: field(8),
        size: field(9),
    }
}

/// Reads a number as git writes offsets in packs: each byte but the last has its top bit set. Answers where it ends.
fn offset(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 0x7f);
    while byte & 0x80 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 0x7f);
    }
    Some((value, at + 1))
}

/// The tree of the whole index, the first of the cached ones; nothing where it does not hold any more.
fn root_tree(data: &[u8], entries: usize, hash: usize) -> Option<Oid> {
    let rest = data.strip_prefix(b"\0")?;
    let line = rest.iter().position(|byte| *byte == b'\n')?;
    let (count, _) = std::str::from_utf8(&rest[..line]).ok()?.split_once(' ')?;
    if count.parse() != Ok(entries) {
        return None;
    }
    let name = rest.get(line + 1..line + 1 + hash)?;
    Oid::parse(&hex(name)).ok()
}

/// Whether git would check a path out: it leads nowhere but down, and not into a `.git`.
fn is_plain(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/')
        .all(|part| !matches!(part, b"" | b"." | b"..") && !part.eq_ignore_ascii_case(b".git"))
}
