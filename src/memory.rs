//! Notes: what a finished task leaves to those after it. Written, read back, weighed and quoted.

mod block;
mod edit;
mod index;
mod lint;
mod parse;
mod quote;
mod rank;
mod render;
mod select;
mod text;
mod words;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

pub(crate) use block::{Block, TRAILER_NOTE};
pub(crate) use index::{Index, Stamp};
pub(crate) use lint::lint;
pub(crate) use quote::quote;
pub(crate) use rank::{Candidate, Document, Question, Ranked, rank};
pub(crate) use select::{Excerpt, Order, Selection, select};
pub(crate) use text::{beginning, line, take_in};

/// What is remembered of one task. Every text in it was taken in by [`take_in`] or [`line`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Note {
    pub(crate) task: String,
    /// When the task was made: with its name it tells one life of a task from another.
    pub(crate) spawned: Timestamp,
    /// The day on which it ended, in UTC.
    pub(crate) date: Date,
    pub(crate) outcome: Outcome,
    /// Short name of the branch that it was to land on.
    pub(crate) target: String,
    /// Key of the receipt that it landed with.
    pub(crate) receipt: Option<String>,
    /// How many runs of the gate it took.
    pub(crate) runs: u32,
    /// What it was about, in one line.
    pub(crate) subject: String,
    pub(crate) brief: Option<String>,
    /// How many files it changed.
    pub(crate) changed: usize,
    /// Which ones, or the first of many.
    pub(crate) files: Vec<File>,
    /// The steps of the gate, as the last run of them went.
    pub(crate) steps: Vec<Step>,
    /// In the order of their kinds.
    pub(crate) entries: Vec<Entry>,
    #[serde(flatten)]
    pub(crate) standing: Standing,
}

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Outcome {
    Landed,
    Stopped,
    Removed,
}

/// A file that the task changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct File {
    /// As git says it: `A`, `M` or `D`.
    pub(crate) status: char,
    pub(crate) path: String,
}

/// A step of the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Step {
    pub(crate) name: String,
    /// The token of its failure; none where it passed.
    pub(crate) failure: Option<String>,
    pub(crate) milliseconds: u64,
}

/// One thing to remember.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) kind: Kind,
    pub(crate) source: Source,
    pub(crate) text: String,
    /// The paths, or globs of them, that it is about; none means all of the task's.
    pub(crate) paths: Vec<String>,
}

/// What kind of thing an entry is, in the order in which a note has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Constraint,
    Cause,
    Decision,
    Rejected,
    Gotcha,
}

/// Where an entry comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Source {
    /// From what `wt` itself recorded.
    Fact,
    /// An agent said so.
    Agent,
}

/// What is known of a note where it is stored, and is no part of it in history.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Standing {
    /// The landing commit.
    pub(crate) commit: Option<String>,
    /// Rebuilt from a commit whose receipt is not stored here.
    pub(crate) unverified: bool,
    /// Changed by hand since it was written.
    pub(crate) edited: bool,
    /// The operator who let what its agent said be recalled.
    pub(crate) approved_by: Option<String>,
    /// The note that holds in its place, or why it does not hold.
    pub(crate) superseded_by: Option<String>,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Landed, Self::Stopped, Self::Removed];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Landed => "landed",
            Self::Stopped => "stopped",
            Self::Removed => "removed",
        }
    }
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [
        Self::Constraint,
        Self::Cause,
        Self::Decision,
        Self::Rejected,
        Self::Gotcha,
    ];

    /// The heading of its section.
    fn heading(self) -> &'static str {
        match self {
            Self::Constraint => "Constraints",
            Self::Cause => "Root cause",
            Self::Decision => "Decisions",
            Self::Rejected => "Rejected approaches",
            Self::Gotcha => "Gotchas",
        }
    }

    /// As a list names it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Constraint => "constraint",
            Self::Cause => "root cause",
            Self::Decision => "decision",
            Self::Rejected => "rejected",
            Self::Gotcha => "gotcha",
        }
    }
}

impl Source {
    const ALL: [Self; 2] = [Self::Fact, Self::Agent];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Fact => "fact",
            Self::Agent => "agent",
        }
    }
}

impl Note {
    /// Whether both are of the same life of one task.
    pub(crate) fn is_of_the_life_of(&self, other: &Self) -> bool {
        self.task == other.task && self.spawned == other.spawned
    }

    /// The same without what is known of it only here.
    #[must_use]
    pub(crate) fn in_history(&self) -> Self {
        Self {
            standing: Standing::default(),
            ..self.clone()
        }
    }

    /// The entries that may be told to others: what an agent said counts once its task has landed, or an operator let
    /// it.
    pub(crate) fn told(&self) -> impl Iterator<Item = &Entry> {
        let all = self.outcome == Outcome::Landed || self.standing.approved_by.is_some();
        let entries = self.entries.iter();
        entries.filter(move |entry| all || entry.source == Source::Fact)
    }

    /// Every path that it names.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().map(|file| file.path.as_str());
        files.chain(self.told().flat_map(|e| e.paths.iter().map(String::as_str)))
    }

    /// The name of its file, without its end, where none other has it.
    pub(crate) fn stem(&self) -> String {
        format!("{}-{}", self.date, self.task)
    }
}

#[cfg(test)]
pub(crate) mod tests;
