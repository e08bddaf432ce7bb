//! Failures of cargo nextest.

use super::rust::{test_heading, tested};
use super::text::View;
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    (line.starts_with(' ') && failed(line).is_some()).then_some(read)
}

/// A test that failed, from a line such as `  TRY 1 FAIL [   0.005s] (1/4) demo::program auth::expired`.
#[derive(Clone, Copy)]
struct Failed<'a> {
    /// 0 where a test is tried but once.
    attempt: u32,
    /// The package, and the program if it is not the library's.
    binary: &'a str,
    test: &'a str,
}

fn failed(line: &str) -> Option<Failed<'_>> {
    let (status, rest) = line.trim_start().split_once(" [")?;
    let (attempt, status) = match status.strip_prefix("TRY ") {
        Some(tried) => tried
            .split_once(' ')
            .and_then(|(n, status)| Some((n.parse().ok()?, status)))?,
        None => (0, status),
    };
    let died = status.starts_with("SIG") && status.bytes().all(|b| b.is_ascii_alphanumeric());
    if !died && !matches!(status, "FAIL" | "ABORT" | "TIMEOUT" | "LEAK-FAIL") {
        return None;
    }
    let (_, name) = rest.split_once("s] ")?;
    let name = name
        .strip_prefix('(')
        .and_then(|counted| Some(counted.split_once(") ")?.1))
        .unwrap_or(name);
    let (binary, test) = name.split_once(' ')?;
    Some(Failed {
        attempt,
        binary,
        test,
    })
}

fn read(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let Failed {
        attempt,
        binary,
        test,
    } = failed(&header)?;
    if attempt > 0 && is_tried_again(view, attempt, test) {
        return None;
    }
    let printed: Vec<_> = lines.take_while(|line| is_printed(line)).collect();
    let mut found = streams(test, &printed);
    if let Some((_, program)) = binary.rsplit_once("::") {
        found.what = format!("{program} {}", found.what);
    }
    if found.lines.is_empty() {
        found.lines.push(header);
    }
    Some(found)
}

/// Whether the verdict on the test is still to come: a flaky test that passes at last is no failure.
fn is_tried_again(view: View<'_>, attempt: u32, test: &str) -> bool {
    let next = format!("TRY {} ", attempt + 1);
    view.lines()
        .any(|line| line.trim_start().starts_with(&next) && line.ends_with(test))
}

/// Whether the line is one that the test printed, which is indented, or the name of a stream.
fn is_printed(line: &str) -> bool {
    if line.is_empty() || line.starts_with("  std") {
        return true;
    }
    line.starts_with("    ")
        && failed(line).is_none()
        && !line.contains(" PASS [")
        && !line.contains(" Summary [")
}

/// The failure in what is shown of a test: its standard error, else what the harness tells of it, else all.
fn streams(test: &str, printed: &[String]) -> Found {
    let after = |starts: &dyn Fn(&str) -> bool| {
        let at = printed.iter().position(|line| starts(line.trim_start()))?;
        printed
            .get(at + 1..)
            .filter(|lines| lines.iter().any(|line| !line.is_empty()))
    };
    let stderr = after(&|line| line.starts_with("stderr ─"));
    let told = || after(&|line| test_heading(line).is_some());
    let lines = stderr.or_else(told).unwrap_or(printed).iter();
    tested(
        test,
        lines
            .take_while(|line| line.trim_start() != "failures:")
            .cloned(),
    )
}
