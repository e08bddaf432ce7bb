//! `wt note`: what a task leaves to those after it.

mod add;
mod change;
mod show;

use clap::{Args, Subcommand};

use crate::ctx::Ctx;
use crate::error::Code;
use crate::workspace::Workspace;

/// Say what is to be remembered of a task, and look after the notes of those that ended
#[derive(Args)]
pub(crate) struct Note {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    Add(add::Add),
    Show(show::Show),
    Lint(show::Lint),
    Edit(change::Edit),
    Supersede(change::Supersede),
    Approve(change::Approve),
}

impl Note {
    /// Whether it changes the notes of others.
    pub(crate) fn is_change(&self) -> bool {
        matches!(
            self.action,
            Action::Edit(_) | Action::Supersede(_) | Action::Approve(_)
        )
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        match self.action {
            Action::Add(add) => add.run(&ws),
            Action::Show(show) => show.run(&ws),
            Action::Lint(lint) => lint.run(&ws),
            Action::Edit(edit) => edit.run(&ws),
            Action::Supersede(supersede) => supersede.run(&ws),
            Action::Approve(approve) => approve.run(&ws),
        }
    }
}
