//! Which lines of a change are new, and which are gone: what only moves, or is indented otherwise, is neither.

use std::collections::HashMap;

/// A changed file.
#[derive(Clone, Copy)]
pub(crate) struct FileText<'a> {
    pub(crate) path: &'a str,
    /// None where there was no such file.
    pub(crate) before: Option<&'a [u8]>,
    /// None where there is none any more.
    pub(crate) after: Option<&'a [u8]>,
}

/// A line of a changed file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    pub(crate) path: &'a str,
    /// From 1.
    pub(crate) number: usize,
    pub(crate) text: &'a [u8],
}

/// The lines that are new in these files, in their order; empty ones are left out.
pub(crate) fn added<'a>(files: &[FileText<'a>]) -> Vec<Line<'a>> {
    added_among(files, |_| true)
}

/// As [`added`], among the lines for which `counts` holds, before and after.
pub(crate) fn added_among<'a>(
    files: &[FileText<'a>],
    counts: impl Fn(&[u8]) -> bool,
) -> Vec<Line<'a>> {
    let mut new = Vec::new();
    let mut gone: HashMap<&[u8], usize> = HashMap::new();
    for file in files {
        let mut kept: HashMap<&[u8], usize> = HashMap::new();
        for (_, text) in filled(file.before).filter(|(_, text)| counts(text)) {
            *kept.entry(text.trim_ascii()).or_default() += 1;
        }
        for (number, text) in filled(file.after).filter(|(_, text)| counts(text)) {
            if !take(&mut kept, text.trim_ascii()) {
                let path = file.path;
                new.push(Line { path, number, text });
            }
        }
        for (text, count) in kept {
            *gone.entry(text).or_default() += count;
        }
    }
    // What is gone elsewhere has moved.
    new.retain(|line| !take(&mut gone, line.text.trim_ascii()));
    new
}

/// The lines that are gone from these files, as they stood there.
pub(crate) fn removed<'a>(files: &[FileText<'a>]) -> Vec<Line<'a>> {
    let turned = |file: &FileText<'a>| FileText {
        before: file.after,
        after: file.before,
        ..*file
    };
    added(&files.iter().map(turned).collect::<Vec<_>>())
}

fn filled(text: Option<&[u8]>) -> impl Iterator<Item = (usize, &[u8])> {
    let lines = text.unwrap_or_default().split(|byte| *byte == b'\n');
    let lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    (1..)
        .zip(lines)
        .filter(|(_, line)| !line.trim_ascii().is_empty())
}

/// Takes one of a text's occurrences, where there is one.
fn take(counts: &mut HashMap<&[u8], usize>, text: &[u8]) -> bool {
    match counts.get_mut(text) {
        Some(count) if *count > 0 => {
            *count -= 1;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file<'a>(path: &'a str, before: &'a str, after: &'a str) -> FileText<'a> {
        FileText {
            path,
            before: Some(before.as_bytes()),
            after: Some(after.as_bytes()),
        }
    }

    #[test]
    fn what_moves_or_is_indented_is_neither_new_nor_gone() {
        let files = [
            file("a", "one\ntwo\nthree\n", "three\r\n  one\nfour\n"),
            file("b", "x\n", "x\ntwo\nx\n"),
        ];
        let told = |lines: &[Line]| {
            let line = |l: &Line| format!("{}:{}:{}", l.path, l.number, l.text.escape_ascii());
            lines.iter().map(line).collect::<Vec<_>>()
        };
        assert_eq!(told(&added(&files)), ["a:3:four", "b:3:x"]);
        assert!(removed(&files).is_empty());
    }

    proptest! {
        #[test]
        fn new_less_gone_is_the_difference_in_lines(
            before in "([a-d]?\n){0,12}", after in "([a-d]?\n){0,12}", elsewhere in "([a-d]?\n){0,6}",
        ) {
            let files = [file("a", &before, &after), file("b", "", &elsewhere)];
            let count = |text: &str| text.lines().filter(|line| !line.is_empty()).count();
            prop_assert_eq!(
                added(&files).len() + count(&before),
                removed(&files).len() + count(&after) + count(&elsewhere)
            );
            let same = [file("a", &before, &before)];
            prop_assert!(added(&same).is_empty() && removed(&same).is_empty());
        }
    }
}
