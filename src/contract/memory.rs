//! `[memory]`: where notes of tasks go, and how much of them a new task is told.

use serde::{Deserialize, Serialize};

/// What is done with what tasks leave behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Memory {
    /// Whether a landing commit carries the note of its task.
    pub(crate) in_history: bool,
    /// How much of earlier notes the rules of a new task hold, in tokens; 0: nothing.
    pub(crate) budget: usize,
}

/// The most tokens that the rules of a task may hold of earlier notes.
pub(super) const MOST: usize = 20_000;

impl Default for Memory {
    fn default() -> Self {
        Self {
            in_history: true,
            budget: 1_500,
        }
    }
}
