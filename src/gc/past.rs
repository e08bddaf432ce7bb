//! What is left of tasks that have landed or were removed. Their records stay: they tell what became of them.

use std::path::PathBuf;

use super::{Act, Held, Item, Kind, Plan, own_bytes, remove, seconds_since};
use crate::remove::unsaved_of_removed;
use crate::store::{LEFTOVERS, Trashed};
use crate::task::State;
use crate::ui;
use crate::workspace::Workspace;

impl Plan {
    pub(super) fn add_past(&mut self, ws: &Workspace, older: i64) -> anyhow::Result<()> {
        for (_, trashed) in ws.store.trashed()? {
            // What can't be read is not known to hold nothing.
            let Ok(trashed) = trashed else { continue };
            let age = seconds_since(ws, trashed.removed);
            if age < older || ws.store.find_intent(&trashed.task.name)?.is_some() {
                continue;
            }
            if trashed.kept {
                self.add_kept(ws, &trashed, age);
            } else {
                self.add_leftovers(ws, &trashed, age);
            }
        }
        Ok(())
    }

    /// One that can be brought back goes if it holds nothing that would be missed.
    fn add_kept(&mut self, ws: &Workspace, trashed: &Trashed, age: i64) {
        let name = &trashed.task.name;
        let mut paths = leftovers(ws, trashed);
        paths.extend(trashed.trash.clone());
        let bytes = own_bytes(&paths);
        let mut held = |why: String| {
            self.held.push(Held {
                name: name.clone(),
                bytes,
                why,
                hint: format!(
                    "bring it back: wt restore {name}; or drop it for good: wt gc --drop {name}"
                ),
            });
        };
        match unsaved_of_removed(ws, trashed) {
            Ok(unsaved) if unsaved.is_empty() => self.items.push(Item {
                kind: Kind::Past,
                name: name.clone(),
                bytes,
                age_seconds: age,
                why: format!(
                    "removed {} ago, holds no work of its own; what git ignores in it goes along",
                    ui::age(age)
                ),
                act: Act::Release(trashed.id.clone()),
            }),
            Ok(unsaved) => held(format!(
                "removed {} ago, holds work that is nowhere else ({})",
                ui::age(age),
                unsaved.words()
            )),
            Err(error) => held(format!("whether it holds work can't be told: {error:#}")),
        }
    }

    fn add_leftovers(&mut self, ws: &Workspace, trashed: &Trashed, age: i64) {
        let paths = leftovers(ws, trashed);
        if paths.is_empty() {
            return;
        }
        let word = if trashed.task.landing.is_some() {
            "landed"
        } else {
            "removed"
        };
        self.items.push(Item {
            kind: Kind::Past,
            name: trashed.task.name.clone(),
            bytes: own_bytes(&paths),
            age_seconds: age,
            why: format!("{word} {} ago: its runs and index", ui::age(age)),
            act: Act::Leftovers(trashed.task.name.clone(), paths),
        });
    }

    /// The worktrees of landed tasks, which were kept on purpose.
    pub(super) fn add_landed(&mut self, ws: &Workspace) -> anyhow::Result<()> {
        for (name, task) in ws.store.tasks()? {
            let Some(task) = task.ok().filter(|task| task.state == State::Landed) else {
                continue;
            };
            self.held.push(Held {
                bytes: own_bytes(&[task.worktree]),
                why: "has landed, and its worktree was kept".to_owned(),
                hint: format!("remove it: wt rm {name}"),
                name,
            });
        }
        Ok(())
    }
}

/// What is there of a past task besides its record.
fn leftovers(ws: &Workspace, trashed: &Trashed) -> Vec<PathBuf> {
    let archived = ws.store.archived_dir(&trashed.id);
    let there = LEFTOVERS.iter().map(|name| archived.join(name));
    there.filter(|path| path.is_dir()).collect()
}

pub(super) fn remove_leftovers(
    ws: &Workspace,
    task: &str,
    paths: &[PathBuf],
) -> anyhow::Result<bool> {
    // A removal of that name could be at work on them.
    let Some(_task) = ws.store.try_lock_task(task)? else {
        return Ok(false);
    };
    if ws.store.find_intent(task)?.is_some() {
        return Ok(false);
    }
    paths.iter().try_for_each(|path| remove(path))?;
    Ok(true)
}
