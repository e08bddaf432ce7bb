//! The state of `wt`, below the common git directory: versioned files, one lock, events, the journal.

mod atomic;
mod beneath;
mod cage;
mod events;
mod followers;
mod journal;
mod line;
mod lock;
mod memory;
mod mounted;
mod plans;
mod runs;
mod saved;
mod sweeps;
mod temporary;
mod trash;
mod versioned;
mod writable;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use atomic::{
    Prepared, ToDisk, half_written, remove_dir, remove_half_written, write_atomic, write_shown,
};
pub(crate) use beneath::{Beneath, Kind};
pub(crate) use cage::{CageNote, find_met};
pub(crate) use events::Event;
pub(crate) use journal::{Entry as JournalEntry, Operation, PushedTo};
pub(crate) use line::{Ticket, Waiter};
pub(crate) use lock::Lock;
pub(crate) use memory::Said;
pub(crate) use mounted::require_unmounted;
pub(crate) use temporary::{Temporary, new_private_folder};
pub(crate) use trash::{LEFTOVERS, Trashed, trash_dir};
pub(crate) use writable::require_writable;

use crate::error::Refusal;
use crate::task::{self, Task};

/// The version of the state's files that this `wt` writes, and the newest that it reads.
const SCHEMA: u64 = 1;

/// The state of one repository.
pub(crate) struct Store {
    root: PathBuf,
}

impl Store {
    pub(crate) fn new(common: &Path) -> Self {
        Self {
            root: common.join("wt"),
        }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn task_dir(&self, name: &str) -> PathBuf {
        self.root.join("tasks").join(name)
    }

    /// `wt`'s own index of a task's worktree.
    pub(crate) fn task_index(&self, name: &str) -> PathBuf {
        self.task_dir(name).join("index")
    }

    pub(crate) fn receipt_file(&self, key: &str) -> PathBuf {
        self.root.join("receipts").join(format!("{key}.json"))
    }

    pub(crate) fn outcome_file(&self, key: &str) -> PathBuf {
        self.root.join("outcomes").join(format!("{key}.json"))
    }

    /// The logs of steps that came to different ends on the same tree.
    pub(crate) fn flaky_dir(&self) -> PathBuf {
        self.root.join("flaky")
    }

    pub(crate) fn slot_dir(&self, slot: usize) -> PathBuf {
        self.root.join("slots").join(slot.to_string())
    }

    /// What is kept of the checkouts that are made ahead.
    pub(crate) fn spares_dir(&self) -> PathBuf {
        self.root.join("spares")
    }

    pub(crate) fn spare_dir(&self, spare: usize) -> PathBuf {
        self.spares_dir().join(spare.to_string())
    }

    /// The records of finished and removed tasks.
    pub(crate) fn archive_dir(&self) -> PathBuf {
        self.root.join("archive")
    }

    /// Takes the lock that guards every change of the state.
    ///
    /// # Errors
    /// A refusal ([`crate::error::Code::Busy`]) that names the holder, when it is not free in time.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        Lock::take(&self.root.join("lock"), lock::PATIENCE)
    }

    /// Takes the lock that guards the record of one task.
    ///
    /// # Errors
    /// As [`Self::lock`]; a refusal for what can't be a task's name: the lock's file is named after it.
    pub(crate) fn lock_task(&self, name: &str) -> anyhow::Result<Lock> {
        if task::check_name(name).is_err() {
            return Err(task::unknown(name, []).into());
        }
        Lock::take(&self.root.join("locks").join(name), lock::PATIENCE)
    }

    /// As [`Self::lock_task`], if it is free.
    pub(crate) fn try_lock_task(&self, name: &str) -> anyhow::Result<Option<Lock>> {
        Lock::attempt(&self.root.join("locks").join(name))
    }

    /// Takes the lock that guards landing on one target, if it is free. It comes after the line: an orphan git of a
    /// landing that was killed still holds it.
    pub(crate) fn try_landing_lock(&self, target: &str) -> anyhow::Result<Option<Lock>> {
        Lock::attempt(&self.landing_lock_file(target))
    }

    /// Who holds the landing lock of a target, in words.
    pub(crate) fn landing_holder(&self, target: &str) -> String {
        lock::holder(&self.landing_lock_file(target))
    }

    fn landing_lock_file(&self, target: &str) -> PathBuf {
        let dir = self.root.join("landing");
        dir.join(format!("{}.lock", encoded(target)))
    }

    /// The names of the live tasks, in order.
    pub(crate) fn task_names(&self) -> anyhow::Result<Vec<String>> {
        let mut names = list_dirs(&self.root.join("tasks"))?;
        names.retain(|name| self.task_dir(name).join("task.json").exists());
        names.sort();
        Ok(names)
    }

    /// Reads a live task's record; nothing where there is none.
    pub(crate) fn find_task(&self, name: &str) -> anyhow::Result<Option<Task>> {
        if task::check_name(name).is_err() {
            return Ok(None);
        }
        read_json(&self.task_dir(name).join("task.json"))
    }

    /// Reads a live task's record.
    ///
    /// # Errors
    /// A refusal that names the nearest live task where there is none.
    pub(crate) fn require_task(&self, name: &str) -> anyhow::Result<Task> {
        if let Some(task) = self.find_task(name)? {
            return Ok(task);
        }
        if let Some(past) = self
            .trashed()?
            .into_iter()
            .rev()
            .filter_map(|(_, trashed)| trashed.ok())
            .find(|t| t.task.name == name)
        {
            return Err(past.refusal().into());
        }
        let names = self.task_names()?;
        Err(task::unknown(name, names.iter().map(String::as_str)).into())
    }

    /// Every live task's record; one that can't be read is an error of its own.
    pub(crate) fn tasks(&self) -> anyhow::Result<Vec<(String, anyhow::Result<Task>)>> {
        // A folder without a record is no task, or one that was removed just now.
        let read = |name: String| match self.find_task(&name) {
            Ok(None) => None,
            Ok(Some(task)) => Some((name, Ok(task))),
            Err(error) => Some((name, Err(error))),
        };
        let names = list_dirs(&self.root.join("tasks"))?;
        Ok(names.into_iter().filter_map(read).collect())
    }

    /// The folders of the state that most commands write to: what one that was killed left there is soon found.
    pub(crate) fn written_folders(&self) -> anyhow::Result<Vec<PathBuf>> {
        let own = ["", "journal", "memory", "receipts", "sweeps"].map(|name| self.root.join(name));
        let tasks = list_dirs(&self.root.join("tasks"))?.into_iter();
        Ok(own
            .into_iter()
            .chain(tasks.map(|name| self.task_dir(&name)))
            .collect())
    }

    pub(crate) fn save_task(&self, task: &Task) -> anyhow::Result<()> {
        write_json(&self.task_file(&task.name), task)
    }

    /// Brings a record to the disk beside its place; the task's folder must be there.
    pub(crate) fn prepare_task(&self, task: &Task) -> anyhow::Result<Prepared> {
        Prepared::new(self.task_file(&task.name), versioned(task)?)
    }

    /// As [`Self::save_task`], without waiting for the disk where `prepared` is that record.
    pub(crate) fn place_task(&self, task: &Task, prepared: Prepared) -> anyhow::Result<()> {
        prepared.place(&versioned(task)?)
    }

    fn task_file(&self, name: &str) -> PathBuf {
        self.task_dir(name).join("task.json")
    }
}

/// A branch's name as a file's.
fn encoded(branch: &str) -> String {
    branch.replace('%', "%25").replace('/', "%2F")
}

/// Reads a versioned file; nothing where there is none.
///
/// # Errors
/// A refusal for a file of a newer schema, or one that is cut short or forged: it is never guessed at.
pub(crate) fn read_json<T: DeserializeOwned>(path: &Path) -> anyhow::Result<Option<T>> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error).with_context(|| format!("can't read {}", path.display())),
    };
    if let Some(value) = versioned::read(&bytes, SCHEMA) {
        return Ok(Some(value));
    }
    let damaged = |why: String| {
        Refusal::refused(format!(
            "the state file {} can't be read: {why}",
            path.display()
        ))
        .hint("see what can be mended: wt doctor")
    };
    let mut value: Value = serde_json::from_slice(&bytes).map_err(|e| damaged(e.to_string()))?;
    let schema = value
        .as_object_mut()
        .and_then(|map| map.shift_remove("schema"));
    match schema.as_ref().and_then(Value::as_u64) {
        Some(SCHEMA) => {}
        Some(newer) if newer > SCHEMA => {
            return Err(Refusal::refused(format!(
                "the state file {} is of schema {newer}; this wt knows schema {SCHEMA}",
                path.display()
            ))
            .hint("use the newer wt that wrote it")
            .into());
        }
        _ => return Err(damaged("it names no schema".to_owned()).into()),
    }
    Ok(Some(
        serde_json::from_value(value).map_err(|e| damaged(e.to_string()))?,
    ))
}

/// Writes a versioned file whole or not at all.
pub(crate) fn write_json(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    write_atomic(path, &versioned(value)?)
}

/// As [`write_json`], without waiting for the disk: for what is only shown, and lost without harm.
pub(crate) fn write_json_shown(path: &Path, value: &impl Serialize) -> anyhow::Result<()> {
    write_shown(path, &versioned(value)?)
}

fn versioned(value: &impl Serialize) -> anyhow::Result<Vec<u8>> {
    let mut map = serde_json::Map::new();
    map.insert("schema".to_owned(), SCHEMA.into());
    if let Value::Object(fields) = serde_json::to_value(value)? {
        map.extend(fields);
    }
    let mut bytes = serde_json::to_vec_pretty(&map)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// The names of the folders in `dir`; none where it does not exist.
pub(crate) fn list_dirs(dir: &Path) -> anyhow::Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("can't list {}", dir.display())),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("can't list {}", dir.display()))?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir())
            && let Ok(name) = entry.file_name().into_string()
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    type Map = std::collections::BTreeMap<String, i32>;

    #[test]
    fn a_newer_or_a_cut_file_is_refused_and_not_guessed_at() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("deep").join("x.json");
        let map = Map::from([("a".to_owned(), 1)]);
        write_json(&file, &map).expect("written");
        assert_eq!(read_json(&file).expect("read"), Some(map.clone()));
        fs::write(&file, r#"{"schema": 2, "a": 1}"#).expect("written");
        let newer = read_json::<Map>(&file).expect_err("refused").to_string();
        assert!(newer.contains("schema 2"), "{newer}");
        for cut in ["", "{", r#"{"schema": 1, "a""#, "[]", r#"{"a": 1}"#] {
            fs::write(&file, cut).expect("written");
            let said = read_json::<Map>(&file).expect_err("refused").to_string();
            assert!(said.contains("can't be read"), "{said}");
        }
        assert_eq!(
            read_json::<Map>(&dir.path().join("none")).expect("read"),
            None
        );
    }
}
