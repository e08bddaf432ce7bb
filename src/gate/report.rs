//! The bounded text that an agent reads: one verdict line, the first failure, a path to the rest, what to do next.

mod blame;
mod of_run;

use std::fmt::Write as _;

use serde::Serialize;

pub(crate) use of_run::{Since, report, stopped_next};

use blame::Blame;

use super::{Denied, Flaky, Receipt};
use crate::error::shown;
use crate::failure::Failure;
use crate::oid::Oid;
use crate::task::{BUDGET, Task};
use crate::weakened::{Weakening, lines_of};

/// A verdict, ready to be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    /// The first word of the verdict line.
    pub(crate) verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    /// The rule whose own check the step is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
    /// How the step ended: `exit=1`, `signal=SIGKILL`, `timeout`, `out-of-memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    pub(crate) seconds: f64,
    /// Counted attempts so far.
    pub(crate) attempts: u32,
    pub(crate) budget: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_failure: Option<Failure>,
    /// Where the full log lies, from the worktree's root or absolute.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) log_lines: Option<u64>,
    /// The tip of the target, where it is red itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target: Option<Oid>,
    /// Where the log of the run on the target itself lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_log: Option<String>,
    /// Of a train: whose failure it is.
    #[serde(flatten)]
    pub(crate) blame: Option<Blame>,
    /// Why it is not known whether the target is red there, too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) target_unknown: Option<String>,
    /// Steps that came to different ends on the same tree.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) flaky: Vec<Flaky>,
    /// The write that the cage kept the step from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) denied: Option<Denied>,
    pub(crate) receipt: Option<String>,
    /// Whether the steps ran in a cage.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) confined: Option<bool>,
    /// Paths that a step changed in the tree that it judged.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) paths: Vec<String>,
    /// Paths of the work that change what judges it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) judge_changed: Vec<String>,
    /// What in the work makes tests weaker.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) tests_weakened: Vec<Weakening>,
    pub(crate) steps_run: usize,
    pub(crate) steps_skipped: usize,
    pub(crate) next: String,
}

/// How many paths a verdict names before it only counts.
const PATHS_SHOWN: usize = 10;
/// The same of what makes tests weaker.
const WEAKENED_SHOWN: usize = 5;
/// The same of flaky steps.
const FLAKY_SHOWN: usize = 2;

impl Report {
    /// Nothing but whose it is.
    fn blank(task: &Task) -> Self {
        Self {
            verdict: "FAULT",
            step: None,
            rule: None,
            ended: None,
            seconds: 0.0,
            attempts: task.attempts,
            budget: BUDGET,
            first_failure: None,
            log: None,
            log_lines: None,
            target: None,
            target_log: None,
            blame: None,
            target_unknown: None,
            flaky: Vec::new(),
            denied: None,
            receipt: None,
            confined: None,
            paths: Vec::new(),
            judge_changed: Vec::new(),
            tests_weakened: Vec::new(),
            steps_run: 0,
            steps_skipped: 0,
            next: String::new(),
        }
    }

    /// The verdict on work that a stored receipt vouches for: no step was run.
    pub(crate) fn known(
        task: &Task,
        receipt: &Receipt,
        changed: &[String],
        judge_changed: Vec<String>,
        tests_weakened: Vec<Weakening>,
    ) -> Self {
        Self {
            verdict: "VALIDATION_OK",
            receipt: Some(receipt.key()),
            confined: Some(receipt.confined),
            next: of_run::green_next(task, changed, &judge_changed),
            judge_changed,
            tests_weakened,
            ..Self::blank(task)
        }
    }

    /// The text on standard output.
    pub(crate) fn text(&self) -> String {
        let mut text = self.verdict.to_owned();
        if let Some(rule) = &self.rule {
            let _ = write!(text, " rule={:?}", shown(rule));
        }
        if let Some(step) = &self.step {
            let _ = write!(text, " step={step}");
        }
        if let Some(target) = &self.target {
            let _ = write!(text, " target={}", target.short());
        }
        if let Some(ended) = &self.ended {
            let _ = write!(text, " {ended}");
        }
        if self.verdict == "VALIDATION_OK" {
            let _ = write!(text, " steps={}", self.steps_run);
            if self.steps_skipped > 0 {
                let _ = write!(text, " skipped={}", self.steps_skipped);
            }
        }
        let _ = write!(text, " {:.1}s", self.seconds);
        if let Some(receipt) = &self.receipt {
            let _ = write!(text, " receipt={}", &receipt[..12]);
        } else if self.verdict != "INTERRUPTED" && self.verdict != "FAULT" {
            let _ = write!(text, " attempt={}/{}", self.attempts, self.budget);
        }
        text.push('\n');
        self.body(&mut text);
        let _ = writeln!(text, "next: {}", self.next);
        text
    }

    fn body(&self, text: &mut String) {
        if let Some(first) = &self.first_failure {
            let _ = writeln!(text, "first failure: {}", first.title);
            for line in &first.excerpt {
                let _ = writeln!(text, "  {line}");
            }
        }
        if let Some(denied) = &self.denied {
            let _ = writeln!(text, "{denied}");
        }
        if let Some(blame) = &self.blame {
            let _ = writeln!(text, "{blame}");
        }
        if let Some(unknown) = &self.target_unknown {
            let _ = writeln!(text, "{unknown}");
        }
        for flaky in self.flaky.iter().take(FLAKY_SHOWN) {
            let _ = writeln!(text, "flaky: {flaky}");
        }
        if !self.judge_changed.is_empty() {
            let _ = writeln!(
                text,
                "JUDGE_CHANGED: it lands only with the operator's --accept-judge-change:"
            );
        }
        // A verdict has the one or the other.
        let paths = self.paths.iter().chain(&self.judge_changed);
        for path in paths.clone().take(PATHS_SHOWN) {
            let _ = writeln!(text, "  {}", shown(path));
        }
        if let Some(rest @ 1..) = paths.count().checked_sub(PATHS_SHOWN) {
            let _ = writeln!(text, "  … and {rest} more");
        }
        if !self.tests_weakened.is_empty() {
            let _ = writeln!(text, "TESTS_WEAKENED, to be looked at before it lands:");
            for line in lines_of(&self.tests_weakened, WEAKENED_SHOWN) {
                let _ = writeln!(text, "{line}");
            }
        }
        if let (Some(log), Some(lines)) = (&self.log, self.log_lines) {
            let _ = writeln!(text, "full log: {log} ({lines} lines)");
        }
        if let Some(log) = &self.target_log {
            let _ = writeln!(text, "log of the target's own run: {log}");
        }
    }
}
