//! `wt run`: a command, or an agent, in a task's worktree and in a cage.

use std::ffi::OsString;

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Ended};
use crate::input;
use crate::mend::mend;
use crate::process::Fate;
use crate::run::{Request, run};
use crate::workspace::Workspace;

/// Run an agent, or a command, in a task's worktree and in a cage
///
/// In the cage it may read what you may read, and write to the worktree, to a private repository that holds what it
/// commits until wt takes it in, to temporary files, and to what `[cage] writable` in wt.toml opens. What it asks of wt
/// is done outside, for its own task alone.
#[derive(Args)]
#[command(
    after_help = "The cage does not hold: reading, the network, a daemon that acts for you, file modes and times, locks on files."
)]
pub(crate) struct Run {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// The agent to run [default: from wt.toml, else the one that is installed]
    #[arg(long, value_name = "NAME", conflicts_with = "command")]
    agent: Option<String>,
    /// The command to run
    #[arg(last = true, value_name = "CMD")]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(self.task.as_deref())?;
        ws.repo.git.require_version()?;
        mend(&ws)?;
        let request = Request {
            task: &name,
            agent: self.agent.as_deref(),
            command: &self.command,
        };
        match run(&ws, &request)? {
            Fate::Exited(0) => Ok(Code::Ok),
            Fate::Exited(status) => Err(Ended::with(status).into()),
            fate @ Fate::Signalled(signal) => {
                // Who started this learns of the signal as if there had been no `wt` between.
                let _ = signal_hook::low_level::emulate_default_handler(signal);
                Err(Ended::with(fate.status()).into())
            }
        }
    }
}
