//! Whether a note says enough to help anyone: syntax may be short, what it means may not.

use serde::Serialize;

use super::words::words;
use super::{Entry, Kind, Note, Outcome, Source};

/// Words that say that something was done, and not what.
const HOLLOW: &str = "add added adjust all better bug bugs change changed changes clean cleaned cleanup code complete \
    completed correct corrected done everything fine finish finished fix fixed fixes good implement implemented improve \
    improved issue issues it made make minor misc more now ok okay problem problems ready refactor refactored resolve \
    resolved small some something stuff task test tests things thing tweak tweaked update updated various wip work \
    worked working works";
/// With fewer words that mean something, nobody learns from it.
const LEAST_WORDS: usize = 3;

/// What a note lacks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) message: String,
    pub(crate) hint: &'static str,
}

/// What the note lacks.
pub(crate) fn lint(note: &Note) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut found = |message: String, hint| findings.push(Finding { message, hint });
    let said: Vec<&Entry> = note
        .entries
        .iter()
        .filter(|e| e.source == Source::Agent)
        .collect();
    let has = |kind: Kind| said.iter().any(|entry| entry.kind == kind);
    if note.outcome == Outcome::Landed && !has(Kind::Decision) {
        found(
            "no decision: nobody will know why it is as it is".to_owned(),
            "say what was chosen, and why: wt note add --decision \"…\"",
        );
    }
    let failures = |entry: &&Entry| entry.kind == Kind::Rejected && entry.source == Source::Fact;
    if note.entries.iter().any(|entry| failures(&entry))
        && !has(Kind::Rejected)
        && !has(Kind::Cause)
    {
        found(
            "a run of the gate failed, and nobody said why".to_owned(),
            "say what was wrong with it: wt note add --rejected \"…\"",
        );
    }
    let names_path = |entry: &&Entry| !entry.paths.is_empty() || entry.text.contains('/');
    if !said.is_empty() && note.files.is_empty() && !said.iter().any(names_path) {
        found(
            "no path: it can't be found by the files that it is about".to_owned(),
            "name them: wt note add … --path src/a.rs",
        );
    }
    if meaning(&note.subject) == 0 {
        found(
            format!("the subject {:?} says nothing", note.subject),
            "give the task a brief, or edit the note: wt note edit",
        );
    }
    for entry in said {
        let (kind, text) = (entry.kind.word(), shown(&entry.text));
        match meaning(&entry.text) {
            0 => found(
                format!("{kind} {text:?} says only that something was done"),
                "say what, where and why",
            ),
            count if count < LEAST_WORDS => found(
                format!("{kind} {text:?} is too short to learn from"),
                "say what, where and why",
            ),
            _ => {}
        }
    }
    findings
}

/// How many different words of a text mean something.
fn meaning(text: &str) -> usize {
    let hollow: Vec<String> = words(HOLLOW).collect();
    let mut all: Vec<String> = words(text).filter(|word| !hollow.contains(word)).collect();
    all.sort_unstable();
    all.dedup();
    all.len()
}

/// The beginning of a text on one line.
fn shown(text: &str) -> String {
    const SHOWN: usize = 60;
    let line = text.lines().next().unwrap_or_default();
    let mut short: String = line.chars().take(SHOWN).collect();
    if short.len() < text.trim_end().len() {
        short.push('…');
    }
    short
}
