//! A plan: what a task is to change, why, and how that is known to be right; five sections, before the first edit.

mod beside;
mod check;
mod lines;
mod read;
mod render;

use serde::Serialize;

use crate::digest;
use crate::error::nearest;

pub(crate) use beside::{Beside, beside};
pub(crate) use read::{Read, read};
pub(crate) use render::{Form, form, render};

/// A plan as it was read: what [`render`] writes of it, [`read`] reads as the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Plan {
    /// Why things are as they are: Markdown, without a section's heading.
    pub(crate) cause: String,
    /// The files that are expected to change, as globs.
    pub(crate) files: Vec<Entry>,
    /// What must hold afterwards as before.
    pub(crate) invariants: Vec<String>,
    pub(crate) risks: Vec<String>,
    /// The commands that are to show that it is right.
    pub(crate) validation: Vec<Entry>,
}

/// A path or a command, with what is said of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Entry {
    pub(crate) code: String,
    /// May be empty.
    pub(crate) remark: String,
}

/// A part of a plan. Every one must be there, once, in any order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Section {
    Cause,
    Files,
    Invariants,
    Risks,
    Validation,
}

/// What keeps a text from being a plan.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Flaw {
    /// Counted from 1; none where something is missing.
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
    pub(crate) hint: String,
}

impl Section {
    pub(crate) const ALL: [Section; 5] = [
        Section::Cause,
        Section::Files,
        Section::Invariants,
        Section::Risks,
        Section::Validation,
    ];

    /// As its heading says it.
    pub(crate) fn title(self) -> &'static str {
        match self {
            Section::Cause => "Root cause",
            Section::Files => "Files",
            Section::Invariants => "Invariants",
            Section::Risks => "Risks",
            Section::Validation => "Validation",
        }
    }

    fn find(name: &str) -> Option<Self> {
        let named = |section: &Self| section.title().eq_ignore_ascii_case(name);
        Self::ALL.into_iter().find(named)
    }

    /// The section whose name is nearest to `name`, if one is near enough to be meant.
    fn near(name: &str) -> Option<Self> {
        let titles = Self::ALL.map(|section| section.title().to_lowercase());
        let near = nearest(&name.to_lowercase(), titles.iter().map(String::as_str))?;
        Self::find(near)
    }
}

impl Flaw {
    fn at(line: usize, what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::of_all(what, hint)
        }
    }

    fn of_all(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            line: None,
            what: what.into(),
            hint: hint.into(),
        }
    }

    /// On one line.
    pub(crate) fn message(&self) -> String {
        match self.line {
            Some(line) => format!("line {line} of the plan: {}", self.what),
            None => format!("the plan: {}", self.what),
        }
    }
}

impl Plan {
    /// Identity, in hex, of a plan's text.
    pub(crate) fn hash(text: &str) -> String {
        digest::hex(&[b"wt plan 1", text.as_bytes()])
    }

    /// The globs of its files.
    pub(crate) fn globs(&self) -> Vec<&str> {
        self.files.iter().map(|file| file.code.as_str()).collect()
    }

    /// Those of its commands that are no step of the gate.
    pub(crate) fn beyond_gate<'p>(&'p self, steps: &[&str]) -> Vec<&'p str> {
        const GATE: [&str; 4] = [
            "wt validate",
            ".wt/validate.sh",
            "./.wt/validate.sh",
            "sh .wt/validate.sh",
        ];
        let words = |command: &str| command.split_whitespace().collect::<Vec<_>>().join(" ");
        let known: Vec<String> = GATE.iter().chain(steps).map(|step| words(step)).collect();
        let commands = self.validation.iter().map(|entry| entry.code.as_str());
        commands
            .filter(|command| !known.contains(&words(command)))
            .collect()
    }
}

#[cfg(test)]
mod tests;
