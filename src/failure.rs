//! Logs → the first failure: what a failed step says first, in few lines that can be trusted to a terminal.

mod ava;
mod denied;
mod eslint;
mod general;
mod go;
mod jest;
mod mocha;
mod nextest;
mod node;
mod npm;
mod pytest;
mod reports;
mod rust;
mod stack;
mod tap;
mod text;
mod tsc;
mod unittest;
mod vitest;

use text::{Log, View};

pub(crate) use denied::RefusedWrite;
pub(crate) use text::plain;

/// The most lines that an excerpt holds.
const EXCERPT_LINES: usize = 20;
/// The most characters of a title and of each line of an excerpt.
const LINE_CHARS: usize = 200;
/// Of an excerpt that must be cut, how many lines stand before the one that matters.
const LINES_BEFORE_FOCUS: usize = 7;
/// How many lines tell where a step stood when its time was up.
const LINES_AT_DEADLINE: usize = 15;
/// After so many lines that only looked like a tool's failure, the general rule decides: each may
/// have cost a look ahead, and a log of nothing else must not take minutes.
const PATIENCE: usize = 1000;

/// What a failed step's log says first.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct Failure {
    /// One line: what failed and where, e.g. `auth::refresh::expired_token at src/auth/refresh.rs:88`.
    pub(crate) title: String,
    /// The lines that show it, at most 20, each at most 200 characters, free of control characters
    /// and ANSI sequences.
    pub(crate) excerpt: Vec<String>,
}

impl Failure {
    /// One of which there is no more to show.
    pub(crate) fn titled(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            excerpt: Vec::new(),
        }
    }
}

/// The failure that stands first in a log, whichever tool wrote it.
///
/// `log` is what the step printed, byte for byte; paths below one of `roots` (absolute folders, such
/// as the slot) are told relative to it. Where no tool is recognised, the first line that looks like
/// an error is taken, else the last lines.
pub(crate) fn first_failure(log: &[u8], roots: &[&str]) -> Failure {
    let log = Log::new(log, roots);
    first_of_a_tool(log)
        .unwrap_or_else(|| general::read(log))
        .into_failure()
}

/// The program that a shell says it did not find on its `PATH`, by the last words of a log that ended with status 127.
pub(crate) fn missing_program(log: &[u8]) -> Option<String> {
    const LAST: usize = 4096;
    let text = plain(&log[log.len().saturating_sub(LAST)..]);
    let program = text.lines().rev().find_map(|line| {
        let said = line.trim_end();
        let before = said
            .strip_suffix(": command not found")
            .or_else(|| said.strip_suffix(": not found"))?;
        before.rsplit(": ").next()
    })?;
    // A path is no question of `PATH`.
    (!program.is_empty() && !program.contains('/')).then(|| program.to_owned())
}

/// The paths that a log says could not be written for want of permission, or for lying across a border; those that
/// are not absolute are as the step saw them. Not all of them need be what was written to.
pub(crate) fn denied_paths(log: &[u8]) -> Vec<RefusedWrite> {
    denied::paths(Log::new(log, &[]))
}

/// The failure of a step that had not ended `after` its timeout, such as `10m`: what it said last.
///
/// `log` and `roots` are those of [`first_failure`]. What failed before that is not told: the step's
/// own account of it never came.
pub(crate) fn unfinished(log: &[u8], roots: &[&str], after: &str) -> Failure {
    let lines = Log::new(log, roots).tail(LINES_AT_DEADLINE);
    Found::new(format!("not done after {after}"), None, lines).into_failure()
}

/// Whether the runners recognised in a log say, taken together, that no test ran at all.
///
/// A test that was skipped, ignored or filtered out did not run. `false` if no report was recognised.
pub(crate) fn no_tests(log: &[u8]) -> bool {
    reports::no_tests(Log::new(log, &[]))
}

/// Reads a failure that begins at a marker line; `None` if it only looked like one.
type Reader = fn(View<'_>) -> Option<Found>;

/// Which reader a line calls for. They see every line of the log, so each decides by a prefix.
const MARKERS: [fn(&str) -> Option<Reader>; 13] = [
    rust::marker,
    nextest::marker,
    pytest::marker,
    unittest::marker,
    jest::marker,
    vitest::marker,
    mocha::marker,
    ava::marker,
    tap::marker,
    node::marker,
    go::marker,
    tsc::marker,
    eslint::marker,
];

fn first_of_a_tool(log: Log<'_>) -> Option<Found> {
    let mut patience = PATIENCE;
    for line in log.lines() {
        for read in MARKERS.iter().filter_map(|marker| marker(&line.text)) {
            if let Some(found) = read(log.at(line.start)) {
                return Some(found);
            }
            patience = patience.checked_sub(1)?;
        }
    }
    None
}

/// A failure as its tool tells it, before it is cut to size.
struct Found {
    what: String,
    /// `path:line`
    place: Option<String>,
    lines: Vec<String>,
    /// Index into `lines` of the one that matters most.
    focus: usize,
}

impl Found {
    fn new(what: impl Into<String>, place: Option<String>, lines: Vec<String>) -> Self {
        Self {
            what: what.into(),
            place,
            lines,
            focus: 0,
        }
    }

    /// Keeps the first line that `matters` in view, however long the rest is.
    fn focus(mut self, matters: impl Fn(&str) -> bool) -> Self {
        self.focus = self
            .lines
            .iter()
            .position(|line| matters(line))
            .unwrap_or(0);
        self
    }

    fn into_failure(self) -> Failure {
        let what = self.what.trim();
        let what = if what.starts_with("===") {
            what.trim_matches(['=', ' '])
        } else {
            what
        };
        let what = match what {
            "" => "a failure without a name",
            what => what,
        };
        let title = match &self.place {
            Some(place) => format!("{} at {place}", what.trim_end_matches('.')),
            None => what.to_owned(),
        };
        Failure {
            title: cut(&title),
            excerpt: excerpt(&self.lines, self.focus),
        }
    }
}

/// The lines around `focus`, without the indentation common to all and without runs of blank lines.
fn excerpt(lines: &[String], focus: usize) -> Vec<String> {
    let mut kept: Vec<&str> = Vec::new();
    let mut centre = 0;
    for (index, line) in lines.iter().enumerate() {
        let line = line.trim_end();
        if line.is_empty() && kept.last().is_none_or(|last| last.is_empty()) {
            continue;
        }
        if index <= focus {
            centre = kept.len();
        }
        kept.push(line);
    }
    while kept.last().is_some_and(|last| last.is_empty()) {
        kept.pop();
    }
    let start = if kept.len() <= EXCERPT_LINES {
        0
    } else {
        centre.saturating_sub(LINES_BEFORE_FOCUS)
    };
    let shown = &kept[start.min(kept.len())..kept.len().min(start + EXCERPT_LINES)];
    let margin = shown
        .iter()
        .filter(|line| !line.is_empty())
        .map(|line| line.len() - line.trim_start_matches(' ').len())
        .min()
        .unwrap_or(0);
    shown
        .iter()
        .map(|line| cut(line.get(margin..).unwrap_or("")))
        .collect()
}

fn cut(line: &str) -> String {
    match line.char_indices().nth(LINE_CHARS) {
        None => line.to_owned(),
        Some(_) => line.chars().take(LINE_CHARS - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests;
