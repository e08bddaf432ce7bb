//! Bytes of a log → plain lines, with paths relative to the repository.

use std::borrow::Cow;
use std::iter::Peekable;
use std::str::Chars;

use crate::unseen::is_unseen;

/// A longer line is read up to here: a log without a newline must not become one string of 64 MiB.
const LONGEST_LINE: usize = 8 * 1024;
/// How far back a reader may look.
const LOOK_BACK: usize = 64 * 1024;
/// How many lines a reader may look ahead.
const LOOK_AHEAD: usize = 4000;

/// The text without ANSI sequences and control characters, a newline after each line it shows.
///
/// A tab becomes four spaces and a lone carriage return a newline; what is no UTF-8 is replaced.
pub(crate) fn plain(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\x1b' => skip_escape(&mut chars),
            '\u{9b}' => skip_until(&mut chars, |c| ('\x40'..='\x7e').contains(&c)),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => out.push('\n'),
            '\t' => out.push_str("    "),
            c if c.is_control() || is_unseen(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Skips what follows an escape character (ECMA-48: control sequence, control string, or a short one).
fn skip_escape(chars: &mut Peekable<Chars<'_>>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_until(chars, |c| ('\x40'..='\x7e').contains(&c));
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            skip_until(chars, |c| matches!(c, '\x07' | '\u{9c}' | '\x1b'));
            chars.next_if_eq(&'\\');
        }
        Some(' '..='/') => skip_until(chars, |c| ('\x30'..='\x7e').contains(&c)),
        Some('\x30'..='\x7e') => {
            chars.next();
        }
        _ => {}
    }
}

/// Skips to the first character that `ends` the sequence, but never past the line: a sequence that
/// is not closed must not swallow the rest of the log.
fn skip_until(chars: &mut Peekable<Chars<'_>>, ends: impl Fn(char) -> bool) {
    while let Some(c) = chars.next_if(|c| !matches!(c, '\n' | '\r')) {
        if ends(c) {
            return;
        }
    }
}

/// A log, and the folders that its paths are told relative to.
#[derive(Clone, Copy)]
pub(super) struct Log<'a> {
    bytes: &'a [u8],
    roots: &'a [&'a str],
}

/// A plain line and the byte that it starts at.
pub(super) struct Line<'a> {
    pub(super) start: usize,
    pub(super) text: Cow<'a, str>,
}

impl<'a> Log<'a> {
    pub(super) fn new(bytes: &'a [u8], roots: &'a [&'a str]) -> Self {
        Self { bytes, roots }
    }

    /// All lines, their paths as they stand.
    pub(super) fn lines(self) -> impl Iterator<Item = Line<'a>> {
        lines(self.bytes, 0)
    }

    /// The last lines of the log, oldest first.
    pub(super) fn tail(self, count: usize) -> Vec<String> {
        self.at(self.bytes.len()).before(count)
    }

    pub(super) fn at(self, start: usize) -> View<'a> {
        View { log: self, start }
    }
}

/// A log as seen from the line at which a failure seems to begin.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    log: Log<'a>,
    start: usize,
}

impl<'a> View<'a> {
    /// The lines from here on, paths relative to the repository.
    pub(super) fn lines(self) -> impl Iterator<Item = String> + 'a {
        lines(self.log.bytes, self.start)
            .take(LOOK_AHEAD)
            .map(move |line| relative(&line.text, self.log.roots))
    }

    /// Up to `count` lines before this one, oldest first.
    pub(super) fn before(self, count: usize) -> Vec<String> {
        let from = self.start.saturating_sub(LOOK_BACK);
        let all: Vec<_> = lines(&self.log.bytes[..self.start], from).collect();
        all[all.len().saturating_sub(count)..]
            .iter()
            .map(|line| relative(&line.text, self.log.roots))
            .collect()
    }
}

fn lines(bytes: &[u8], from: usize) -> impl Iterator<Item = Line<'_>> {
    let mut next = from;
    std::iter::from_fn(move || {
        let start = next;
        let rest = bytes.get(start..).filter(|rest| !rest.is_empty())?;
        let length = rest
            .iter()
            .position(|b| matches!(b, b'\n' | b'\r'))
            .unwrap_or(rest.len());
        let ending = if rest[length..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        next = start + length + ending;
        Some(Line {
            start,
            text: line_text(&rest[..length.min(LONGEST_LINE)]),
        })
    })
}

fn line_text(line: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(line) {
        Ok(text) if line.iter().all(|b| (0x20..0x7f).contains(b)) => Cow::Borrowed(text),
        _ => Cow::Owned(plain(line)),
    }
}

/// The text with every path below one of `roots` made relative to it.
fn relative(text: &str, roots: &[&str]) -> String {
    let mut text = text.to_owned();
    for root in roots
        .iter()
        .map(|root| root.trim_end_matches('/'))
        .filter(|root| !root.is_empty())
    {
        if text.contains(root) {
            text = cut_root(&text, root);
        }
    }
    text
}

fn cut_root(text: &str, root: &str) -> String {
    let part_of_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '~');
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(root) {
        let (before, after) = (&rest[..at], &rest[at + root.len()..]);
        let before = before.strip_suffix("file://").unwrap_or(before);
        out.push_str(before);
        rest = after;
        if before.ends_with(part_of_name) || (before.is_empty() && out.ends_with(part_of_name)) {
            out.push_str(root);
        } else if let Some(path) = after.strip_prefix('/') {
            rest = path;
        } else if after.starts_with(part_of_name) {
            out.push_str(root);
        } else {
            out.push('.');
        }
    }
    out.push_str(rest);
    out
}

/// `path:line` of a text such as `src/lib.rs:3:5`, `(src/lib.rs:3)` or `src/lib.rs:3:5:`.
pub(super) fn place(text: &str) -> Option<String> {
    let text = text.trim_matches(|c: char| "():,".contains(c) || c.is_whitespace());
    let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (path, last) = text.rsplit_once(':').filter(|(_, last)| number(last))?;
    let (path, line) = path
        .rsplit_once(':')
        .filter(|(_, line)| number(line))
        .unwrap_or((path, last));
    (!path.is_empty()).then(|| format!("{path}:{line}"))
}

/// Whether a path, made relative where that is possible, is the project's own and not a library's.
pub(super) fn in_repository(path: &str) -> bool {
    !path.starts_with(['/', '<'])
        && !path.starts_with("../")
        && !path.starts_with("node:")
        && !path.contains("://")
        && !path.contains("node_modules/")
        && !path.contains("site-packages/")
}

/// How many characters of white space a line begins with.
pub(super) fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}

/// The lines up to where two in a row are empty.
pub(super) fn until_gap(lines: impl Iterator<Item = String>) -> impl Iterator<Item = String> {
    let mut empty = 0;
    lines.take_while(move |line| {
        empty = if line.is_empty() { empty + 1 } else { 0 };
        empty < 2
    })
}
