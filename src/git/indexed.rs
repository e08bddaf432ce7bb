//! What the index of a checkout holds of the paths that a move changes.

use std::collections::HashMap;

use anyhow::Context as _;

use super::Repo;
use super::changes::{Change, Entry};
use super::move_checkout::Checkout;
use super::read::records;
use crate::oid::Oid;

/// Which end of a move an index stands at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Old,
    New,
}

/// An entry of an index.
pub(super) struct IndexEntry {
    pub(super) entry: Entry,
    /// By the sparse-checkout patterns it has no file.
    pub(super) skipped: bool,
}

/// What an index holds of the paths of a change.
pub(super) struct Indexed {
    entries: HashMap<String, IndexEntry>,
    at: Side,
    /// The paths that hold neither end's entry: staged by a person, or in conflict.
    pub(super) foreign: Vec<String>,
}

impl Indexed {
    pub(super) fn read(
        repo: &Repo,
        checkout: Checkout,
        changes: &[Change],
    ) -> anyhow::Result<Self> {
        let list = repo
            .in_checkout(checkout, &["ls-files", "-t", "--stage", "-z"])
            .bytes()?;
        let wanted: HashMap<&str, &Change> = changes.iter().map(|c| (c.path.as_str(), c)).collect();
        let mut entries = HashMap::new();
        let mut foreign = Vec::new();
        for record in records(&list) {
            let line = String::from_utf8_lossy(record);
            // `<tag> <mode> <object> <stage>TAB<path>`
            let (head, path) = line.split_once('\t').context("an entry without a path")?;
            if !wanted.contains_key(path) {
                continue;
            }
            let mut fields = head.split(' ');
            let mut next = || fields.next().context("an entry that is not understood");
            let (tag, mode, object, stage) = (next()?, next()?, next()?, next()?);
            let entry = IndexEntry {
                entry: Entry {
                    mode: u32::from_str_radix(mode, 8)?,
                    oid: Oid::parse(object)?,
                },
                skipped: tag.eq_ignore_ascii_case("S"),
            };
            if stage != "0" {
                foreign.push(path.to_owned());
            }
            entries.insert(path.to_owned(), entry);
        }
        let mut at = Side::Old;
        for change in changes {
            let held = entries.get(&change.path).map(|entry| &entry.entry);
            if held == change.after.as_ref() {
                at = Side::New;
            } else if held != change.before.as_ref() {
                foreign.push(change.path.clone());
            }
        }
        Ok(Self {
            entries,
            at,
            foreign,
        })
    }

    pub(super) fn of(&self, path: &str) -> Option<&IndexEntry> {
        self.entries.get(path)
    }

    /// The new end where any path is there: an index is written whole.
    pub(super) fn side(&self) -> Side {
        self.at
    }
}
