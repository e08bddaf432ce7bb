//! Failures of AVA.

use super::stack::{frame, in_library, is_internal, source_line};
use super::text::{View, until_gap};
use super::{Found, Reader};

const FAILED: &str = "  ✘ [fail]: ";
const TIMED_OUT: &str = "  ✘ Timed out while running tests";
/// Stands between the list of tests, the account of the failed ones, and the counts.
const RULER: &str = "  ─";

pub(super) fn marker(line: &str) -> Option<Reader> {
    if line.starts_with(FAILED) {
        Some(failed_test)
    } else if line == TIMED_OUT {
        Some(timed_out)
    } else if uncaught(line).is_some() {
        Some(uncaught_error)
    } else {
        None
    }
}

/// A line of the list, which runs name and reason together; the account after it tells them apart.
fn failed_test(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let listed = header.strip_prefix(FAILED)?;
    let mut lines = lines
        .skip_while(|line| line != RULER)
        .skip(1)
        .skip_while(String::is_empty);
    let Some(name) = lines
        .next()
        .filter(|name| listed.starts_with(name.trim_start()))
    else {
        return Some(Found::new(listed, None, vec![header.clone()]));
    };
    Some(account(name.trim_start(), until_gap(lines)))
}

fn account(what: &str, lines: impl Iterator<Item = String>) -> Found {
    let lines: Vec<_> = lines
        .take_while(|line| line != RULER)
        .filter(|line| !in_library(line) && !is_internal(line))
        .map(|line| line.replace("file://", ""))
        .collect();
    let quoted = lines.iter().take(2).find_map(|line| source_line(line));
    let place = quoted.or_else(|| lines.iter().find_map(|line| frame(line)));
    Found::new(what, place, lines)
}

/// Kind and file of `  Uncaught exception in a.test.js`.
fn uncaught(line: &str) -> Option<(&str, &str)> {
    let line = line.strip_prefix("  U")?;
    let (kind, file) = line.split_once(" in ")?;
    match kind {
        "ncaught exception" => Some(("Uncaught exception", file)),
        "nhandled rejection" => Some(("Unhandled rejection", file)),
        _ => None,
    }
}

fn uncaught_error(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let (kind, file) = uncaught(&header)?;
    let mut found = account(kind, lines.take_while(|line| !line.starts_with("  ✘ ")));
    let is_error = |line: &&String| {
        line.split_once(": ")
            .is_some_and(|(name, _)| name.ends_with("Error"))
    };
    if let Some(error) = found.lines.iter().find(is_error) {
        found.what = format!("{kind}: {}", error.trim());
    }
    found.place = found.place.or_else(|| Some(file.to_owned()));
    Some(found)
}

/// The first test that was pending when no test had ended for too long.
fn timed_out(view: View<'_>) -> Option<Found> {
    let lines: Vec<_> = view.lines().take_while(|line| line != RULER).collect();
    let file = lines
        .iter()
        .find_map(|line| Some(line.split_once(" pending in ")?.1.to_owned()));
    let test = lines.iter().find_map(|line| line.strip_prefix("  ◌ "));
    let what = match test {
        Some(test) => format!("{test}: timed out"),
        None => TIMED_OUT.trim_start_matches([' ', '✘']).to_owned(),
    };
    Some(Found::new(what, file, lines))
}
