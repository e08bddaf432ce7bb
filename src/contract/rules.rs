//! `[rules]`: what agents are told, and what of it is checked.

use serde::{Deserialize, Serialize};

use super::{Kind, Step, Timeout};

/// The operator's rules, in the order in which the rules file shows them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rules {
    /// Hard constraints; rendered first.
    pub(crate) invariants: Vec<String>,
    /// How to edit; rendered second.
    pub(crate) edits: Vec<String>,
    /// Files of rules that hold before these: from the repository's root, or, where they begin with `/` or `~/`, of the
    /// operator's own.
    #[serde(default)]
    pub(crate) include: Vec<String>,
    /// Whether a change that makes tests weaker is refused.
    #[serde(default)]
    pub(crate) protect_tests: bool,
    #[serde(default)]
    pub(crate) checks: Vec<RuleCheck>,
}

/// A rule that checks itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct RuleCheck {
    /// As the agent reads it; a constraint, where it stands nowhere else.
    pub(crate) rule: String,
    pub(crate) held: Held,
}

/// How a rule is held.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Held {
    /// No file that is new on the target may match these globs.
    Deny { globs: Vec<String> },
    /// No line that is new on the target may match the regular expression, in the files of `paths`: empty means all.
    Forbid { pattern: String, paths: Vec<String> },
    /// The command, for `sh -c` in the root of the checkout, must end well.
    Run { command: String, timeout: Timeout },
}

impl Rules {
    /// The steps that judge: those of the rules that a command holds, then `gate`. No step of a gate can have their
    /// names.
    pub(super) fn before(&self, gate: Vec<Step>) -> Vec<Step> {
        let runs = self.checks.iter().filter_map(|check| match &check.held {
            Held::Run { command, timeout } => Some((check.rule.clone(), command.clone(), *timeout)),
            _ => None,
        });
        let steps = (1..).zip(runs).map(|(number, (rule, run, timeout))| Step {
            name: format!("rule:{number}"),
            kind: Kind::Rule,
            run,
            when: None,
            timeout,
            allow_empty: false,
            rule: Some(rule),
        });
        steps.chain(gate).collect()
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            invariants: vec!["Never weaken, skip or delete a test to make the gate pass.".into()],
            edits: vec!["Make the smallest change that does the task.".into()],
            include: Vec::new(),
            protect_tests: false,
            checks: Vec::new(),
        }
    }
}
