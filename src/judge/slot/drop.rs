//! Taking a slot away that nobody needs now.

use std::fs;

use super::{Lock, Record, Slot, end_leftovers};
use crate::store::{Store, write_json};
use crate::workspace::Workspace;

/// Whether a judge holds this slot, or whoever else reads it.
pub(crate) fn slot_is_taken(store: &Store, number: usize) -> anyhow::Result<bool> {
    Ok(Lock::attempt(&store.slot_dir(number).join("lock"))?.is_none())
}

/// Takes a slot away, its caches included; the next judge makes it anew. Each step is safe to repeat. Answers `false`
/// where a judge is in it, or there is none.
pub(crate) fn drop_slot(ws: &Workspace, number: usize) -> anyhow::Result<bool> {
    let dir = ws.store.slot_dir(number);
    let Some(lock) = Lock::attempt(&dir.join("lock"))? else {
        return Ok(false);
    };
    let Some(mut record) = Record::find(&ws.store, number) else {
        return Ok(false);
    };
    if let Some(left) = record.occupant.take() {
        end_leftovers(&left)?;
    }
    // From here on it is none: whoever comes before the rest is done makes it anew.
    record.admin = String::new();
    let slot = Slot::of(&ws.store, number, lock, record);
    write_json(&slot.file, &slot.record)?;
    {
        let _lock = ws.lock()?;
        let admins = ws.repo.admins_of(slot.root())?.into_iter();
        for admin in admins.chain(ws.repo.begun_admins_of(slot.root())) {
            ws.repo.forget_worktree(&admin)?;
        }
    }
    slot.move_away()?;
    // The lock stays: who waits for it must not get another one than who comes later.
    for file in [slot.index.clone(), dir.join("size.json"), slot.file.clone()] {
        match fs::remove_file(&file) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                let what = format!("can't remove {}", file.display());
                return Err(anyhow::Error::new(error).context(what));
            }
            _ => {}
        }
    }
    Ok(true)
}
