//! What one step came to on one tree, kept apart from the receipt of a whole gate: red ones have none.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::StepResult;
use crate::error::shown;
use crate::failure::Failure;
use crate::oid::Oid;

/// How the last run of a step ended on a tree, under a gate and in an environment. It never passes anything nor spends
/// an attempt: it tells whose failure a failure is, and what is flaky.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) tree: Oid,
    /// Hash of the gate's definition.
    pub(crate) gate: String,
    /// Hash of the variables and of what the fingerprint commands answered.
    pub(crate) environment: String,
    pub(crate) step: StepResult,
    /// Whether it was kept from writing outside its checkout.
    pub(crate) confined: bool,
    /// What its log says first, where it failed.
    pub(crate) first: Option<Failure>,
    /// Where its log lies.
    pub(crate) log: PathBuf,
    /// For which task it was run.
    pub(crate) task: String,
    pub(crate) at: Timestamp,
}

impl Outcome {
    /// The key that it is stored under: each step has one outcome for a tree, a gate and an environment.
    pub(crate) fn key(&self) -> String {
        outcome_key(&self.tree, &self.gate, &self.environment, &self.step.name)
    }
}

/// The key of the outcome of `step` on `tree`, under a gate and in an environment (their hashes).
pub(crate) fn outcome_key(tree: &Oid, gate: &str, environment: &str, step: &str) -> String {
    crate::digest::hex(&[
        b"outcome 1",
        tree.as_str().as_bytes(),
        gate.as_bytes(),
        environment.as_bytes(),
        step.as_bytes(),
    ])
}

/// A step that came to two outcomes on the same tree, under the same gate and in the same environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Flaky {
    pub(crate) step: String,
    pub(crate) tree: Oid,
    /// The logs of its last pass and of its last failure; none where that log is no longer there.
    pub(crate) passed: Option<PathBuf>,
    pub(crate) failed: Option<PathBuf>,
    /// The tasks for which it was run.
    pub(crate) tasks: Vec<String>,
    pub(crate) at: Timestamp,
}

impl std::fmt::Display for Flaky {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (step, tree) = (&self.step, self.tree.short());
        let log = |path: &Option<PathBuf>| match path {
            Some(path) => shown(&path.to_string_lossy()),
            None => "its log is gone".to_owned(),
        };
        write!(
            f,
            "step {step} passed ({}) and failed ({}) on the same tree {tree}",
            log(&self.passed),
            log(&self.failed)
        )
    }
}
