//! Failures of rustc, clippy, rustfmt and cargo test.

use super::text::{View, in_repository, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    match line.as_bytes().first()? {
        b'-' if test_heading(line).is_some() => Some(libtest),
        b'e' if ENDED.iter().any(|ended| line.starts_with(ended)) => Some(ended),
        b'e' if line.starts_with("error: ") || line.starts_with("error[") => Some(diagnostic),
        b't' if line.starts_with("thread '") && line.contains("panicked at ") => Some(panic),
        b'D' if line.starts_with("Diff in ") => Some(unformatted),
        _ => None,
    }
}

/// What cargo says last, after the tests have said why; alone, it means that none of them could.
const ENDED: [&str; 2] = [
    "error: test failed, to rerun",
    "error: doctest failed, to rerun",
];

/// The test of a `---- name stdout ----` line.
pub(super) fn test_heading(line: &str) -> Option<&str> {
    line.strip_prefix("---- ")?.strip_suffix(" stdout ----")
}

fn libtest(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let heading = lines.next()?;
    let name = test_heading(&heading)?;
    let lines = lines.take_while(|line| {
        test_heading(line).is_none() && line != "failures:" && !line.starts_with("test result:")
    });
    Some(tested(name, lines))
}

/// A failed test of the harness, from what it printed.
pub(super) fn tested(name: &str, lines: impl Iterator<Item = String>) -> Found {
    let mut lines: Vec<_> = lines
        .filter(|line| {
            !line
                .trim_start()
                .starts_with("note: run with `RUST_BACKTRACE=")
        })
        .collect();
    let stack = lines
        .iter()
        .position(|line| is_backtrace(line))
        .map_or(Vec::new(), |at| lines.split_off(at));
    let (what, place) = match doctest(name) {
        Some((item, place)) => (format!("doctest {item}"), Some(place)),
        None => (
            name.to_owned(),
            lines
                .iter()
                .find_map(|line| panic_place(line))
                .and_then(|place| own_place(place, &stack)),
        ),
    };
    Found::new(what, place, lines).focus(|line| panic_place(line).is_some())
}

fn is_backtrace(line: &str) -> bool {
    line.trim() == "stack backtrace:"
}

/// The place of a panic, or if that lies in a library, the first in the stack that lies in the repository.
fn own_place(panicked: String, stack: &[String]) -> Option<String> {
    let of_library = |place: &str| place.starts_with("/rustc/") || place.contains("/.cargo/");
    if !of_library(&panicked) {
        return Some(panicked);
    }
    let mut frames = stack.iter().filter_map(|line| {
        let place = place(line.trim_start().strip_prefix("at ")?)?;
        let place = place
            .strip_prefix("./")
            .map_or(place.clone(), str::to_owned);
        in_repository(&place).then_some(place)
    });
    frames.next()
}

/// Item and place of a name such as `src/lib.rs - item (line 3)`; its panic lies in a generated file.
fn doctest(name: &str) -> Option<(&str, String)> {
    let (path, rest) = name.split_once(" - ")?;
    let (item, rest) = rest.split_once("(line ")?;
    let line = rest.split(')').next()?;
    Some((item.trim(), format!("{path}:{line}")))
}

/// The place in `thread 'x' panicked at src/lib.rs:3:5:`, also where the message stands before it
/// (Rust before 1.73), and in the note about a panic that was missed.
fn panic_place(line: &str) -> Option<String> {
    let (_, rest) = line
        .split_once("panicked at ")
        .or_else(|| line.split_once("note: test did not panic as expected at "))?;
    place(rest.rsplit(' ').next()?)
}

/// The frames that follow a panic within a few lines.
fn backtrace(view: View<'_>) -> Vec<String> {
    let ends = |line: &String| line.starts_with("note: ") || line.starts_with("test ");
    view.lines()
        .skip_while(|line| !is_backtrace(line) && !ends(line))
        .take_while(|line| !ends(line))
        .collect()
}

/// A panic outside the harness's report: a program, or tests whose output is not captured.
fn panic(view: View<'_>) -> Option<Found> {
    let first = view.lines().next()?;
    let name = first.strip_prefix("thread '")?.split('\'').next()?;
    let expected = format!("test {name} - should panic ...");
    let of_expected = |line: &String| line.starts_with(&expected);
    // One thread announces a test before it runs, several when it has ended.
    if view.before(2).iter().any(of_expected)
        || view.lines().take(200).any(|line| of_expected(&line))
    {
        return None;
    }
    let what = match name {
        "main" | "<unnamed>" => format!("thread '{name}' panicked"),
        test => test.to_owned(),
    };
    let ends = ["stack backtrace:", "note: ", "test ", "FAILED", "failures:"];
    let lines = view
        .lines()
        .take_while(|line| !ends.iter().any(|end| line.starts_with(end)));
    let lines = lines.take(20).collect();
    let place = panic_place(&first).and_then(|place| own_place(place, &backtrace(view)));
    Some(Found::new(what, place, lines))
}

fn diagnostic(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let head: Vec<_> = lines
        .by_ref()
        .take(8)
        .take_while(|line| !line.is_empty() && !line.starts_with("error"))
        .collect();
    let at = head
        .iter()
        .find_map(|line| place(line.trim_start().strip_prefix("--> ")?));
    if at.is_none()
        && !head
            .first()
            .is_some_and(|line| line.trim_start().starts_with(['|', '=']))
    {
        return None;
    }
    let whole = view
        .lines()
        .skip(1)
        .take_while(|line| !line.is_empty() && !line.starts_with("error"));
    let lines = std::iter::once(header.clone()).chain(whole).collect();
    Some(Found::new(header, at, lines))
}

/// A test program that died: cargo names the signal, the lines before it may say why.
fn ended(view: View<'_>) -> Option<Found> {
    let after: Vec<_> = view.lines().take(5).collect();
    let cause = after.iter().find_map(|line| {
        let (_, rest) = line.split_once("process didn't exit successfully: ")?;
        Some(format!(
            "test program ended: {}",
            rest.rsplit_once(" (")?.1.trim_end_matches(')')
        ))
    });
    let header = after.first()?;
    let what = cause.unwrap_or_else(|| header.trim_start_matches("error: ").to_owned());
    let mut lines = view.before(12);
    let focus = lines.len();
    lines.extend(after);
    Some(Found {
        focus,
        ..Found::new(what, None, lines)
    })
}

fn unformatted(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let header = lines.next()?;
    let at = place(header.strip_prefix("Diff in ")?)?;
    let lines = lines
        .take_while(|line| !line.starts_with("Diff in "))
        .take(200)
        .collect();
    Some(Found::new("not formatted", Some(at), lines).focus(|line| line.starts_with(['-', '+'])))
}
