//! The report of one run of the gate.

use super::super::{Ended, Order, Progress, Purpose, StepResult, Verdict};
use super::{Blame, Report};
use crate::error::some_of;
use crate::failure::Failure;
use crate::oid::Oid;
use crate::task::{State, Task};

/// The one retry, as an agent calls it.
const RETRY: &str = "wt validate --cause \"<why it failed>\"";

/// What `progress` of `order` came to, for `task` as it stands after it.
pub(crate) fn report(order: &Order, progress: &Progress, task: &Task) -> Report {
    let mut report = Report {
        seconds: seconds(&progress.steps),
        flaky: progress.flaky.clone(),
        confined: progress.confined,
        steps_run: progress.steps.len(),
        steps_skipped: order
            .contract
            .gate
            .len()
            .saturating_sub(order.selected.len()),
        ..Report::blank(task)
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
            failed(&mut report, order, progress, task, first);
            report.denied.clone_from(denied);
            let target = &task.target;
            let unknown = |why| format!("whether {target} is red there, too, is not known: {why}");
            report.target_unknown = unsure.as_ref().map(unknown);
            if let Some(culprit) = culprit {
                report.blame = Some(Blame::of(culprit));
                let others = match &culprit.with[..] {
                    [] => String::new(),
                    // True before they have landed and after it: who reads this may come late.
                    others => format!("; with {} on {target}", some_of(others)),
                };
                report.next = format!("no attempt was counted{others}: {}", caught_up(task));
            }
        }
        Some(Verdict::TargetRed {
            step,
            target,
            first,
            log,
            denied,
        }) => {
            failed(&mut report, order, progress, task, first);
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
            report.next = format!(
                "nothing was counted; wt doctor, then {}",
                again(order, task)
            );
        }
        None => {
            let title = "the judge died before its verdict; nothing was counted";
            report.first_failure = Some(Failure::titled(title));
            report.next = again(order, task);
        }
    }
    report
}

fn unstable(report: &mut Report, order: &Order, task: &Task, step: &str, paths: &[String]) {
    report.verdict = "UNSTABLE_TREE";
    report.step = Some(step.to_owned());
    report.paths = paths.to_vec();
    let mend = format!("commit what step `{step}` writes, or make it write elsewhere, then");
    report.next = match (order.purpose, task.state) {
        (Purpose::Validate, State::Stopped) => stopped_next(task),
        (Purpose::Validate, State::Failed) => format!("{mend} once: {RETRY}"),
        (Purpose::Validate, _) => format!("{mend}: wt validate"),
        // In the task by itself the step may write nothing.
        (Purpose::Land | Purpose::Train, _) => format!("{}; {mend}: wt validate", brought_in(task)),
    };
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
            "this is the combination with {} as it is now; no attempt was counted: {}",
            task.target,
            caught_up(task)
        ),
        (_, State::Stopped) => stopped_next(task),
        _ => format!("mend this failure only, then once: {RETRY}"),
    };
}

/// How a task is mended whose work fails only on what its target is by now.
fn caught_up(task: &Task) -> String {
    format!("{}, mend, commit, wt validate", brought_in(task))
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
