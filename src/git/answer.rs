//! What a git that has ended answered, beside its output.

use std::os::unix::process::ExitStatusExt as _;
use std::process::Output;

use anyhow::bail;

use crate::error::{NO_SPACE, tells_of_full_disk};

/// How much of git's complaints is read, in bytes.
const MOST_READ: usize = 1 << 16;
/// How many lines of it are said.
const MOST_LINES: usize = 8;
/// How many characters of it are said.
const MOST_CHARACTERS: usize = 800;

/// # Errors
/// Where git was killed: that it said nothing is no answer then, and what it held is still locked.
pub(super) fn require_ended(output: &Output, shown: &str) -> anyhow::Result<()> {
    match output.status.signal() {
        Some(signal) => bail!("{shown} was killed (signal {signal})"),
        None => Ok(()),
    }
}

/// Whether git could not store an object because a `git gc` beside it removed the folder for it, which was empty, at
/// that very moment. What failed so has changed nothing, and goes well the next time.
pub(super) fn lost_its_folder(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stderr)
        .contains("unable to create temporary file: No such file or directory")
}

/// Whether git could not write something and did not say why: of a file whose content it could not write it only names
/// the path.
pub(super) fn wrote_in_vain(output: &Output) -> bool {
    let said = || String::from_utf8_lossy(&output.stderr);
    !output.status.success() && said().contains("unable to write") && !tells_of_full_disk(&said())
}

/// Puts the reason before what git said: that the disk is full, which was seen.
pub(super) fn say_no_space(output: &mut Output) {
    let said = [NO_SPACE.as_bytes(), b"\n", &output.stderr].concat();
    output.stderr = said;
}

/// What git said, on one line: the beginning of it, for it also names what an agent made, as often as there is of it.
pub(crate) fn complaint(output: &Output) -> String {
    let said = output.stderr.get(..MOST_READ).unwrap_or(&output.stderr);
    let text = String::from_utf8_lossy(said);
    let mut lines = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"));
    let first: Vec<&str> = lines.by_ref().take(MOST_LINES).collect();
    if first.is_empty() {
        return "it said nothing".to_owned();
    }
    let joined = first.join("; ");
    let mut short: String = joined.chars().take(MOST_CHARACTERS).collect();
    if short.len() < joined.len() || lines.next().is_some() {
        short.push_str(" …");
    }
    short
}

#[cfg(test)]
mod tests {
    use std::process::ExitStatus;

    use super::*;

    fn complaint_of(stderr: String) -> String {
        complaint(&Output {
            status: ExitStatus::from_raw(256),
            stdout: Vec::new(),
            stderr: stderr.into_bytes(),
        })
    }

    #[test]
    fn a_write_that_failed_for_no_reason_that_is_said_gets_one() {
        let mut output = Output {
            status: ExitStatus::from_raw(256),
            stdout: Vec::new(),
            stderr: b"error: unable to write file a\n".to_vec(),
        };
        assert!(wrote_in_vain(&output));
        say_no_space(&mut output);
        assert!(!wrote_in_vain(&output));
        assert_eq!(
            complaint(&output),
            "No space left on device; error: unable to write file a"
        );
        output.stderr = b"error: unable to create file a\n".to_vec();
        assert!(!wrote_in_vain(&output));
    }

    #[test]
    fn of_a_long_complaint_only_the_beginning_is_said() {
        assert_eq!(complaint_of(" a\n\nhint: h\nb\n".into()), "a; b");
        assert_eq!(complaint_of(String::new()), "it said nothing");
        let many = complaint_of("line\n".repeat(1_000_000));
        assert_eq!(many, format!("{} …", ["line"; MOST_LINES].join("; ")));
        let long = complaint_of("ß".repeat(1_000_000));
        assert_eq!(long, format!("{} …", "ß".repeat(MOST_CHARACTERS)));
    }
}
