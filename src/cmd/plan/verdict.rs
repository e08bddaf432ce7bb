//! `wt plan approve` and `wt plan reject`: the operator's word on a plan.

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::json;

use crate::error::{Code, Refusal};
use crate::input;
use crate::mend::mend;
use crate::operator;
use crate::planning::{approve, reject};
use crate::task::Task;
use crate::workspace::Workspace;

/// Approve the plan that waits; its files are the task's scope from then on (operator)
#[derive(Args)]
pub(crate) struct Approve {
    /// The plan that was read, by the beginning of its hash; another one is not approved
    #[arg(long, value_name = "HASH")]
    plan: Option<String>,
    #[command(flatten)]
    who: Who,
}

/// Send the plan that waits back (operator)
#[derive(Args)]
pub(crate) struct Reject {
    /// What is wrong with it, for the agent
    #[arg(long, value_name = "TEXT")]
    because: String,
    #[command(flatten)]
    who: Who,
}

#[derive(Args)]
struct Who {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Who says so, where there is no terminal
    #[arg(long, value_name = "NAME")]
    operator: Option<String>,
    /// Print what came of it as JSON
    #[arg(long)]
    json: bool,
}

impl Approve {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let expected = self.plan.as_deref().map(begun_hash).transpose()?;
        let (name, operator) = self.who.of(ws, "wt plan approve")?;
        let before = ws.store.require_task(&name)?;
        let task = approve(ws, &name, expected.as_deref(), &operator)?;
        let files = task.plan.as_ref().map_or(&[][..], |plan| &plan.files);
        let ui = &ws.ctx.ui;
        let hash = task.plan.as_ref().map_or("", |plan| &plan.hash[..12]);
        ui.say(&format!(
            "plan {hash}: task `{name}` may change: {}",
            files.join(", ")
        ));
        let runs = ws.store.find_cage(&name)?;
        if before.plan.is_none() && runs.is_some_and(|note| note.process.is_alive()) {
            ui.say("the wt run at work was begun in planning: in its cage nothing can be written");
            ui.hint(&format!("once it has ended: wt run {name}"));
        }
        self.who.print(ws, &task)
    }
}

/// The beginning of a hash, as hashes are written.
///
/// # Errors
/// A refusal of what is too little to say which plan was read, as an empty variable of a script is.
fn begun_hash(given: &str) -> Result<String, Refusal> {
    const LEAST: usize = 7;
    let hash = given.trim().to_ascii_lowercase();
    if hash.len() >= LEAST && hash.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(hash);
    }
    let what = format!("--plan wants the hash of a plan, or its first {LEAST} characters");
    Err(Refusal::usage(what).hint("see it: wt plan show <task>"))
}

impl Reject {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let because = self.because.trim();
        if because.is_empty() {
            return Err(Refusal::usage("--because is empty")
                .hint("say what is wrong with it, so that the next one can differ")
                .into());
        }
        let (name, operator) = self.who.of(ws, "wt plan reject")?;
        let task = reject(ws, &name, because, &operator)?;
        let then = if task.plan.is_some() {
            "; the approved one holds on"
        } else {
            ""
        };
        ws.ctx
            .ui
            .say(&format!("the plan of task `{name}` is rejected{then}"));
        self.who.print(ws, &task)
    }
}

impl Who {
    /// The task, and who decides on its plan.
    fn of(&self, ws: &Workspace, verb: &str) -> anyhow::Result<(String, String)> {
        let operator = operator::require(ws.ctx, self.operator.as_deref(), verb)?;
        mend(ws)?;
        Ok((ws.task_name(self.task.as_deref())?, operator))
    }

    fn print(&self, ws: &Workspace, task: &Task) -> anyhow::Result<Code> {
        if self.json {
            ws.ctx.ui.json(&json!({
                "task": task.name, "state": task.state.word(), "stage": task.plan_stage(),
                "approved": task.plan, "proposal": task.proposal,
            }))?;
        }
        Ok(Code::Ok)
    }
}
