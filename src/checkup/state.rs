//! What can be wrong with what the state and the trash hold, whatever task it is of.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Checkup, Mend, REMOVE};
use crate::gate::Receipt;
use crate::hook::AGENTS;
use crate::hook_file::user_file;
use crate::remember;
use crate::remove::{gone, sweep_now};
use crate::spares;
use crate::store::{half_written, list_dirs, read_json, remove_dir};
use crate::usage::trash_dirs;

impl Checkup<'_> {
    /// Folders of the state without a record, which no intent explains.
    pub(super) fn half_made(&mut self) -> anyhow::Result<()> {
        let ws = self.ws;
        let known = ws.store.task_names()?;
        let intents = ws.store.intents()?;
        for name in list_dirs(&ws.store.root().join("tasks"))? {
            if known.contains(&name) || intents.iter().any(|e| e.task == name) {
                continue;
            }
            let dir = ws.store.task_dir(&name);
            self.mendable(
                format!("{} holds no task", dir.display()),
                Mend {
                    todo: "remove the folder",
                    done: "the folder is removed",
                },
                || remove_dir(&dir),
            );
        }
        Ok(())
    }

    /// Files that a killed command of `wt` left half written.
    pub(super) fn half_written(&mut self) {
        let store = &self.ws.store;
        let mut folders = vec![self.ws.repo.common().join("info")];
        folders.extend(
            trash_dirs(self.ws)
                .into_iter()
                .flatten()
                .filter_map(|trash| trash.parent().map(Path::to_owned)),
        );
        let environment = &self.ws.ctx.environment;
        let settings = AGENTS
            .iter()
            .filter_map(|agent| user_file(environment, agent).ok());
        folders.extend(settings.filter_map(|file| file.parent().map(Path::to_owned)));
        let mut open = vec![store.root().to_owned()];
        while let Some(folder) = open.pop() {
            let inside = list_dirs(&folder).unwrap_or_default().into_iter();
            // The repository of a cage is git's, and its agent's.
            open.extend(
                inside
                    .map(|name| folder.join(name))
                    .filter(|inside| !inside.ends_with("git")),
            );
            folders.push(folder);
        }
        for path in folders.iter().flat_map(|folder| half_written(folder)) {
            let what = format!("{} was left half written", path.display());
            self.mendable(what, REMOVE, || Ok(fs::remove_file(&path)?));
        }
    }

    /// Notes that can't be read, and landings whose note is in history and not here.
    pub(super) fn memory(&mut self) -> anyhow::Result<()> {
        let ws = self.ws;
        for (name, why) in remember::unreadable(ws)? {
            self.found(
                format!("note {name}: {why}"),
                "mend the file, or remove it; what a landing commit carries comes back: wt doctor --fix",
            );
        }
        for task in remember::missing(ws)? {
            let what = format!(
                "the note of task `{}`, which has landed, is missing",
                task.name
            );
            let mend = Mend {
                todo: "write it as its landing commit has it",
                done: "it is written as its landing commit has it",
            };
            self.mendable(what, mend, || remember::mend(ws, &task));
        }
        Ok(())
    }

    /// Nobody waits for what makes them, so that nobody else says why it could not.
    pub(super) fn spares(&mut self) {
        let store = &self.ws.store;
        let what = |failure: &str| format!("no checkout could be made ahead: {failure}");
        match spares::failure(store) {
            Ok(None) => {}
            Ok(Some(failure)) => self.mendable(
                what(&failure),
                Mend {
                    todo: "mend that, or take `spare` out of wt.toml; it is tried again after the next spawn",
                    done: "forgotten; it is tried again after the next spawn",
                },
                || spares::forget_failure(store),
            ),
            Err(error) => self.found(what(&format!("{error:#}")), "make it readable"),
        }
    }

    pub(super) fn receipts(&mut self) {
        let dir = self.ws.store.root().join("receipts");
        for file in fs::read_dir(dir)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
        {
            if file.extension().is_none_or(|e| e != "json") {
                continue;
            }
            let key = file
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            let receipt = read_json::<Receipt>(&file);
            if !matches!(&receipt, Ok(Some(r)) if r.key() == key) {
                let what = format!(
                    "the receipt {} can't be read, or is not what its name says",
                    file.display()
                );
                self.mendable(
                    what,
                    Mend {
                        todo: "remove it; its tree is judged again when asked",
                        done: "it is removed; its tree is judged again when asked",
                    },
                    || Ok(fs::remove_file(&file)?),
                );
            }
        }
    }

    pub(super) fn archive(&mut self) -> anyhow::Result<()> {
        for (_, trashed) in self.ws.store.trashed()? {
            if let Err(error) = trashed {
                self.found(
                    format!("{error:#}"),
                    "put the file back from a backup; its branch is kept below refs/wt/trash",
                );
            }
        }
        Ok(())
    }

    pub(super) fn trash(&mut self) -> anyhow::Result<()> {
        for trash in trash_dirs(self.ws)? {
            let waiting: Vec<PathBuf> = gone(&trash)
                .into_iter()
                .filter(|path| is_forgotten(path))
                .collect();
            if !waiting.is_empty() {
                let what = format!(
                    "{} removed folders wait in {}",
                    waiting.len(),
                    trash.display()
                );
                self.mendable(
                    what,
                    Mend {
                        todo: "delete them",
                        done: "they are deleted",
                    },
                    || sweep_now(&trash),
                );
            }
        }
        Ok(())
    }
}

/// Whether nobody is at work on a removed folder any more: one that was just removed is being deleted.
fn is_forgotten(path: &Path) -> bool {
    const PATIENCE: Duration = Duration::from_secs(60);
    let changed = fs::symlink_metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|time| time.elapsed().is_ok_and(|age| age > PATIENCE))
}
