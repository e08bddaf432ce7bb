//! `wt _sweep`: deletes removed folders while nobody waits.

use std::path::PathBuf;

use clap::Args;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::remove::sweep_now;

/// Delete what waits in a trash folder (internal)
#[derive(Args)]
pub(crate) struct Sweep {
    trash: PathBuf,
}

impl Sweep {
    pub(crate) fn run(self, _ctx: &Ctx) -> anyhow::Result<Code> {
        sweep_now(&self.trash)?;
        Ok(Code::Ok)
    }
}
