//! What of a candidate breaks a rule that checks itself, and what of it makes tests weaker.

use crate::breach::{self, Breach};
use crate::contract::Contract;
use crate::git::{Change, Entry, Reader};
use crate::lines::FileText;
use crate::weakened::{self, Weakening};

/// The mode of a symbolic link in a tree.
const LINK: u32 = 0o120_000;
/// A larger file, in bytes, is no source of tests that anybody wrote.
const LARGEST: u64 = 1 << 20;
/// Past so many files it would take too long; that is told.
const MOST_FILES: usize = 2000;

/// Where these changes break a rule of the contract by what they add.
pub(crate) fn breaches(
    read: &Reader,
    contract: &Contract,
    changes: &[Change],
) -> anyhow::Result<Vec<Breach>> {
    let checks = &contract.rules.checks;
    if checks.is_empty() {
        return Ok(Vec::new());
    }
    let mut counted = Vec::new();
    for change in changes {
        if breach::wants_text(checks, &change.path)? {
            counted.push(change);
        }
    }
    let texts = Texts::read(read, &counted, u64::MAX)?;
    let new: Vec<&str> = changes
        .iter()
        .filter(|change| change.before.is_none() && change.after.is_some())
        .map(|change| change.path.as_str())
        .collect();
    Ok(breach::breaches(checks, &new, &texts.files())?)
}

/// What in these changes makes tests weaker, as far as words tell.
pub(crate) fn weakened(read: &Reader, changes: &[Change]) -> anyhow::Result<Vec<Weakening>> {
    let mut counted: Vec<&Change> = changes
        .iter()
        .filter(|change| weakened::is_read(&change.path))
        .collect();
    // What was there before can get weaker, tests above all; the order within each is kept.
    counted.sort_by_key(|change| (change.before.is_none(), !weakened::is_test(&change.path)));
    let passed_over = counted.split_off(counted.len().min(MOST_FILES));
    let texts = Texts::read(read, &counted, LARGEST)?;
    let mut found = weakened::weakened(&texts.files());
    if let Some(first) = passed_over.first() {
        found.push(weakened::unread(&first.path, passed_over.len()));
    }
    Ok(found)
}

/// The texts of changed files, before and after.
struct Texts<'c> {
    read: Vec<Text<'c>>,
}

struct Text<'c> {
    path: &'c str,
    before: Option<Vec<u8>>,
    after: Option<Vec<u8>>,
}

impl<'c> Texts<'c> {
    /// Reads those of at most `largest` bytes.
    fn read(read: &Reader, changes: &[&'c Change], largest: u64) -> anyhow::Result<Self> {
        let text = |entry: &Option<Entry>| -> anyhow::Result<Option<Vec<u8>>> {
            let is_file = |entry: &&Entry| !entry.is_submodule() && entry.mode != LINK;
            let Some(entry) = entry.as_ref().filter(is_file) else {
                return Ok(None);
            };
            if largest < u64::MAX
                && read
                    .sizes(&[&entry.oid])?
                    .iter()
                    .any(|size| *size > largest)
            {
                return Ok(None);
            }
            read.blob(&entry.oid).map(Some)
        };
        let mut texts = Vec::with_capacity(changes.len());
        for change in changes {
            texts.push(Text {
                path: &change.path,
                before: text(&change.before)?,
                after: text(&change.after)?,
            });
        }
        Ok(Self { read: texts })
    }

    fn files(&self) -> Vec<FileText<'_>> {
        let files = self.read.iter().map(|text| FileText {
            path: text.path,
            before: text.before.as_deref(),
            after: text.after.as_deref(),
        });
        files.collect()
    }
}
