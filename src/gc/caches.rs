//! What is only a cache, and what waits to be deleted.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::{Act, Held, Item, Kind, Plan, own_bytes, seconds_since, seconds_unchanged};
use crate::error::counted;
use crate::judge::{SlotPlace, slot_is_taken, slot_places};
use crate::remove::{gone, sweep_now};
use crate::spares::{self, Spare};
use crate::store::{Operation, trash_dir};
use crate::ui;
use crate::usage::{SPAWN_CACHES, trash_dirs};
use crate::workspace::{SLOTS, Workspace};

impl Plan {
    pub(super) fn add_trash(&mut self, ws: &Workspace) -> anyhow::Result<()> {
        let past = ws.store.trashed()?.into_iter();
        let known: Vec<_> = past.filter_map(|(_, t)| t.ok()?.trash).collect();
        for trash in trash_dirs(ws)? {
            let waiting = gone(&trash);
            let entries = fs::read_dir(&trash).into_iter().flatten().flatten();
            for path in entries.map(|entry| entry.path()) {
                if waiting.contains(&path) || known.contains(&path) {
                    continue;
                }
                let name = path.file_name().unwrap_or_default();
                self.held.push(Held {
                    name: name.to_string_lossy().into_owned(),
                    bytes: own_bytes(std::slice::from_ref(&path)),
                    why: "lies in the trash, and no record tells of it".to_owned(),
                    hint: format!("look at it, then remove it: {}", path.display()),
                });
            }
            if !waiting.is_empty() {
                self.items.push(Item {
                    kind: Kind::Trash,
                    name: String::new(),
                    bytes: own_bytes(&waiting),
                    age_seconds: i64::MAX,
                    why: format!("{} to be deleted", counted(waiting.len(), "removed folder")),
                    act: Act::Sweep(trash),
                });
            }
        }
        Ok(())
    }

    /// Slots in which nobody has judged for so long.
    pub(super) fn add_slots(&mut self, ws: &Workspace, older: i64) -> anyhow::Result<()> {
        for SlotPlace {
            slot,
            root,
            caches,
            used,
        } in slot_places(ws)?
        {
            let age = used.map_or(i64::MAX, |time| seconds_since(ws, time));
            if age < older || slot_is_taken(&ws.store, slot)? {
                continue;
            }
            let why = used.map_or_else(
                || "never used".to_owned(),
                |_| format!("not used for {}; made anew when it is needed", ui::age(age)),
            );
            self.items.push(Item {
                kind: Kind::Slot,
                name: slot.to_string(),
                bytes: own_bytes(&[root, caches]),
                age_seconds: age,
                why,
                act: Act::Slot(slot),
            });
        }
        Ok(())
    }

    /// Checkouts that no task has taken for so long.
    pub(super) fn add_spares(&mut self, ws: &Workspace, older: i64) {
        for (number, note) in spares::places(&ws.store) {
            let age = seconds_since(ws, note.made);
            if age < older || Spare::hold(&ws.store, number).is_none() {
                continue;
            }
            self.items.push(Item {
                kind: Kind::Spare,
                name: number.to_string(),
                bytes: own_bytes(&[note.root]),
                age_seconds: age,
                why: format!(
                    "not taken for {}; made anew after the next spawn",
                    ui::age(age)
                ),
                act: Act::Spare(number),
            });
        }
    }

    pub(super) fn add_set_up_caches(&mut self, ws: &Workspace, older: i64) -> anyhow::Result<()> {
        for trash in trash_dirs(ws)? {
            let folder = trash.with_file_name(SLOTS).join(SPAWN_CACHES);
            if !folder.is_dir() || is_spawning(ws)? {
                continue;
            }
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let ages = entries.map(|entry| seconds_unchanged(ws, &entry.path()));
            let age = ages.fold(seconds_unchanged(ws, &folder), i64::min);
            if age < older {
                continue;
            }
            self.items.push(Item {
                kind: Kind::Caches,
                name: String::new(),
                bytes: own_bytes(std::slice::from_ref(&folder)),
                age_seconds: age,
                why: format!("of set-ups, not used for {}", ui::age(age)),
                act: Act::SetUpCaches(folder),
            });
        }
        Ok(())
    }
}

/// Whether a task is being made, whose set-up may use the caches.
fn is_spawning(ws: &Workspace) -> anyhow::Result<bool> {
    let intents = ws.store.intents()?;
    let spawns = |operation: &Operation| matches!(operation, Operation::Spawn { .. });
    Ok(intents.iter().any(|entry| spawns(&entry.operation)))
}

/// Moves them aside under the lock under which a spawn says that it begins, then deletes them.
pub(super) fn remove_set_up_caches(ws: &Workspace, folder: &Path) -> anyhow::Result<bool> {
    let worktrees = folder.parent().and_then(Path::parent);
    let trash = worktrees
        .map(trash_dir)
        .context("caches lie beside the worktrees")?;
    {
        let _lock = ws.lock()?;
        if is_spawning(ws)? {
            return Ok(false);
        }
        fs::create_dir_all(&trash).with_context(|| format!("can't make {}", trash.display()))?;
        let name = format!("{SPAWN_CACHES}-{}.gone", ws.ctx.now.as_millisecond());
        let aside = trash.join(OsStr::new(&name));
        match fs::rename(folder, &aside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't move {}", folder.display()));
            }
            _ => {}
        }
    }
    sweep_now(&trash)?;
    Ok(true)
}
