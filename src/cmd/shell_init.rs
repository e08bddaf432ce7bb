//! `wt shell-init`: a shell function, so that `wt cd` can change the folder.

use clap::{Args, ValueEnum};

use crate::ctx::Ctx;
use crate::error::Code;

/// Print shell code that adds `wt cd <task>`: eval "$(wt shell-init bash)"
#[derive(Args)]
pub(crate) struct ShellInit {
    shell: Shell,
}

#[derive(Clone, Copy, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

const POSIX: &str = include_str!("../../templates/shell-init.sh");
const FISH: &str = include_str!("../../templates/shell-init.fish");

impl ShellInit {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let code = match self.shell {
            Shell::Bash | Shell::Zsh => POSIX,
            Shell::Fish => FISH,
        };
        ctx.ui.raw(code.as_bytes());
        Ok(Code::Ok)
    }
}
