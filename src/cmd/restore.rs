//! `wt restore`: brings a removed task back as it was.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::mend::mend;
use crate::remove::{find_restorable, restore};
use crate::workspace::Workspace;

/// Bring back a task that `wt rm --force` removed
#[derive(Args)]
pub(crate) struct Restore {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::removed_tasks))]
    task: String,
}

impl Restore {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        mend(&ws)?;
        find_restorable(&ws, &self.task)?;
        let _task_lock = ws.lock_task(&self.task)?;
        let _lock = ws.lock()?;
        let trashed = find_restorable(&ws, &self.task)?;
        restore(&ws, &trashed)?;
        if !trashed.task.worktree.is_dir() {
            ctx.ui
                .warn("its worktree was gone when it was removed; branch and record are back");
            ctx.ui.hint("check the branch out again: wt doctor --fix");
        }
        ctx.ui.out(&trashed.task.worktree.display().to_string());
        Ok(Code::Ok)
    }
}
