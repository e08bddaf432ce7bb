//! What a tool call would do, as far as its input tells.

use crate::error::shown;

/// One thing that a tool call would do. Paths are as they were given, from the folder of the call where they are
/// relative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// Write what this path leads to, or make it.
    Write(String),
    /// Take away what has this name; where it is a symbolic link, the link.
    Remove(String),
    /// Write the first path; where that is a folder, these names in it.
    WriteInto(String, Vec<String>),
    /// Write to the checkout or the refs of the repository in this folder, by this git command.
    ChangeIn { folder: String, command: String },
    /// `git checkout` of this one word: a branch, or a path.
    CheckOut { folder: String, name: String },
    /// Put these paths back to what they are in this commit.
    TakeFrom { commit: String, paths: Vec<String> },
    /// Hand in a plan, or what is to be remembered, from this folder by this command of `wt`, for the task that is named.
    HandIn {
        folder: String,
        command: String,
        task: Option<String>,
    },
    /// Move, rename or delete these branches.
    ChangeBranches(Vec<String>),
    /// What no task may do.
    Never(Denial),
}

/// Why something is denied, and what to do instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    /// The path that it is about, where it is about one.
    pub(crate) path: Option<String>,
    /// One line.
    pub(crate) reason: String,
    /// One line.
    pub(crate) instead: String,
}

impl Denial {
    pub(crate) fn new(reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            path: None,
            reason: reason.into(),
            instead: instead.into(),
        }
    }

    /// The denial of a write to `path`.
    pub(crate) fn of(path: &str, reason: impl Into<String>, instead: impl Into<String>) -> Self {
        Self {
            path: Some(shown(path)),
            ..Self::new(reason, instead)
        }
    }

    /// What is denied and why, in one line.
    pub(crate) fn line(&self) -> String {
        match &self.path {
            Some(path) => format!("{path}: {}", self.reason),
            None => self.reason.clone(),
        }
    }

    /// As the agent reads it.
    pub(crate) fn text(&self) -> String {
        format!("denied: {}\ninstead: {}", self.line(), self.instead)
    }
}

impl From<Denial> for Wish {
    fn from(denial: Denial) -> Self {
        Wish::Never(denial)
    }
}
