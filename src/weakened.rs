//! What of a change makes tests weaker: removed files and tests, skipped ones, assertions that are gone.
//!
//! By the words of each language alone, and so a help for whoever looks at the change, never a proof.

mod language;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::shown;
use crate::lines::{FileText, Line, added, removed};
use language::Language;

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
    let (new, gone) = (added(files), removed(files));
    let mut found = Vec::new();
    for file in files {
        let Some(language) = Language::of(file.path) else {
            continue;
        };
        let own = |lines: &[Line<'_>]| -> Vec<(usize, String)> {
            let own = lines.iter().filter(|line| line.path == file.path);
            own.map(|line| {
                (
                    line.number,
                    String::from_utf8_lossy(line.text.trim_ascii()).into_owned(),
                )
            })
            .filter(|(_, text)| !language.is_comment(text))
            .collect()
        };
        let (new, gone) = (own(&new), own(&gone));
        if file.after.is_none() && language.is_test_file(file.path) && is_lost(file, &gone) {
            found.push(Weakening {
                path: file.path.to_owned(),
                line: None,
                what: "the test file is removed".to_owned(),
            });
            continue;
        }
        found.extend(weakened_in(file.path, language, &new, &gone));
    }
    found
}

/// Whether a removed file's text is gone, and not moved.
fn is_lost(file: &FileText, gone: &[(usize, String)]) -> bool {
    let before = file.before.unwrap_or_default();
    let lines = before.split(|byte| *byte == b'\n');
    gone.len() * 2 > lines.filter(|line| !line.trim_ascii().is_empty()).count()
}

fn weakened_in(
    path: &str,
    language: &Language,
    new: &[(usize, String)],
    gone: &[(usize, String)],
) -> Vec<Weakening> {
    let found = |line: Option<usize>, what: String| Weakening {
        path: path.to_owned(),
        line,
        what,
    };
    let mut weakenings = Vec::new();
    for (number, text) in new {
        if language.skips(path, text) {
            let excerpt: String = text.chars().take(EXCERPT).collect();
            weakenings.push(found(
                Some(*number),
                format!("`{}` is new", shown(&excerpt)),
            ));
        } else if language.holds_always(path, text) {
            let what = "an assertion that always holds is new";
            weakenings.push(found(Some(*number), what.to_owned()));
        }
    }
    let fewer = |name: &str, is: &dyn Fn(&str) -> bool| {
        let count = |lines: &[(usize, String)]| lines.iter().filter(|(_, text)| is(text)).count();
        let fewer = count(gone).saturating_sub(count(new));
        let plural = if fewer == 1 { "" } else { "s" };
        (fewer > 0).then(|| found(None, format!("{fewer} {name}{plural} fewer")))
    };
    weakenings.extend(fewer("test", &|text| language.begins_test(path, text)));
    weakenings.extend(fewer("assertion", &|text| language.asserts(path, text)));
    weakenings
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
