//! `[rules]` and `[[rules.check]]`.

use regex::bytes::RegexBuilder;

use super::super::read::{Flaw, Section};
use super::super::{Held, RuleCheck, Rules, Timeout, check};
use super::{list, parse_duration, require_schema, value};
use crate::error::Refusal;

/// Past this size, in bytes, of its automaton a regular expression is refused.
const PATTERN_SIZE: usize = 1 << 20;

pub(super) fn rules(section: &Section<'_>, default: Rules) -> Result<Rules, Refusal> {
    section.require_order("invariants", "edits")?;
    let checks = section.find_sections("check")?.map(|sections| {
        let checks = sections.iter().map(rule_check);
        checks.collect::<Result<Vec<_>, _>>()
    });
    Ok(Rules {
        invariants: list(section, "invariants", check::filled)?.unwrap_or(default.invariants),
        edits: list(section, "edits", check::filled)?.unwrap_or(default.edits),
        include: list(section, "include", check::rules_file)?.unwrap_or(default.include),
        protect_tests: section
            .find_flag("protect_tests")?
            .unwrap_or(default.protect_tests),
        checks: checks.transpose()?.unwrap_or(default.checks),
    })
}

fn rule_check(section: &Section<'_>) -> Result<RuleCheck, Refusal> {
    require_schema(section, "rules.check")?;
    let rule = section.require_string("rule")?.read(check::filled)?;
    let deny = list(section, "deny", check::glob)?;
    let forbid = value(section, "forbid", pattern)?;
    let paths = list(section, "paths", check::glob)?;
    let run = value(section, "run", check::filled)?;
    let timeout = value(section, "timeout", |text| parse_duration(&text))?;
    let alone = |key: &str, belongs: &str| {
        let flaw = Flaw::new(format!("belongs to `{belongs}`")).hint("remove it");
        Err(section.refusal(key, flaw))
    };
    if paths.is_some() && forbid.is_none() {
        return alone("paths", "forbid");
    }
    if timeout.is_some() && run.is_none() {
        return alone("timeout", "run");
    }
    let held = match (deny, forbid, run) {
        (Some(globs), None, None) => Held::Deny { globs },
        (None, Some(pattern), None) => Held::Forbid {
            pattern,
            paths: paths.unwrap_or_default(),
        },
        (None, None, Some(command)) => Held::Run {
            command,
            timeout: timeout.and_then(Timeout::from_seconds).unwrap_or_default(),
        },
        (None, None, None) => {
            let flaw = Flaw::new("is held by nothing: `deny`, `forbid` and `run` are missing");
            let hint = "write one of the three; a rule without a check belongs in `invariants`";
            return Err(section.refusal("rule", flaw.hint(hint)));
        }
        _ => {
            let flaw = Flaw::new("is held by more than one of `deny`, `forbid` and `run`");
            let hint = "write a [[rules.check]] for each";
            return Err(section.refusal("rule", flaw.hint(hint)));
        }
    };
    if matches!(&held, Held::Deny { globs } if globs.iter().all(|glob| glob.starts_with('!'))) {
        let flaw = Flaw::new("names nothing: no file would ever match");
        return Err(section.refusal("deny", flaw.hint("name what may not be added")));
    }
    Ok(RuleCheck { rule, held })
}

fn pattern(text: String) -> Result<String, Flaw> {
    let text = check::filled(text)?;
    match RegexBuilder::new(&text).size_limit(PATTERN_SIZE).build() {
        Ok(_) => Ok(text),
        Err(regex::Error::CompiledTooBig(_)) => {
            Err(Flaw::new("holds a regular expression that is too large")
                .hint("repeat less in it, or write a [[rules.check]] for each part"))
        }
        Err(error) => {
            let why = error.to_string();
            let last = why.lines().last().unwrap_or_default().trim();
            Err(Flaw::new(format!("is no regular expression: {last}"))
                .hint("in TOML, write it between single quotes: '\\bunsafe\\b'"))
        }
    }
}
