//! The bounded text that an agent reads: one verdict line, the first failure, a path to the rest, what to do next.

use std::fmt::Write as _;

use serde::Serialize;

use super::{
    Culprit, Denied, Ended, Flaky, Order, Progress, Purpose, Receipt, StepResult, Verdict,
};
use crate::error::{shown, some_of};
use crate::failure::Failure;
use crate::oid::Oid;
use crate::task::{BUDGET, State, Task};

/// What a train tells of a failure: in whose company the task fails.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Company {
    /// The task whose failure it is.
    pub(crate) culprit: String,
    /// Those without which it does not fail; absent where that could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<Vec<String>>,
}

impl Company {
    fn of(culprit: &Culprit) -> Self {
        Self {
            culprit: culprit.task.clone(),
            with: culprit.exact.then(|| culprit.with.clone()),
        }
    }
}

impl std::fmt::Display for Company {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let culprit = &self.culprit;
        match self.with.as_deref() {
            None => write!(
                f,
                "culprit: {culprit}, on top of the tasks before it in the train"
            ),
            Some([]) => write!(f, "culprit: {culprit}, without any other task"),
            Some([other]) => write!(
                f,
                "a failing pair: {culprit} fails together with {other}, and without it does not"
            ),
            Some(others) => write!(
                f,
                "culprit: {culprit} fails together with {}, and without any one of them does not",
                some_of(others)
            ),
        }
    }
}

/// A verdict, ready to be read.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Report {
    /// The first word of the verdict line.
    pub(crate) verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) step: Option<String>,
    /// How the step ended: `exit=1`, `signal=SIGKILL`, `timeout`, `out-of-memory`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ended: Option<String>,
    pub(crate) seconds: f64,
    /// Counted attempts so far.
    pub(crate) attempts: u32,
    pub(crate) budget: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) first_failure: Option<Failure>,
    /// Where the full log lies, from the worktree's root.
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
    pub(crate) company: Option<Company>,
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
    pub(crate) steps_run: usize,
    pub(crate) steps_skipped: usize,
    pub(crate) next: String,
}

/// The one retry, as an agent calls it.
const RETRY: &str = "wt validate --cause \"<why it failed>\"";

/// How many paths a verdict names before it only counts.
const PATHS_SHOWN: usize = 10;
/// The same of flaky steps.
const FLAKY_SHOWN: usize = 2;

/// What `progress` of `order` came to, for `task` as it stands after it.
pub(crate) fn report(order: &Order, progress: &Progress, task: &Task) -> Report {
    let mut report = Report {
        verdict: "FAULT",
        step: None,
        ended: None,
        seconds: seconds(&progress.steps),
        attempts: task.attempts,
        budget: BUDGET,
        first_failure: None,
        log: None,
        log_lines: None,
        target: None,
        target_log: None,
        company: None,
        target_unknown: None,
        flaky: progress.flaky.clone(),
        denied: None,
        receipt: None,
        confined: progress.confined,
        paths: Vec::new(),
        judge_changed: Vec::new(),
        steps_run: progress.steps.len(),
        steps_skipped: order
            .contract
            .gate
            .len()
            .saturating_sub(order.selected.len()),
        next: String::new(),
    };
    match &progress.verdict {
        Some(Verdict::Passed { receipt }) => {
            report.verdict = "VALIDATION_OK";
            report.receipt = Some(receipt.clone());
            report.judge_changed.clone_from(&order.judge_changed);
            report.next = format!("wt merge {}", task.name);
        }
        Some(Verdict::Failed {
            first,
            denied,
            unsure,
            culprit,
        }) => {
            report.company = culprit.as_deref().map(Company::of);
            report.target_unknown = unsure.as_ref().map(|why| {
                format!(
                    "whether {} is red there, too, is not known: {why}",
                    task.target
                )
            });
            report.denied.clone_from(denied);
            failed(&mut report, order, progress, task, first);
        }
        Some(Verdict::TargetRed {
            step,
            target,
            first,
            log,
            denied,
        }) => {
            report.denied.clone_from(denied);
            failed(&mut report, order, progress, task, first);
            report.verdict = "TARGET_RED";
            report.target = Some(target.clone());
            report.target_log = Some(log.display().to_string());
            report.next = target_red_next(order, task, step, target);
        }
        Some(Verdict::Unstable { step, paths }) => {
            report.verdict = "UNSTABLE_TREE";
            report.step = Some(step.clone());
            report.paths.clone_from(paths);
            let mend =
                format!("commit what step `{step}` writes, or make it write elsewhere, then");
            report.next = match task.state {
                State::Stopped => stopped_next(task),
                State::Failed => format!("{mend} once: {RETRY}"),
                _ => format!("{mend}: wt validate"),
            };
        }
        Some(Verdict::Interrupted) => {
            report.verdict = "INTERRUPTED";
            report.next = "nothing was counted; wt validate".to_owned();
        }
        Some(Verdict::Fault { message }) => {
            report.first_failure = Some(Failure {
                title: message.clone(),
                excerpt: Vec::new(),
            });
            report.next = "nothing was counted; wt doctor, then wt validate".to_owned();
        }
        None => {
            let title = "the judge died before its verdict; nothing was counted".to_owned();
            report.first_failure = Some(Failure {
                title,
                excerpt: Vec::new(),
            });
            report.next = "wt validate".to_owned();
        }
    }
    report
}

fn failed(report: &mut Report, order: &Order, progress: &Progress, task: &Task, first: &Failure) {
    let Some(step) = progress.failed_step() else {
        return;
    };
    report.verdict = step.token();
    report.step = Some(step.name.clone());
    report.ended = Some(ended(step.ended));
    report.first_failure = Some(first.clone());
    report.log = Some(format!(".wt/last/{}", step.log));
    report.log_lines = Some(step.log_lines);
    report.next = match (order.purpose, task.state) {
        (Purpose::Land, _) => format!(
            "this is the combination with {}, which has moved; no attempt was counted: \
             wt sync {} (in a cage: git merge {}), mend, commit, wt validate",
            task.target, task.name, task.target
        ),
        (_, State::Stopped) => stopped_next(task),
        _ => format!("mend this failure only, then once: {RETRY}"),
    };
}

fn target_red_next(order: &Order, task: &Task, step: &str, target: &Oid) -> String {
    let again = match order.purpose {
        Purpose::Validate => "wt validate".to_owned(),
        Purpose::Land | Purpose::Train => format!("wt merge {}", task.name),
    };
    format!(
        "not this task's failure: {branch} is red at {}, step {step}; nothing was counted; once {branch} is mended: \
         {again} (wt validate --fresh looks at {branch} anew)",
        target.short(),
        branch = task.target,
    )
}

/// What is left to an agent whose task is stopped.
pub(crate) fn stopped_next(task: &Task) -> String {
    format!(
        "stop here; say what was tried and what is needed: wt explain {} -m \"…\"; a person decides",
        task.name
    )
}

fn seconds(steps: &[StepResult]) -> f64 {
    let milliseconds: u64 = steps.iter().map(|s| s.milliseconds).sum();
    std::time::Duration::from_millis(milliseconds).as_secs_f64()
}

fn ended(ended: Ended) -> String {
    match ended {
        Ended::Exit(status) => format!("exit={status}"),
        Ended::Signal(signal) => match signal_hook::low_level::signal_name(signal) {
            Some(name) => format!("signal={name}"),
            None => format!("signal={signal}"),
        },
        Ended::OutOfMemory => "out-of-memory".to_owned(),
        Ended::Timeout => "timeout".to_owned(),
    }
}

impl Report {
    /// The verdict on work that a stored receipt vouches for: no step was run.
    pub(crate) fn known(task: &Task, receipt: &Receipt, judge_changed: Vec<String>) -> Self {
        Self {
            verdict: "VALIDATION_OK",
            step: None,
            ended: None,
            seconds: 0.0,
            attempts: task.attempts,
            budget: BUDGET,
            first_failure: None,
            log: None,
            log_lines: None,
            target: None,
            target_log: None,
            company: None,
            target_unknown: None,
            flaky: Vec::new(),
            denied: None,
            receipt: Some(receipt.key()),
            confined: Some(receipt.confined),
            paths: Vec::new(),
            judge_changed,
            steps_run: 0,
            steps_skipped: 0,
            next: format!("wt merge {}", task.name),
        }
    }

    /// The text on standard output.
    pub(crate) fn text(&self) -> String {
        let mut text = self.verdict.to_owned();
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
        if let Some(company) = &self.company {
            let _ = writeln!(text, "{company}");
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
        if let (Some(log), Some(lines)) = (&self.log, self.log_lines) {
            let _ = writeln!(text, "full log: {log} ({lines} lines)");
        }
        if let Some(log) = &self.target_log {
            let _ = writeln!(text, "log of the target's own run: {log}");
        }
    }
}
