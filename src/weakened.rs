//! What of a change makes tests weaker: removed files and tests, skipped ones, assertions that are gone.
//!
//! By the words of each language alone, and so a help for whoever looks at the change, never a proof.

mod language;
mod newcomer;
mod side;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::lines::{FileText, Line, added, removed};
use language::Language;
use side::{ByPath, Counts, Side};

/// How much of a line is shown, in characters.
const EXCERPT: usize = 60;
/// The operator's word for it, of `wt validate` and `wt merge`.
pub(crate) const ACCEPT: &str = "--accept-weakened-tests";

/// One place where a change makes tests weaker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Weakening {
    pub(crate) path: String,
    /// Of the changed file, from 1, where it is about one line.
    pub(crate) line: Option<usize>,
    pub(crate) what: String,
}

impl fmt::Display for Weakening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.path))?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        write!(f, ": {}", self.what)
    }
}

/// Whether a file's text can tell of tests.
pub(crate) fn is_read(path: &str) -> bool {
    Language::of(path).is_some()
}

/// Whether all of the file at `path` is tests.
pub(crate) fn is_test(path: &str) -> bool {
    Language::of(path).is_some_and(|language| language.is_test_file(path))
}

/// What stands for `count` changed files, the first at `path`, of which nobody knows whether they make tests weaker.
pub(crate) fn unread(path: &str, count: usize) -> Weakening {
    let what = match count {
        1 => "not looked at, as one file too many".to_owned(),
        _ => format!(
            "not looked at, as {} more, for there are too many",
            count - 1
        ),
    };
    Weakening {
        path: path.to_owned(),
        line: None,
        what,
    }
}

/// What in these changed files makes tests weaker, file by file.
pub(crate) fn weakened(files: &[FileText]) -> Vec<Weakening> {
    let known: Vec<(&'static Language, &FileText)> = files
        .iter()
        .filter_map(|file| Some((Language::of(file.path)?, file)))
        .collect();
    let code = known.iter().map(|(language, file)| {
        let code = |text: Option<&[u8]>| text.map(|text| language.without_blocks(text));
        (code(file.before), code(file.after))
    });
    let code: Vec<_> = code.collect();
    let read = known.iter().zip(&code);
    let read = read.map(|((language, file), (before, after))| {
        let file = FileText {
            path: file.path,
            before: before.as_deref(),
            after: after.as_deref(),
        };
        (*language, file)
    });
    weakened_code(&read.collect::<Vec<_>>())
}

/// [`weakened`] of files without their comments of several lines.
fn weakened_code(files: &[(&'static Language, FileText)]) -> Vec<Weakening> {
    let all: Vec<FileText> = files.iter().map(|(_, file)| *file).collect();
    let (new, gone) = (by_path(added(&all)), by_path(removed(&all)));
    // What moves to where nothing looks for tests is lost.
    let collected = files.iter().filter(|(l, file)| l.is_collected(file.path));
    let collected: Vec<FileText> = collected.map(|(_, file)| *file).collect();
    let lost = by_path(removed(&collected));
    let mut found = Vec::new();
    let mut sides = Vec::new();
    for (language, file) in files {
        let is_collected = language.is_collected(file.path);
        let lines = if is_collected { &lost } else { &gone };
        let lines = lines.get(file.path).map_or(0, Vec::len);
        if file.after.is_none() && language.is_test_file(file.path) && is_lost(file, lines) {
            found.push(Weakening {
                path: file.path.to_owned(),
                line: None,
                what: "the test file is removed".to_owned(),
            });
        } else {
            sides.push(Side::of(language, *file, &new, &gone));
        }
    }
    let mut spare: BTreeMap<&str, Counts> = BTreeMap::new();
    for side in sides.iter().filter(|side| side.file.before.is_none()) {
        let of_language = spare.entry(side.language.name()).or_default();
        of_language.add(side.told());
    }
    for side in &sides {
        found.extend(side.weakened(spare.entry(side.language.name()).or_default()));
    }
    found
}

fn by_path(lines: Vec<Line<'_>>) -> ByPath<'_> {
    let mut by_path = ByPath::new();
    for line in lines {
        by_path.entry(line.path).or_default().push(line);
    }
    by_path
}

/// Whether a removed file of which `gone` lines are nowhere else is gone, and not moved.
fn is_lost(file: &FileText, gone: usize) -> bool {
    let before = file.before.unwrap_or_default();
    let lines = before.split(|byte| *byte == b'\n');
    gone * 2 > lines.filter(|line| !line.trim_ascii().is_empty()).count()
}

/// The verdict on tests that are protected and made weaker, as an agent reads it.
pub(crate) fn weakened_text(task: &str, weakenings: &[Weakening]) -> String {
    const SHOWN: usize = 10;
    let lines = lines_of(weakenings, SHOWN).join("\n");
    format!(
        "TESTS_WEAKENED places={}\n{lines}\nnext: put these tests back, commit, then: wt validate (no step was run, \
         nothing was counted); if it must be so, end your turn and say why: the operator looks at it, then \
         wt validate {task} {ACCEPT}\n",
        weakenings.len()
    )
}

/// As many of them as anybody reads, one a line, indented.
pub(crate) fn lines_of(weakenings: &[Weakening], most: usize) -> Vec<String> {
    let mut by_path: BTreeMap<&str, Vec<&Weakening>> = BTreeMap::new();
    for weakening in weakenings {
        by_path.entry(&weakening.path).or_default().push(weakening);
    }
    let all = by_path.into_values().flatten();
    let mut lines: Vec<String> = all.take(most).map(|w| format!("  {w}")).collect();
    if let Some(rest @ 1..) = weakenings.len().checked_sub(most) {
        lines.push(format!("  … and {rest} more"));
    }
    lines
}

#[cfg(test)]
mod tests;
