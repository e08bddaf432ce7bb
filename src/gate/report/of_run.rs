//! The report of one run of the gate.

use super::super::{Culprit, Ended, Order, Progress, Purpose, StepResult, Verdict};
use super::{Blame, Report};
use crate::error::{MAKE_ROOM, some_of, tells_of_full_disk};
use crate::failure::Failure;
use crate::oid::Oid;
use crate::task::{State, Task};

/// The one retry, as an agent calls it.
const RETRY: &str = "wt validate --cause \"<why it failed>\"";

/// What has become, since a run, of what its next step names.
#[derive(Debug, Default)]
pub(crate) struct Since {
    /// The tasks that are live no more.
    pub(crate) gone: Vec<String>,
    /// Whether the task has all that its target has.
    pub(crate) caught_up: bool,
}

/// What `progress` of `order` came to, for `task` as it stands after it; the next step is the one that is left.
pub(crate) fn report(order: &Order, progress: &Progress, task: &Task, since: &Since) -> Report {
    let mut report = whatever_came(order, progress, task);
    match &progress.verdict {
        Some(Verdict::Passed { receipt }) => {
            report.verdict = "VALIDATION_OK";
            report.receipt = Some(receipt.clone());
            report.judge_changed.clone_from(&order.judge_changed);
            report.next = green_next(task, &order.changed, &order.judge_changed);
        }
        Some(Verdict::Failed {
            first,
            denied,
            unsure,
            culprit,
        }) => {
            failed(&mut report, progress, task, first);
            let step = report.step.as_deref();
            report.rule = step.and_then(|step| order.rule_of(step)).map(str::to_owned);
            if report.rule.is_some() {
                report.next = rule_broken_next(task);
            }
            if order.purpose == Purpose::Land {
                report.next = put_back_next(culprit.as_deref(), task, since);
            }
            report.denied.clone_from(denied);
            let target = &task.target;
            let unknown = |why| format!("whether {target} is red there, too, is not known: {why}");
            report.target_unknown = unsure.as_ref().map(unknown);
            if let Some(culprit) = culprit {
                report.blame = Some(Blame::of(culprit));
            }
        }
        Some(Verdict::TargetRed {
            step,
            target,
            first,
            log,
            denied,
        }) => {
            failed(&mut report, progress, task, first);
            report.verdict = "TARGET_RED";
            report.denied.clone_from(denied);
            report.target = Some(target.clone());
            report.target_log = Some(log.display().to_string());
            report.next = target_red_next(order, task, step, target);
        }
        Some(Verdict::Unstable { step, paths }) => unstable(&mut report, order, task, step, paths),
        Some(Verdict::Interrupted) => {
            report.verdict = "INTERRUPTED";
            report.next = format!("nothing was counted; {}", again(order, task));
        }
        Some(Verdict::Fault { message }) => {
            report.first_failure = Some(Failure::titled(message));
            let first = if tells_of_full_disk(message) {
                MAKE_ROOM
            } else {
                "wt doctor"
            };
            report.next = format!("nothing was counted; {first}; then {}", again(order, task));
        }
        None => {
            let title = "the judge died before its verdict; nothing was counted";
            report.first_failure = Some(Failure::titled(title));
            report.next = again(order, task);
        }
    }
    report
}

/// What is said of every run, whatever it came to.
fn whatever_came(order: &Order, progress: &Progress, task: &Task) -> Report {
    let steps = order.contract.gate.len();
    let is_verdict = matches!(
        progress.verdict,
        Some(Verdict::Passed { .. } | Verdict::Failed { .. })
    );
    let weakened = is_verdict.then(|| order.tests_weakened.clone());
    Report {
        tests_weakened: weakened.unwrap_or_default(),
        seconds: seconds(&progress.steps),
        flaky: progress.flaky.clone(),
        confined: progress.confined,
        steps_run: progress.steps.len(),
        steps_skipped: steps.saturating_sub(order.selected.len()),
        ..Report::blank(task)
    }
}

fn unstable(report: &mut Report, order: &Order, task: &Task, step: &str, paths: &[String]) {
    report.verdict = "UNSTABLE_TREE";
    report.step = Some(step.to_owned());
    report.paths = paths.to_vec();
    report.rule = order.rule_of(step).map(str::to_owned);
    let mend = match report.rule {
        Some(_) => "commit what the rule's command writes, then".to_owned(),
        None => format!("commit what step `{step}` writes, or make it write elsewhere, then"),
    };
    report.next = match (order.purpose, task.state) {
        (Purpose::Validate, State::Stopped) => stopped_next(task),
        (Purpose::Validate, State::Failed) => format!("{mend} once: {RETRY}"),
        (Purpose::Validate, _) => format!("{mend}: wt validate"),
        // In the task by itself the step may write nothing.
        (Purpose::Land | Purpose::Train, _) => format!("{}; {mend}: wt validate", brought_in(task)),
    };
    if report.rule.is_some() {
        report.next += " (nothing was counted); if it writes each time, end your turn and say so: the operator mends \
                        its `run` in wt.toml";
    }
}

fn failed(report: &mut Report, progress: &Progress, task: &Task, first: &Failure) {
    let Some(step) = progress.failed_step() else {
        return;
    };
    report.verdict = step.token();
    report.step = Some(step.name.clone());
    report.ended = Some(ended(step.ended));
    report.first_failure = Some(first.clone());
    report.log = Some(format!(".wt/last/{}", step.log));
    report.log_lines = Some(step.log_lines);
    report.next = match task.state {
        State::Stopped => stopped_next(task),
        _ => format!("mend this failure only, then once: {RETRY}"),
    };
}

/// A rule's own check costs no attempt, and leaves the state as it was.
fn rule_broken_next(task: &Task) -> String {
    let again = match task.state {
        State::Failed => RETRY,
        _ => "wt validate",
    };
    format!("mend what breaks the rule, commit, then: {again} (nothing was counted)")
}

/// How a task is mended whose work fails only on what its target is by now, or will be once others have landed.
fn put_back_next(culprit: Option<&Culprit>, task: &Task, since: &Since) -> String {
    let target = &task.target;
    let with = culprit.map_or(&[][..], |culprit| &culprit.with);
    let mut open = with.to_vec();
    open.retain(|other| !since.gone.contains(other));
    let why = match (culprit, &open[..]) {
        (None, _) => format!("this is the combination with {target}; no attempt was counted"),
        (_, []) => "no attempt was counted".to_owned(),
        (_, [other]) => format!("no attempt was counted; once {other} has landed"),
        (_, others) => format!(
            "no attempt was counted; once {} have landed",
            some_of(others)
        ),
    };
    // Where it is not known what it is red with, that may be what has not landed yet.
    let known = culprit.is_none_or(|culprit| culprit.exact);
    if open.is_empty() && since.caught_up && known {
        return format!("{why}: mend, commit, wt validate");
    }
    format!("{why}: {}, mend, commit, wt validate", brought_in(task))
}

/// How a task gets what its target is by now.
fn brought_in(task: &Task) -> String {
    format!(
        "wt sync {} (in a cage: git merge {})",
        task.name, task.target
    )
}

fn target_red_next(order: &Order, task: &Task, step: &str, target: &Oid) -> String {
    let whose = match order.purpose {
        Purpose::Validate | Purpose::Land => "not this task's failure",
        Purpose::Train => "no failure of these tasks",
    };
    format!(
        "{whose}: {branch} is red at {}, step {step}; nothing was counted; once {branch} is mended: {} \
         (wt validate{} --fresh looks at {branch} anew)",
        target.short(),
        again(order, task),
        match order.purpose {
            Purpose::Validate => String::new(),
            Purpose::Land | Purpose::Train => format!(" {}", task.name),
        },
        branch = task.target,
    )
}

/// The command that asks once more for what `order` was for.
fn again(order: &Order, task: &Task) -> String {
    match order.purpose {
        Purpose::Validate => "wt validate".to_owned(),
        Purpose::Land => format!("wt merge {}", task.name),
        Purpose::Train => "wt merge --all".to_owned(),
    }
}

/// What follows a pass of work that changes these paths of its target, and of those these that judge it.
pub(super) fn green_next(task: &Task, changed: &[String], judge_changed: &[String]) -> String {
    match (changed, judge_changed) {
        ([], _) => format!("nothing to land: this changes nothing on {}", task.target),
        (_, []) => format!("wt merge {}", task.name),
        _ => format!(
            "end your turn and say so: the operator looks at it, then wt merge {} --accept-judge-change",
            task.name
        ),
    }
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
