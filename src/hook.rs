//! What the hooks of agents say and are told: a table per agent, what a tool call would do, and how it is answered.
//!
//! Reading a shell's command is best effort: what can't be known from its text (a variable, a glob, a script of the
//! agent's own) passes. Who owns a path is decided at the latest when the work is validated.

mod agents;
mod answer;
mod input;
mod patch;
mod settings;
mod shell;
mod wish;

pub(crate) use agents::{AGENTS, Agent};
pub(crate) use answer::{Decision, EVENTS};
pub(crate) use input::{Input, Moment};
pub(crate) use settings::{
    WithoutWt, claude_settings, codex_overrides, executables, sets_hooks, with_hooks, without_hooks,
};
pub(crate) use wish::{Denial, Wish};
