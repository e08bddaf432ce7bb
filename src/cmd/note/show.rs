//! `wt note show` and `wt note lint`: a note as it is, and whether it says enough.

use clap::Args;
use serde_json::json;

use crate::error::Code;
use crate::memory::{Outcome, lint};
use crate::remember::{self, Known};
use crate::task::{State, Task};
use crate::ui;
use crate::workspace::Workspace;

/// Print a note; of a live task, what would be kept if it landed now
#[derive(Args)]
pub(super) struct Show {
    /// A note, or a task [default: the one whose worktree this is]
    note: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Look for what a note lacks: decisions, paths, words that mean something
#[derive(Args)]
pub(super) struct Lint {
    /// A note, or a task [default: the one whose worktree this is]
    note: Option<String>,
    /// Every note that is kept
    #[arg(long, conflicts_with = "note")]
    all: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let Known { name, note } = named(ws, self.note.as_deref())?;
        let ui = &ws.ctx.ui;
        if self.json {
            let mut value = serde_json::to_value(&note)?;
            value["note"] = json!(name);
            ui.json(&value)?;
        } else {
            ui.out(ui::printable(&note.render()).trim_end());
        }
        Ok(Code::Ok)
    }
}

impl Lint {
    pub(super) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let notes = if self.all {
            remember::known(ws)?
        } else {
            vec![named(ws, self.note.as_deref())?]
        };
        let ui = &ws.ctx.ui;
        let mut all = Vec::new();
        for Known { name, note } in notes {
            for finding in lint(&note) {
                let (message, hint) = (&finding.message, finding.hint);
                if !self.json {
                    let line = format!("{name}: {message} ({hint})");
                    ui.out(&ui::printable(&line).replace('\n', " "));
                }
                all.push(json!({ "note": name, "message": message, "hint": hint }));
            }
        }
        if self.json {
            ui.json(&json!({ "findings": all }))?;
        }
        Ok(if all.is_empty() { Code::Ok } else { Code::No })
    }
}

/// The note that is meant: of a live task the one that would be kept if it landed now, under the task's name.
fn named(ws: &Workspace, given: Option<&str>) -> anyhow::Result<Known> {
    let here = given.is_none().then(|| ws.task_name(None)).transpose()?;
    let name = given.map(str::to_owned).or(here).unwrap_or_default();
    let live = ws.store.find_task(&name)?;
    match live.filter(|task| task.landing.is_none()) {
        Some(task) => {
            // In a cage, of its own task alone.
            ws.task_name(Some(&name))?;
            match task.state {
                State::Stopped => of_stopped(ws, &task),
                _ => Ok(draft(ws, &task, Outcome::Landed)),
            }
        }
        None => remember::find(ws, &name),
    }
}

/// The note that was kept when it stopped: it is what an operator approves.
fn of_stopped(ws: &Workspace, task: &Task) -> anyhow::Result<Known> {
    let names = ws.store.note_names()?;
    let last = remember::last_of(ws, &names, &task.name);
    let kept = last.filter(|known| known.note.spawned == task.created);
    Ok(kept.unwrap_or_else(|| draft(ws, task, Outcome::Stopped)))
}

fn draft(ws: &Workspace, task: &Task, outcome: Outcome) -> Known {
    let tip = ws
        .repo_for(task)
        .read
        .tip(&task.branch_ref())
        .ok()
        .flatten();
    Known {
        name: task.name.clone(),
        note: remember::ended(ws, task, outcome, tip.as_ref()),
    }
}
