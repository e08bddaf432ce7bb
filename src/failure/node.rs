//! Failures of node's own test runner in its `spec` form.

use super::stack::{frame, is_internal};
use super::tap::{dead_file, forgiven};
use super::text::{View, indent, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    let text = line.trim_start();
    if spec_name(text).is_some() {
        Some(spec)
    } else if line == SPEC_FAILURES {
        Some(spec_failures)
    } else {
        None
    }
}

const SPEC_FAILURES: &str = "✖ failing tests:";

fn own_frame(lines: &[String]) -> Option<String> {
    lines.iter().find_map(|line| frame(line))
}

/// The names of the suites around a test, outermost first: headings before it with ever less indentation.
fn suites(view: View<'_>, inner: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut inner = inner;
    for line in view.before(1000).iter().rev() {
        if inner == 0 {
            break;
        }
        let name = line
            .trim_start()
            .strip_prefix("▶ ")
            .filter(|_| indent(line) < inner);
        if let Some(name) = name {
            inner = indent(line);
            names.push(name.to_owned());
        }
    }
    names.reverse();
    names
}

/// The name in `✖ name (1.5ms)`.
fn spec_name(text: &str) -> Option<&str> {
    let (name, time) = text.strip_prefix("✖ ")?.rsplit_once(" (")?;
    let time = time.strip_suffix("ms)")?;
    time.parse::<f64>().is_ok().then_some(name)
}

/// A test in the running report; newer versions of node tell its error at the end alone.
fn spec(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let margin = indent(&header);
    let name = spec_name(header.trim_start())?;
    let block = spec_block(lines.take_while(|line| line.is_empty() || indent(line) > margin));
    block.iter().find(|line| !line.is_empty())?;
    if block.iter().any(|line| line.trim() == "'test failed'") {
        return Some(dead_file(view, name, block));
    }
    let mut path = suites(view, margin);
    path.push(name.to_owned());
    Some(spec_found(path.join(" > "), block))
}

/// The section at the end; a test that was expected to fail stands there too.
fn spec_failures(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines().skip(1);
    while let Some(line) = lines.next() {
        let Some(defined) = line.strip_prefix("test at ") else {
            continue;
        };
        let header = lines.next()?;
        if forgiven(&header) {
            continue;
        }
        let name = spec_name(&header)?.to_owned();
        let block = spec_block(lines.take_while(|line| line.is_empty() || line.starts_with(' ')));
        let mut found = spec_found(name, block);
        found.place = found.place.or_else(|| place(defined));
        return Some(found);
    }
    None
}

fn spec_block(lines: impl Iterator<Item = String>) -> Vec<String> {
    lines
        .take_while(|line| {
            !line.trim_start().starts_with("✖ ") && !line.trim_start().starts_with("✔ ")
        })
        .collect()
}

fn spec_found(what: String, block: Vec<String>) -> Found {
    let place = own_frame(&block);
    let lines = block
        .into_iter()
        .filter(|line| !is_internal(line))
        .collect();
    Found::new(what, place, lines)
}
