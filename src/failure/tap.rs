//! Failures told as TAP, by node's own test runner, by node-tap, by AVA or another.

use super::stack::{frame, is_internal, source_line};
use super::text::{View, in_repository, indent, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    failed(line).is_some().then_some(point)
}

/// How many lines a file may have printed before it died, for want of a better account.
const LAST_WORDS: usize = 40;
/// How far back the names of the tests around one are looked for.
const LINES_OF_SUITES: usize = 4000;
/// Keys of a point's YAML that tell nothing of the failure, or what the title tells.
const NOISE: [&str; 13] = [
    "args",
    "at",
    "command",
    "cwd",
    "duration_ms",
    "env",
    "failureType",
    "file",
    "location",
    "stdio",
    "tapCaught",
    "test",
    "type",
];

/// The description of a `not ok 2 - name # time=1ms {` line, unless the test was expected to fail.
fn failed(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("not ok ")?;
    if forgiven(line) {
        return None;
    }
    let name = rest
        .trim_start_matches(|c: char| c.is_ascii_digit())
        .trim_start();
    let name = name.strip_prefix("- ").unwrap_or(name);
    let name = name.strip_suffix(" {").unwrap_or(name);
    Some(name.split_once(" # time=").map_or(name, |(name, _)| name))
}

/// Whether the test was expected to fail.
pub(super) fn forgiven(line: &str) -> bool {
    line.contains(" # TODO") || line.contains(" # SKIP")
}

/// A failed point, followed by a YAML block (node, node-tap, AVA) or by comments (most others).
///
/// The points of a subtest stand before their sum, or after it, in braces.
fn point(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let margin = indent(&header);
    let name = failed(&header)?;
    if sums_up(view, &header) {
        return None;
    }
    let block: Vec<_> = lines
        .take_while(|line| line.is_empty() || indent(line) > margin || is_diagnostic(line))
        .take_while(|line| line.trim() != "...")
        .collect();
    let says = |text: &str| block.iter().any(|line| line.trim().starts_with(text));
    let died = says("error: 'test failed'") || (says("command: ") && says("exitCode: "));
    let shown = without_noise(&block);
    if died {
        let mut found = dead_file(view, name, shown);
        let signal = block
            .iter()
            .find_map(|line| line.trim().strip_prefix("signal: SIG"));
        if let Some(signal) = signal {
            found.what = format!("test file ended by SIG{signal}");
        }
        return Some(found);
    }
    let mut path = suites(view, margin);
    path.push(name.to_owned());
    Some(Found::new(path.join(" > "), own_place(&block), shown))
}

/// Whether the point sums up a subtest in braces that has a failed point of its own.
fn sums_up(view: View<'_>, header: &str) -> bool {
    let margin = indent(header);
    let mut lines = view.lines().skip(1).peekable();
    if !header.ends_with(" {") {
        while lines.next_if(|line| indent(line) > margin).is_some() {}
        if lines
            .next_if(|line| line.trim_end() == format!("{:margin$}{{", ""))
            .is_none()
        {
            return false;
        }
    }
    lines
        .take_while(|line| line.trim().is_empty() || indent(line) > margin)
        .any(|line| failed(&line).is_some())
}

/// The names of the tests around a point, outermost first: headings before it with ever less indentation.
fn suites(view: View<'_>, inner: usize) -> Vec<String> {
    let mut names = Vec::new();
    let mut inner = inner;
    for line in view.before(LINES_OF_SUITES).iter().rev() {
        if inner == 0 {
            break;
        }
        if indent(line) >= inner {
            continue;
        }
        let subtest = line.trim_start().strip_prefix("# Subtest: ");
        if let Some(name) = subtest.or_else(|| failed(line)) {
            inner = indent(line);
            names.push(name.to_owned());
        }
    }
    names.reverse();
    names
}

/// Where the point failed: its `at:` (node-tap), else its stack, else where node says it is defined.
fn own_place(block: &[String]) -> Option<String> {
    let told = || {
        let at = block.iter().position(|line| line.trim() == "at:")?;
        let value = |key: &str| {
            let mut below = block[at + 1..].iter().take(5);
            below.find_map(|line| line.trim().strip_prefix(key))
        };
        let place = format!("{}:{}", value("file: ")?, value("line: ")?);
        in_repository(&place).then_some(place)
    };
    let stack = || {
        let quoted = |line: &str| frame(line.trim().strip_prefix("at: '")?.strip_suffix('\'')?);
        block
            .iter()
            .find_map(|line| quoted(line).or_else(|| frame(line)))
    };
    let defined = || {
        block
            .iter()
            .find_map(|line| place(line.trim().strip_prefix("location: ")?.trim_matches('\'')))
    };
    told().or_else(stack).or_else(defined)
}

/// Whether the line is a comment that belongs to the test before it, not the head of the next or a count.
fn is_diagnostic(line: &str) -> bool {
    line.starts_with("# ") && !line.starts_with("# Subtest: ") && !line.starts_with("# tests ")
}

/// The block without the keys that are [`NOISE`] and what stands below them.
fn without_noise(block: &[String]) -> Vec<String> {
    let start = block.iter().position(|line| line.trim() == "---");
    let keys = start
        .and_then(|at| block.get(at + 1))
        .map_or(0, |line| indent(line));
    let mut dropping = false;
    let mut kept = Vec::new();
    for line in block {
        let text = line.trim_start();
        if indent(line) <= keys {
            let key = text.split(':').next().unwrap_or(text);
            dropping = NOISE.contains(&key);
        }
        if !dropping && text != "---" && text != "stack: |-" && !is_internal(line) {
            kept.push(line.clone());
        }
    }
    kept
}

/// A file that ended before its tests could speak, with what it printed.
pub(super) fn dead_file(view: View<'_>, path: &str, after: Vec<String>) -> Found {
    let words: Vec<_> = last_words(view, path)
        .into_iter()
        .map(|line| line.strip_prefix("# ").map_or(line.clone(), str::to_owned))
        .take_while(|line| !line.starts_with("Node.js v"))
        .filter(|line| !is_internal(line))
        .collect();
    let at = words.iter().find_map(|line| source_line(line));
    let lines = words.into_iter().chain(after).collect();
    Found::new(
        "test file failed to run",
        at.or_else(|| Some(path.to_owned())),
        lines,
    )
}

/// What the file printed: from the place in it that node complained of, else from the last test before it on.
fn last_words(view: View<'_>, path: &str) -> Vec<String> {
    let mut all = view.before(LINES_OF_SUITES);
    let complaint = |line: &String| {
        let line = line.strip_prefix("# ").unwrap_or(line);
        line.starts_with(path) && source_line(line).is_some()
    };
    if let Some(at) = all.iter().rposition(complaint) {
        return all.split_off(at);
    }
    let mut words = all.split_off(all.len().saturating_sub(LAST_WORDS));
    let head = |line: &mut String| {
        let line = line.trim_start();
        line.starts_with("# Subtest: ") || line.starts_with("1..")
    };
    while words.pop_if(head).is_some() {}
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
    let of_earlier = |line: &String| {
        let line = line.trim_start();
        earlier.iter().any(|mark| line.starts_with(mark))
    };
    let begin = words.iter().rposition(of_earlier).map_or(0, |at| at + 1);
    words.split_off(begin)
}
