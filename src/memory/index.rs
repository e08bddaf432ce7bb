//! What ranking needs of many notes in one file, so that a question need not read them all.
//!
//! It is a cache: each note in it goes with name, size and time of the file that it was read from, and one whose file
//! differs is passed over. A file that is not whole is no index.

use std::collections::BTreeMap;

use super::rank::{Candidate, Document, Question};

const MAGIC: &[u8] = b"wt memory index 2\n";

/// Which file a note was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    /// Of the file, without its end.
    pub(crate) name: String,
    pub(crate) size: u64,
    /// Nanoseconds since 1970.
    pub(crate) modified: i64,
}

/// The index in the bytes of its file.
pub(crate) struct Index<'b> {
    notes: Vec<Noted<'b>>,
    words: Words<'b>,
}

struct Noted<'b> {
    name: &'b str,
    size: u64,
    modified: i64,
    day: i32,
    superseded: bool,
    length: u32,
    paths: &'b str,
}

/// All words, in order: where each ends in `text`, and where its notes end in `uses`.
struct Words<'b> {
    count: usize,
    ends: &'b [u8],
    uses_ends: &'b [u8],
    text: &'b [u8],
    /// Pairs of small numbers: how many notes further, how often.
    uses: &'b [u8],
}

impl<'b> Index<'b> {
    /// The bytes of an index of these notes.
    pub(crate) fn write(notes: &[(Stamp, Document)]) -> Vec<u8> {
        let mut out = MAGIC.to_vec();
        let mut uses: BTreeMap<&str, Vec<(usize, u32)>> = BTreeMap::new();
        number(&mut out, notes.len());
        for (place, (stamp, document)) in notes.iter().enumerate() {
            text(&mut out, stamp.name.as_bytes());
            out.extend(stamp.size.to_le_bytes());
            out.extend(stamp.modified.to_le_bytes());
            out.extend(document.day.to_le_bytes());
            out.push(u8::from(document.superseded));
            out.extend(document.length().to_le_bytes());
            text(&mut out, document.paths.as_bytes());
            for (word, count) in &document.words {
                uses.entry(word).or_default().push((place, *count));
            }
        }
        number(&mut out, uses.len());
        let (mut ends, mut uses_ends, mut words, mut pairs) =
            (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (word, notes) in &uses {
            words.extend(word.as_bytes());
            number(&mut ends, words.len());
            let mut before = 0;
            for (place, count) in notes {
                small(&mut pairs, place - before);
                small(&mut pairs, *count as usize);
                before = *place;
            }
            number(&mut uses_ends, pairs.len());
        }
        for part in [ends, uses_ends, words, pairs] {
            text(&mut out, &part);
        }
        out
    }

    /// Reads an index; nothing where the bytes are none.
    pub(crate) fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut rest = Bytes(bytes.strip_prefix(MAGIC)?);
        let mut notes = Vec::new();
        for _ in 0..rest.number()? {
            notes.push(Noted {
                name: rest.text()?,
                size: u64::from_le_bytes(rest.array()?),
                modified: i64::from_le_bytes(rest.array()?),
                day: i32::from_le_bytes(rest.array()?),
                superseded: rest.array::<1>()? == [1],
                length: u32::from_le_bytes(rest.array()?),
                paths: rest.text()?,
            });
        }
        let words = Words {
            count: rest.number()?,
            ends: rest.part()?,
            uses_ends: rest.part()?,
            text: rest.part()?,
            uses: rest.part()?,
        };
        rest.0.is_empty().then_some(Self { notes, words })
    }

    /// The places of those of `files`, sorted by name, that it has as they are, by their place in it.
    pub(crate) fn known(&self, files: &[Stamp]) -> Vec<Option<usize>> {
        let mut at = 0;
        let mut find = |noted: &Noted| {
            // Both are in the order of their names.
            while files.get(at)?.name.as_str() < noted.name {
                at += 1;
            }
            let file = &files[at];
            let found = (file.name.as_str(), file.size, file.modified);
            (found == (noted.name, noted.size, noted.modified)).then_some(at)
        };
        self.notes.iter().map(&mut find).collect()
    }

    /// The notes that `known` has, as far as a question goes.
    pub(crate) fn candidates(
        &self,
        question: &Question,
        known: &[Option<usize>],
    ) -> Vec<Candidate<'b>> {
        let mut counts = vec![vec![0; question.words.len()]; self.notes.len()];
        for (at, word) in question.words.iter().enumerate() {
            for (note, count) in self.words.uses(word).unwrap_or_default() {
                if let Some(counts) = counts.get_mut(note) {
                    counts[at] = count;
                }
            }
        }
        let all = self.notes.iter().zip(counts).zip(known);
        let candidate = |((noted, counts), known): ((&Noted<'b>, Vec<u32>), &Option<usize>)| {
            known.is_some().then_some(Candidate {
                name: noted.name,
                day: noted.day,
                superseded: noted.superseded,
                length: noted.length,
                paths: noted.paths,
                counts,
            })
        };
        all.filter_map(candidate).collect()
    }
}

impl Words<'_> {
    /// Where `ends` says that the part `at` begins and ends.
    fn range(ends: &[u8], at: usize) -> Option<std::ops::Range<usize>> {
        let end = |at: usize| {
            let bytes = ends.get(at * 4..at * 4 + 4)?;
            Some(u32::from_le_bytes(bytes.try_into().ok()?) as usize)
        };
        let begin = match at.checked_sub(1) {
            Some(before) => end(before)?,
            None => 0,
        };
        Some(begin..end(at)?)
    }

    fn uses(&self, word: &str) -> Option<Vec<(usize, u32)>> {
        let (mut low, mut high) = (0, self.count);
        while low < high {
            let middle = low.midpoint(high);
            let there = self.text.get(Self::range(self.ends, middle)?)?;
            match there.cmp(word.as_bytes()) {
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
                std::cmp::Ordering::Equal => {
                    let pairs = self.uses.get(Self::range(self.uses_ends, middle)?)?;
                    let mut rest = Bytes(pairs);
                    let mut found = Vec::with_capacity(pairs.len() / 2);
                    let mut note = 0_usize;
                    while let Some(further) = rest.small() {
                        note = note.checked_add(further)?;
                        found.push((note, u32::try_from(rest.small()?).ok()?));
                    }
                    return Some(found);
                }
            }
        }
        None
    }
}

fn number(out: &mut Vec<u8>, number: usize) {
    out.extend(u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes());
}

/// A number in as many bytes as it needs, seven bits each; all but the last have the eighth.
fn small(out: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or_default();
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

fn text(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len());
    out.extend(bytes);
}

/// What is still to be read.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (array, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*array)
    }

    fn number(&mut self) -> Option<usize> {
        Some(u32::from_le_bytes(self.array()?) as usize)
    }

    fn small(&mut self) -> Option<usize> {
        let mut number = 0;
        for shift in (0..usize::BITS).step_by(7) {
            let [byte] = self.array()?;
            number |= usize::from(byte & 0x7f).checked_shl(shift)?;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn part(&mut self) -> Option<&'b [u8]> {
        let length = self.number()?;
        let (part, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(part)
    }

    fn text(&mut self) -> Option<&'b str> {
        std::str::from_utf8(self.part()?).ok()
    }
}
