//! What notes say, as it is put before an agent: quoted line by line, so that no word of it can pass for a rule.

use super::{Excerpt, Source};
use crate::unseen::is_unseen;

/// A longer line is cut.
const WIDTH: usize = 400;
/// How many lines of one thing are quoted.
const LINES: usize = 20;

/// An excerpt of the note `name`.
pub(crate) fn quote(name: &str, excerpt: &Excerpt) -> String {
    let kind = excerpt.kind.map_or("task", super::Kind::word);
    let said = match excerpt.source {
        Source::Fact => "recorded",
        Source::Agent => "said by its agent",
    };
    let about = if excerpt.paths.is_empty() {
        String::new()
    } else {
        format!("; about {}", excerpt.paths.join(", "))
    };
    let mut quoted = String::new();
    let mut add = |begin: &str, text: &str| {
        quoted.push_str(&format!("> {begin}{}\n", plain(text)));
    };
    add("- ", &format!("{kind} (note {name}, {said}{about}):"));
    let lines: Vec<&str> = excerpt.text.lines().collect();
    for text in lines.iter().take(LINES) {
        add("  ", text);
    }
    if let Some(more @ 1..) = lines.len().checked_sub(LINES) {
        add("  ", &format!("… {more} more lines: wt note show {name}"));
    }
    quoted
}

/// A line without what is not seen or turns the order of what is, and not without end.
fn plain(line: &str) -> String {
    let seen =
        |character: &char| *character == '\t' || !(character.is_control() || is_unseen(*character));
    let mut characters = line.chars().filter(seen);
    let mut text: String = characters.by_ref().take(WIDTH).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text.trim_end().to_owned()
}
