//! Failures of vitest.

use super::stack::frame;
use super::text::View;
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    if line.starts_with(" FAIL  ") {
        Some(failed_test)
    } else if unhandled(line).is_some() {
        Some(unhandled_error)
    } else {
        None
    }
}

fn is_ruler(line: &str) -> bool {
    line.starts_with("⎯⎯")
}

/// The kind in a ruler such as `⎯⎯ Unhandled Rejection ⎯⎯`; the plural heads all of them.
fn unhandled(line: &str) -> Option<&str> {
    let kind = line.strip_prefix('⎯')?.trim_matches('⎯').trim();
    let single = kind.starts_with("Unhandled ") || kind.starts_with("Uncaught ");
    (single && kind != "Unhandled Errors").then_some(kind)
}

fn failed_test(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let header = header.strip_prefix(" FAIL  ")?;
    let (file, test) = header.split_once(" > ").unwrap_or_else(|| {
        (
            header.split(" [ ").next().unwrap_or(header),
            "test file failed to run",
        )
    });
    // Tests that fail alike share one report.
    let lines = lines.skip_while(|line| line.starts_with(" FAIL  "));
    let mut found = report(test, lines);
    found.place = found.place.or_else(|| Some(file.to_owned()));
    Some(found)
}

fn unhandled_error(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let lines: Vec<_> = lines.collect();
    let what = format!("{}: {}", unhandled(&header)?, lines.first()?);
    Some(report(&what, lines.into_iter()))
}

fn report(what: &str, lines: impl Iterator<Item = String>) -> Found {
    let lines: Vec<_> = lines
        .take_while(|line| {
            !is_ruler(line)
                && !line.starts_with(" FAIL  ")
                && !line.starts_with("This error originated in ")
        })
        .filter(|line| !(line.starts_with(" ❯ ") && line.contains("node_modules/")))
        .collect();
    let place = lines
        .iter()
        .filter(|line| line.starts_with(" ❯ "))
        .find_map(|line| frame(line));
    Found::new(what, place, lines).focus(|line| line.starts_with(" ❯ "))
}
