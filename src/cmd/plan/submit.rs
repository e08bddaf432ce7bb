//! `wt plan submit` and `wt plan amend`: an agent's plan comes in.

use std::path::PathBuf;

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::error::{Code, Refusal};
use crate::input;
use crate::mend::mend;
use crate::planning::{Submission, Submitted, submit};
use crate::workspace::Workspace;

/// Submit a task's plan, from standard input unless a file is named
#[derive(Args)]
pub(crate) struct Submit {
    #[command(flatten)]
    what: What,
}

/// Submit another plan in the place of the approved one, which holds until this one is approved
#[derive(Args)]
pub(crate) struct Amend {
    /// Why the approved plan does not do
    #[arg(long, value_name = "TEXT")]
    because: String,
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct What {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// File with the plan [default: standard input, as is -]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

impl Submit {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        self.what.run(ws, None)
    }
}

impl Amend {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let because = self.because.trim();
        if because.is_empty() {
            return Err(Refusal::usage("--because is empty")
                .hint("say what the approved plan did not foresee")
                .into());
        }
        self.what.run(ws, Some(because))
    }
}

impl What {
    fn run(&self, ws: &Workspace, because: Option<&str>) -> anyhow::Result<Code> {
        let name = ws.task_name(self.task.as_deref())?;
        ws.store.require_task(&name)?;
        let given = match input::text(ws.ctx, None, self.file.as_deref())? {
            Some(text) => Some(text),
            None => input::piped()?,
        };
        let Some(text) = given.filter(|text| !text.trim().is_empty()) else {
            return Err(Refusal::usage("there is no plan")
                .hint("wt plan template prints a form; fill it in, then: wt plan submit --file FILE (or on standard input)")
                .into());
        };
        mend(ws)?;
        let submitted = submit(
            ws,
            &Submission {
                task: &name,
                text: &text,
                because,
            },
        )?;
        let ui = &ws.ctx.ui;
        for command in &submitted.beyond_gate {
            ui.warn(&format!("no step of the gate: {command}"));
        }
        if self.json {
            ui.json(&json!({
                "task": name, "state": submitted.task.state.word(), "stage": submitted.task.plan_stage(),
                "hash": submitted.hash, "known": submitted.known, "beyond_gate": submitted.beyond_gate,
            }))?;
        } else {
            ui.out(&answer(&submitted));
        }
        Ok(Code::Ok)
    }
}

/// What the agent reads: the first word says what holds now.
fn answer(submitted: &Submitted) -> String {
    let Submitted { task, hash, .. } = submitted;
    let (name, short) = (&task.name, &hash[..12]);
    let then = "end your turn, and say in your report that a plan waits for approval";
    let again = if submitted.known { ", as before" } else { "" };
    match (task.plan_stage(), &task.plan) {
        (Some("approved"), Some(plan)) => format!(
            "PLAN_APPROVED plan={short} by={}{again}\nnext: change only {}",
            plan.by,
            plan.files.join(", ")
        ),
        (_, Some(_)) => format!(
            "PLAN_SUBMITTED plan={short}{again}\nnext: the approved plan holds until the operator approves this one; {then}"
        ),
        (_, None) => format!(
            "PLAN_SUBMITTED plan={short}{again}\nnext: change nothing; {then} (the operator: wt plan show {name})"
        ),
    }
}
