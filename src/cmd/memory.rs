//! `wt memory`: the notes of all tasks.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use serde_json::json;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::land::{Standing, TargetCommit, history, landed_here};
use crate::oid::Oid;
use crate::remember::{self, Known, Proof, Rebuilt};
use crate::ui;
use crate::workspace::Workspace;

/// List the notes of tasks that ended, or bring them back from history
#[derive(Args)]
pub(crate) struct Memory {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    List(List),
    Rebuild(Rebuild),
}

/// List the notes, oldest first
#[derive(Args)]
struct List {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// Write the notes that landing commits carry and that are missing here
#[derive(Args)]
struct Rebuild {
    /// The branch that tasks landed on [default: this task's target, or the branch checked out here]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Memory {
    /// Whether it writes notes.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.action, Action::Rebuild(_))
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        match self.action {
            Action::List(list) => list.run(&ws),
            Action::Rebuild(rebuild) => rebuild.run(&ws),
        }
    }
}

impl List {
    fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let mut notes = remember::known(ws)?;
        notes.sort_by_key(|known| (known.note.date, known.name.clone()));
        let ui = &ws.ctx.ui;
        if self.json {
            let row = |Known { name, note }: &Known| {
                let standing = &note.standing;
                json!({
                    "note": name, "task": note.task, "date": note.date, "outcome": note.outcome,
                    "subject": note.subject, "commit": standing.commit, "unverified": standing.unverified,
                    "approved_by": standing.approved_by, "superseded_by": standing.superseded_by,
                })
            };
            let rows: Vec<_> = notes.iter().map(row).collect();
            ui.json(&json!({ "notes": rows }))?;
            return Ok(Code::Ok);
        }
        if notes.is_empty() {
            ui.say("nothing is remembered yet; from history: wt memory rebuild");
            return Ok(Code::Ok);
        }
        let row = |Known { name, note }: &Known| {
            let standing = &note.standing;
            let mut state = vec![note.outcome.word()];
            if standing.unverified {
                state.push("unverified");
            }
            if standing.superseded_by.is_some() {
                state.push("superseded");
            }
            if standing.approved_by.is_some() {
                state.push("approved");
            }
            vec![name.clone(), state.join(", "), ui::printable(&note.subject)]
        };
        let rows: Vec<_> = notes.iter().map(row).collect();
        ui.table(&["NOTE", "STATE", "SUBJECT"], &rows, &[]);
        Ok(Code::Ok)
    }
}

impl Rebuild {
    fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let target = input::target(
            ws,
            self.target.as_deref(),
            "wt memory rebuild --target main",
        )?;
        require_no_work(ws, &target)?;
        let tip = input::tip_of(ws, &target)?;
        let rebuilt = remember::rebuild(ws, &tip, &proven(ws, &target, &tip)?)?;
        let Rebuilt {
            written,
            present,
            differing,
            unreadable,
        } = &rebuilt;
        let ui = &ws.ctx.ui;
        for (commit, why) in unreadable {
            ui.warn(&format!("commit {}: {why}", commit.short()));
        }
        for name in differing {
            ui.warn(&format!(
                "note {name} says something else than {target}; it is left as it is"
            ));
        }
        if self.json {
            let unread: Vec<_> = unreadable
                .iter()
                .map(|(commit, why)| json!({ "commit": commit, "why": why }))
                .collect();
            ui.json(&json!({
                "target": target, "written": written, "present": present, "differing": differing,
                "unreadable": unread,
            }))?;
        } else {
            for name in written {
                ui.out(name);
            }
            let count = written.len();
            ui.say(&format!(
                "{count} notes written from {target}, {present} were there"
            ));
        }
        let whole = differing.is_empty() && unreadable.is_empty();
        Ok(if whole { Code::Ok } else { Code::No })
    }
}

/// The commits of the target that were landed here, and whose receipts are stored.
fn proven(ws: &Workspace, target: &str, tip: &Oid) -> anyhow::Result<BTreeMap<Oid, Proof>> {
    let landed = landed_here(ws)?;
    let commits = history(ws, target, tip, i32::MAX as usize)?.into_iter();
    let proof = |commit: TargetCommit| match commit.standing {
        Standing::Landed { task, receipt } | Standing::JudgedTogether { task, receipt, .. } => {
            Some((commit.commit, Proof { task, receipt }))
        }
        _ => None,
    };
    let proven = commits.filter_map(proof);
    Ok(proven
        .filter(|(commit, _)| landed.contains(commit))
        .collect())
}

/// A branch that a task works on says what its agent wants it to say.
fn require_no_work(ws: &Workspace, branch: &str) -> anyhow::Result<()> {
    let tasks = ws.store.tasks()?.into_iter();
    let mut tasks = tasks.filter_map(|(_, task)| task.ok());
    match tasks.find(|task| task.branch == branch) {
        Some(task) => {
            let what = format!(
                "{branch} is the work of task `{}`, which has not landed",
                task.name
            );
            let hint = format!(
                "name the branch that it is to land on: --target {}",
                task.target
            );
            Err(Refusal::refused(what).hint(hint).into())
        }
        None => Ok(()),
    }
}
