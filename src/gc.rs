//! What can be freed, in the order in which it is missed least: what is left of past tasks, old runs and logs, the
//! trash, caches. Never work that is nowhere else, and nothing in use.

mod caches;
mod past;
mod records;

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;

use crate::disk::Counted;
use crate::remove::{Released, release, sweep_now};
use crate::spares::drop_spare;
use crate::store::remove_dir;
use crate::workspace::Workspace;

/// How old something must be to be freed, unless told otherwise, in seconds: a week.
pub(crate) const AGE: i64 = 7 * 86_400;

/// What something is that can be freed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// What is left of a task that has landed or was removed.
    Past,
    /// Runs of a live task that nothing refers to any more.
    Runs,
    /// Outcomes and logs of steps and set-ups.
    Logs,
    /// Removed folders that wait to be deleted.
    Trash,
    /// A checkout of the judge's, with its caches.
    Slot,
    /// A checkout that is made ahead.
    Spare,
    /// The caches of set-ups.
    Caches,
}

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Past => "past task",
            Kind::Runs => "runs",
            Kind::Logs => "logs",
            Kind::Trash => "trash",
            Kind::Slot => "slot",
            Kind::Spare => "spare",
            Kind::Caches => "caches",
        }
    }
}

/// Something that can be freed, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Item {
    pub(crate) kind: Kind,
    /// A task's name, a slot's number, or what it is.
    pub(crate) name: String,
    /// What is free at least once it is gone.
    pub(crate) bytes: u64,
    /// How long it was not used.
    pub(crate) age_seconds: i64,
    pub(crate) why: String,
    #[serde(skip)]
    act: Act,
}

/// How it is freed.
#[derive(Clone, Debug)]
enum Act {
    /// Let a removed task of this id go.
    Release(String),
    /// Remove these, of a past task of this name.
    Leftovers(String, Vec<PathBuf>),
    Runs(String, Vec<u32>),
    Paths(Vec<PathBuf>),
    Sweep(PathBuf),
    Slot(usize),
    Spare(usize),
    SetUpCaches(PathBuf),
}

/// Something that takes space and is not freed without a person's word.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Held {
    pub(crate) name: String,
    pub(crate) bytes: u64,
    pub(crate) why: String,
    /// What a person can do.
    pub(crate) hint: String,
}

/// What can be freed, in its order, and what a person has to decide about.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Plan {
    pub(crate) items: Vec<Item>,
    pub(crate) held: Vec<Held>,
}

impl Plan {
    /// Looks for all that has not been used for `older` seconds. Changes nothing.
    ///
    /// # Errors
    /// Where the state can't be listed.
    pub(crate) fn find(ws: &Workspace, older: i64) -> anyhow::Result<Self> {
        let mut plan = Self::default();
        plan.add_past(ws, older)?;
        plan.add_landed(ws)?;
        plan.add_runs(ws, older)?;
        plan.add_logs(ws, older)?;
        plan.add_trash(ws)?;
        plan.add_slots(ws, older)?;
        plan.add_spares(ws, older);
        plan.add_set_up_caches(ws, older)?;
        Ok(plan)
    }

    /// Leaves out what need not go for all that takes `total` bytes now to take no more than `to`; answers what it
    /// would take then.
    pub(crate) fn end_at(&mut self, total: u64, to: u64) -> u64 {
        let mut left = total;
        self.items.retain(|item| {
            let wanted = left > to;
            if wanted {
                left = left.saturating_sub(item.bytes);
            }
            wanted
        });
        left
    }

    /// What all of it frees.
    pub(crate) fn bytes(&self) -> u64 {
        self.items.iter().map(|item| item.bytes).sum()
    }
}

impl Item {
    /// Frees it; `false` where it is in use by now. Each step is safe to repeat.
    pub(crate) fn free(&self, ws: &Workspace) -> anyhow::Result<bool> {
        match &self.act {
            Act::Release(id) => Ok(release(ws, id)? == Released::Done),
            Act::Leftovers(task, paths) => past::remove_leftovers(ws, task, paths),
            Act::Runs(task, runs) => records::remove_runs(ws, task, runs),
            Act::Paths(paths) => {
                paths.iter().try_for_each(|path| remove(path))?;
                Ok(true)
            }
            Act::Sweep(trash) => sweep_now(trash).map(|()| true),
            Act::Slot(number) => crate::judge::drop_slot(ws, *number),
            Act::Spare(number) => drop_spare(&ws.store, *number),
            Act::SetUpCaches(folder) => caches::remove_set_up_caches(ws, folder),
        }
    }
}

/// Removes a file, or a folder with all in it; one that is gone is no error.
fn remove(path: &Path) -> anyhow::Result<()> {
    if path.is_dir() {
        return remove_dir(path);
    }
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(anyhow::Error::new(error).context(format!("can't remove {}", path.display())))
        }
        _ => Ok(()),
    }
}

/// What is free at least once these are gone.
fn own_bytes(paths: &[PathBuf]) -> u64 {
    Counted::of(paths).taken().own()
}

fn seconds_since(ws: &Workspace, time: Timestamp) -> i64 {
    ws.ctx.now.as_second() - time.as_second()
}

/// For how long a file or folder itself has not changed, in seconds.
fn seconds_unchanged(ws: &Workspace, path: &Path) -> i64 {
    let changed = std::fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    let changed = changed.ok().and_then(|time| Timestamp::try_from(time).ok());
    changed.map_or(0, |time| seconds_since(ws, time))
}
