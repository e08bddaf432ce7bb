//! `wt plan show`: the plan that a task is held to, and the one that waits.

use std::fmt::Write as _;

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};

use crate::error::{Code, Refusal};
use crate::input;
use crate::task::Task;
use crate::ui;
use crate::workspace::Workspace;

/// Show the plan that a task is held to, and the one that waits for approval
#[derive(Args)]
pub(crate) struct Show {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        let text = |hash: &str| ws.store.plan_text(&name, hash);
        let approved = task
            .plan
            .as_ref()
            .map(|plan| text(&plan.hash))
            .transpose()?;
        let proposed = task.proposal.as_ref().map(|p| text(&p.hash)).transpose()?;
        let ui = &ws.ctx.ui;
        if self.json {
            let with = |value: Value, text: Option<Option<String>>| match value {
                Value::Object(mut map) => {
                    map.insert("text".to_owned(), json!(text.flatten()));
                    Value::Object(map)
                }
                other => other,
            };
            ui.json(&json!({
                "task": name, "state": task.state.word(), "stage": task.plan_stage(),
                "approved": with(json!(task.plan), approved),
                "proposal": with(json!(task.proposal), proposed),
            }))?;
            return Ok(Code::Ok);
        }
        if task.plan.is_none() && task.proposal.is_none() {
            let hint = match task.plan_stage() {
                Some(_) => task.plan_next(),
                None => "a task with one: wt spawn <task> --plan".to_owned(),
            };
            let what = format!("task `{name}` has no plan");
            return Err(Refusal::refused(what).hint(hint).into());
        }
        let (approved, proposed) = (approved.flatten(), proposed.flatten());
        let text = both(&task, approved.as_deref(), proposed.as_deref());
        ui.out(&ui::printable(&text));
        Ok(Code::Ok)
    }
}

/// Both plans, each with what is known of it before its text.
fn both(task: &Task, approved: Option<&str>, proposed: Option<&str>) -> String {
    const GONE: &str = "(its text is gone)\n";
    const TIME: &str = "%Y-%m-%d %H:%M:%SZ";
    let mut out = String::new();
    if let Some(plan) = &task.plan {
        let _ = writeln!(
            out,
            "approved  {} by {}, {}, on {}",
            &plan.hash[..12],
            plan.by,
            plan.at.strftime(TIME),
            plan.base.short()
        );
        for amendment in &plan.amendments {
            let _ = writeln!(out, "amended   because {}", amendment.because);
        }
        let _ = write!(out, "\n{}", indented(approved.unwrap_or(GONE)));
    }
    if let Some(proposal) = &task.proposal {
        if task.plan.is_some() {
            out.push('\n');
        }
        let _ = writeln!(
            out,
            "submitted {}, {}",
            &proposal.hash[..12],
            proposal.at.strftime(TIME)
        );
        if let Some(because) = &proposal.because {
            let _ = writeln!(out, "to amend  because {because}");
        }
        if let Some(rejected) = &proposal.rejected {
            let _ = writeln!(out, "rejected  by {}: {}", rejected.by, rejected.because);
        }
        let _ = write!(out, "\n{}", indented(proposed.unwrap_or(GONE)));
    }
    out
}

/// So that no line of a plan can pass for one about it.
fn indented(text: &str) -> String {
    let indent = |line: &str| {
        if line.is_empty() {
            "\n".to_owned()
        } else {
            format!("  {line}\n")
        }
    };
    text.lines().map(indent).collect()
}
