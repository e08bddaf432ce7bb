//! Failures of pytest.

use super::text::{View, in_repository};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    match line.as_bytes().first()? {
        b'=' if matches!(line.trim_matches('=').trim(), "FAILURES" | "ERRORS") => Some(section),
        b'F' | b'E' if summarised(line).is_some() => Some(summary),
        _ => None,
    }
}

/// The name in a `____ name ____` line; the rulers between stack frames (`_ _ _`) hold none.
fn heading(line: &str) -> Option<&str> {
    let name = line.strip_prefix('_')?.strip_suffix('_')?.trim_matches('_');
    let name = name.strip_prefix(' ')?.strip_suffix(' ')?;
    name.contains(char::is_alphanumeric).then_some(name)
}

/// The first entry of the section FAILURES or ERRORS.
fn section(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines().skip(1).peekable();
    let named = lines.next_if(|line| heading(line).is_some());
    let Some(named) = named else {
        return one_liner(lines);
    };
    let name = heading(&named)?;
    let name = name.strip_prefix("ERROR ").unwrap_or(name);
    let name = name.strip_prefix("at ").unwrap_or(name);
    let lines: Vec<_> = lines
        .take_while(|line| {
            heading(line).is_none() && !line.starts_with("====") && !line.starts_with("!!!!")
        })
        .collect();
    let place = lines.iter().filter_map(|line| place(line)).next_back();
    Some(Found::new(name, place, lines).focus(is_reason))
}

/// With `--tb=line` an entry has no heading and ends with its place.
fn one_liner(lines: impl Iterator<Item = String>) -> Option<Found> {
    let mut entry = Vec::new();
    for line in lines.take_while(|line| !line.starts_with("====")) {
        let end = place(&line);
        entry.push(line);
        if end.is_some() {
            let what = entry[0].trim_start_matches("E ").trim().to_owned();
            return Some(Found::new(what, end, entry));
        }
    }
    None
}

fn is_reason(line: &str) -> bool {
    line.starts_with("E ")
}

/// The place that a line of a traceback names, in each of pytest's styles, if the project owns it.
pub(super) fn place(line: &str) -> Option<String> {
    let line = line.strip_prefix("E ").unwrap_or(line);
    let (path, number) = match line.trim_start().strip_prefix("File \"") {
        Some(rest) => rest.split_once("\", line ")?,
        None if line.starts_with(' ') => return None,
        None => line
            .split_once(".py:")
            .map(|(path, rest)| (&line[..path.len() + 3], rest))?,
    };
    let end = number
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(number.len());
    (end > 0 && in_repository(path)).then(|| format!("{path}:{}", &number[..end]))
}

/// The test of a line of the short summary: `FAILED tests/test_a.py::test_b - reason`.
fn summarised(line: &str) -> Option<&str> {
    let rest = line
        .strip_prefix("FAILED ")
        .or_else(|| line.strip_prefix("ERROR "))?;
    let test = rest.split_once(" - ").map_or(rest, |(test, _)| test);
    (test.contains("::") || (test.contains(".py") && !test.contains(' '))).then_some(test)
}

/// The short summary, which is all that `--tb=no` leaves.
fn summary(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let first = lines.next()?;
    let test = summarised(&first)?.to_owned();
    let rest = lines.take_while(|line| summarised(line).is_none() && !line.starts_with("===="));
    Some(Found::new(
        test,
        None,
        std::iter::once(first).chain(rest).collect(),
    ))
}
