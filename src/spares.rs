//! Checkouts that are made ahead for the next tasks: where they lie, who holds one, and taking one away.
//!
//! One is whole if, and only if, its index is in the state: that is written last, and removed before anything else of
//! it is touched. What lies there without one is what a killed command left.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::process::boot_id;
use crate::store::{Lock, Store, list_dirs, read_json, remove_dir, write_json_shown};
use crate::workspace::SLOTS;

/// Beside the slots, the folder that they lie in.
pub(crate) const SPARES: &str = "spares";

/// Where a spare lies.
#[derive(Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) root: PathBuf,
    /// When it was begun.
    pub(crate) made: Timestamp,
    /// The name of the running of the machine in which it was made: what was not yet on the disk when that ended is lost.
    boot: String,
}

impl Note {
    /// Whether all that was written of it is still there, as far as the machine goes.
    pub(crate) fn is_of_this_boot(&self) -> bool {
        boot_id().is_ok_and(|boot| boot == self.boot)
    }
}

/// A spare that nobody else takes, makes or removes for as long as this value lives.
pub(crate) struct Spare {
    number: usize,
    dir: PathBuf,
    _lock: Lock,
}

impl Spare {
    /// Holds the spare of this number; nothing where another does.
    ///
    /// # Errors
    /// Where its lock can't be opened.
    pub(crate) fn hold(store: &Store, number: usize) -> anyhow::Result<Option<Self>> {
        let dir = store.spare_dir(number);
        let lock = Lock::attempt(&dir.join("lock"))?;
        Ok(lock.map(|lock| Self {
            number,
            dir,
            _lock: lock,
        }))
    }

    /// Its index, where it is whole.
    pub(crate) fn index(&self) -> PathBuf {
        index(&self.dir)
    }

    /// Where it lies, whole or not; nothing where nothing of it is there, or what is noted of it can't be read.
    pub(crate) fn note(&self) -> Option<Note> {
        note(&self.dir)
    }

    /// Notes that it is begun among these worktrees; answers its root, an empty folder.
    pub(crate) fn begin(&self, worktrees: &Path, made: Timestamp) -> anyhow::Result<PathBuf> {
        let root = root(worktrees, self.number);
        remove_dir(&root)?;
        fs::create_dir_all(&root).with_context(|| format!("can't make {}", root.display()))?;
        let note = Note {
            root: root.clone(),
            made,
            boot: boot_id().context("can't tell one running of this machine from the next")?,
        };
        write_json_shown(&self.dir.join(NOTE), &note)?;
        Ok(root)
    }

    /// From here on it is not whole.
    pub(crate) fn give_up(&self) -> anyhow::Result<()> {
        remove_file(&self.index())
    }

    /// Removes all of it. Safe to repeat.
    ///
    /// # Errors
    /// Where something of it can't be removed.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        self.give_up()?;
        let place = Path::new(SLOTS).join(SPARES).join(self.number.to_string());
        // Whatever else a note names is not ours to remove.
        let root = self.note().map(|note| note.root);
        if let Some(root) = root.filter(|root| root.ends_with(place)) {
            remove_dir(&root)?;
        }
        remove_file(&self.dir.join(NOTE))
    }
}

const NOTE: &str = "spare.json";

fn index(dir: &Path) -> PathBuf {
    dir.join("index")
}

fn note(dir: &Path) -> Option<Note> {
    read_json(&dir.join(NOTE)).ok().flatten()
}

/// Removes a file; one that is gone is no error.
fn remove_file(path: &Path) -> anyhow::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", path.display()))
        }
        _ => Ok(()),
    }
}

/// Where the spare of this number lies among these worktrees.
pub(crate) fn root(worktrees: &Path, number: usize) -> PathBuf {
    let spares = worktrees.join(SLOTS).join(SPARES);
    spares.join(number.to_string())
}

/// The numbers of all spares that there are or were, the lowest first.
///
/// # Errors
/// Where the state can't be listed.
pub(crate) fn numbers(store: &Store) -> anyhow::Result<Vec<usize>> {
    let names = list_dirs(&store.root().join("spares"))?;
    let mut numbers: Vec<usize> = names.iter().filter_map(|name| name.parse().ok()).collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// Where every spare lies, whole or not, by its number.
///
/// # Errors
/// As [`numbers`].
pub(crate) fn places(store: &Store) -> anyhow::Result<Vec<(usize, Note)>> {
    let numbers = numbers(store)?.into_iter();
    Ok(numbers
        .filter_map(|number| Some((number, note(&store.spare_dir(number))?)))
        .collect())
}

/// How many are whole.
///
/// # Errors
/// As [`numbers`].
pub(crate) fn whole(store: &Store) -> anyhow::Result<usize> {
    let numbers = numbers(store)?.into_iter();
    let whole = numbers.filter(|number| index(&store.spare_dir(*number)).is_file());
    Ok(whole.count())
}

/// Holds the right to make spares; nothing where another is at it.
///
/// # Errors
/// Where the lock can't be opened.
pub(crate) fn hold_all(store: &Store) -> anyhow::Result<Option<Lock>> {
    Lock::attempt(&store.root().join("spares").join("lock"))
}

/// Where those say what went wrong that make spares.
pub(crate) fn log(store: &Store) -> PathBuf {
    store.root().join("spare.log")
}

/// What went wrong when spares were made last; nothing where they could be made.
pub(crate) fn failure(store: &Store) -> Option<String> {
    let said = fs::read_to_string(log(store)).unwrap_or_default();
    let mut lines = said.lines();
    let error = lines.find_map(|line| line.strip_prefix("error: "));
    error.or_else(|| said.lines().next()).map(str::to_owned)
}

/// Takes a spare away. Answers `false` where somebody holds it.
///
/// # Errors
/// As [`Spare::clear`].
pub(crate) fn drop_spare(store: &Store, number: usize) -> anyhow::Result<bool> {
    let Some(spare) = Spare::hold(store, number)? else {
        return Ok(false);
    };
    spare.clear()?;
    Ok(true)
}
