//! A note as its file has it.

use std::fmt::Write as _;

use super::text::written;
use super::{Entry, Kind, Note};

/// The version of the form, and the newest that is read.
pub(super) const SCHEMA: u32 = 1;
/// What goes before each line of a text that stands for itself, or goes on from the line above.
pub(super) const INDENT: &str = "    ";
/// What goes before a path of an entry.
pub(super) const PATH: &str = "  - path: ";
pub(super) const FENCE: &str = "---";
pub(super) const BRIEF: &str = "## Brief";
pub(super) const FILES: &str = "## Files changed";
pub(super) const VALIDATION: &str = "## Validation";
pub(super) const PASSED: &str = "passed";

impl Note {
    /// The text of its file. It has neither two empty lines in a row nor space at the end of a line.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for (name, value) in self.head() {
            if let Some(value) = value {
                let _ = writeln!(out, "{name}: {}", written(&value));
            }
        }
        let mut out = format!("{FENCE}\n{out}{FENCE}\n\n# {}\n", written(&self.subject));
        if let Some(brief) = &self.brief {
            let _ = writeln!(out, "\n{BRIEF}\n");
            for line in brief.split('\n') {
                let _ = writeln!(out, "{INDENT}{}", written(line));
            }
        }
        if !self.files.is_empty() {
            let _ = writeln!(out, "\n{FILES}\n");
            for file in &self.files {
                let _ = writeln!(out, "- {} {}", file.status, written(&file.path));
            }
        }
        if !self.steps.is_empty() {
            let _ = writeln!(out, "\n{VALIDATION}\n");
            for step in &self.steps {
                let ended = step.failure.as_deref().unwrap_or(PASSED);
                let (took, name) = (step.milliseconds, written(&step.name));
                let _ = writeln!(out, "- {ended} {took} ms: {name}");
            }
        }
        for kind in Kind::ALL {
            let mut entries = self.entries.iter().filter(|e| e.kind == kind).peekable();
            if entries.peek().is_some() {
                let _ = writeln!(out, "\n## {}\n", kind.heading());
            }
            entries.for_each(|entry| add(&mut out, entry));
        }
        out
    }

    /// What stands above all, by its names.
    fn head(&self) -> [(&'static str, Option<String>); 14] {
        let standing = &self.standing;
        let yes = |is: bool| is.then(|| "true".to_owned());
        [
            ("wt-note", Some(SCHEMA.to_string())),
            ("task", Some(self.task.clone())),
            ("spawned", Some(self.spawned.to_string())),
            ("date", Some(self.date.to_string())),
            ("outcome", Some(self.outcome.word().to_owned())),
            ("target", Some(self.target.clone())),
            ("runs", Some(self.runs.to_string())),
            ("changed", Some(self.changed.to_string())),
            ("receipt", self.receipt.clone()),
            ("commit", standing.commit.clone()),
            ("unverified", yes(standing.unverified)),
            ("edited", yes(standing.edited)),
            ("approved-by", standing.approved_by.clone()),
            ("superseded-by", standing.superseded_by.clone()),
        ]
    }
}

fn add(out: &mut String, entry: &Entry) {
    let mut before = format!("- ({}) ", entry.source.word());
    for line in entry.text.split('\n') {
        let _ = writeln!(out, "{before}{}", written(line));
        INDENT.clone_into(&mut before);
    }
    for path in &entry.paths {
        let _ = writeln!(out, "{PATH}{}", written(path));
    }
}
