//! `wt path`: where a task's worktree is.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::workspace::Workspace;

/// Print the path of a task's worktree
#[derive(Args)]
pub(crate) struct Path {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
}

impl Path {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        let task = ws.store.require_task(&name)?;
        ws.require_started(&task)?;
        ctx.ui.out(&task.worktree.display().to_string());
        Ok(Code::Ok)
    }
}
