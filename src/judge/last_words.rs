//! Why a judge ended without a verdict, as far as it could still say so.

use crate::gate::Verdict;
use crate::process::tail;
use crate::workspace::Workspace;

/// How much of what it said is read, in bytes.
const MOST_READ: u64 = 1 << 14;
/// How much of it is told, in characters.
const MOST_TOLD: usize = 600;

/// The fault that a judge ended with; nothing where it said nothing, as one that was killed.
pub(super) fn fault_of(ws: &Workspace, task: &str, run: u32) -> Option<Verdict> {
    let file = ws.store.run_dir(task, run).join("judge.stderr");
    let said = tail(&file, MOST_READ).ok()?;
    let words = last_words(&String::from_utf8_lossy(&said))?;
    Some(Verdict::Fault {
        message: format!(
            "the judge died before its verdict: {words} (all that it said: {})",
            file.display()
        ),
    })
}

/// Its last error, else the last line of it.
fn last_words(said: &str) -> Option<String> {
    let plain = plain(said);
    let lines = || {
        plain
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .rev()
    };
    let error = lines().find_map(|line| line.strip_prefix("error: "));
    let words = error.or_else(|| lines().next())?;
    Some(words.chars().take(MOST_TOLD).collect())
}

/// The text without colours and other control characters.
fn plain(text: &str) -> String {
    let mut plain = String::new();
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        match c {
            '\x1b' => drop(characters.find(char::is_ascii_alphabetic)),
            '\n' => plain.push('\n'),
            c if c.is_control() => plain.push(' '),
            c => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_error_is_told_without_what_moves_a_terminal() {
        let said = "warning: w\n\x1b[1;31merror: can't write /a\x07b: no space\x1b[0m\nhint: h\n";
        let last = last_words(said);
        assert_eq!(last.as_deref(), Some("can't write /a b: no space"));
        let panic = "thread 'main' panicked at x:\n why\n\n";
        assert_eq!(last_words(panic).as_deref(), Some("why"));
        assert_eq!(last_words(" \n\n"), None);
    }
}
