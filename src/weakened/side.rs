//! One changed file, as far as tests go: what of it is new, what is gone.

use std::collections::HashMap;
use std::ops::Range;

use super::language::Language;
use super::newcomer::{Changed, is_declared};
use super::{EXCERPT, Weakening};
use crate::error::shown;
use crate::lines::{FileText, Line};

/// New or gone lines, by path.
pub(super) type ByPath<'a> = HashMap<&'a str, Vec<Line<'a>>>;

/// How much is told of tests.
#[derive(Clone, Copy, Default)]
pub(super) struct Counts {
    tests: usize,
    assertions: usize,
}

impl Counts {
    pub(super) fn add(&mut self, more: Self) {
        self.tests += more.tests;
        self.assertions += more.assertions;
    }
}

/// A line of code with its number.
type Code = (usize, String);

/// See the module.
pub(super) struct Side<'a> {
    pub(super) language: &'static Language,
    pub(super) file: FileText<'a>,
    new: Vec<Code>,
    gone: Vec<Code>,
}

impl<'a> Side<'a> {
    pub(super) fn of(
        language: &'static Language,
        file: FileText<'a>,
        new: &ByPath<'_>,
        gone: &ByPath<'_>,
    ) -> Self {
        let code = |lines: &ByPath<'_>| -> Vec<Code> {
            let lines = lines.get(file.path).into_iter().flatten();
            lines
                .map(|line| (line.number, text_of(line.text.trim_ascii())))
                .filter(|(_, text)| !language.is_comment(text))
                .collect()
        };
        Self {
            language,
            file,
            new: code(new),
            gone: code(gone),
        }
    }

    /// What of it is weaker. A file that is gone may be told anew by what is to `spare` in new ones.
    pub(super) fn weakened(&self, spare: &mut Counts) -> Vec<Weakening> {
        let (mut found, aside) = self.skips();
        let new = self.counts(&self.new, self.file.after, &aside);
        let gone = self.counts(&self.gone, self.file.before, &[]);
        let mut nothing = Counts::default();
        let spare = if self.file.after.is_none() {
            spare
        } else {
            &mut nothing
        };
        let mut fewer = |name: &str, gone: usize, new: usize, spare: &mut usize| {
            let fewer = gone.saturating_sub(new);
            let told_anew = fewer.min(*spare);
            *spare -= told_anew;
            let fewer = fewer - told_anew;
            if fewer > 0 {
                let plural = if fewer == 1 { "" } else { "s" };
                found.push(self.found(None, format!("{fewer} {name}{plural} fewer")));
            }
        };
        fewer("test", gone.tests, new.tests, &mut spare.tests);
        fewer(
            "assertion",
            gone.assertions,
            new.assertions,
            &mut spare.assertions,
        );
        found
    }

    /// What a new file has beyond its skipped tests.
    pub(super) fn told(&self) -> Counts {
        self.counts(&self.new, self.file.after, &self.skips().1)
    }

    /// New lines that keep a test from running or from counting, and the lines of new tests that do not run.
    fn skips(&self) -> (Vec<Weakening>, Vec<Range<usize>>) {
        let (mut found, mut aside) = (Vec::new(), Vec::new());
        let path = self.file.path;
        // What looks new may be what is gone, by another name.
        let is_renamed = self.gone.iter().any(|(_, text)| is_declared(text));
        let changed = Changed {
            language: self.language,
            path,
            lines: lines_of(self.file.after),
            new: self.new.iter().map(|(number, _)| *number).collect(),
        };
        for (number, text) in &self.new {
            if self.language.skips(path, text) {
                let new_test = changed.new_test(*number).filter(|_| !is_renamed);
                if let Some(lines) = new_test {
                    aside.push(lines);
                } else {
                    let excerpt: String = text.chars().take(EXCERPT).collect();
                    let what = format!("`{}` is new", shown(&excerpt));
                    found.push(self.found(Some(*number), what));
                }
            } else if self.language.holds_always(path, text) {
                let what = "an assertion that always holds is new";
                found.push(self.found(Some(*number), what.to_owned()));
            }
        }
        (found, aside)
    }

    /// What `lines` of `text` tell, those in `aside` left out.
    fn counts(&self, lines: &[Code], text: Option<&[u8]>, aside: &[Range<usize>]) -> Counts {
        let path = self.file.path;
        let from = self.language.tests_from(path, &lines_of(text));
        let counted = lines
            .iter()
            .filter(|(number, _)| !aside.iter().any(|range| range.contains(number)));
        let mut counts = Counts::default();
        for (number, text) in counted {
            counts.tests += usize::from(self.language.begins_test(path, text));
            let asserts = *number >= from && self.language.asserts(path, text);
            counts.assertions += usize::from(asserts);
        }
        counts
    }

    fn found(&self, line: Option<usize>, what: String) -> Weakening {
        Weakening {
            path: self.file.path.to_owned(),
            line,
            what,
        }
    }
}

fn lines_of(text: Option<&[u8]>) -> Vec<String> {
    let lines = text.unwrap_or_default().split(|byte| *byte == b'\n');
    lines.map(text_of).collect()
}

fn text_of(line: &[u8]) -> String {
    String::from_utf8_lossy(line).into_owned()
}
