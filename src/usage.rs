//! What all that is `wt`'s takes on the disk: tasks, slots, spares, trash and state.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::{Counted, Taken, free_at};
use crate::judge::{SlotPlace, slot_places};
use crate::spares;
use crate::store::{read_json, trash_dir, write_json_shown};
use crate::workspace::{SLOTS, Workspace};

/// In the folder of the slots, the caches of all set-ups at spawn.
pub(crate) const SPAWN_CACHES: &str = "spawn-caches";

/// Beside the worktrees, what is held back of their file system where that of the state is another.
pub(crate) const BALLAST: &str = "_ballast";

/// For how many times as long as the counting took what was counted is built upon: what others free meanwhile hides
/// what is taken, and a count that costs next to nothing is made each time.
const HOLDS: u32 = 30;
/// The same where a bound is near, so that what is hidden then is seen soon.
const HOLDS_NEAR: u32 = 3;
/// The longest that it is built upon.
const HOLDS_AT_MOST: Duration = Duration::from_secs(600);

/// The most that everything took when it was looked at last.
#[derive(Serialize, Deserialize)]
struct Remembered {
    /// When it was counted.
    at: Timestamp,
    /// How long that took, in milliseconds.
    took: u64,
    bytes: u64,
    /// What was free beside the worktrees when it was looked at.
    free: u64,
}

/// What everything takes at most, by what was counted last.
pub(crate) struct AtMost {
    pub(crate) bytes: u64,
    /// Whether that was so short a time ago that it holds where a bound is near.
    pub(crate) is_fresh: bool,
}

/// What something is that takes space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// The worktree of a live task.
    Task,
    /// A checkout in which the judge works, with its caches.
    Slot,
    /// A checkout that is made ahead for the next task.
    Spare,
    /// The caches of the set-ups at spawn.
    Caches,
    /// What was removed, and is kept or waits to be deleted.
    Trash,
    /// Records, runs and their logs, receipts, private repositories.
    State,
}

impl What {
    pub(crate) fn word(self) -> &'static str {
        match self {
            What::Task => "task",
            What::Slot => "slot",
            What::Spare => "spare",
            What::Caches => "caches",
            What::Trash => "trash",
            What::State => "state",
        }
    }
}

/// A place that `wt` fills, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Place {
    pub(crate) what: What,
    /// A task's name, or a slot's number.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    #[serde(flatten)]
    pub(crate) taken: Taken,
}

/// What everything takes.
#[derive(Debug, Serialize)]
pub(crate) struct Usage {
    pub(crate) places: Vec<Place>,
    /// All together: what two places share is counted once.
    pub(crate) total: Taken,
}

/// Counts all of it now: each file is looked at, none is read.
///
/// # Errors
/// Where the state can't be listed. A task whose record can't be read is passed over: where it lies can't be told.
pub(crate) fn count(ws: &Workspace) -> anyhow::Result<Usage> {
    let mut all = Counted::default();
    let mut places = Vec::new();
    let mut add = |what, name: String, paths: &[PathBuf]| {
        let counted = Counted::of(paths);
        places.push(Place {
            what,
            name,
            path: paths[0].clone(),
            taken: counted.taken(),
        });
        all.absorb(counted);
    };
    for (name, task) in ws.store.tasks()? {
        if let Some(task) = task.ok().filter(|task| !task.is_waiting()) {
            add(What::Task, name, &[task.worktree]);
        }
    }
    for SlotPlace {
        slot, root, caches, ..
    } in slot_places(ws)?
    {
        add(What::Slot, slot.to_string(), &[root, caches]);
    }
    for (number, spare) in spares::places(&ws.store) {
        add(What::Spare, number.to_string(), &[spare.root]);
    }
    for trash in trash_dirs(ws)? {
        let caches = trash.with_file_name(SLOTS).join(SPAWN_CACHES);
        if caches.is_dir() {
            add(What::Caches, String::new(), &[caches]);
        }
        if trash.is_dir() {
            add(What::Trash, String::new(), &[trash]);
        }
    }
    let mut state = vec![ws.store.root().to_owned()];
    let trash = trash_dirs(ws)?.into_iter();
    state.extend(trash.map(|trash| trash.with_file_name(BALLAST)));
    add(What::State, String::new(), &state);
    Ok(Usage {
        places,
        total: all.taken(),
    })
}

/// The most that everything takes now that `free` bytes are free beside the worktrees, where that is told without a
/// count: what it took when it was looked at last, and all that was taken there since, by whomever. Nothing where that
/// is too long ago, or more is free than before: what was taken meanwhile is not seen then.
pub(crate) fn at_most(ws: &Workspace, free: u64) -> Option<AtMost> {
    let known: Remembered = read_json(&memory(ws)).ok()??;
    let age = ws.ctx.now.duration_since(known.at).unsigned_abs();
    let took = Duration::from_millis(known.took);
    let holds = (took * HOLDS).min(HOLDS_AT_MOST);
    let Some(since) = known.free.checked_sub(free).filter(|_| age < holds) else {
        // Less may be free again by the next look, and what was hidden now would be hidden then.
        let _ = fs::remove_file(memory(ws));
        return None;
    };
    let bytes = known.bytes.saturating_add(since);
    remember(
        ws,
        &Remembered {
            bytes,
            free,
            ..known
        },
    );
    let is_fresh = age < took * HOLDS_NEAR;
    Some(AtMost { bytes, is_fresh })
}

/// Looks at what is free beside these worktrees, so that a later [`at_most`] sees what is freed from now on.
pub(crate) fn look(ws: &Workspace, worktrees: &Path) {
    if let (true, Some(free)) = (memory(ws).exists(), free_at(worktrees)) {
        at_most(ws, free.bytes);
    }
}

/// Counts everything while `free` bytes are free beside the worktrees, for a later [`at_most`].
///
/// # Errors
/// As [`count`].
pub(crate) fn count_anew(ws: &Workspace, free: u64) -> anyhow::Result<u64> {
    let begun = Instant::now();
    let bytes = count(ws)?.total.bytes;
    let took = u64::try_from(begun.elapsed().as_millis())
        .unwrap_or(u64::MAX)
        .max(1);
    let at = ws.ctx.now;
    remember(
        ws,
        &Remembered {
            at,
            took,
            bytes,
            free,
        },
    );
    Ok(bytes)
}

/// Without it, it is counted again.
fn remember(ws: &Workspace, taken: &Remembered) {
    let _ = write_json_shown(&memory(ws), taken);
}

fn memory(ws: &Workspace) -> PathBuf {
    ws.store.root().join("taken.json")
}

/// The folders that removed worktrees were or would be moved to: beside each worktree that is known, live or past.
pub(crate) fn trash_dirs(ws: &Workspace) -> anyhow::Result<Vec<PathBuf>> {
    let live = ws
        .store
        .tasks()?
        .into_iter()
        .filter_map(|(_, task)| task.ok());
    let past = ws.store.trashed()?.into_iter();
    let past = past.filter_map(|(_, trashed)| Some(trashed.ok()?.task));
    let mut dirs: Vec<PathBuf> = live
        .chain(past)
        .filter_map(|task| task.worktree.parent().map(trash_dir))
        .collect();
    dirs.sort();
    dirs.dedup();
    Ok(dirs)
}
