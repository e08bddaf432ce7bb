//! What a killed command left is brought to the state before it, or the state after it.

use crate::land;
use crate::process::Identity;
use crate::quarantine;
use crate::remove;
use crate::spawn;
use crate::store::{JournalEntry, Operation};
use crate::sync;
use crate::task::{Landing, State};
use crate::workspace::Workspace;

/// Mends every intent whose process is gone, and says so. Called by each verb that changes the state, and by doctor.
/// One that can't be mended now is said and left: it must not stand in the way of other tasks.
pub(crate) fn mend(ws: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut mended = Vec::new();
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
    for reference in refs_of(&entry) {
        ws.repo.remove_stale_lock(&reference)?;
    }
    mend_one(ws, &entry).map(Some)
}

/// The refs that are the task's alone and that the killed command may have held a lock of.
fn refs_of(entry: &JournalEntry) -> Vec<String> {
    match &entry.operation {
        Operation::Spawn { branch, .. } => vec![format!("refs/heads/{branch}")],
        Operation::Remove { trashed } => vec![trashed.task.branch_ref(), trashed.branch_ref()],
        Operation::Restore { .. } | Operation::Land { .. } | Operation::Sync { .. } => Vec::new(),
    }
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
        operation @ Operation::Sync { .. } => sync::recover(ws, name, operation)?,
        Operation::Remove { trashed } => {
            remove::carry_out(ws, trashed)?;
            format!("task `{name}` was half removed; it is removed")
        }
        Operation::Restore { id } => {
            match ws.store.find_trashed(id)? {
                Some(trashed) => remove::put_back(ws, &trashed)?,
                None => ws.store.settle(name)?,
            }
            format!("task `{name}` was half restored; it is restored")
        }
        Operation::Land {
            old,
            new,
            tip,
            receipt,
            together,
            keep,
            pushed_to,
            ..
        } => {
            let landed = match ws.store.find_task(name)? {
                Some(task) => {
                    let read = &ws.repo.read;
                    let on_target = task.state == State::Landed
                        || read.is_ancestor(new, &ws.target_tip(&task)?)?;
                    let there = match pushed_to {
                        Some(reference) if !on_target => read.tip(reference)?,
                        _ => None,
                    };
                    let on_remote = match there {
                        Some(there) => read.is_ancestor(new, &there)?,
                        None => false,
                    };
                    if on_remote {
                        land::follow_remote(ws, &task, new)?;
                    }
                    (on_target || on_remote).then_some(task)
                }
                None => None,
            };
            if let Some(task) = landed {
                let landing = Landing {
                    commit: new.clone(),
                    onto: Some(old.clone()),
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
