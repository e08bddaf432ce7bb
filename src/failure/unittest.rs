//! Failures of Python's unittest.

use super::text::View;
use super::{Found, Reader, pytest};

/// How many lines may stand between a test's name and the rule below it: the first of its description.
const DESCRIPTION: usize = 2;

pub(super) fn marker(line: &str) -> Option<Reader> {
    test(line).map(|_| failure as Reader)
}

/// The test of `FAIL: test_one (test_app.Tokens.test_one)`.
fn test(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("FAIL: ")
        .or_else(|| line.strip_prefix("ERROR: "))?;
    rest.contains(" (").then_some(rest)
}

fn is_rule(line: &str) -> bool {
    line.starts_with("----------") && line.bytes().all(|b| b == b'-')
}

/// What stands below the name and a rule: the traceback, whose exception comes last, and what it says of values.
fn failure(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let first = lines.next()?;
    let mut head = lines.by_ref().take(DESCRIPTION);
    head.find(|line| is_rule(line))?;
    let lines: Vec<String> = lines
        .take_while(|line| !is_rule(line) && !line.starts_with("=========="))
        .collect();
    let place = lines
        .iter()
        .filter_map(|line| pytest::place(line))
        .next_back();
    let frames = lines.iter().rposition(|line| line.starts_with("  File \""));
    let after = &lines[frames.unwrap_or_default()..];
    let raised = after.iter().position(|line| !line.starts_with(' '));
    let focus = frames.unwrap_or_default() + raised.unwrap_or_default();
    let found = Found::new(test(&first)?, place, lines);
    Some(Found { focus, ..found })
}
