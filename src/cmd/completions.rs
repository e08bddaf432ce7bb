//! `wt completions`: completion for a shell, live task names included.

use clap::Args;
use clap_complete::env::Shells;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};

/// Print completion code for a shell: source <(wt completions bash)
#[derive(Args)]
pub(crate) struct Completions {
    /// bash, zsh, fish, elvish or powershell
    shell: String,
}

impl Completions {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let shells = Shells::builtins();
        let Some(shell) = shells.completer(&self.shell) else {
            let known: Vec<_> = shells.names().collect();
            return Err(
                Refusal::usage(format!("there is no completion for {:?}", self.shell))
                    .hint(format!("one of: {}", known.join(", ")))
                    .into(),
            );
        };
        let mut code = Vec::new();
        // The program is named, not its path: the code stays right when wt is updated.
        shell.write_registration("COMPLETE", "wt", "wt", "wt", &mut code)?;
        ctx.ui.raw(&code);
        Ok(Code::Ok)
    }
}
