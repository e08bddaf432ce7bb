//! What all that is `wt`'s takes on the disk: tasks, slots, trash and state.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::disk::{Counted, Taken};
use crate::judge::{SlotPlace, slot_places};
use crate::store::{read_json, trash_dir, write_json_shown};
use crate::workspace::{SLOTS, Workspace};

/// In the folder of the slots, the caches of all set-ups at spawn.
pub(crate) const SPAWN_CACHES: &str = "spawn-caches";

/// How long what was counted is built upon, in seconds: what others free meanwhile hides what is taken.
const HOLDS: i64 = 3600;

/// What everything took when it was counted last.
#[derive(Serialize, Deserialize)]
struct Remembered {
    at: Timestamp,
    bytes: u64,
    /// What was free beside the worktrees.
    free: u64,
}

/// What something is that takes space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum What {
    /// The worktree of a live task.
    Task,
    /// A checkout in which the judge works, with its caches.
    Slot,
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
    for trash in trash_dirs(ws)? {
        let caches = trash.with_file_name(SLOTS).join(SPAWN_CACHES);
        if caches.is_dir() {
            add(What::Caches, String::new(), &[caches]);
        }
        if trash.is_dir() {
            add(What::Trash, String::new(), &[trash]);
        }
    }
    add(What::State, String::new(), &[ws.store.root().to_owned()]);
    Ok(Usage {
        places,
        total: all.taken(),
    })
}

/// The most that everything can take now that `free` bytes are free beside the worktrees: what it took when it was
/// counted last, and all that was taken there since, by whomever. Nothing where it was not counted for long.
pub(crate) fn at_most(ws: &Workspace, free: u64) -> Option<u64> {
    let known: Remembered = read_json(&memory(ws)).ok()??;
    let age = ws.ctx.now.as_second() - known.at.as_second();
    let since = known.free.saturating_sub(free);
    (0..HOLDS)
        .contains(&age)
        .then(|| known.bytes.saturating_add(since))
}

/// Notes what everything takes while `free` bytes are free beside the worktrees. Without it, it is counted again.
pub(crate) fn remember(ws: &Workspace, bytes: u64, free: u64) {
    let at = ws.ctx.now;
    let _ = write_json_shown(&memory(ws), &Remembered { at, bytes, free });
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
