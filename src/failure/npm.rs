//! Errors of npm itself.

use super::Found;
use super::text::View;

const PREFIXES: [&str; 2] = ["npm error", "npm ERR!"];
/// The details that npm tells of any error, by their first word.
const DETAILS: [&str; 11] = [
    "Lifecycle",
    "code",
    "errno",
    "syscall",
    "path",
    "dest",
    "file",
    "workspace",
    "location",
    "cwd",
    "signal",
];

/// What an error line says after npm's prefix.
pub(super) fn said(line: &str) -> Option<&str> {
    let rest = PREFIXES
        .iter()
        .find_map(|prefix| line.strip_prefix(prefix))?;
    (rest.is_empty() || rest.starts_with(' ')).then(|| rest.trim())
}

/// The block of error lines that begins here, named by the first that tells more than details.
pub(super) fn read(view: View<'_>, before: Vec<String>) -> Found {
    let block: Vec<_> = view
        .lines()
        .take_while(|line| said(line).is_some_and(|said| said != "Usage:"))
        .filter(|line| !line.contains("A complete log of this run"))
        .collect();
    let at = block.iter().position(|line| tells(line));
    let mut what = block.get(at.unwrap_or(0)).cloned().unwrap_or_default();
    if let Some(command) = at
        .filter(|_| said(&what) == Some("command failed"))
        .and_then(|at| said(block.get(at + 1)?)?.strip_prefix("command "))
    {
        what = format!("{what}: {command}");
    }
    let focus = before.len() + at.unwrap_or(0);
    Found {
        focus,
        ..Found::new(what, None, before.into_iter().chain(block).collect())
    }
}

fn tells(line: &str) -> bool {
    let word = said(line).and_then(|said| said.split(' ').next());
    word.is_some_and(|word| !word.is_empty() && !DETAILS.contains(&word))
}
