//! `wt.toml`: what a contract says, what it defaults to, and the hashes that give it an identity.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::digest;

mod check;
mod detect;
mod disk;
mod inputs;
mod memory;
mod parse;
mod plan;
mod quantity;
mod read;
mod render;
mod rules;
mod step;
mod worktree;

pub(crate) use detect::{Folder, TOOLCHAIN_VARIABLES, Tree, detect};
pub(crate) use disk::{Disk, Reserve};
pub(crate) use inputs::JudgeInputs;
pub(crate) use memory::Memory;
pub(crate) use plan::{Approve, PlanPolicy};
pub(crate) use quantity::{age, size};
pub(crate) use render::render_init;
pub(crate) use rules::{Held, RuleCheck, Rules};
pub(crate) use step::{Kind, Step, Timeout};
pub(crate) use worktree::{MOST_SPARES, WarmCopy, Worktree};

/// Everything that a repository asks of its tasks, with every default filled in.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Contract {
    pub(crate) rules: Rules,
    /// The steps that judge, in the order in which they run; empty when none is known.
    pub(crate) gate: Vec<Step>,
    pub(crate) judge: Judge,
    pub(crate) env: Env,
    pub(crate) worktree: Worktree,
    pub(crate) scope: ScopePolicy,
    #[serde(default)]
    pub(crate) plan: PlanPolicy,
    pub(crate) cage: CagePolicy,
    #[serde(default)]
    pub(crate) ports: Ports,
    pub(crate) land: Land,
    #[serde(default)]
    pub(crate) disk: Disk,
    #[serde(default)]
    pub(crate) memory: Memory,
    /// By the agent's name.
    pub(crate) agents: BTreeMap<String, Agent>,
}

/// How the judge works, and what gives the gate's words their meaning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Judge {
    /// How many candidates may be judged at once; at least one.
    pub(crate) slots: usize,
    /// For [`JudgeInputs`]: those given or detected and those that always count, sorted.
    pub(crate) inputs: Vec<String>,
    /// In bytes: a snapshot with a larger changed file is refused.
    pub(crate) max_file: u64,
    /// Places that set-up and steps may write to, besides their checkout, caches of their own and a folder for
    /// temporary files. They begin with `/`, `~/` or `$NAME/`; a folder that ends in `/` is made where it is missing.
    pub(crate) writable: Vec<String>,
    pub(crate) confine: Confine,
}

/// Whether set-up and steps run in a cage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Confine {
    /// Where the kernel can hold one.
    #[default]
    Auto,
    /// Nothing is judged without one.
    Require,
    Off,
}

/// The cage of `wt run`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct CagePolicy {
    /// Places that may be written besides what every task needs, in the forms of [`Judge::writable`]: each is a door.
    pub(crate) writable: Vec<String>,
    /// Whether nothing runs where the kernel can't hold a cage.
    pub(crate) require: bool,
    /// The agent that is started where no command is given.
    pub(crate) agent: Option<String>,
}

/// The environment of set-up and steps, besides what every one gets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Env {
    /// Names of variables passed on from the operator.
    pub(crate) pass: Vec<String>,
    /// Commands whose output is part of a receipt's key.
    pub(crate) fingerprint: Vec<String>,
}

/// What holds for the scopes of all tasks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct ScopePolicy {
    /// Whether a task without a scope is refused.
    pub(crate) required: bool,
    /// Globs of what nobody owns and every task may change.
    pub(crate) shared: Vec<String>,
}

/// The ports that each task, and each slot, has for servers of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ports {
    pub(crate) count: u8,
    /// Where they are looked for; by default where few others do.
    pub(crate) from: Option<u16>,
}

/// How a task reaches its target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Land {
    pub(crate) strategy: Strategy,
    /// Whether the worktree stays after landing.
    pub(crate) keep: bool,
    /// Whether of several tasks that land together each combination is judged, not the last alone.
    pub(crate) each: bool,
}

/// The shape of what lands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Strategy {
    /// One merge commit over the task's own commits.
    #[default]
    Merge,
    /// One commit in place of the task's own.
    Squash,
    /// The task's own commits, put upon the target.
    Rebase,
}

/// One agent that `wt` has no built-in knowledge of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Agent {
    /// Where in the worktree its rules file goes.
    pub(crate) rules: String,
}

impl Default for Judge {
    fn default() -> Self {
        Self {
            slots: 1,
            inputs: inputs::with_always(Vec::new()),
            max_file: 100_000_000,
            writable: Vec::new(),
            confine: Confine::default(),
        }
    }
}

impl Confine {
    /// As `wt.toml` writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Confine::Auto => "auto",
            Confine::Require => "require",
            Confine::Off => "off",
        }
    }
}

impl Strategy {
    /// As `wt.toml` writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Strategy::Merge => "merge",
            Strategy::Squash => "squash",
            Strategy::Rebase => "rebase",
        }
    }
}

impl Contract {
    /// Identity, in hex, of everything that gives a verdict its meaning: the steps in their order, the
    /// environment, set-up and what it depends on, the carried files, what may be written, and how many ports there are.
    pub(crate) fn gate_hash(&self) -> String {
        let worktree = &self.worktree;
        hash(
            "wt gate 3",
            &(
                &self.gate,
                &self.env,
                &worktree.setup,
                &worktree.setup_inputs,
                &worktree.carry,
                (
                    &self.judge.confine,
                    &self.judge.writable,
                    &worktree.setup_writable,
                ),
                self.ports.count,
            ),
        )
    }

    /// Identity, in hex, of everything that the rules file shows of the contract.
    pub(crate) fn rules_hash(&self) -> String {
        hash(
            "wt rules 1",
            &(&self.rules, &self.agents, &self.scope, &self.gate),
        )
    }
}

/// JSON of structs and sorted maps has one form only; the version in front separates kinds and changes of it.
fn hash(version: &str, value: &impl Serialize) -> String {
    let json = serde_json::to_vec(value).expect("a contract holds only strings, numbers and lists");
    digest::hex(&[version.as_bytes(), &json])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(name: &str) -> Step {
        Step {
            name: name.into(),
            kind: Kind::Test,
            run: "true".into(),
            when: None,
            timeout: Timeout::default(),
            allow_empty: false,
            rule: None,
        }
    }

    #[test]
    fn the_gate_hash_follows_what_a_verdict_means_and_nothing_else() {
        let plain = Contract {
            gate: vec![step("a"), step("b")],
            ..Contract::default()
        };
        let changed = |change: fn(&mut Contract)| {
            let mut contract = plain.clone();
            change(&mut contract);
            contract.gate_hash() != plain.gate_hash()
        };
        assert!(changed(|c| c.gate.swap(0, 1)));
        assert!(changed(|c| c.gate[0].timeout = Timeout::from_minutes(1)));
        assert!(changed(|c| c.gate[0].allow_empty = true));
        assert!(changed(|c| c.env.pass.push("A".into())));
        assert!(changed(|c| c.env.fingerprint.push("A".into())));
        assert!(changed(|c| c.worktree.setup.push("A".into())));
        assert!(changed(|c| c.worktree.setup_inputs = Some(Vec::new())));
        assert!(changed(|c| c.worktree.carry.push("A".into())));
        assert!(changed(|c| c.judge.writable.push("A".into())));
        assert!(changed(|c| c.worktree.setup_writable.push("A".into())));
        assert!(changed(|c| c.judge.confine = Confine::Off));
        assert!(changed(|c| c.ports.count = 1));
        assert!(!changed(|c| c.ports.from = Some(4000)));
        assert!(!changed(|c| c.rules.edits.clear()));
        assert!(!changed(|c| c.rules.include.push("A".into())));
        let check = |held| RuleCheck {
            rule: "A".into(),
            held,
        };
        let deny = check(Held::Deny {
            globs: vec!["a".into()],
        });
        let mut with_deny = plain.clone();
        with_deny.rules.checks.push(deny);
        assert_eq!(with_deny.gate_hash(), plain.gate_hash());
        // What is run is a step; all else is looked at anew whenever something is judged or lands.
        let mut with_run = plain.clone();
        with_run.rules.checks.push(check(Held::Run {
            command: "a".into(),
            timeout: Timeout::default(),
        }));
        with_run.gate = with_run.rules.before(with_run.gate);
        assert_ne!(with_run.gate_hash(), plain.gate_hash());
        assert!(!changed(|c| c.plan.required = true));
        assert!(!changed(|c| c.land.keep = true));
        assert!(!changed(|c| c.land.each = true));
        assert!(!changed(|c| c.judge.slots = 9));
        assert!(!changed(|c| c.disk.budget = Some(1)));
        // Receipts are keyed by it: a new form of the hash must be a decision, not an accident.
        insta::assert_snapshot!(plain.gate_hash(), @"e33b50e9a016c950908d9ea0ec6f74f5afa219519f6e37f6dba5507eac66ad21");
        assert_ne!(plain.gate_hash(), plain.rules_hash());
    }
}
