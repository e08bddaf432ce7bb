//! The rule for output that no tool is recognised in.

use std::sync::LazyLock;

// Of bytes: word boundaries of Unicode cost a second pass over every line that is not ASCII.
use regex::bytes::Regex;

use super::stack::{frame, source_line};
use super::text::{Log, View, in_repository, place};
use super::{Found, npm, reports};

/// A line that says itself to be an error; the first group is the word by which its next of kind is known.
static CLEAR: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?x-u)^\s*(?:\S+:\d+(?::\d+)?:\s+)?(?:[\w./-]+:\s+)?
        ( (?i:fatal|(?:internal\ )?error|panic|uncaught|unhandled|assertion\ failed|segmentation\ fault|npm\ err!|npm\ error)\b
        | FAIL(?:ED|URE)?\b
        | Traceback\ \(
        | [\w.]*(?:Error|Exception)\b\s*[:\[(] )",
    )
    .expect("the pattern is constant")
});

/// A line that speaks of an error somewhere.
static SUSPECT: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi-u)\b(?: errors? | fail(?:s|ed|ures?|ing)? | panic(?:ked)? | exceptions? | assert(?:ion)? | traceback | fatal
        | abort(?:ed)? | killed | not\ found | no\ such\ file | permission\ denied | cannot | could\ not | undefined
        | segmentation\ fault | core\ dumped | timed\ out )\b | ✗ | ✘ | ✖ | ✕",
    )
    .expect("the pattern is constant")
});

/// Words that speak of an error's absence.
static ABSENCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi-u)\b(?:0|no|zero|without)\s+(?:\w+\s+)?(?:errors?|fail(?:ed|ures?)|exceptions?)\b
        | \b(?:errors?|fail(?:ed|ures?)?|exceptions?)\s*[:=]?\s*(?:0|none|false|null)\b",
    )
    .expect("the pattern is constant")
});

/// A line of good news, of progress or of mere warning.
static HARMLESS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi-u)^\s*(?:✓ | ✔ | (?:ok|pass(?:ed)?|warning|warn|npm\ warn|\[?(?:info|debug|trace))\b
        | (?:compiling|checking|downloading|downloaded|installing|fetching)\s) | \b(?:ok|passed)\s*$",
    )
    .expect("the pattern is constant")
});

const LINES_BEFORE: usize = 4;
const LAST_LINES: usize = 12;

pub(super) fn read(log: Log<'_>) -> Found {
    match first_error(log) {
        Some(start) => error(log.at(start)),
        None => last_lines(log),
    }
}

/// Where the first clear line starts, else the first suspect one.
fn first_error(log: Log<'_>) -> Option<usize> {
    let mut suspect = None;
    for line in log.lines().filter(|line| line.text.len() > 3) {
        let text = line.text.as_bytes();
        if !SUSPECT.is_match(text) && !CLEAR.is_match(text) {
            continue;
        }
        let text = ABSENCE.replace_all(text, b"");
        if HARMLESS.is_match(&text) {
            continue;
        }
        if CLEAR.is_match(&text) {
            return Some(line.start);
        }
        if suspect.is_none() && SUSPECT.is_match(&text) {
            suspect = Some(line.start);
        }
    }
    suspect
}

fn error(view: View<'_>) -> Found {
    let mut lines = view.lines();
    let first = lines.next().unwrap_or_default();
    if first.starts_with("Traceback (") {
        return traceback(view);
    }
    let mut before = view.before(LINES_BEFORE);
    if npm::said(&first).is_some() {
        return npm::read(view, before);
    }
    let kind = kind(&first);
    let after: Vec<_> = lines
        .take_while(|line| {
            !line.starts_with("==========") && (kind.is_none() || self::kind(line) != kind)
        })
        .take(15)
        .collect();
    let at = after
        .iter()
        .take_while(|line| line.trim_start().starts_with("at "))
        .find_map(|line| frame(line));
    // A file that node could not read has no frame; its place stands above the source.
    let unread = || {
        first
            .contains("SyntaxError: ")
            .then(|| before.iter().rev().find_map(|line| unread_file(line)))?
    };
    let at = at.or_else(unread);
    let focus = before.len();
    before.push(first.clone());
    before.extend(after);
    Found {
        focus,
        ..Found::new(first, at, before)
    }
}

/// The place in a line that node writes above source it can't read, and mocha with a word of its own.
fn unread_file(line: &str) -> Option<String> {
    source_line(line.strip_prefix(" Exception during run: ").unwrap_or(line))
}

fn kind(line: &str) -> Option<String> {
    let word = CLEAR.captures(line.as_bytes())?.get(1)?.range();
    Some(line.get(word)?.to_lowercase())
}

/// Python's account of an exception: the exception comes last, after the frame that raised it.
fn traceback(view: View<'_>) -> Found {
    let mut lines: Vec<String> = Vec::new();
    let mut what = None;
    for line in view.lines() {
        let ends = !lines.is_empty() && !line.is_empty() && !line.starts_with(' ');
        lines.push(line.clone());
        if ends {
            what = Some(line);
            break;
        }
    }
    let at = lines.iter().rev().find_map(|line| {
        let (path, rest) = line
            .trim_start()
            .strip_prefix("File \"")?
            .split_once("\", line ")?;
        let number = rest.split(|c: char| !c.is_ascii_digit()).next()?;
        in_repository(path).then(|| place(&format!("{path}:{number}")))?
    });
    let focus = lines.len().saturating_sub(1);
    Found {
        focus,
        ..Found::new(what.unwrap_or_else(|| "Traceback".to_owned()), at, lines)
    }
}

fn last_lines(log: Log<'_>) -> Found {
    let lines = log.tail(LAST_LINES);
    if reports::no_tests(log) {
        return Found::new("no test was run", None, lines);
    }
    match lines.iter().rfind(|line| !line.trim().is_empty()) {
        Some(last) => Found::new(last.clone(), None, lines),
        None => Found::new("no output", None, Vec::new()),
    }
}
