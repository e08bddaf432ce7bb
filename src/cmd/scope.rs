//! `wt scope`: who owns which paths, and the operator's changes to it.

mod change;
mod check;
mod explain;
mod map;

use clap::{Args, Subcommand};

use crate::ctx::Ctx;
use crate::error::Code;
use crate::workspace::Workspace;

/// Show, check and change who owns which paths
#[derive(Args)]
pub(crate) struct Scope {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Show(map::Show),
    Check(check::Check),
    Explain(explain::Explain),
    Grant(change::Grant),
    Release(change::Release),
    Unowned(map::Unowned),
}

impl Scope {
    /// Whether it changes who owns what.
    pub(crate) fn is_change(&self) -> bool {
        matches!(self.action, Action::Grant(_) | Action::Release(_))
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        match self.action {
            Action::Show(show) => show.run(&ws),
            Action::Check(check) => check.run(&ws),
            Action::Explain(explain) => explain.run(&ws),
            Action::Grant(grant) => grant.run(&ws),
            Action::Release(release) => release.run(&ws),
            Action::Unowned(unowned) => unowned.run(&ws),
        }
    }
}
