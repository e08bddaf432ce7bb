//! What notes say, as it is put before an agent: quoted line by line, so that no word of it can pass for a rule, or for
//! what another note says.

use super::{Excerpt, Note, Source};
use crate::unseen::is_unseen;

/// A longer line is cut.
const WIDTH: usize = 400;
/// How many lines of one thing are quoted.
const LINES: usize = 20;
/// How many paths are named of those that a thing is about, and how much of each.
const PATHS: usize = 5;
const PATH_WIDTH: usize = 100;
/// What goes before each line of what was said, and before none that says who said it.
const SAID: &str = "  | ";

/// An excerpt of `note`, whose name is `name`.
pub(crate) fn quote(name: &str, note: &Note, excerpt: &Excerpt) -> String {
    let kind = excerpt.kind.map_or("task", super::Kind::word);
    let standing = match (note.standing.unverified, excerpt.source) {
        (_, Source::Agent) => "said by its agent",
        (false, Source::Fact) => "recorded",
        (true, Source::Fact) => "said by a commit",
    };
    let proof = if note.standing.unverified {
        ", unverified"
    } else {
        ""
    };
    let about = about(&excerpt.paths);
    let mut quoted = format!("> - {kind} (note {name}, {standing}{proof}{about}):\n");
    let mut add = |text: &str| {
        let line = format!("> {SAID}{}", plain(text, WIDTH));
        quoted.push_str(line.trim_end());
        quoted.push('\n');
    };
    let lines: Vec<&str> = excerpt.text.lines().collect();
    lines.iter().take(LINES).for_each(|text| add(text));
    if let Some(more @ 1..) = lines.len().checked_sub(LINES) {
        add(&format!("… {more} more lines: wt note show {name}"));
    }
    quoted
}

/// What a thing is about. Each path is code, so that none of them can end the words around it.
fn about(paths: &[String]) -> String {
    if paths.is_empty() {
        return String::new();
    }
    let code = |path: &String| format!("`{}`", plain(path, PATH_WIDTH).replace('`', "'"));
    let shown: Vec<String> = paths.iter().take(PATHS).map(code).collect();
    let more = match paths.len() - shown.len() {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("; about {}{more}", shown.join(", "))
}

/// A line without what is not seen or turns the order of what is, and not without end.
fn plain(line: &str, width: usize) -> String {
    let seen =
        |character: &char| *character == '\t' || !(character.is_control() || is_unseen(*character));
    let mut characters = line.chars().filter(seen);
    let mut text: String = characters.by_ref().take(width).collect();
    if characters.next().is_some() {
        text.push('…');
    }
    text.trim_end().to_owned()
}
