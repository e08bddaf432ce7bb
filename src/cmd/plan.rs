//! `wt plan`: what a task is to change is said, checked and approved before it is done.

mod show;
mod submit;
mod verdict;

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::plan::{Form, form};
use crate::ui;
use crate::workspace::Workspace;

/// Plan a task before it is worked on, and hold it to the plan
#[derive(Args)]
pub(crate) struct Plan {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Template(Template),
    Submit(submit::Submit),
    Show(show::Show),
    Approve(verdict::Approve),
    Reject(verdict::Reject),
    Amend(submit::Amend),
}

/// Print a form to fill in
#[derive(Args)]
struct Template {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
}

impl Plan {
    /// Whether it is the operator's.
    pub(crate) fn is_verdict(&self) -> bool {
        matches!(self.action, Action::Approve(_) | Action::Reject(_))
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        match self.action {
            Action::Template(template) => template.run(&ws),
            Action::Submit(submit) => submit.run(&ws),
            Action::Show(show) => show.run(&ws),
            Action::Approve(approve) => approve.run(&ws),
            Action::Reject(reject) => reject.run(&ws),
            Action::Amend(amend) => amend.run(&ws),
        }
    }
}

impl Template {
    fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let task = ws
            .store
            .require_task(&ws.task_name(self.task.as_deref())?)?;
        let tip = ws.target_tip(&task)?;
        let in_force = ws.in_force(&ws.repo_for(&task), &task.target, &tip)?;
        let steps: Vec<&str> = (in_force.contract.gate.iter())
            .map(|step| step.run.as_str())
            .collect();
        let text = form(&Form {
            task: &task.name,
            owns: &task.owns,
            steps: &steps,
        });
        ws.ctx.ui.out(&ui::printable(&text));
        Ok(Code::Ok)
    }
}
