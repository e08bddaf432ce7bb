//! Failures of node's own test runner, in its `spec` form and as TAP, whoever writes the TAP.

use super::text::{View, frame, indent, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    let text = line.trim_start();
    if text.starts_with("not ok ") && !forgiven(text) {
        Some(tap)
    } else if spec_name(text).is_some() {
        Some(spec)
    } else if line == SPEC_FAILURES {
        Some(spec_failures)
    } else {
        None
    }
}

const SPEC_FAILURES: &str = "✖ failing tests:";
/// How many lines a file may have printed before it died, for want of a better account.
const LAST_WORDS: usize = 40;

/// Whether the test was expected to fail.
fn forgiven(line: &str) -> bool {
    line.contains(" # TODO") || line.contains(" # SKIP")
}

fn is_internal(line: &str) -> bool {
    line.contains("(node:")
        || line.trim_start().starts_with("node:")
        || line.contains(" node:internal")
}

fn own_frame(lines: &[String]) -> Option<String> {
    lines.iter().find_map(|line| frame(line))
}

/// The names of the suites around a test, outermost first: headings before it with ever less indentation.
fn suites(view: View<'_>, heading: &str, inner: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut inner = inner;
    for line in view.before(1000).iter().rev() {
        if inner == 0 {
            break;
        }
        let name = line
            .trim_start()
            .strip_prefix(heading)
            .filter(|_| indent(line) < inner);
        if let Some(name) = name {
            inner = indent(line);
            names.push(name.to_owned());
        }
    }
    names.reverse();
    names
}

/// `not ok 2 - name`, followed by a YAML block (node) or by comments (most others).
fn tap(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let margin = indent(&header);
    let rest = header.trim_start().strip_prefix("not ok ")?;
    let name = rest
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start();
    let name = name.strip_prefix("- ").unwrap_or(name);
    let block: Vec<_> = lines
        .take_while(|line| line.is_empty() || indent(line) > margin || is_diagnostic(line))
        .take_while(|line| line.trim() != "...")
        .collect();
    let defined = block
        .iter()
        .find_map(|line| place(line.trim().strip_prefix("location: ")?.trim_matches('\'')));
    let died = block
        .iter()
        .any(|line| line.trim() == "error: 'test failed'");
    let shown = block
        .iter()
        .filter(|line| !is_internal(line) && !is_bookkeeping(line.trim_start()))
        .cloned();
    if died {
        let mut before = view.before(LAST_WORDS);
        before.pop_if(|line| line.trim_start().starts_with("# Subtest: "));
        return Some(dead_file(name, before, shown.collect()));
    }
    let mut path = suites(view, "# Subtest: ", margin);
    path.push(name.to_owned());
    Some(Found::new(
        path.join(" > "),
        own_frame(&block).or(defined),
        shown.collect(),
    ))
}

/// Whether the line is a comment that belongs to the test before it, not the head of the next or a count.
fn is_diagnostic(line: &str) -> bool {
    line.starts_with("# ") && !line.starts_with("# Subtest: ") && !line.starts_with("# tests ")
}

fn is_bookkeeping(line: &str) -> bool {
    let keys = [
        "---",
        "duration_ms:",
        "location:",
        "failureType:",
        "type:",
        "stack: |-",
    ];
    keys.iter().any(|key| line.starts_with(key))
}

/// A file that ended before its tests could speak: what it printed, from the last test before it on.
fn dead_file(path: &str, before: Vec<String>, after: Vec<String>) -> Found {
    let earlier = [
        "TAP version ",
        "ok ",
        "not ok ",
        "# Subtest: ",
        "...",
        "✖ ",
        "✔ ",
        "▶ ",
    ];
    let begin = before
        .iter()
        .rposition(|line| {
            earlier
                .iter()
                .any(|mark| line.trim_start().starts_with(mark))
        })
        .map_or(0, |at| at + 1);
    let words = before
        .into_iter()
        .skip(begin)
        .filter(|line| !is_internal(line));
    let words: Vec<_> = words
        .map(|line| line.strip_prefix("# ").map_or(line.clone(), str::to_owned))
        .collect();
    let at = words
        .iter()
        .find(|line| line.starts_with(path))
        .and_then(|line| place(line));
    let lines = words.into_iter().chain(after).collect();
    Found::new(
        "test file failed to run",
        at.or_else(|| Some(path.to_owned())),
        lines,
    )
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
        return Some(dead_file(name, view.before(LAST_WORDS), block));
    }
    let mut path = suites(view, "▶ ", margin);
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
