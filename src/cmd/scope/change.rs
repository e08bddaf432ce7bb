//! `wt scope grant` and `wt scope release`: the operator changes a claim.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::error::Code;
use crate::grant::{Change, Request, change};
use crate::input;
use crate::mend::mend;
use crate::operator;
use crate::workspace::Workspace;

/// Add globs to a task's claim; '!GLOB' takes paths out of it (operator)
#[derive(Args)]
pub(crate) struct Grant {
    #[command(flatten)]
    what: What,
}

/// Take globs away from a task's claim (operator)
#[derive(Args)]
pub(crate) struct Release {
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
struct What {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: String,
    /// The globs, from the repository's root
    #[arg(required = true, value_name = "GLOB")]
    globs: Vec<String>,
    /// Who says so, where there is no terminal
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Print the claim as JSON
    #[arg(long)]
    json: bool,
}

impl Grant {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        self.what.run(ws, Change::Grant)
    }
}

impl Release {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        self.what.run(ws, Change::Release)
    }
}

impl What {
    fn run(self, ws: &Workspace, kind: Change) -> anyhow::Result<Code> {
        let (verb, field) = match kind {
            Change::Grant => ("wt scope grant", "granted"),
            Change::Release => ("wt scope release", "released"),
        };
        let ui = &ws.ctx.ui;
        let operator = operator::require(ws.ctx, self.operator.as_deref(), verb)?;
        mend(ws)?;
        let request = Request {
            task: &self.task,
            globs: &self.globs,
            change: kind,
            operator: &operator,
        };
        let changed = change(ws, &request)?;
        let (name, owns) = (&changed.task.name, &changed.task.owns);
        if changed.globs.is_empty() {
            ui.say(&format!("task `{name}` holds that already"));
        }
        if owns.is_empty() {
            let what = match &changed.task.plan {
                Some(plan) => format!("what its plan names ({})", plan.files.join(", ")),
                None => "what nobody owns".to_owned(),
            };
            ui.say(&format!(
                "task `{name}` claims nothing now: it may change {what}"
            ));
        } else {
            ui.say(&format!("task `{name}` owns: {}", owns.join(", ")));
        }
        if kind == Change::Grant && changed.task.folders.is_some() {
            ui.hint("a new folder is not checked out: in the worktree: git sparse-checkout add <folder>");
        }
        if self.json {
            ui.json(&json!({ "task": name, field: changed.globs, "owns": owns }))?;
        }
        Ok(Code::Ok)
    }
}
