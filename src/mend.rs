//! What a killed command left is brought to the state before it, or the state after it.

use crate::land;
use crate::process::Identity;
use crate::quarantine;
use crate::remove;
use crate::spawn;
use crate::store::{JournalEntry, Operation, Trashed, remove_dir};
use crate::task::{Landing, State};
use crate::workspace::Workspace;

/// Mends every intent whose process is gone, and says so. Called by each verb that changes the state, and by doctor.
/// One that can't be mended now is said and left: it must not stand in the way of other tasks.
pub(crate) fn mend(ws: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut mended = Vec::new();
    // First of all: what still runs there could write into what is taken back below.
    if !ws.store.dead_folders().is_empty() {
        let _lock = ws.lock()?;
        let count = ws.store.remove_dead_folders()?;
        if count > 0 {
            mended.push("the temporary files of a killed command are removed".to_owned());
        }
    }
    for entry in ws.store.intents()? {
        if entry.process.is_alive() {
            continue;
        }
        match mend_task(ws, &entry.task) {
            Ok(line) => {
                mended.extend(line);
                if matches!(entry.operation, Operation::Land { .. }) {
                    spawn::start_followers(ws, &entry.task)?;
                }
            }
            Err(error) => {
                let what = format!(
                    "what was left of a command on task `{}` can't be mended: {error:#}",
                    entry.task
                );
                ws.ctx.ui.warn(&what);
                ws.ctx.ui.hint("see what stands in the way: wt doctor");
            }
        }
    }
    for name in ws.store.open_cages()? {
        match quarantine::close_dead(ws, &name) {
            Ok(true) => mended.push(format!(
                "wt run of task `{name}` was killed; its cage is closed"
            )),
            Ok(false) => {}
            Err(error) => {
                let what = format!("the cage of task `{name}` can't be closed: {error:#}");
                ws.ctx.ui.warn(&what);
                ws.ctx.ui.hint("see what stands in the way: wt doctor");
            }
        }
    }
    for line in &mended {
        ws.ctx.ui.say(&format!("mended: {line}"));
    }
    Ok(mended)
}

/// Mends the open intent about one task; nothing where another command did so meanwhile.
fn mend_task(ws: &Workspace, name: &str) -> anyhow::Result<Option<String>> {
    let _task = ws.lock_task(name)?;
    let mut intents = ws.store.intents()?.into_iter();
    let Some(entry) = intents.find(|entry| entry.task == name) else {
        return Ok(None);
    };
    if entry.process.is_alive() || entry.process == Identity::current()? {
        return Ok(None);
    }
    let _lock = ws.lock()?;
    ws.repo.remove_locks_of(&refs_of(ws, &entry)?)?;
    mend_one(ws, &entry).map(Some)
}

/// The refs that are the task's alone and that the killed command may have held a lock of.
fn refs_of(ws: &Workspace, entry: &JournalEntry) -> anyhow::Result<Vec<String>> {
    let of = |trashed: &Trashed| {
        vec![
            trashed.task.branch_ref(),
            trashed.branch_ref(),
            trashed.index_ref(),
            trashed.cage_ref(),
        ]
    };
    Ok(match &entry.operation {
        Operation::Remove { trashed } => of(trashed),
        Operation::Restore { id } => ws
            .store
            .find_trashed(id)?
            .as_ref()
            .map_or_else(Vec::new, of),
        Operation::Spawn { branch, .. } => vec![format!("refs/heads/{branch}")],
        Operation::Land { .. } => Vec::new(),
    })
}

fn mend_one(ws: &Workspace, entry: &JournalEntry) -> anyhow::Result<String> {
    let name = &entry.task;
    Ok(match &entry.operation {
        operation @ Operation::Spawn { .. } => {
            spawn::undo(ws, name, operation)?;
            match ws.store.find_task(name)? {
                Some(_) => {
                    format!("task `{name}` was half made; it waits as before: wt spawn {name}")
                }
                None => format!("task `{name}` was half made; it is undone"),
            }
        }
        Operation::Remove { trashed } => {
            remove::carry_out(ws, trashed)?;
            format!("task `{name}` was half removed; it is removed")
        }
        Operation::Restore { id } => {
            if let Some(trashed) = ws.store.find_trashed(id)? {
                remove::put_back(ws, &trashed)?;
            } else {
                remove_dir(&ws.store.archived_dir(id))?;
                ws.store.settle(name)?;
            }
            format!("task `{name}` was half restored; it is restored")
        }
        Operation::Land {
            new,
            tip,
            receipt,
            together,
            keep,
            ..
        } => {
            let landed = match ws.store.find_task(name)? {
                Some(task) => {
                    let on_target = task.state == State::Landed
                        || ws.repo.read.is_ancestor(new, &ws.target_tip(&task)?)?;
                    on_target.then_some(task)
                }
                None => None,
            };
            if let Some(task) = landed {
                let landing = Landing {
                    commit: new.clone(),
                    tip: tip.clone(),
                    receipt: receipt.clone(),
                    together: together.clone(),
                    at: ws.ctx.now,
                };
                let task = land::record_landing(ws, &task, landing)?;
                land::conclude(ws, task, *keep)?;
                format!("task `{name}` had landed; its landing is recorded")
            } else {
                ws.store.settle(name)?;
                format!("task `{name}` had not landed; nothing of it is on its target")
            }
        }
    })
}
