//! Whether a change breaks a rule that checks itself by the files and lines that it adds.

use std::fmt::Write as _;

use regex::bytes::Regex;
use serde::Serialize;

use crate::contract::{Held, RuleCheck};
use crate::error::{Refusal, shown};
use crate::lines::{FileText, added_among};
use crate::scope::{Case, Globs};

/// How many places of one rule are named.
const SHOWN: usize = 5;
/// How much of a line is shown, in characters.
const EXCERPT: usize = 120;

/// A place where a change breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Breach {
    pub(crate) rule: String,
    pub(crate) path: String,
    /// From 1, where it is about a line.
    pub(crate) line: Option<usize>,
    pub(crate) why: String,
}

/// Whether the text of a changed file counts.
pub(crate) fn wants_text(checks: &[RuleCheck], path: &str) -> Result<bool, Refusal> {
    for check in checks {
        if let Held::Forbid { paths, .. } = &check.held
            && holds_for(paths, path)?
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Where the change breaks a rule: `new` are the paths that it adds, `files` the changed files whose text counts.
///
/// # Errors
/// A usage refusal for a check that a contract's parser would have refused.
pub(crate) fn breaches(
    checks: &[RuleCheck],
    new: &[&str],
    files: &[FileText],
) -> Result<Vec<Breach>, Refusal> {
    let mut found = Vec::new();
    for RuleCheck { rule, held } in checks {
        match held {
            Held::Deny { globs } => {
                for path in denied(globs, new)? {
                    found.push(Breach {
                        rule: rule.clone(),
                        path: path.to_owned(),
                        line: None,
                        why: format!("a new file that `deny` names ({})", globs.join(", ")),
                    });
                }
            }
            Held::Forbid { pattern, paths } => {
                found.extend(forbidden(rule, pattern, paths, files)?);
            }
            // The judge runs it.
            Held::Run { .. } => {}
        }
    }
    Ok(found)
}

fn denied<'p>(globs: &[String], new: &[&'p str]) -> Result<Vec<&'p str>, Refusal> {
    let globs = Globs::parse(globs, Case::Exact)?;
    Ok(new
        .iter()
        .copied()
        .filter(|path| globs.matches(path))
        .collect())
}

fn forbidden(
    rule: &str,
    pattern: &str,
    paths: &[String],
    files: &[FileText],
) -> Result<Vec<Breach>, Refusal> {
    let regex = Regex::new(pattern)
        .map_err(|error| Refusal::usage(format!("`forbid` is no regular expression: {error}")))?;
    let mut held = Vec::new();
    for file in files {
        if holds_for(paths, file.path)? {
            held.push(*file);
        }
    }
    let lines = added_among(&held, |line| regex.is_match(line)).into_iter();
    let breach = lines.map(|line| {
        let text: String = String::from_utf8_lossy(line.text.trim_ascii())
            .chars()
            .take(EXCERPT)
            .collect();
        Breach {
            rule: rule.to_owned(),
            path: line.path.to_owned(),
            line: Some(line.number),
            why: format!("a new line that `forbid` names: {}", shown(&text)),
        }
    });
    Ok(breach.collect())
}

fn holds_for(paths: &[String], path: &str) -> Result<bool, Refusal> {
    if paths.is_empty() {
        return Ok(true);
    }
    // `!glob` alone takes out of everything.
    if paths.iter().all(|glob| glob.starts_with('!')) {
        let taken: Vec<&str> = paths
            .iter()
            .filter_map(|glob| glob.strip_prefix('!'))
            .collect();
        return Ok(!Globs::parse(&taken, Case::Exact)?.matches(path));
    }
    Ok(Globs::parse(paths, Case::Exact)?.matches(path))
}

/// The verdict on broken rules, as an agent reads it: the rules in the contract's order, the places of each.
pub(crate) fn breach_text(found: &[Breach]) -> String {
    let mut text = String::new();
    let mut rules: Vec<&str> = Vec::new();
    for breach in found {
        if !rules.contains(&breach.rule.as_str()) {
            rules.push(&breach.rule);
        }
    }
    for rule in rules {
        let _ = writeln!(text, "RULE_BROKEN rule={:?}", shown(rule));
        let places: Vec<&Breach> = found.iter().filter(|breach| breach.rule == rule).collect();
        for Breach {
            path, line, why, ..
        } in places.iter().take(SHOWN)
        {
            let line = line.map(|line| format!(":{line}")).unwrap_or_default();
            let _ = writeln!(text, "  {}{line}: {why}", shown(path));
        }
        if let Some(rest @ 1..) = places.len().checked_sub(SHOWN) {
            let _ = writeln!(text, "  … and {rest} more");
        }
    }
    text + "next: take this back, commit, then: wt validate (no step was run, nothing was counted)\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &str, held: Held) -> RuleCheck {
        RuleCheck {
            rule: rule.to_owned(),
            held,
        }
    }

    fn forbid(pattern: &str, paths: &[&str]) -> Held {
        Held::Forbid {
            pattern: pattern.to_owned(),
            paths: paths.iter().map(|&path| path.to_owned()).collect(),
        }
    }

    #[test]
    fn what_is_new_breaks_a_rule_and_what_was_there_does_not() {
        let checks = [
            check(
                "No new services.",
                Held::Deny {
                    globs: vec!["services/*/Cargo.toml".to_owned()],
                },
            ),
            check(
                "No \u{1b}unsafe.",
                forbid(r"\bunsafe\b", &["src/**", "!src/ffi/**"]),
            ),
        ];
        let file = |path, before: &'static str, after: &'static str| FileText {
            path,
            before: Some(before.as_bytes()),
            after: Some(after.as_bytes()),
        };
        let files = [
            file(
                "src/a.rs",
                "unsafe { a() }\n",
                "  unsafe { a() }\nunsafe { b() }\n",
            ),
            file("src/ffi/a.rs", "", "unsafe {}\n"),
            file("build.rs", "unsafe { moved() }\n", ""),
            file("src/b.rs", "", "unsafe { moved() }\n"),
        ];
        let new = ["services/a/Cargo.toml", "services/a/b/Cargo.toml"];
        let found = breaches(&checks, &new, &files).expect("sound checks");
        insta::assert_snapshot!(breach_text(&found), @r#"
        RULE_BROKEN rule="No new services."
          services/a/Cargo.toml: a new file that `deny` names (services/*/Cargo.toml)
        RULE_BROKEN rule="No \\u{1b}unsafe."
          src/a.rs:2: a new line that `forbid` names: unsafe { b() }
          src/b.rs:1: a new line that `forbid` names: unsafe { moved() }
        next: take this back, commit, then: wt validate (no step was run, nothing was counted)
        "#);
        assert!(
            wants_text(&checks, "src/x").expect("sound")
                && !wants_text(&checks, "x").expect("sound")
        );
        assert!(
            breaches(&checks, &[], &files[1..2])
                .expect("sound")
                .is_empty()
        );
    }
}
