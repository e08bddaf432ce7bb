//! `wt _spare`: makes checkouts ahead while nobody waits.

use std::path::PathBuf;

use clap::Args;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::spawn::make_ahead;

/// Make the checkouts that are to be kept ready (internal)
#[derive(Args)]
pub(crate) struct Spare {
    common: PathBuf,
    target: String,
}

impl Spare {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        make_ahead(ctx, &self.common, &self.target)?;
        Ok(Code::Ok)
    }
}
