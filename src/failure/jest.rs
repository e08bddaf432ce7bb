//! Failures of jest.

use super::text::{View, frame};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    if failed(line).is_some() {
        Some(failed_file)
    } else if line.starts_with("Jest: ") {
        Some(threshold)
    } else {
        None
    }
}

/// The file of a `FAIL src/a.test.js` line, which has more spaces where it was coloured, as vitest's has.
fn failed(line: &str) -> Option<&str> {
    let path = line
        .strip_prefix("FAIL ")
        .filter(|path| !path.starts_with(' '));
    path.or_else(|| line.strip_prefix(" FAIL  "))
}

/// The name in a `  ● suite › test` line; what was printed to the console has such a heading too.
fn heading(line: &str) -> Option<&str> {
    line.strip_prefix("  ● ").filter(|name| *name != "Console")
}

fn failed_file(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let file = lines.next()?;
    let mut lines = lines.skip_while(|line| heading(line).is_none() && !of_another_file(line));
    let named = lines.next()?;
    let name = heading(&named)?;
    let lines: Vec<_> = lines
        .take_while(|line| heading(line).is_none() && (line.is_empty() || line.starts_with(' ')))
        .filter(|line| !in_library(line))
        .collect();
    let place = lines.iter().find_map(|line| frame(line)).or_else(|| {
        let path = failed(&file)?;
        Some(
            path.split_once(" (")
                .map_or(path, |(path, _)| path)
                .trim()
                .to_owned(),
        )
    });
    Some(Found::new(name, place, lines).focus(|line| line.trim_start().starts_with("> ")))
}

fn of_another_file(line: &str) -> bool {
    let line = line.trim_start_matches(' ');
    ["PASS ", "FAIL ", "Test Suites:", "⎯⎯"]
        .iter()
        .any(|mark| line.starts_with(mark))
}

/// Whether the line is a stack frame of a library, as jest indents them.
fn in_library(line: &str) -> bool {
    line.trim_start().starts_with("at ") && line.contains("node_modules/")
}

/// What jest says of the run as a whole, such as a coverage threshold that was not met.
fn threshold(view: View<'_>) -> Option<Found> {
    let line = view
        .lines()
        .next()
        .filter(|line| line.contains("not met"))?;
    Some(Found::new(line.clone(), None, vec![line]))
}
