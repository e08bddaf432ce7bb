//! Checkouts that are made ahead for the next tasks: where they lie, who holds one, and taking one away.
//!
//! One is whole if, and only if, its index is in the state: that is written last, and removed before anything else of
//! it is touched. What lies there without one is what a killed command left. They are only a help: where the state of one
//! can't be read, there is none.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::process::boot_id;
use crate::store::{Lock, Store, list_dirs, read_json, remove_dir, write_json_shown};
use crate::workspace::{SLOTS, holds_worktrees};

/// Beside the slots, the folder that they lie in.
const SPARES: &str = "spares";
const NOTE: &str = "spare.json";

/// Where a spare lies, and what it was made under.
#[derive(Serialize, Deserialize)]
pub(crate) struct Note {
    pub(crate) root: PathBuf,
    /// When it was begun.
    pub(crate) made: Timestamp,
    /// The name of the running of the machine: what was not yet on the disk when that ended is lost.
    boot: String,
    /// The permissions that its files were not given.
    umask: Option<u32>,
}

impl Note {
    /// Whether what is made now would be made the same way, and nothing that was written is lost.
    pub(crate) fn holds(&self) -> bool {
        self.umask == umask() && boot_id().is_ok_and(|boot| boot == self.boot)
    }
}

/// The permissions that new files are not given; nothing where the system does not tell.
fn umask() -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let mut lines = status.lines();
    let line = lines.find_map(|line| line.strip_prefix("Umask:"))?;
    u32::from_str_radix(line.trim(), 8).ok()
}

/// A spare that nobody else takes, makes or removes for as long as this value lives.
pub(crate) struct Spare {
    number: usize,
    dir: PathBuf,
    /// Git's folder of the repository that it is of.
    common: PathBuf,
    _lock: Lock,
}

impl Spare {
    /// Holds the spare of this number; nothing where another does.
    pub(crate) fn hold(store: &Store, number: usize) -> Option<Self> {
        let dir = store.spare_dir(number);
        let lock = Lock::attempt(&dir.join("lock")).ok().flatten();
        lock.map(|lock| Self {
            number,
            dir,
            common: store.root().parent().unwrap_or(store.root()).to_owned(),
            _lock: lock,
        })
    }

    /// Its index, where it is whole.
    pub(crate) fn index(&self) -> PathBuf {
        index(&self.dir)
    }

    /// Where it lies among these worktrees.
    pub(crate) fn root(&self, worktrees: &Path) -> PathBuf {
        folder(worktrees).join(self.number.to_string())
    }

    /// What is noted of it, whole or not; nothing where it was not begun, or that can't be read.
    pub(crate) fn note(&self) -> Option<Note> {
        note(&self.dir)
    }

    /// Notes that it is begun among these worktrees; answers its root, an empty folder.
    ///
    /// # Errors
    /// Where that can't be made.
    pub(crate) fn begin(&self, worktrees: &Path, made: Timestamp) -> anyhow::Result<PathBuf> {
        let root = self.root(worktrees);
        remove_dir(&root)?;
        fs::create_dir_all(&root).with_context(|| format!("can't make {}", root.display()))?;
        let note = Note {
            root: root.clone(),
            made,
            boot: boot_id().context("can't tell one running of this machine from the next")?,
            umask: umask(),
        };
        write_json_shown(&self.dir.join(NOTE), &note)?;
        Ok(root)
    }

    /// From here on it is not whole.
    pub(crate) fn give_up(&self) -> anyhow::Result<()> {
        remove_file(&self.index())
    }

    /// Removes all of it, wherever it was begun. Safe to repeat.
    ///
    /// # Errors
    /// Where something of it can't be removed.
    pub(crate) fn clear(&self) -> anyhow::Result<()> {
        self.give_up()?;
        let root = self.note().map(|note| note.root);
        if let Some(root) = root.filter(|root| self.is_ours(root)) {
            remove_dir(&root)?;
        }
        remove_file(&self.dir.join(NOTE))
    }

    /// Whether a folder is the place of this spare, and among worktrees of this repository: a copied repository has notes
    /// of another's.
    fn is_ours(&self, root: &Path) -> bool {
        root.ancestors().nth(3).is_some_and(|worktrees| {
            self.root(worktrees) == root && holds_worktrees(worktrees, &self.common)
        })
    }
}

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

/// The folder of all spares among these worktrees.
fn folder(worktrees: &Path) -> PathBuf {
    worktrees.join(SLOTS).join(SPARES)
}

/// The numbers of all spares that there are or were, the lowest first.
pub(crate) fn numbers(store: &Store) -> Vec<usize> {
    numbered(&store.spares_dir())
}

/// The numbers of the folders that lie where spares lie among these worktrees.
pub(crate) fn lying(worktrees: &Path) -> Vec<usize> {
    numbered(&folder(worktrees))
}

/// The folders in `dir` that are called by a number.
fn numbered(dir: &Path) -> Vec<usize> {
    let names = list_dirs(dir).unwrap_or_default();
    let number = |name: &String| name.parse().ok().filter(|n: &usize| n.to_string() == *name);
    let mut numbers: Vec<usize> = names.iter().filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

/// Where every spare lies, whole or not, by its number.
pub(crate) fn places(store: &Store) -> Vec<(usize, Note)> {
    let noted = |number| Some((number, note(&store.spare_dir(number))?));
    let noted = numbers(store).into_iter().filter_map(noted);
    noted.filter(|(_, note)| note.root.is_dir()).collect()
}

/// How many are whole.
pub(crate) fn whole(store: &Store) -> usize {
    let numbers = numbers(store).into_iter();
    let whole = numbers.filter(|number| index(&store.spare_dir(*number)).is_file());
    whole.count()
}

/// Holds the right to make spares; nothing where another is at it.
///
/// # Errors
/// Where the lock can't be opened.
pub(crate) fn hold_all(store: &Store) -> anyhow::Result<Option<Lock>> {
    Lock::attempt(&store.spares_dir().join("lock"))
}

/// Where those say what went wrong that make spares.
pub(crate) fn log(store: &Store) -> PathBuf {
    store.root().join("spare.log")
}

/// Why there are none, or fewer than there could be, as far as that is known.
///
/// # Errors
/// Where their state can't be read.
pub(crate) fn failure(store: &Store) -> anyhow::Result<Option<String>> {
    let dir = store.spares_dir();
    if dir.exists() {
        hold_all(store)?;
        for number in list_dirs(&dir)? {
            Lock::attempt(&dir.join(number).join("lock"))?;
        }
    }
    let said = fs::read_to_string(log(store)).unwrap_or_default();
    let mut lines = said.lines();
    let error = lines.find_map(|line| line.strip_prefix("error: "));
    Ok(error.or_else(|| said.lines().next()).map(str::to_owned))
}

/// Forgets what went wrong.
///
/// # Errors
/// Where that can't be emptied.
pub(crate) fn forget_failure(store: &Store) -> anyhow::Result<()> {
    let log = log(store);
    // Emptied: who makes spares has it open.
    match File::options().write(true).truncate(true).open(&log) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't empty {}", log.display()))
        }
        _ => Ok(()),
    }
}

/// Takes a spare away. Answers `false` where somebody holds it.
///
/// # Errors
/// As [`Spare::clear`].
pub(crate) fn drop_spare(store: &Store, number: usize) -> anyhow::Result<bool> {
    let Some(spare) = Spare::hold(store, number) else {
        return Ok(false);
    };
    spare.clear()?;
    Ok(true)
}
