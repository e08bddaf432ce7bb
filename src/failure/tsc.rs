//! Failures of tsc, in its plain and in its pretty form.

use super::text::{View, place};
use super::{Found, Reader};

pub(super) fn marker(line: &str) -> Option<Reader> {
    (line.contains("error TS") && error(line).is_some()).then_some(read)
}

/// Place and message of `a.ts(5,10): error TS2365: …`, `a.ts:5:10 - error TS2365: …` or `error TS5058: …`.
fn error(line: &str) -> Option<(Option<String>, &str)> {
    let (before, message) = line.split_once("error TS")?;
    let code = message.split(':').next()?;
    if code.is_empty() || !code.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let message = &line[before.len() + "error ".len()..];
    if before.is_empty() {
        return Some((None, message));
    }
    let at = if let Some(at) = before.strip_suffix(" - ") {
        place(at)?
    } else {
        let (path, at) = before.strip_suffix("): ")?.rsplit_once('(')?;
        format!("{path}:{}", at.split(',').next()?)
    };
    Some((Some(at), message))
}

fn read(view: View<'_>) -> Option<Found> {
    let mut lines = view.lines();
    let first = lines.next()?;
    let (at, message) = error(&first)?;
    let message = message.to_owned();
    // The pretty form quotes the source, which begins with its line's number.
    let rest = lines
        .take_while(|line| {
            line.is_empty() || line.starts_with(|c: char| c == ' ' || c.is_ascii_digit())
        })
        .take_while(|line| error(line).is_none());
    Some(Found::new(
        message,
        at,
        std::iter::once(first).chain(rest).collect(),
    ))
}
