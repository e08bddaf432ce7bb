//! `wt list`: every task on one line.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write as _;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;

use crate::conflicts::{self, Conflict};
use crate::ctx::Ctx;
use crate::disk::{Taken, free_at};
use crate::error::{Code, counted, some_of};
use crate::facts::{self, Facts, Judges};
use crate::judge::{self, SlotFacts};
use crate::store::Trashed;
use crate::task::Task;
use crate::ui;
use crate::usage;
use crate::workspace::Workspace;

/// The columns that are left out first on a narrow terminal: the one mostly repeats the task's name, and of the other
/// the state says enough.
const SPARE: &[&str] = &["BRANCH", "RECEIPT"];

const HEADER: [&str; 9] = [
    "TASK", "STATE", "ATTEMPTS", "BRANCH", "COMMITS", "FILES", "RECEIPT", "AGE", "SEEN",
];
/// Where in it the target stands, if tasks have different ones.
const TARGET_AT: usize = 2;
/// How many tasks that have gone are shown.
const PAST_SHOWN: usize = 20;

/// Why a worktree could not be looked into, by its task.
type Unseen = HashMap<String, anyhow::Error>;

/// List the tasks
#[derive(Args)]
pub(crate) struct List {
    /// Look into the worktrees now
    #[arg(long)]
    status: bool,
    /// Also list the tasks that landed or were removed, the last 20 (with --json all), and the judge's slots
    #[arg(long)]
    all: bool,
    /// Find out which tasks conflict with each other as they stand; later lists tell it while it holds
    #[arg(long)]
    conflicts: bool,
    /// Count what tasks, slots, spares, trash and state take on the disk, instead: hard links and shared parts once
    #[arg(long, conflicts_with_all = ["status", "all", "conflicts"])]
    size: bool,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl List {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        if self.size {
            return self.sizes(&ws);
        }
        let mut rows = Vec::new();
        let mut tasks = Vec::new();
        let mut unreadable = false;
        let all = ws.store.tasks()?;
        let judges = Judges::of(&ws, all.iter().filter_map(|(_, task)| task.as_ref().ok()))?;
        let mut unseen = self.look(&ws, &all);
        for (name, task) in all {
            let gathered = task.and_then(|task| {
                if let Some(error) = unseen.remove(&name) {
                    ctx.ui.warn(&format!("{error:#}"));
                }
                let facts = facts::gather(&ws, &task, &judges)?;
                tasks.push(task);
                Ok(facts)
            });
            match gathered {
                Ok(facts) => rows.push(facts),
                Err(error) => {
                    unreadable = true;
                    ctx.ui.warn(&format!("task `{name}`: {error:#}"));
                }
            }
        }
        let conflicts = self.conflicts(&ws, &tasks);
        let mut past = Vec::new();
        if self.all {
            for (id, trashed) in ws.store.trashed()? {
                match trashed {
                    Ok(trashed) => past.push(trashed),
                    Err(error) => {
                        unreadable = true;
                        ctx.ui.warn(&format!("past task `{id}`: {error:#}"));
                    }
                }
            }
        }
        let slots = if self.all {
            judge::slots(&ws)?
        } else {
            Vec::new()
        };
        if self.json {
            let past: Vec<_> = past
                .iter()
                .map(|t| json!({ "task": t.task.name, "state": past_state(t), "removed": t.removed, "restorable": t.kept }))
                .collect();
            ctx.ui.json(
                &json!({ "tasks": rows, "conflicts": conflicts, "past": past, "slots": slots }),
            )?;
        } else {
            self.print(ctx, &rows, &past, &conflicts);
            print_slots(ctx, &slots);
        }
        Ok(if unreadable { Code::No } else { Code::Ok })
    }
}

impl List {
    fn print(&self, ctx: &Ctx, rows: &[Facts], past: &[Trashed], conflicts: &[Conflict]) {
        if rows.is_empty() && past.is_empty() {
            ctx.ui.say("no tasks; begin one: wt spawn <task>");
            return;
        }
        // The newest ones: all that ever landed would hide what is live.
        let older = past.len().saturating_sub(PAST_SHOWN);
        let past = &past[older..];
        let mut lines: Vec<Vec<String>> = rows.iter().map(|facts| row(ctx, facts)).collect();
        lines.extend(past.iter().map(|trashed| past_row(ctx, trashed)));
        let mut header = HEADER.to_vec();
        let targets = || {
            let live = rows.iter().map(|facts| &facts.target);
            live.chain(past.iter().map(|trashed| &trashed.task.target))
        };
        if targets().collect::<BTreeSet<_>>().len() > 1 {
            header.insert(TARGET_AT, "TARGET");
            for (line, target) in lines.iter_mut().zip(targets()) {
                line.insert(TARGET_AT, target.clone());
            }
        }
        ctx.ui.table(&header, &lines, SPARE);
        if older > 0 {
            ctx.ui.say(&format!(
                "{} older not shown; all: wt list --all --json",
                counted(older, "past task")
            ));
        }
        for Conflict { tasks, paths } in conflicts {
            let [one, other] = tasks;
            ctx.ui.out(&format!(
                "{one} and {other} conflict in: {}",
                some_of(paths)
            ));
        }
        if self.conflicts && conflicts.is_empty() {
            ctx.ui
                .say("no two tasks conflict in what they have committed or validated");
        }
    }

    /// Looks into the worktrees where that is asked for; answers why not into those of some tasks, by their names.
    fn look(&self, ws: &Workspace, all: &[(String, anyhow::Result<Task>)]) -> Unseen {
        if !self.status {
            return Unseen::new();
        }
        let started = all.iter().filter_map(|(_, task)| task.as_ref().ok());
        let started: Vec<&Task> = started.filter(|task| !task.is_waiting()).collect();
        let errors = facts::look_all(ws, &started).into_iter();
        let by_name = started.iter().zip(errors);
        by_name
            .filter_map(|(task, error)| Some((task.name.clone(), error?)))
            .collect()
    }

    fn sizes(&self, ws: &Workspace) -> anyhow::Result<Code> {
        let ui = &ws.ctx.ui;
        let bar = ui.progress("counting");
        let usage = usage::count(ws)?;
        drop(bar);
        // The worktrees come first.
        let free = usage.places.first().and_then(|place| free_at(&place.path));
        if self.json {
            let mut value = serde_json::to_value(&usage)?;
            value["free"] = json!(free.map(|free| free.bytes));
            ui.json(&value)?;
            return Ok(Code::Ok);
        }
        let row = |what: &str, name: &str, taken: Taken, path: String| {
            let size = ui::size(taken.bytes);
            vec![
                what.to_owned(),
                name.to_owned(),
                size,
                ui::size(taken.shared),
                path,
            ]
        };
        let mut rows: Vec<Vec<String>> = usage
            .places
            .iter()
            .map(|p| {
                row(
                    p.what.word(),
                    &p.name,
                    p.taken,
                    p.path.display().to_string(),
                )
            })
            .collect();
        rows.push(row("total", "", usage.total, String::new()));
        ui.table(
            &["WHAT", "NAME", "SIZE", "SHARED", "PATH"],
            &rows,
            &["PATH"],
        );
        if usage.total.untold {
            ui.say("of some files the system does not tell which parts they share: these count in each");
        }
        Ok(Code::Ok)
    }

    /// The conflicts that are asked for, or known from the last time. Without them there is still a list.
    fn conflicts(&self, ws: &Workspace, tasks: &[Task]) -> Vec<Conflict> {
        let found = if self.conflicts {
            conflicts::find(ws, tasks)
        } else {
            conflicts::known(ws, tasks)
        };
        found.unwrap_or_else(|error| {
            let ui = &ws.ctx.ui;
            ui.warn(&format!("can't tell which tasks conflict: {error:#}"));
            Vec::new()
        })
    }
}

fn print_slots(ctx: &Ctx, slots: &[SlotFacts]) {
    if slots.is_empty() {
        return;
    }
    let rows: Vec<Vec<String>> = slots.iter().map(|slot| slot_row(ctx, slot)).collect();
    ctx.ui.out("");
    ctx.ui
        .table(&["SLOT", "SIZE", "AGE", "USED", "JUDGING"], &rows, &[]);
}

fn slot_row(ctx: &Ctx, slot: &SlotFacts) -> Vec<String> {
    let age = |time: Timestamp| ui::age(ctx.now.as_second() - time.as_second());
    let none = || "-".to_owned();
    let judging = slot.judging.as_ref().zip(slot.pid);
    vec![
        slot.slot.to_string(),
        slot.size.to_string(),
        slot.created.map_or_else(none, age),
        slot.used
            .map_or_else(none, |time| format!("{} ago", age(time))),
        judging.map_or_else(none, |(task, pid)| format!("{task} (pid {pid})")),
    ]
}

fn past_state(trashed: &Trashed) -> &'static str {
    if trashed.task.landing.is_some() {
        "landed"
    } else {
        "removed"
    }
}

fn past_row(ctx: &Ctx, trashed: &Trashed) -> Vec<String> {
    let age = ui::age(ctx.now.as_second() - trashed.removed.as_second());
    let seen = if trashed.kept { "wt restore" } else { "" };
    let task = &trashed.task;
    [
        &task.name,
        past_state(trashed),
        "",
        &task.branch,
        "",
        "",
        "",
        &age,
        seen,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn row(ctx: &Ctx, facts: &Facts) -> Vec<String> {
    let mut state = facts.state_words();
    if facts.run.is_some() {
        state.push_str(", running");
    }
    if let Some(judge) = &facts.judge {
        let _ = write!(state, ", {}", judge.word());
    } else if facts.target_moved {
        state.push_str(", target moved");
    }
    if facts.rules_stale {
        state.push_str(", rules stale");
    }
    let mut commits = format!("+{}", facts.ahead);
    if facts.behind > 0 {
        let _ = write!(commits, ", {} behind", facts.behind);
    }
    let seen = facts.seen.as_ref().map_or_else(
        || "-".to_owned(),
        |seen| {
            let age = ctx.now.as_second() - seen.at.as_second();
            let when = if age < 2 {
                String::new()
            } else {
                format!(" ({} ago)", ui::age(age))
            };
            match seen.uncommitted.len() {
                0 => format!("clean{when}"),
                count => format!("{count} uncommitted{when}"),
            }
        },
    );
    vec![
        facts.task.clone(),
        state,
        format!("{}/{}", facts.attempts, facts.budget),
        facts.branch.clone(),
        commits,
        facts.changed.to_string(),
        facts
            .receipt
            .as_ref()
            .map_or_else(|| "-".to_owned(), |receipt| receipt[..8].to_owned()),
        ui::age(facts.age_seconds),
        seen,
    ]
}
