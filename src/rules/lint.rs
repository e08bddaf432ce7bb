//! What makes a rules file hard to follow.

use super::layers::{Line, Rule};
use super::{Source, explain};
use crate::unseen::is_unseen;

/// Past this many lines, models lose rules.
pub(crate) const LINES: usize = 200;
/// A rule past this many characters is more than one rule.
const RULE_CHARS: usize = 300;
/// The file that an agent reads.
const RENDERED: &str = "RULES.md";
/// What says whether something must be, not what.
const MUST: [&str; 7] = ["always", "must", "do", "does", "should", "shall", "please"];
const MUST_NOT: [&str; 9] = [
    "never",
    "not",
    "don't",
    "mustn't",
    "doesn't",
    "shouldn't",
    "cannot",
    "can't",
    "avoid",
];
/// Words that change nothing of what a rule is about.
const ARTICLES: [&str; 8] = ["the", "a", "an", "all", "any", "every", "each", "ever"];

/// What kind of thing is to be mended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A layer stands in the wrong place.
    Order,
    /// A heading or an item that says nothing.
    Heading,
    Contradiction,
    Duplicate,
    /// A rule, or all of them, is longer than what is read.
    Long,
    Unseen,
    /// Nothing but the agent's good will holds the rule.
    Unenforced,
}

impl Kind {
    /// Its name, for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Order => "order",
            Kind::Heading => "heading",
            Kind::Contradiction => "contradiction",
            Kind::Duplicate => "duplicate",
            Kind::Long => "long",
            Kind::Unseen => "unseen",
            Kind::Unenforced => "unenforced",
        }
    }

    /// Whether it is a fault; what is none is advice.
    pub(crate) fn is_fault(self) -> bool {
        self != Kind::Unenforced
    }
}

/// One thing to mend in the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    /// The rendered file, `RULES.md`, or the file of rules that is at fault.
    pub(crate) file: String,
    /// The line of that file, from 1.
    pub(crate) line: usize,
    pub(crate) kind: Kind,
    /// What is wrong, in lower case.
    pub(crate) message: String,
    /// What to do about it.
    pub(crate) hint: String,
}

/// What to mend in the rules of `source`, from the top down.
pub(crate) fn lint(source: &Source) -> Vec<Finding> {
    let lines = explain(source);
    let rules = locate(&lines, source);
    let mut findings = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        findings.extend(too_long(rule));
        findings.extend(unseen_characters(rule));
        findings.extend(
            rules[..index]
                .iter()
                .find_map(|earlier| clash(earlier, rule)),
        );
        findings.extend(unenforced(rule));
    }
    if lines.len() > LINES {
        findings.push(Finding {
            file: RENDERED.to_owned(),
            line: LINES + 1,
            kind: Kind::Long,
            message: format!(
                "the rules file has {} lines; past {LINES}, agents lose rules",
                lines.len()
            ),
            hint:
                "move detail into files of the repository and name them in the rules or the brief"
                    .into(),
        });
    }
    findings.sort_by_key(|finding| finding.line);
    findings
}

/// A rule of the operator's and where it stands in the rules file.
struct Placed<'a> {
    line: usize,
    rule: &'a Rule,
    meaning: Meaning,
}

impl Placed<'_> {
    fn found(&self, kind: Kind, message: String, hint: &str) -> Finding {
        Finding {
            file: RENDERED.to_owned(),
            line: self.line,
            kind,
            message,
            hint: hint.to_owned(),
        }
    }
}

/// What a rule demands, so far as words alone tell.
#[derive(PartialEq, Eq)]
pub(super) struct Meaning {
    forbids: bool,
    what: String,
}

impl Meaning {
    /// Sets aside case, punctuation, and the words that only say whether it is a must or a must not.
    pub(super) fn of(rule: &str) -> Self {
        let mut forbids = false;
        let mut what = Vec::new();
        for word in rule.to_lowercase().replace('’', "'").split_whitespace() {
            match word.trim_matches(['.', ',', ';', ':', '!', '*', '_']) {
                word if MUST.contains(&word) || ARTICLES.contains(&word) => {}
                word if MUST_NOT.contains(&word) => forbids = !forbids,
                "" => {}
                word => what.push(word.to_owned()),
            }
        }
        let what = what.join(" ");
        Self { forbids, what }
    }
}

fn locate<'a>(lines: &[Line], source: &Source<'a>) -> Vec<Placed<'a>> {
    let rules = || source.constraints.iter().chain(source.edits);
    let placed = (1..).zip(lines).filter_map(|(line, shown)| {
        let rule = rules().nth(shown.rule?)?;
        let meaning = Meaning::of(&rule.text);
        Some(Placed {
            line,
            rule,
            meaning,
        })
    });
    placed.collect()
}

fn too_long(placed: &Placed) -> Option<Finding> {
    let length = placed.rule.text.chars().count();
    let message =
        format!("the rule has {length} characters; past {RULE_CHARS} it is more than one rule");
    let hint = "split it, or move the detail into a file that the rule names";
    (length > RULE_CHARS).then(|| placed.found(Kind::Long, message, hint))
}

fn unseen_characters(placed: &Placed) -> Option<Finding> {
    let unseen = placed.rule.text.chars().find(|&c| is_hidden(c))?;
    let message = format!(
        "the rule holds the unseen character U+{:04X}",
        u32::from(unseen)
    );
    let hint = format!("remove it from {}", placed.rule.source);
    Some(placed.found(Kind::Unseen, message, &hint))
}

/// Whether an agent would read what a person does not see.
fn is_hidden(character: char) -> bool {
    (character.is_control() && !matches!(character, '\n' | '\t')) || is_unseen(character)
}

/// Rules for two folders can't clash: neither holds in the other's.
fn clash(earlier: &Placed, later: &Placed) -> Option<Finding> {
    let apart = earlier.rule.folder.is_some()
        && later.rule.folder.is_some()
        && earlier.rule.folder != later.rule.folder;
    if apart || earlier.meaning.what != later.meaning.what {
        return None;
    }
    let place = format!("line {} ({})", earlier.line, earlier.rule.source);
    Some(if earlier.meaning.forbids == later.meaning.forbids {
        let message = format!("the rule repeats {place}");
        later.found(Kind::Duplicate, message, "remove one of the two")
    } else {
        let message = format!("the rule contradicts {place}");
        let hint = "remove one of the two; the earlier one is in force until then";
        later.found(Kind::Contradiction, message, hint)
    })
}

fn unenforced(placed: &Placed) -> Option<Finding> {
    if placed.rule.enforced {
        return None;
    }
    let hint = if is_about_tests(&placed.rule.text) {
        "hold it: protect_tests = true under [rules] in wt.toml"
    } else {
        "where a check can tell: [[rules.check]] in wt.toml with this rule and deny, forbid or run"
    };
    let words = placed.rule.text.lines().next().unwrap_or_default();
    let message = format!("no check enforces the rule \"{words}\"");
    Some(placed.found(Kind::Unenforced, message, hint))
}

/// Whether a rule speaks against tests that are made weaker, so that `protect_tests` holds it.
pub(crate) fn is_about_tests(rule: &str) -> bool {
    let rule = rule.to_lowercase();
    let mut words = rule.split(|c: char| !c.is_alphanumeric());
    let weaker = ["weaken", "skip", "delete", "remove", "disable", "ignore"];
    words.clone().any(|word| matches!(word, "test" | "tests"))
        && words.any(|word| weaker.iter().any(|verb| word.starts_with(verb)))
}

/// Whether two rules demand the same, so far as words alone tell.
pub(crate) fn says_the_same(one: &str, other: &str) -> bool {
    Meaning::of(one) == Meaning::of(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::Step;

    fn rules_of(rules: &[&str]) -> Vec<Rule> {
        let rule = |text: &&str| Rule {
            text: (*text).to_owned(),
            folder: None,
            source: "wt.toml".to_owned(),
            enforced: text.contains("tabs"),
        };
        rules.iter().map(rule).collect()
    }

    fn lint_of(constraints: &[Rule], edits: &[Rule], brief: Option<&str>) -> Vec<String> {
        let source = Source {
            task: "t",
            branch: "wt/t",
            target: "main",
            contract: "wt.toml",
            constraints,
            edits,
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
        let findings = lint(&source);
        findings
            .iter()
            .map(|f| format!("{} {}: {}", f.line, f.kind.word(), f.message))
            .collect()
    }

    #[test]
    fn sound_rules_have_no_finding() {
        let constraints = rules_of(&["Indent by tabs,\nnot spaces."]);
        assert!(lint_of(&constraints, &[], None).is_empty());
        let advice = lint_of(&rules_of(&["Preserve the public API."]), &[], None);
        assert_eq!(
            advice,
            ["7 unenforced: no check enforces the rule \"Preserve the public API.\""]
        );
    }

    #[test]
    fn each_fault_is_found_at_its_line() {
        let long = "tabs ".repeat(61);
        let constraints = [
            "Never edit generated tabs.",
            "Keep the tabs.",
            "You must not log any tabs",
        ];
        let edits = [
            "Always edit generated tabs",
            "keep tabs!",
            "you must log the tabs.",
            "red\u{1b}[31m tabs",
            &long,
        ];
        let brief = "line\n".repeat(200);
        let found = lint_of(&rules_of(&constraints), &rules_of(&edits), Some(&brief));
        insta::assert_snapshot!(found.join("\n"), @"
        13 contradiction: the rule contradicts line 7 (wt.toml)
        14 duplicate: the rule repeats line 8 (wt.toml)
        15 contradiction: the rule contradicts line 9 (wt.toml)
        16 unseen: the rule holds the unseen character U+001B
        17 long: the rule has 305 characters; past 300 it is more than one rule
        201 long: the rules file has 260 lines; past 200, agents lose rules
        ");
    }

    #[test]
    fn rules_of_two_folders_do_not_clash() {
        let mut rules = rules_of(&["Use tabs.", "Never use tabs.", "Use tabs."]);
        rules[0].folder = Some("a".to_owned());
        rules[1].folder = Some("b".to_owned());
        let found = lint_of(&rules, &[], None);
        assert_eq!(found, ["9 duplicate: the rule repeats line 7 (wt.toml)"]);
    }
}
