//! `wt _cage`: restricts itself and becomes another program; started by `wt` and by nobody else.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::cage;
use crate::ctx::Ctx;
use crate::error::Code;

/// Enter a cage and become a program (internal)
#[derive(Args)]
pub(crate) struct Cage {
    /// File or folder that may be written (may repeat)
    #[arg(long, value_name = "PATH")]
    writable: Vec<PathBuf>,
    #[arg(last = true, required = true)]
    command: Vec<OsString>,
}

impl Cage {
    pub(crate) fn run(self, _ctx: &Ctx) -> anyhow::Result<Code> {
        let (program, args) = self
            .command
            .split_first()
            .expect("clap requires the command");
        Err(cage::Cage::new(self.writable).enter(program, args))
    }
}
