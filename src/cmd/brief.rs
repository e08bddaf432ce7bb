//! `wt brief`: a task handed over to a conversation that begins anew.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::handover;
use crate::input;
use crate::workspace::Workspace;

/// Hand a task over: its rules, what was done so far, what is next, in at most 200 lines
#[derive(Args)]
pub(crate) struct Brief {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Brief {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        let handover = handover::gather(&ws, &task)?;
        if self.json {
            ctx.ui.json(&serde_json::to_value(&handover)?)?;
        } else {
            ctx.ui.out(&handover.page());
        }
        Ok(Code::Ok)
    }
}
