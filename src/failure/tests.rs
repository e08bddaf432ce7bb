//! What is read in recorded output of real tools (`tests/logs`), and what holds for any bytes.

mod denied;
mod general;
mod go;
mod javascript;
mod jest;
mod packages;
mod pytest;
mod runners;
mod rust;
mod timeouts;
mod unittest;

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;

use super::{EXCERPT_LINES, Failure, LINE_CHARS, first_failure, no_tests, plain, unfinished};

const LOGS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/logs");

/// A recorded log without its first line, which says what made it.
fn log(name: &str) -> Vec<u8> {
    let bytes = std::fs::read(format!("{LOGS}/{name}.log")).expect("the log is recorded");
    let header = bytes
        .iter()
        .position(|b| *b == b'\n')
        .expect("the log has a header");
    assert!(
        bytes.starts_with(b"# recorded with "),
        "{name} does not say what made it"
    );
    bytes[header + 1..].to_vec()
}

/// Title and excerpt of each log, for a snapshot.
fn told(names: &[&str]) -> String {
    let mut text = String::new();
    for name in names {
        let failure = first_failure(&log(name), &["/slot"]);
        let _ = writeln!(text, "{name}\n  {}", failure.title);
        for line in failure.excerpt {
            let _ = writeln!(text, "{}", format!("    | {line}").trim_end());
        }
    }
    text
}

/// The names of all recorded logs, such as `cargo/one`.
fn recorded() -> Vec<String> {
    let mut names = Vec::new();
    for tool in std::fs::read_dir(Path::new(LOGS)).expect("logs are recorded") {
        let tool = tool.expect("the folder can be listed").path();
        for log in std::fs::read_dir(&tool).expect("a folder a tool") {
            let path = log.expect("the folder can be listed").path();
            let name = path
                .strip_prefix(LOGS)
                .expect("it lies there")
                .with_extension("");
            names.push(name.to_str().expect("names are ASCII").to_owned());
        }
    }
    names.sort();
    names
}

#[test]
fn no_tests_is_said_of_the_runs_without_a_test_and_of_no_other() {
    let without: Vec<_> = recorded()
        .into_iter()
        .filter(|name| no_tests(&log(name)))
        .collect();
    insta::assert_snapshot!(without.join("\n"), @r"
    ava/filtered
    ava/none
    cargo/empty
    cargo/filtered
    cargo/ignored
    go/empty
    go/filtered
    jest/filtered
    jest/none
    mocha/none
    nextest/empty
    node/filtered-spec
    node/filtered-tap
    node/none-spec
    node/none-tap
    pytest/deselected
    pytest/empty
    pytest/nothing
    vitest/filtered
    vitest/none
    ");
}

#[test]
fn a_run_without_a_test_among_runs_with_one_is_no_matter() {
    let all = |names: [&str; 2]| names.iter().flat_map(|name| log(name)).collect::<Vec<u8>>();
    assert!(no_tests(&all(["cargo/empty", "pytest/empty"])));
    assert!(!no_tests(&all(["cargo/empty", "pytest/pass"])));
    assert!(!no_tests(&all(["jest/pass", "vitest/none"])));
    assert!(!no_tests(b"make: nothing to be done\n"));
}

#[test]
fn of_several_tools_the_earliest_that_failed_is_told() {
    let of = |names: &[&str]| {
        let log: Vec<u8> = names.iter().flat_map(|name| log(name)).collect();
        first_failure(&log, &["/slot"]).title
    };
    assert_eq!(
        of(&["cargo/pass", "go/one", "jest/one"]),
        "demo/auth.TestExpired at auth_test.go:12"
    );
    assert_eq!(
        of(&[
            "pytest/pass",
            "vitest/pass",
            "node/pass-tap",
            "jest/one",
            "cargo/compile"
        ]),
        "auth › refuses an expired token at jest/one.test.js:8"
    );
}

#[test]
fn text_is_made_plain() {
    let text = "\x1b[1;31mred\x1b[0m\ta\r\nb\rc\x1b]0;title\x07\x1b(B\u{202e}d\u{7}\n\x1b]open\ne";
    assert_eq!(plain(text.as_bytes()), "red    a\nb\ncd\n\ne");
    assert_eq!(plain(b"a\xffb"), "a\u{fffd}b");
}

#[test]
fn paths_are_told_relative_to_the_repository_and_only_they() {
    let log = b"error: /slot/a.rs and file:///slot/b.js in /slot, not /slots/c, /x/slot/d or /slot.old/e\n";
    let failure = first_failure(log, &["/slot/"]);
    assert_eq!(
        failure.title,
        "error: a.rs and b.js in ., not /slots/c, /x/slot/d or /slot.old/e"
    );
}

#[test]
fn a_long_excerpt_keeps_the_reason_in_view() {
    let mut log = "=== FAILURES ===\n____ test_long ____\n".to_owned();
    for number in 0..40 {
        let _ = writeln!(log, "    line {number}");
    }
    log.push_str("E   AssertionError\n");
    let failure = first_failure(log.as_bytes(), &[]);
    assert_eq!(
        failure.excerpt.first().map(String::as_str),
        Some("    line 33")
    );
    assert_eq!(
        failure.excerpt.last().map(String::as_str),
        Some("E   AssertionError")
    );
}

#[test]
fn of_a_step_that_did_not_end_the_last_lines_are_told() {
    let mut log = log("cargo/one");
    for number in 0..40 {
        log.extend(format!("waiting for /slot/lock {number}\n").bytes());
    }
    let failure = unfinished(&log, &["/slot"], "10m");
    assert_eq!(failure.title, "not done after 10m");
    let last: Vec<_> = (25..40)
        .map(|number| format!("waiting for lock {number}"))
        .collect();
    assert_eq!(failure.excerpt, last);
    assert!(unfinished(b"", &[], "1s").excerpt.is_empty());
}

#[test]
fn a_huge_log_is_answered() {
    let size = 1 << 20;
    let of =
        |line: &str| first_failure(line.repeat(size / line.len()).as_bytes(), &["/slot"]).title;
    assert_eq!(of("a").chars().count(), LINE_CHARS);
    assert_eq!(of("\n"), "no output");
    assert_eq!(
        of("error: this looks like rustc's\n"),
        "error: this looks like rustc's"
    );
    assert_eq!(
        of("  1:1  error  this looks like eslint's  rule\n"),
        "rule: this looks like eslint's"
    );
    assert_eq!(of("  1 failing\n"), "1 failing");
    assert_eq!(of("\x1b]").chars().count(), LINE_CHARS);
    let log = [vec![b'x'; size], b"\n".to_vec(), log("cargo/one")].concat();
    assert!(
        first_failure(&log, &["/slot"])
            .title
            .ends_with("expired_token at src/auth/refresh.rs:23")
    );
}

fn within_bounds(failure: &Failure) -> bool {
    let fits =
        |line: &String| line.chars().count() <= LINE_CHARS && !line.contains(char::is_control);
    failure.excerpt.len() <= EXCERPT_LINES
        && failure.excerpt.iter().all(fits)
        && fits(&failure.title)
}

/// Lines of real logs in any order, cut anywhere, with any bytes between them.
fn shuffled_logs() -> impl Strategy<Value = Vec<u8>> {
    let lines: Vec<Vec<u8>> = recorded()
        .iter()
        .flat_map(|name| {
            log(name)
                .split_inclusive(|b| *b == b'\n')
                .map(<[u8]>::to_vec)
                .collect::<Vec<_>>()
        })
        .collect();
    let line = (prop::sample::select(lines), 0..4096_usize, any::<bool>()).prop_map(
        |(mut line, at, cut)| {
            if cut {
                line.truncate(at % (line.len() + 1));
            }
            line
        },
    );
    let junk = prop::collection::vec(any::<u8>(), 0..40);
    prop::collection::vec(prop_oneof![9 => line, 1 => junk], 0..60).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn any_log_is_answered_within_bounds(log in shuffled_logs()) {
        let failure = first_failure(&log, &["/slot", "/"]);
        prop_assert!(within_bounds(&failure), "{failure:?}");
        prop_assert!(!failure.title.is_empty());
        no_tests(&log);
        let text = plain(&log);
        prop_assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    }
}
