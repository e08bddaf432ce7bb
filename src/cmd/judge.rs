//! `wt _judge`: the judge itself, started by `wt` and by nobody else.

use std::path::PathBuf;

use clap::Args;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::judge::work;

/// Carry out one order (internal)
#[derive(Args)]
pub(crate) struct Judge {
    common: PathBuf,
    task: String,
    run: u32,
}

impl Judge {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        work(ctx, &self.common, &self.task, self.run)
    }
}
