//! Failures of go test, go build and go vet.

use super::text::{View, in_repository, indent, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    match line.as_bytes().first()? {
        b'-' if failed_test(line).is_some() => Some(test),
        b'p' if line.starts_with("panic: ") => Some(panic),
        b' ' | b'#' | b'=' => None,
        _ if line.contains(".go:") && compiler_line(line).is_some() => Some(build),
        _ => None,
    }
}

/// The test of a `--- FAIL: TestName (0.00s)` line, a subtest's being indented.
fn failed_test(line: &str) -> Option<&str> {
    let rest = line.trim_start().strip_prefix("--- FAIL: ")?;
    Some(rest.split_once(" (").map_or(rest, |(name, _)| name))
}

fn test(view: View<'_>) -> Option<Found> {
    let (name, mut lines) = innermost(view)?;
    if !lines.iter().any(|line| !line.is_empty()) {
        lines = said_while_running(view, &name);
    }
    let place = if lines
        .first()
        .is_some_and(|line| line.starts_with("panic: "))
    {
        own_frame(&lines)
    } else {
        lines
            .iter()
            .find_map(|line| place(line.split_once(": ")?.0))
    };
    let package = view
        .lines()
        .find_map(|line| Some(line.strip_prefix("FAIL    ")?.split(' ').next()?.to_owned()));
    let what = package.map_or(name.clone(), |package| format!("{package}.{name}"));
    if lines.is_empty() {
        lines.extend(view.lines().next());
    }
    Some(Found::new(what, place, lines))
}

/// The first failed test that has no failed subtest, and what stands below it.
fn innermost(view: View<'_>) -> Option<(String, Vec<String>)> {
    let mut lines = view.lines().peekable();
    let mut header = lines.next()?;
    loop {
        let name = failed_test(&header)?.to_owned();
        let margin = indent(&header);
        if lines.peek().is_some_and(|line| line.starts_with("panic: ")) {
            return Some((name, lines.take_while(|line| !ends_package(line)).collect()));
        }
        let mut below = Vec::new();
        let mut inner = None;
        while let Some(line) = lines.next_if(|line| line.is_empty() || indent(line) > margin) {
            if failed_test(&line).is_some() {
                inner = Some(line);
                break;
            }
            below.push(line);
        }
        match inner {
            Some(line) => header = line,
            None => return Some((name, below)),
        }
    }
}

fn ends_package(line: &str) -> bool {
    line == "FAIL" || line.starts_with("FAIL    ") || line.starts_with("exit status ")
}

/// What a test printed under `-v`, where its lines come before its result.
fn said_while_running(view: View<'_>, name: &str) -> Vec<String> {
    let follows = |line: &str| {
        ["=== RUN   ", "=== CONT  ", "=== NAME  "]
            .iter()
            .any(|mark| line.strip_prefix(mark) == Some(name))
    };
    let before = view.before(1000);
    let starts = before
        .iter()
        .enumerate()
        .filter(|(_, line)| follows(line))
        .map(|(at, _)| at + 1);
    starts
        .map(|at| {
            before[at..]
                .iter()
                .take_while(|line| !is_event(line))
                .cloned()
                .collect::<Vec<_>>()
        })
        .find(|lines| !lines.is_empty())
        .unwrap_or_default()
}

fn is_event(line: &str) -> bool {
    line.starts_with("=== ") || line.trim_start().starts_with("--- ")
}

/// A panic that no test owns: in `TestMain`, in a program, or at go's own deadline.
fn panic(view: View<'_>) -> Option<Found> {
    let lines: Vec<_> = view
        .lines()
        .take_while(|line| !ends_package(line))
        .take(200)
        .collect();
    lines
        .iter()
        .find(|line| line.starts_with("goroutine ") && line.ends_with("]:"))?;
    let place = own_frame(&lines);
    let found = Found::new(lines[0].clone(), place.clone(), lines);
    Some(match place {
        // At go's deadline the first stack is that of its clock.
        Some(place) if found.what.starts_with("panic: test timed out") => {
            found.focus(|line| line.contains(&place))
        }
        _ => found,
    })
}

/// The innermost frame of the project in a goroutine's stack.
fn own_frame(lines: &[String]) -> Option<String> {
    let frames = lines.iter().filter(|line| line.starts_with("    "));
    frames
        .filter_map(|line| place(line.trim().split(' ').next()?))
        .find(|place| {
            place.contains(".go:") && in_repository(place) && !place.starts_with("_testmain.go")
        })
}

/// Place and message of `auth/auth.go:4:41: undefined: limit`.
fn compiler_line(line: &str) -> Option<(String, &str)> {
    let (at, message) = line.split_once(": ")?;
    let at = at
        .strip_prefix("vet")
        .map_or(at, |rest| rest.trim_start_matches([':', ' ']));
    let column = at.split_once(".go:")?.1.split_once(':')?.1;
    (!at.contains(' ') && column.bytes().all(|b| b.is_ascii_digit()))
        .then_some((place(at)?, message))
}

fn build(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let first = lines.next()?;
    let (at, message) = compiler_line(&first)?;
    let at = at.strip_prefix("./").map_or(at.clone(), str::to_owned);
    let message = message.to_owned();
    let rest = lines.take_while(|line| line.starts_with(' ')).take(20);
    Some(Found::new(
        message,
        Some(at),
        std::iter::once(first).chain(rest).collect(),
    ))
}
