//! What makes a rules file hard to follow.

use super::{Source, text};

/// Past this many lines, models lose rules.
const LINES: usize = 200;
/// A rule past this many characters is more than one rule.
const RULE_CHARS: usize = 300;

/// One thing to mend in the rules.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The line of the rendered rules file, from 1.
    pub(crate) line: usize,
    /// What is wrong, in lower case.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// What to mend in the rules of `source`, as they stand in `rendered`, from the top down.
pub(crate) fn lint(rendered: &str, source: &Source) -> Vec<Finding> {
    let rules = locate(rendered, source);
    let mut findings = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        findings.extend(too_long(rule));
        findings.extend(unseen_characters(rule));
        findings.extend(
            rules[..index]
                .iter()
                .find_map(|earlier| clash(earlier, rule)),
        );
    }
    let lines = rendered.lines().count();
    if lines > LINES {
        findings.push(Finding {
            line: LINES + 1,
            message: format!("the rules file has {lines} lines; past {LINES}, agents lose rules"),
            hint:
                "move detail into files of the repository and name them in the rules or the brief"
                    .into(),
        });
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// A rule of the contract and where it stands in the rules file.
struct Rule<'a> {
    line: usize,
    text: &'a str,
    meaning: Meaning,
}

/// What a rule demands, so far as words alone tell.
#[derive(PartialEq, Eq)]
struct Meaning {
    forbids: bool,
    what: String,
}

impl Meaning {
    /// Sets aside case, the ends of clauses, and the words that only say whether it is a must or a must not.
    fn of(rule: &str) -> Self {
        let mut forbids = false;
        let mut what = Vec::new();
        for word in rule.to_lowercase().replace('’', "'").split_whitespace() {
            match word.trim_end_matches(['.', ',', ';', ':', '!']) {
                "always" | "must" | "do" | "should" => {}
                "never" | "not" | "don't" | "mustn't" => forbids = !forbids,
                other => what.push(other.to_owned()),
            }
        }
        let what = what.join(" ");
        Self { forbids, what }
    }
}

/// The contract's rules, which are rendered in their order and so are found in one pass.
fn locate<'a>(rendered: &str, source: &Source<'a>) -> Vec<Rule<'a>> {
    let mut lines = (1..).zip(rendered.lines());
    let rules = source.invariants.iter().chain(source.edits);
    rules
        .filter_map(|rule| {
            let item = text::item(rule);
            let first = item.lines().next().unwrap_or_default();
            let (line, _) = lines.find(|(_, line)| line.strip_prefix("- ") == Some(first))?;
            let meaning = Meaning::of(rule);
            Some(Rule {
                line,
                text: rule,
                meaning,
            })
        })
        .collect()
}

fn too_long(rule: &Rule) -> Option<Finding> {
    let length = rule.text.chars().count();
    (length > RULE_CHARS).then(|| Finding {
        line: rule.line,
        message: format!(
            "the rule has {length} characters; past {RULE_CHARS} it is more than one rule"
        ),
        hint: "split it, or move the detail into a file that the rule names".into(),
    })
}

fn unseen_characters(rule: &Rule) -> Option<Finding> {
    let unseen = rule.text.chars().find(|&character| is_unseen(character))?;
    Some(Finding {
        line: rule.line,
        message: format!(
            "the rule holds the unseen character U+{:04X}",
            u32::from(unseen)
        ),
        hint: "remove it from wt.toml".into(),
    })
}

/// Whether an agent would read what a person does not see: control characters, changes of direction.
fn is_unseen(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t'))
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn clash(earlier: &Rule, later: &Rule) -> Option<Finding> {
    if earlier.meaning.what != later.meaning.what {
        return None;
    }
    let finding = if earlier.meaning.forbids == later.meaning.forbids {
        Finding {
            line: later.line,
            message: format!("the rule repeats line {}", earlier.line),
            hint: "remove one of the two".into(),
        }
    } else {
        Finding {
            line: later.line,
            message: format!("the rule contradicts line {}", earlier.line),
            hint: "remove one of the two; the earlier one is in force until then".into(),
        }
    };
    Some(finding)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::{Step, render};

    fn lint_of(invariants: &[&str], edits: &[&str], brief: Option<&str>) -> Vec<String> {
        let owned = |rules: &[&str]| {
            rules
                .iter()
                .map(|&rule| rule.into())
                .collect::<Vec<String>>()
        };
        let source = Source {
            task: "t",
            branch: "wt/t",
            target: "main",
            invariants: &owned(invariants),
            edits: &owned(edits),
            owns: &[],
            sparse: false,
            shared: &[],
            steps: &[Step {
                name: "test",
                token: "TEST_FAILURE",
                run: "true",
                when: None,
            }],
            brief,
            planned: None,
            plan: None,
            memory: None,
        };
        let rendered = render(&source);
        let findings = lint(&rendered, &source);
        findings
            .iter()
            .map(|finding| format!("{}: {}", finding.line, finding.message))
            .collect()
    }

    #[test]
    fn sound_rules_have_no_finding() {
        let invariants = ["Preserve the public API.", "Use tabs,\nnot spaces."];
        assert!(lint_of(&invariants, &["Edit the minimum of files."], None).is_empty());
    }

    #[test]
    fn each_fault_is_found_at_its_line() {
        let long = "a ".repeat(151);
        let found = lint_of(
            &[
                "Never edit generated files.",
                "Keep the API.",
                "You must not log secrets",
            ],
            &[
                "Always edit generated files",
                "keep the API",
                "you must log secrets.",
                "red\u{1b}[31m",
                &long,
            ],
            Some(&"line\n".repeat(200)),
        );
        insta::assert_snapshot!(found.join("\n"), @"
        13: the rule contradicts line 7
        14: the rule repeats line 8
        15: the rule contradicts line 9
        16: the rule holds the unseen character U+001B
        17: the rule has 302 characters; past 300 it is more than one rule
        201: the rules file has 257 lines; past 200, agents lose rules
        ");
    }
}
