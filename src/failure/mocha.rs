//! Failures of mocha: what its reporters for people tell after the counts.

use super::stack::{frame, in_library, is_internal};
use super::text::{View, indent, until_gap};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    let count = line.strip_prefix("  ")?.strip_suffix(" failing")?;
    count.parse::<u64>().is_ok().then_some(failing)
}

/// The first entry of the section that the line `  2 failing` begins.
fn failing(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines().skip(1).skip_while(String::is_empty).peekable();
    let first = lines.next()?;
    let mut path = vec![first.strip_prefix("  1) ")?.to_owned()];
    // Each name stands deeper than the suite around it.
    while let Some(line) = lines.next_if(|line| indent(line) == 5 + 2 * path.len()) {
        path.push(line.trim_start().to_owned());
    }
    let what = path.join(" > ");
    let lines: Vec<_> = until_gap(lines)
        .take_while(|line| !line.starts_with("  2) "))
        .filter(|line| !in_library(line) && !is_internal(line) && line != "  ----")
        .collect();
    let place = lines
        .iter()
        .find_map(|line| frame(line))
        .or_else(|| lines.iter().find_map(|line| file_of_timeout(line)));
    Some(Found::new(
        what.strip_suffix(':').unwrap_or(&what),
        place,
        lines,
    ))
}

/// The file that ends the message on a test that took too long.
fn file_of_timeout(line: &str) -> Option<String> {
    let (message, file) = line.strip_suffix(')')?.rsplit_once(" (")?;
    message.contains("Timeout of ").then(|| file.to_owned())
}
