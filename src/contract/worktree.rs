//! `[worktree]`: where a task's worktree is, and what is in it from the start.

use serde::{Deserialize, Serialize};

/// Where a task's worktree is and how it is made ready.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Worktree {
    /// The folder that holds the worktrees, from the repository's root; `{repo}` is the root's name.
    pub(crate) path: String,
    /// The branch of a task; holds `{task}`.
    pub(crate) branch: String,
    /// Commands for `sh -c`, in the root of the checkout.
    pub(crate) setup: Vec<String>,
    /// Globs: set-up runs again in a slot when one of these changed. `None`: at every judging.
    pub(crate) setup_inputs: Option<Vec<String>>,
    /// Places that set-up may write to and steps may not, in the forms of [`Judge::writable`](super::Judge::writable).
    pub(crate) setup_writable: Vec<String>,
    /// Ignored files brought along from the main checkout.
    pub(crate) carry: Vec<String>,
    /// Ignored folders that come along at spawn and stay in the judge's slots between judgings.
    pub(crate) warm: Vec<String>,
    /// What becomes of them where the file system can't share their blocks; `None`: as their size is.
    #[serde(default)]
    pub(crate) warm_copy: Option<WarmCopy>,
    /// Files and folders that a worktree of a task's scope alone (`wt spawn --sparse`) holds besides.
    #[serde(default)]
    pub(crate) sparse_always: Vec<String>,
    /// How many checkouts are kept ready for the next tasks, at most [`MOST_SPARES`].
    #[serde(default)]
    pub(crate) spare: usize,
}

/// More checkouts are not kept ready.
pub(crate) const MOST_SPARES: usize = 64;

/// What becomes of a warm folder where the file system can't share its blocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum WarmCopy {
    Copy,
    Skip,
}

impl Default for Worktree {
    fn default() -> Self {
        Self {
            path: "../{repo}.wt".into(),
            branch: "wt/{task}".into(),
            setup: Vec::new(),
            setup_inputs: None,
            setup_writable: Vec::new(),
            carry: Vec::new(),
            warm: Vec::new(),
            warm_copy: None,
            sparse_always: Vec::new(),
            spare: 0,
        }
    }
}

impl WarmCopy {
    /// As `wt.toml` writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            WarmCopy::Copy => "copy",
            WarmCopy::Skip => "skip",
        }
    }
}
