//! Findings of eslint, as itself and xo tell them to people.

use super::stack::source_line;
use super::text::View;
use super::{Found, Reader};

const TOO_MANY_WARNINGS: &str = "ESLint found too many warnings";
/// How many warnings of a file may stand before its first error, or in all before their count.
const WARNINGS: usize = 1000;

pub(super) fn marker(line: &str) -> Option<Reader> {
    if finding(line).is_some_and(|finding| finding.is_error) {
        Some(error)
    } else if line.starts_with(TOO_MANY_WARNINGS) {
        Some(too_many_warnings)
    } else {
        None
    }
}

struct Finding<'a> {
    is_error: bool,
    line: &'a str,
    message: &'a str,
    rule: Option<&'a str>,
}

/// A finding in `  15:1  error  message  rule` (eslint) or `  ✖  15:1  message  rule` (xo).
fn finding(text: &str) -> Option<Finding<'_>> {
    let text = text.strip_prefix("  ")?.trim_start();
    let (is_error, at, rest) = match text.chars().next()? {
        '✖' | '⚠' => {
            let (mark, rest) = text.split_once("  ")?;
            let (at, rest) = rest.trim_start().split_once("  ")?;
            (mark == "✖", at, rest)
        }
        '0'..='9' => {
            let (at, rest) = text.split_once("  ")?;
            let (severity, rest) = rest.trim_start().split_once("  ")?;
            (severity == "error", at, rest)
        }
        _ => return None,
    };
    let (line, column) = at.split_once(':')?;
    if line.parse::<u64>().is_err() || column.parse::<u64>().is_err() {
        return None;
    }
    let rest = rest.trim();
    let (message, rule) = match rest.rsplit_once("  ") {
        Some((message, rule)) if !rule.contains(' ') => (message.trim_end(), Some(rule)),
        _ => (rest, None),
    };
    Some(Finding {
        is_error,
        line,
        message,
        rule,
    })
}

/// The first error of a file, with the others that it has.
fn error(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let first = lines.next()?;
    let Finding {
        line,
        message,
        rule,
        ..
    } = finding(&first)?;
    let before = view.before(WARNINGS);
    let heading = before.iter().rfind(|line| finding(line).is_none());
    let what = match rule {
        Some(rule) => format!("{rule}: {message}"),
        None => message.to_owned(),
    };
    let place = heading
        .and_then(|heading| file(heading))
        .map(|file| format!("{file}:{line}"));
    let others = lines
        .take_while(|line| finding(line).is_some())
        .filter(|line| finding(line).is_some_and(|finding| finding.is_error));
    let lines = heading.into_iter().chain([&first]).cloned().chain(others);
    Some(Found::new(what, place, lines.collect()))
}

/// The file of a heading: a path (eslint), or the place of its first finding (xo).
fn file(heading: &str) -> Option<String> {
    let heading = heading.trim();
    if heading.is_empty() {
        return None;
    }
    match source_line(heading) {
        Some(place) => Some(place.rsplit_once(':')?.0.to_owned()),
        None => Some(heading.to_owned()),
    }
}

fn too_many_warnings(view: View<'_>) -> Option<Found> {
    let said = view.lines().next()?;
    let mut lines = view.before(WARNINGS);
    let first = lines.iter().position(|line| finding(line).is_some());
    lines.drain(..first.map_or(0, |at| at.saturating_sub(1)));
    lines.insert(0, said.clone());
    Some(Found::new(said, None, lines))
}
