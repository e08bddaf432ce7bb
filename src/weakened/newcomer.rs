//! Tests that are new with whatever keeps them from running: nothing is weaker by them.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::language::Language;

/// How many lines an attribute and those beside it may take.
const ATTRIBUTES: usize = 12;

/// What begins a test, or any other function.
static DECLARES: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\b(?:fn|def|func|function|fun|void|Task)\b|^\s*(?:it|test|specify|scenario)\b")
});
/// What holds more than one test.
static GROUPS: LazyLock<Regex> = LazyLock::new(|| {
    regex(r"\bclass\b|^\s*(?:pub\s+)?(?:mod|module|describe|context|suite|struct|impl)\b")
});
/// What keeps other tests from running, too.
static FOR_OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    regex(
        r"\.only\b|\b[fF](?:it|describe|context|It|Describe)\b|\bcollect_ignore|\b__test__\b|\bgo:build\b",
    )
});

fn regex(text: &str) -> Regex {
    Regex::new(text).expect("a test compiles every one of them")
}

/// A changed file as it is now.
pub(super) struct Changed<'a> {
    pub(super) language: &'a Language,
    pub(super) path: &'a str,
    /// From line 1 on.
    pub(super) lines: Vec<String>,
    /// The numbers of its new lines.
    pub(super) new: HashSet<usize>,
}

impl Changed<'_> {
    /// The lines of the new test that the skip on line `at` keeps from running, and it alone; none where there may be
    /// another.
    pub(super) fn new_test(&self, at: usize) -> Option<Range<usize>> {
        let text = self.line(at);
        if FOR_OTHERS.is_match(text) {
            return None;
        }
        let declared = if is_attribute(text) {
            let begins = |n: &usize| is_declared(self.line(*n));
            (at + 1..=self.lines.len().min(at + ATTRIBUTES)).find(begins)?
        } else {
            let begins = |n: &usize| *n == at || indent(self.line(*n)) < indent(text);
            let mut above = (1..=at).rev().filter(begins);
            let nearest = above.find(|n| is_declared(self.line(*n)))?;
            // What others call may skip them.
            let is_test = self.language.begins_test(self.path, self.line(nearest));
            is_test.then_some(nearest)?
        };
        let line = self.line(declared);
        if GROUPS.is_match(line) || !self.new.contains(&declared) {
            return None;
        }
        let above = (1..declared).rev();
        let attributes = above.take_while(|n| is_attribute(self.line(*n))).count();
        let mut below = declared + 1..=self.lines.len();
        let ends = |n: &usize| {
            let text = self.line(*n);
            indent(text) <= indent(line) && (is_declared(text) || is_attribute(text))
        };
        let end = below.find(ends).unwrap_or(self.lines.len() + 1);
        Some(declared - attributes..end)
    }

    fn line(&self, number: usize) -> &str {
        &self.lines[number - 1]
    }
}

/// Whether a line of a language's code begins a function or a group of them.
pub(super) fn is_declared(line: &str) -> bool {
    DECLARES.is_match(line) || GROUPS.is_match(line)
}

fn is_attribute(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with('@') || line.starts_with("#[") || line.starts_with('[')
}

fn indent(line: &str) -> usize {
    line.len() - line.trim_start().len()
}
