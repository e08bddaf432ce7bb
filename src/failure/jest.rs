//! Failures of jest.

use super::stack::{frame, in_library, source_line};
use super::text::{View, in_repository, place};
use super::{Found, Reader};

/// Stands for a test's name where the file's tests could not even be read.
const NOT_RUN: &str = "Test suite failed to run";

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
    // The frames of a file that could not be read lie in the files that asked for it.
    let unread = lines.iter().position(|line| unread_place(line).is_some());
    if let Some(focus) = unread.filter(|_| name == NOT_RUN) {
        let place = unread_place(&lines[focus]);
        return Some(Found {
            focus,
            ..Found::new(name, place, lines)
        });
    }
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

/// The place of what could not be read, in node's words (`src/a.js:6`) or in babel's
/// (`SyntaxError: src/a.js: Unexpected token (6:3)`).
fn unread_place(line: &str) -> Option<String> {
    if let Some(place) = source_line(line) {
        return Some(place);
    }
    let rest = line.trim_start().strip_prefix("SyntaxError: ")?;
    let (path, rest) = rest.split_once(": ")?;
    let (_, at) = rest.strip_suffix(')')?.rsplit_once('(')?;
    place(&format!("{path}:{at}")).filter(|_| in_repository(path))
}

/// What jest says of the run as a whole, such as a coverage threshold that was not met.
fn threshold(view: View<'_>) -> Option<Found> {
    let line = view
        .lines()
        .next()
        .filter(|line| line.contains("not met"))?;
    Some(Found::new(line.clone(), None, vec![line]))
}
