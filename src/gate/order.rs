//! What a judge is told to do, and how far it has come: the two files by which caller and judge speak.

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Flaky, StepResult, Verdict};
use crate::contract::{Contract, Step};
use crate::oid::Oid;
use crate::task::{Captured, Pinned};
use crate::weakened::Weakening;

/// Why a candidate is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Purpose {
    /// The agent asked: a failure is an attempt.
    Validate,
    /// It is about to land, combined with a target that moved: a failure is nobody's attempt.
    Land,
    /// It is the last of several that are about to land together; whose failure a failure is, is searched for.
    Train,
}

/// One task of a train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Car {
    pub(crate) task: String,
    /// The commit of the task that lands.
    pub(crate) tip: Oid,
    /// The target combined with this task and with all before it.
    pub(crate) prefix: Pinned,
}

/// One run of the gate, as ordered. It never changes once written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) task: String,
    pub(crate) run: u32,
    pub(crate) purpose: Purpose,
    pub(crate) base: Oid,
    pub(crate) snapshot: Pinned,
    pub(crate) candidate: Pinned,
    /// Tip of the target that the snapshot was combined with.
    pub(crate) target: Oid,
    pub(crate) contract: Contract,
    pub(crate) gate: String,
    pub(crate) captured: Captured,
    pub(crate) fingerprint: BTreeMap<String, String>,
    /// Hash of captured variables and fingerprint.
    pub(crate) environment: String,
    /// Names of the steps to run.
    pub(crate) selected: Vec<String>,
    /// Paths that differ between target and candidate.
    pub(crate) changed: Vec<String>,
    /// Those of them that change what the gate's words mean.
    pub(crate) judge_changed: Vec<String>,
    /// What among them makes tests weaker.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) tests_weakened: Vec<Weakening>,
    pub(crate) cause: Option<String>,
    /// The tasks of a train, in the order in which they land; the last one's prefix is the candidate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) train: Vec<Car>,
    /// Empty the slot first.
    pub(crate) fresh: bool,
    /// Which counted attempt this is.
    pub(crate) attempt: u32,
    pub(crate) started: Timestamp,
}

impl Order {
    /// The order to judge something else in the same way.
    pub(crate) fn of(&self, candidate: &Pinned, changed: &[String]) -> Self {
        Self {
            candidate: candidate.clone(),
            changed: changed.to_vec(),
            fresh: false,
            ..self.clone()
        }
    }

    /// The rule that the step of this name holds, if it is one's check.
    pub(crate) fn rule_of(&self, step: &str) -> Option<&str> {
        let mut steps = self.contract.gate.iter();
        steps.find(|own| own.name == step)?.rule.as_deref()
    }

    /// The steps to run, in order.
    pub(crate) fn steps(&self) -> impl Iterator<Item = &Step> {
        self.contract
            .gate
            .iter()
            .filter(|step| self.selected.contains(&step.name))
    }
}

/// What a judge is doing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Phase {
    /// Every slot is taken.
    #[default]
    Waiting,
    /// The slot is brought to the candidate.
    Preparing,
    /// A set-up command or a step of this name.
    Running(String),
    /// A step of this name, which failed, on the target itself.
    OnTarget(String),
    /// The step that failed, on some of a train's tasks: their names, and which run this is.
    Searching {
        tasks: Vec<String>,
        run: usize,
    },
    Done,
}

/// How far a judge has come. It is written after every step, so that a late failure loses nothing earlier.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    /// How many stand before it in the line for a slot, while it waits for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ahead: Option<usize>,
    pub(crate) steps: Vec<StepResult>,
    /// Whether set-up and steps run in a cage, once that is known.
    #[serde(default)]
    pub(crate) confined: Option<bool>,
    /// The judge's private folder for temporary files, to be removed if it dies.
    pub(crate) temporary: Option<PathBuf>,
    /// The steps of this run that came to something else on the same tree before.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) flaky: Vec<Flaky>,
    #[serde(flatten)]
    pub(crate) verdict: Option<Verdict>,
}

impl Progress {
    /// The step that failed, if one did.
    pub(crate) fn failed_step(&self) -> Option<&StepResult> {
        self.steps.last().filter(|step| !step.passed())
    }
}
