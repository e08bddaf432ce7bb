//! `wt cd`: only a shell can change its folder, so this says how to make it.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;

/// Go to a task's worktree (by the shell function of `wt shell-init`)
#[derive(Args)]
pub(crate) struct Cd {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
}

impl Cd {
    pub(crate) fn run(self, _ctx: &Ctx) -> anyhow::Result<Code> {
        let task = self.task.unwrap_or_else(|| "<task>".to_owned());
        Err(Refusal::usage("a program can't change its shell's folder; wt cd is a shell function")
            .hint(format!(
                "load it: eval \"$(wt shell-init bash)\" (or zsh, fish); or: cd \"$(wt path {task})\""
            ))
            .into())
    }
}
