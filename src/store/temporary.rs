//! Private folders for temporary files, each noted in the state for as long as it is there: what a killed command leaves
//! is found by the next one.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Store, read_json, remove_dir, write_json_shown};
use crate::process::{self, Identity};

/// What is noted of one.
#[derive(Serialize, Deserialize)]
struct Note {
    /// Whose it is.
    process: Identity,
    path: PathBuf,
}

/// A private folder for temporary files, gone when it is dropped.
pub(crate) struct Temporary {
    path: PathBuf,
    note: PathBuf,
}

impl Temporary {
    /// Where it is: gone with this value.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed stays noted, and is tried again once this process has ended.
        if remove_dir(&self.path).is_ok() {
            let _ = fs::remove_file(&self.note);
        }
    }
}

impl Store {
    /// Makes a private folder for temporary files of this process.
    pub(crate) fn private_folder(&self) -> anyhow::Result<Temporary> {
        let process = Identity::current()?;
        let mut note: Option<PathBuf> = None;
        let dir = self.temporary_dir();
        fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        let made = new_private_folder(|path| {
            let name = path.file_name().context("a folder without a name")?;
            let file = dir.join(name).with_extension("json");
            if let Some(before) = note.replace(file.clone()) {
                let _ = fs::remove_file(before);
            }
            let (process, path) = (process.clone(), path.to_owned());
            // After a loss of power there are no temporary files: it need not wait for the disk.
            write_json_shown(&file, &Note { process, path })
        });
        if let (Err(_), Some(note)) = (&made, &note) {
            let _ = fs::remove_file(note);
        }
        let note = note.unwrap_or_default();
        made.map(|path| Temporary { path, note })
    }

    /// The private folders whose process was killed, each with its note.
    pub(crate) fn dead_folders(&self) -> Vec<(PathBuf, PathBuf)> {
        let notes = fs::read_dir(self.temporary_dir())
            .into_iter()
            .flatten()
            .flatten();
        notes
            .map(|entry| entry.path())
            .filter(|file| file.extension().is_some_and(|e| e == "json"))
            .filter_map(|file| match read_json::<Note>(&file) {
                Ok(Some(note)) if !note.process.is_alive() => Some((note.path, file)),
                // One that can't be read names nothing that could be removed.
                _ => None,
            })
            .collect()
    }

    /// Ends what killed commands left running in their private folders, and removes these; answers how many. The lock
    /// of the state must be held.
    pub(crate) fn remove_dead_folders(&self) -> anyhow::Result<usize> {
        let dead = self.dead_folders();
        for (folder, note) in &dead {
            for place in [folder.clone(), folder.join("tmp")] {
                process::kill_marked(&format!("TMPDIR={}", place.display()))?;
            }
            remove_dir(folder)?;
            fs::remove_file(note).with_context(|| format!("can't remove {}", note.display()))?;
        }
        Ok(dead.len())
    }

    fn temporary_dir(&self) -> PathBuf {
        self.root().join("temporary")
    }
}

/// A private folder, which stays when it is not removed: `note` is told of its path before it is made. Not by `TMPDIR`,
/// which is the caller's and may lie too deep for a socket; but in a cage there may be no other.
pub(crate) fn new_private_folder(
    mut note: impl FnMut(&Path) -> anyhow::Result<()>,
) -> anyhow::Result<PathBuf> {
    let mut make = |path: &Path| {
        note(path).map_err(std::io::Error::other)?;
        fs::DirBuilder::new().mode(0o700).create(path)
    };
    let mut folder = tempfile::Builder::new();
    folder.prefix("wt-");
    let made = match folder.make_in("/tmp", &mut make) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => folder.make(make),
        other => other,
    };
    let made = made.context("can't make a private folder for temporary files in /tmp")?;
    made.into_temp_path().keep().context("can't keep a folder")
}
