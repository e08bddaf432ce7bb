//! The notes of past tasks, the index of them, and what an agent says while it is at work.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use rustix::fs::{AtFlags, statat};
use serde::{Deserialize, Serialize};

use super::atomic::{sync, write_new};
use super::{Store, ToDisk, write_atomic, write_shown};
use crate::memory::{Kind, Stamp};
use crate::threads;

/// How the name of a note's file ends.
const END: &str = ".md";
/// As often as one day can know tasks of one name.
const SAME_NAMES: u32 = 10_000;

/// What an agent says of its task, to be kept in the note of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) at: Timestamp,
    pub(crate) kind: Kind,
    pub(crate) text: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
}

impl Store {
    /// The folder of the notes.
    pub(crate) fn memory_dir(&self) -> PathBuf {
        self.root.join("memory")
    }

    pub(crate) fn note_file(&self, name: &str) -> PathBuf {
        self.memory_dir().join(format!("{name}{END}"))
    }

    fn said_file(&self, task: &str) -> PathBuf {
        self.task_dir(task).join("notes.jsonl")
    }

    /// The notes that there are, by the names of their files, in order.
    pub(crate) fn note_names(&self) -> anyhow::Result<Vec<String>> {
        let dir = self.memory_dir();
        let context = || format!("can't list {}", dir.display());
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(context),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.with_context(context)?;
            let name = entry.file_name().into_string().unwrap_or_default();
            let is_file = || entry.file_type().is_ok_and(|kind| kind.is_file());
            let is_note = !name.starts_with('.') && is_file();
            if let Some(name) = name.strip_suffix(END).filter(|_| is_note) {
                names.push(name.to_owned());
            }
        }
        names.sort_unstable();
        Ok(names)
    }

    /// The files of the notes, by their names, in order.
    pub(crate) fn note_files(&self) -> anyhow::Result<Vec<Stamp>> {
        let names = self.note_names()?;
        let Ok(dir) = File::open(self.memory_dir()) else {
            return Ok(Vec::new());
        };
        let stamp = |name: &String| {
            // From the folder: a long path takes longer than all the rest.
            let stat = statat(&dir, format!("{name}{END}"), AtFlags::empty()).ok()?;
            let nanoseconds = stat.st_mtime.checked_mul(1_000_000_000)?;
            Some(Stamp {
                size: u64::try_from(stat.st_size).ok()?,
                modified: nanoseconds.checked_add(i64::try_from(stat.st_mtime_nsec).ok()?)?,
                name: name.clone(),
            })
        };
        // One that is removed meanwhile is none.
        Ok(threads::map(&names, stamp).into_iter().flatten().collect())
    }

    /// The text of a note; nothing where there is none of that name.
    pub(crate) fn find_note(&self, name: &str) -> anyhow::Result<Option<String>> {
        if name.contains('/') || name.starts_with('.') {
            return Ok(None);
        }
        let path = self.note_file(name);
        match fs::read(&path) {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }

    /// Writes a note under a name of its own, which begins with `stem`; answers it.
    pub(crate) fn add_note(
        &self,
        stem: &str,
        text: &str,
        to_disk: ToDisk,
    ) -> anyhow::Result<String> {
        let dir = self.memory_dir();
        fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        for number in 1..=SAME_NAMES {
            let name = match number {
                1 => stem.to_owned(),
                _ => format!("{stem}-{number}"),
            };
            let file = self.note_file(&name);
            if write_new(&file, text.as_bytes(), to_disk)? {
                return Ok(name);
            }
            // It had not come to the disk when the power was lost.
            if fs::metadata(&file).is_ok_and(|there| there.len() == 0) {
                write_atomic(&file, text.as_bytes())?;
                return Ok(name);
            }
        }
        anyhow::bail!("there are too many notes of the name {stem}")
    }

    /// Brings the notes that were written to the disk.
    pub(crate) fn sync_notes(&self) -> anyhow::Result<()> {
        sync(&self.memory_dir())
    }

    /// Writes a note in the place of the one of that name.
    pub(crate) fn replace_note(&self, name: &str, text: &str) -> anyhow::Result<()> {
        write_atomic(&self.note_file(name), text.as_bytes())
    }

    pub(crate) fn remove_note(&self, name: &str) -> anyhow::Result<()> {
        let path = self.note_file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The index of the notes as it was last written, if it was.
    pub(crate) fn note_index(&self) -> Option<Vec<u8>> {
        fs::read(self.memory_dir().join("index")).ok()
    }

    /// Keeps an index of the notes; it is lost without harm.
    pub(crate) fn keep_note_index(&self, bytes: &[u8]) -> anyhow::Result<()> {
        write_shown(&self.memory_dir().join("index"), bytes)
    }

    /// Adds what was said of a task, in one write.
    pub(crate) fn say(&self, task: &str, said: &Said) -> anyhow::Result<()> {
        let path = self.said_file(task);
        // A line that a killed writer left half done is ended first.
        let mut line = b"\n".to_vec();
        line.extend(serde_json::to_vec(said)?);
        let add = || -> io::Result<()> {
            let mut file = File::options().append(true).create(true).open(&path)?;
            file.write_all(&line)?;
            file.sync_data()
        };
        add().with_context(|| format!("can't write {}", path.display()))
    }

    /// What was said of a task, oldest first; a line that a crash cut short is left out.
    pub(crate) fn said(&self, task: &str) -> anyhow::Result<Vec<Said>> {
        let path = self.said_file(task);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        };
        let lines = bytes.split(|b| *b == b'\n');
        Ok(lines
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }

    /// How much was said of a task, in bytes.
    pub(crate) fn said_bytes(&self, task: &str) -> u64 {
        fs::metadata(self.said_file(task)).map_or(0, |metadata| metadata.len())
    }
}
