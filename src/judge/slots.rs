//! The slots as they lie there: how much they take, how old they are, who judges in them.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::slot::Record;
use crate::process::Identity;
use crate::store::{list_dirs, read_json, write_json_shown};
use crate::ui;
use crate::workspace::Workspace;

/// How long the files of one slot are counted.
const LIMIT: Duration = Duration::from_millis(200);

/// One slot, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct SlotFacts {
    pub(crate) slot: usize,
    pub(crate) path: PathBuf,
    #[serde(flatten)]
    pub(crate) size: Size,
    pub(crate) created: Option<Timestamp>,
    /// When a judge came or left last.
    pub(crate) used: Option<Timestamp>,
    /// The task that is judged there.
    pub(crate) judging: Option<String>,
    /// The judge's process.
    pub(crate) pid: Option<u32>,
}

/// About how much a slot takes on the disk, its caches included.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Size {
    pub(crate) bytes: u64,
    /// There is more: the counting was ended.
    pub(crate) at_least: bool,
}

/// As people say it: `about 12 KB`, `about 340 MB`, `over 1.2 GB`.
impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.at_least { "over" } else { "about" };
        write!(f, "{about} {}", ui::size(self.bytes))
    }
}

/// A size as it was counted, and what it was counted after.
#[derive(Serialize, Deserialize)]
struct Counted {
    used: Option<Timestamp>,
    size: Size,
}

/// Every slot that there is, also those that a smaller `[judge] slots` leaves unused.
pub(crate) fn slots(ws: &Workspace) -> anyhow::Result<Vec<SlotFacts>> {
    let records = records(ws)?.into_iter();
    Ok(records
        .map(|(number, record)| facts(ws, number, record))
        .collect())
}

/// Where a slot lies.
pub(crate) struct SlotPlace {
    pub(crate) slot: usize,
    pub(crate) root: PathBuf,
    /// What tools keep of the judgings there, beside it.
    pub(crate) caches: PathBuf,
    /// When it was made, or a judge came or left last.
    pub(crate) used: Option<Timestamp>,
}

/// Where every slot lies; nothing is counted.
pub(crate) fn slot_places(ws: &Workspace) -> anyhow::Result<Vec<SlotPlace>> {
    let records = records(ws)?.into_iter();
    let place = |(slot, record): (usize, Record)| SlotPlace {
        slot,
        caches: record.caches(),
        used: record.used.or(record.created),
        root: record.root,
    };
    Ok(records.map(place).collect())
}

fn records(ws: &Workspace) -> anyhow::Result<Vec<(usize, Record)>> {
    let names = list_dirs(&ws.store.root().join("slots"))?;
    let mut numbers: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    let there = |number: usize| Some((number, Record::find(&ws.store, number)?));
    Ok(numbers.into_iter().filter_map(there).collect())
}

fn facts(ws: &Workspace, number: usize, record: Record) -> SlotFacts {
    let size = size(&ws.store.slot_dir(number), &record);
    let tenant = record.tenant.filter(|t| Identity::is_alive(&t.process));
    SlotFacts {
        slot: number,
        path: record.root,
        size,
        created: record.created,
        used: record.used,
        pid: tenant.as_ref().map(|t| t.process.pid()),
        judging: tenant.map(|t| t.task),
    }
}

/// The tasks that are judged in the slots, each with its judge's process.
pub(super) fn tenants(ws: &Workspace) -> anyhow::Result<Vec<(String, u32)>> {
    let numbers = list_dirs(&ws.store.root().join("slots"))?.into_iter();
    let records = numbers
        .filter_map(|name| name.parse().ok())
        .filter_map(|number| Record::find(&ws.store, number));
    Ok(records
        .filter_map(|record| record.tenant)
        .filter(|tenant| tenant.process.is_alive())
        .map(|tenant| (tenant.task, tenant.process.pid()))
        .collect())
}

/// The size as it was counted after the last judging, else counted now.
fn size(dir: &Path, record: &Record) -> Size {
    let file = dir.join("size.json");
    let counted: Option<Counted> = read_json(&file).ok().flatten();
    if let Some(counted) = counted.filter(|c| c.used == record.used) {
        return counted.size;
    }
    let size = count(&[record.root.clone(), record.caches()], LIMIT);
    let used = record.used;
    // Without it, it is counted again.
    let _ = write_json_shown(&file, &Counted { used, size });
    size
}

/// What the files below these folders take on the disk, as far as they are counted within `limit`. Links are not
/// followed, and what can't be read takes nothing.
fn count(tops: &[PathBuf], limit: Duration) -> Size {
    let end = Instant::now() + limit;
    let mut bytes = 0;
    let mut open: Vec<PathBuf> = tops.to_vec();
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            bytes += metadata.blocks() * 512;
            if metadata.is_dir() {
                open.push(entry.path());
            }
        }
        if Instant::now() >= end {
            let at_least = !open.is_empty();
            return Size { bytes, at_least };
        }
    }
    Size {
        bytes,
        at_least: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_as_people_say_them() {
        let said = |bytes, at_least| Size { bytes, at_least }.to_string();
        assert_eq!(said(0, false), "about 0 KB");
        assert_eq!(said(1, false), "about 1 KB");
        assert_eq!(said(340_999_000, true), "over 340 MB");
        assert_eq!(said(12_070_000_000, false), "about 12.0 GB");
    }

    #[test]
    fn a_count_that_takes_too_long_ends_and_says_so() {
        let dir = tempfile::tempdir().expect("a folder");
        let deep = dir.path().join("a/b");
        fs::create_dir_all(&deep).expect("made");
        fs::write(deep.join("file"), vec![1; 100_000]).expect("written");
        std::os::unix::fs::symlink("/", deep.join("out")).expect("linked");
        let tops = [dir.path().to_owned(), dir.path().join("none")];
        let whole = count(&tops, Duration::from_secs(600));
        assert!(
            !whole.at_least && (100_000..2_000_000).contains(&whole.bytes),
            "{whole:?}"
        );
        let cut = count(&tops[..1], Duration::ZERO);
        assert!(cut.at_least && cut.bytes < 100_000, "{cut:?}");
    }
}
