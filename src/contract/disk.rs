//! `[disk]`: how much `wt` may take, and what it leaves.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::quantity;

/// How much of the disk all that is `wt`'s may take: worktrees, slots, trash and state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Disk {
    /// In bytes. `None`: as much as there is.
    pub(crate) budget: Option<u64>,
    pub(crate) reserve: Reserve,
}

/// What is left free on the file system of the worktrees when one is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Reserve {
    /// Of its size; below 100.
    Percent(u8),
    Bytes(u64),
}

impl Default for Reserve {
    fn default() -> Self {
        Self::Percent(2)
    }
}

impl Reserve {
    /// In bytes, of a file system of this size.
    pub(crate) fn of(self, size: u64) -> u64 {
        match self {
            Self::Percent(percent) => size / 100 * u64::from(percent),
            Self::Bytes(bytes) => bytes,
        }
    }
}

/// As `wt.toml` writes it: `10%`, `5GB`.
impl fmt::Display for Reserve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percent(percent) => write!(f, "{percent}%"),
            Self::Bytes(bytes) => f.write_str(&quantity::format_size(*bytes)),
        }
    }
}
