//! What test runners report of how many tests ran.

use super::text::Log;

/// See [`super::no_tests`].
pub(super) fn no_tests(log: Log<'_>) -> bool {
    let mut reported = false;
    for line in log.lines() {
        match ran(&line.text) {
            Some(0) => reported = true,
            Some(_) => return false,
            None => {}
        }
    }
    reported
}

/// How many tests ran, if the line reports it. More than one line of a report may; what did not
/// come to run because of an error counts too, for then the error is the news.
fn ran(line: &str) -> Option<u64> {
    match line.as_bytes().first()? {
        b't' => counts(
            line.strip_prefix("test result: ")?.split_once(". ")?.1,
            ';',
            &["passed", "failed", "measured"],
        ),
        b'T' => jest(line),
        b'N' => (line.starts_with("No tests found, exiting")
            || line.starts_with("No test files found, exiting"))
        .then_some(0),
        b' ' => nextest(line)
            .or_else(|| vitest(line))
            .or_else(|| mocha(line))
            .or_else(|| ava(line)),
        b'#' => node(line.strip_prefix("# ")?),
        b'E' => line.starts_with("ERROR: ").then_some(1),
        b'o' | b'?' | b'F' => go(line),
        b'=' | b'n' | b'0'..=b'9' => pytest(line),
        _ => node(line.strip_prefix("ℹ ")?),
    }
}

/// The sum of those parts of `1 passed; 2 failed` whose word is among `words`.
fn counts(text: &str, separator: char, words: &[&str]) -> Option<u64> {
    let parts = text
        .split(separator)
        .filter_map(|part| part.trim().split_once(' '));
    let ran = parts.filter(|(_, word)| words.contains(&word.trim()));
    ran.map(|(number, _)| number.parse::<u64>().ok())
        .try_fold(0, |sum: u64, n| sum.checked_add(n?))
}

fn jest(line: &str) -> Option<u64> {
    if let Some(files) = line.strip_prefix("Test Suites: ") {
        return counts(files, ',', &["failed"]);
    }
    counts(line.strip_prefix("Tests: ")?, ',', &["passed", "failed"])
}

fn nextest(line: &str) -> Option<u64> {
    let (_, rest) = line
        .trim_start()
        .strip_prefix("Summary [")?
        .split_once("] ")?;
    let end = rest.find(|c: char| !c.is_ascii_digit())?;
    rest[..end].parse().ok().filter(|_| rest.contains("run: "))
}

fn vitest(line: &str) -> Option<u64> {
    let line = line.trim_start();
    if let Some(files) = line.strip_prefix("Test Files  ") {
        return counts(before_total(files), '|', &["failed"]);
    }
    let tests = before_total(line.strip_prefix("Tests  ")?);
    counts(tests, '|', &["passed", "failed", "expected fail"])
}

/// `1 failed | 2 passed` of `1 failed | 2 passed (3)`.
fn before_total(text: &str) -> &str {
    text.split_once(" (").map_or(text, |(counts, _)| counts)
}

/// `  2 passing (5ms)` or `  1 failing`.
fn mocha(line: &str) -> Option<u64> {
    let (number, rest) = line.strip_prefix("  ")?.split_once(' ')?;
    let known = rest == "failing" || (rest.starts_with("passing (") && rest.ends_with(')'));
    number.parse().ok().filter(|_| known)
}

/// `  1 test passed` or `  2 tests failed`, and what is said where there is none.
fn ava(line: &str) -> Option<u64> {
    let line = line.strip_prefix("  ")?;
    if line.starts_with("✘ Couldn’t find any matching tests")
        || line.starts_with("✘ No tests found in ")
    {
        return Some(0);
    }
    let (number, rest) = line.split_once(' ')?;
    let outcome = rest
        .strip_prefix("test")
        .map(|rest| rest.trim_start_matches('s'))?;
    let known = matches!(outcome, " passed" | " failed");
    number.parse().ok().filter(|_| known)
}

fn node(line: &str) -> Option<u64> {
    let (word, number) = line.split_once(' ')?;
    let number: u64 = number.parse().ok()?;
    match word {
        "pass" | "fail" | "cancelled" | "todo" => Some(number),
        // Suites and skipped tests are counted here too, so that the number proves nothing but a report.
        "tests" => Some(0),
        _ => None,
    }
}

fn go(line: &str) -> Option<u64> {
    if line.starts_with("?   ") && line.ends_with("[no test files]") {
        return Some(0);
    }
    if line.starts_with("FAIL    ") {
        return Some(1);
    }
    line.strip_prefix("ok      ")
        .map(|package| u64::from(!package.ends_with("[no tests to run]")))
}

/// The closing line, between `=` or bare: `1 failed, 2 passed in 0.02s`.
fn pytest(line: &str) -> Option<u64> {
    let (outcome, time) = line.trim_matches(['=', ' ']).rsplit_once(" in ")?;
    time.split('s').next()?.parse::<f64>().ok()?;
    if outcome == "no tests ran" {
        return Some(0);
    }
    let known = |part: &str| {
        let words = [
            "passed",
            "failed",
            "skipped",
            "deselected",
            "xfailed",
            "xpassed",
            "error",
            "errors",
            "warning",
            "warnings",
            "rerun",
        ];
        part.trim()
            .split_once(' ')
            .is_some_and(|(n, word)| n.parse::<u64>().is_ok() && words.contains(&word))
    };
    if !outcome.split(',').all(known) {
        return None;
    }
    counts(
        outcome,
        ',',
        &["passed", "failed", "xfailed", "xpassed", "error", "errors"],
    )
}
