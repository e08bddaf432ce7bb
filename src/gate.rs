//! The gate: which of its steps a difference selects, what a run of them means, and the receipt of a passed one.

mod named;
mod order;
mod outcome;
mod report;

use std::collections::BTreeMap;
use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(crate) use named::{looked_up, names};
pub(crate) use order::{Car, Order, Phase, Progress, Purpose};
pub(crate) use outcome::{Flaky, Outcome, outcome_key};
pub(crate) use report::{Report, Since, report, stopped_next};

use crate::contract::{Contract, Kind, Step};
use crate::error::Refusal;
use crate::failure::Failure;
use crate::oid::Oid;
use crate::scope::{Case, Globs};
use crate::task::{Captured, Pinned};

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Ended {
    /// By itself, with this status.
    Exit(i32),
    /// By this signal.
    Signal(i32),
    /// By the kernel, for want of memory.
    OutOfMemory,
    /// By `wt`, at its deadline.
    Timeout,
}

/// One step that was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StepResult {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) ended: Ended,
    pub(crate) milliseconds: u64,
    /// File name of the log in the run's folder.
    pub(crate) log: String,
    pub(crate) log_lines: u64,
    /// A recognised runner said that it ran no test, and the step does not allow that. Some runners fail then.
    pub(crate) no_tests: bool,
}

impl StepResult {
    pub(crate) fn passed(&self) -> bool {
        self.ended == Ended::Exit(0) && !self.no_tests
    }

    /// The first word of the verdict that this step's failure is.
    pub(crate) fn token(&self) -> &'static str {
        match self.ended {
            _ if self.kind == Kind::Rule => self.kind.token(),
            Ended::Exit(_) if self.no_tests => "NO_TESTS",
            Ended::Timeout => "TIMEOUT",
            _ => self.kind.token(),
        }
    }
}

/// What a run of the gate came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "verdict")]
pub(crate) enum Verdict {
    Passed {
        receipt: String,
    },
    /// The last of the run's steps failed, and this is what its log says first.
    Failed {
        first: Failure,
        /// The write that the cage kept it from, if its log tells of one.
        #[serde(default)]
        denied: Option<Denied>,
        /// Of a train: whose failure it is.
        #[serde(default)]
        culprit: Option<Box<Culprit>>,
        /// Why it is not known whether the target is red there, too, if it is not.
        #[serde(default)]
        unsure: Option<String>,
    },
    /// The step that failed fails on the target's own tip as well: nothing is counted.
    TargetRed {
        step: String,
        /// The tip of the target.
        target: Oid,
        /// What the log of the run there says first.
        first: Failure,
        /// Where that log lies.
        log: PathBuf,
        /// The write that the cage kept the step from.
        #[serde(default)]
        denied: Option<Denied>,
    },
    /// A step changed tracked files of the checkout that it judged.
    Unstable {
        step: String,
        paths: Vec<String>,
    },
    /// The operator stopped it; nothing is counted.
    Interrupted,
    /// The judge itself could not go on; nothing is counted.
    Fault {
        message: String,
    },
}

/// The task whose work makes a train red, found by running the failed step alone on parts of the train.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Culprit {
    pub(crate) task: String,
    /// Tasks of the train without which it is not red; none where it is red alone with the target.
    pub(crate) with: Vec<String>,
    /// Whether `with` is known: it is not where a part of the train could not be combined.
    pub(crate) exact: bool,
    /// The smallest combination that was red.
    pub(crate) candidate: Pinned,
    /// Paths that differ between target and `candidate`.
    pub(crate) changed: Vec<String>,
    /// How the step ended there; its log lies in the run's folder.
    pub(crate) step: StepResult,
}

/// A write that the cage kept a command from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Denied {
    pub(crate) path: String,
    /// What to do where the command needs it.
    pub(crate) remedy: String,
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let path = crate::error::shown(&self.path);
        write!(f, "denied by the cage: write to {path}; {}", self.remedy)
    }
}

/// The proof that a tree passed a gate in an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Receipt {
    pub(crate) tree: Oid,
    /// Hash of the gate's definition.
    pub(crate) gate: String,
    /// Hash of the variables and of what the fingerprint commands answered.
    pub(crate) environment: String,
    pub(crate) fingerprint: BTreeMap<String, String>,
    /// The steps that passed; those that the difference did not select are not in it.
    pub(crate) steps: Vec<StepResult>,
    /// Whether every step was kept from writing outside its checkout.
    pub(crate) confined: bool,
    pub(crate) task: String,
    pub(crate) commit: Oid,
    pub(crate) at: Timestamp,
    /// When the same was judged again and did not pass: since then it answers for nothing, and only tells what landed
    /// on it before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) withdrawn: Option<Timestamp>,
}

impl Receipt {
    /// The key that it is stored under: the same tree, gate and environment have one receipt.
    pub(crate) fn key(&self) -> String {
        receipt_key(&self.tree, &self.gate, &self.environment)
    }

    /// Whether it holds every one of the named steps.
    pub(crate) fn covers(&self, steps: &[String]) -> bool {
        steps
            .iter()
            .all(|wanted| self.steps.iter().any(|s| s.name == *wanted))
    }

    /// Takes over the steps of an older receipt of the same key.
    pub(crate) fn absorb(&mut self, older: Receipt) {
        for step in older.steps {
            if !self.steps.iter().any(|s| s.name == step.name) {
                self.confined &= older.confined;
                self.steps.push(step);
            }
        }
    }
}

pub(crate) fn receipt_key(tree: &Oid, gate: &str, environment: &str) -> String {
    crate::digest::hex(&[
        b"receipt 1",
        tree.as_str().as_bytes(),
        gate.as_bytes(),
        environment.as_bytes(),
    ])
}

/// Hash of what the steps see of the machine.
pub(crate) fn environment_hash(
    captured: &Captured,
    fingerprint: &BTreeMap<String, String>,
) -> String {
    let fields: Vec<&[u8]> = std::iter::once(b"environment 1".as_slice())
        .chain(
            captured
                .variables
                .iter()
                .flat_map(|(k, v)| [k.as_bytes(), v.as_bytes()]),
        )
        .chain(std::iter::once(b"fingerprint".as_slice()))
        .chain(
            fingerprint
                .iter()
                .flat_map(|(k, v)| [k.as_bytes(), v.as_bytes()]),
        )
        .collect();
    crate::digest::hex(&fields)
}

/// The steps of the gate that a change of `paths` selects, in the gate's order.
pub(crate) fn select<'a>(
    contract: &'a Contract,
    paths: &[String],
) -> Result<Vec<&'a Step>, Refusal> {
    let mut selected = Vec::new();
    for step in &contract.gate {
        let wanted = match &step.when {
            None => true,
            Some(globs) => {
                let globs = Globs::parse(globs, Case::Exact)?;
                paths.iter().any(|path| globs.matches(path))
            }
        };
        if wanted {
            selected.push(step);
        }
    }
    Ok(selected)
}
