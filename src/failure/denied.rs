//! Paths that a log says could not be written: by every tool in its own words, the kernel's among them.

use std::sync::LazyLock;

use regex::Regex;

use super::text::Log;

/// The kernel's words for a write that it refused, as libraries and tools print them.
static REFUSED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r"(?xi) permission\ denied | permissionerror | operation\ not\ permitted | \b(?:EACCES|EPERM|EXDEV)\b
        | (?:invalid\ )? cross-device\ link | os\ error\ (?:1|13|18)\b",
    )
    .expect("the pattern is constant")
});

/// A path: in quotes, or a word with a slash. A colon ends a word, as in `open /a/b: permission denied`.
static PATH: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r#"(?x) '([^']*/[^']*)' | "([^"]*/[^"]*)" | `([^`]*/[^`]*)` | ‘([^’]*/[^’]*)’
        | (?:^|[\s=(\[:<>@]) ( [\w.~@%+-]* / [^/\s'"`:;,()\[\]<>] [^\s'"`:;,()\[\]<>]* )"#,
    )
    .expect("the pattern is constant")
});

/// What follows a path that is a source or a program: the line of it that is told of.
static PLACE_IN_SOURCE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r#"^['"]?(?:, line \d|:\d+(?:\b|$)|: (?:line )?\d+: )"#)
        .expect("the pattern is constant")
});

/// The words of tools that were about to make a folder.
static MAKES_FOLDER: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?i)mkdir|makedirs|create_dir|\bcreat\w* (?:the )?(?:director|folder)")
        .expect("the pattern is constant")
});

/// A write that was refused, by a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RefusedWrite {
    /// Absolute, or as the command saw it.
    pub(crate) path: String,
    /// Whether a folder was to be made there.
    pub(crate) is_folder: bool,
}

/// How many lines above the kernel's words a tool may have named the path: cargo gives each cause a paragraph.
const LINES_BEFORE: usize = 4;
/// How many paths are told of.
const MOST: usize = 64;

/// The paths that could not be written, the likeliest of each line first; some may have another part in what failed.
pub(super) fn paths(log: Log<'_>) -> Vec<RefusedWrite> {
    let mut found = Vec::new();
    let mut above: Vec<String> = Vec::new();
    for line in log.lines() {
        let text = line.text.into_owned();
        if let Some(words) = REFUSED.find(&text) {
            let mut paths = of_line(&text, words.start());
            if paths.is_empty() {
                let nearest = above.iter().rev().map(|line| of_line(line, line.len()));
                paths = nearest
                    .into_iter()
                    .find(|paths| !paths.is_empty())
                    .unwrap_or_default();
            }
            let mut told = above.iter().chain([&text]);
            let is_folder = told.any(|line| MAKES_FOLDER.is_match(line));
            found.extend(
                paths
                    .into_iter()
                    .map(|path| RefusedWrite { path, is_folder }),
            );
            if found.len() >= MOST {
                break;
            }
        }
        above.push(text);
        if above.len() > LINES_BEFORE {
            above.remove(0);
        }
    }
    found.truncate(MOST);
    found
}

/// What follows the kernel's words at `words`, as python and node have it; then what stands before them, the nearest
/// first: programs begin their messages with their own names.
fn of_line(line: &str, words: usize) -> Vec<String> {
    let (mut before, mut after) = (Vec::new(), Vec::new());
    for captures in PATH.captures_iter(line) {
        let path = captures.iter().skip(1).flatten().next();
        let Some(path) = path else { continue };
        if PLACE_IN_SOURCE.is_match(&line[path.end()..]) {
            continue;
        }
        let mut text = path.as_str();
        if path.range().contains(&words) {
            // A whole message stands in quotes.
            text = text.split_once(": ").map_or(text, |(path, _)| path);
        }
        let text = text.trim_end_matches(['.', '!']).to_owned();
        if path.start() < words {
            before.insert(0, text);
        } else {
            after.push(text);
        }
    }
    after.extend(before);
    after
}
