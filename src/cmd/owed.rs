//! `wt _owed`: what an agent must do before it ends its turn; asked by its hook in a cage.

use clap::Args;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::guard::needs_receipt;
use crate::workspace::Workspace;

/// Print what must be done before the turn ends (internal)
#[derive(Args)]
pub(crate) struct Owed {}

impl Owed {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let task = ws.store.require_task(&ws.task_name(None)?)?;
        if let Some(next) = needs_receipt(&ws, &task)? {
            ctx.ui.out(&next);
        }
        Ok(Code::Ok)
    }
}
