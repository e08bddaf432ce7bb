//! What the hooks of agents say and are told: a table per agent, what a tool call would do, and how it is answered.
//!
//! Reading a shell's command is best effort: what can't be known from its text (a variable, a glob, a script of the
//! agent's own) passes. Who owns a path is decided at the latest when the work is validated.

mod agents;
mod settings;

pub(crate) use agents::{AGENTS, Agent};
pub(crate) use settings::{claude_settings, codex_overrides};
