//! What a run of the gate does to the task's record: once, whoever finds it done.

use crate::contract::Kind;
use crate::copies;
use crate::error::{Code, Refusal, some_of};
use crate::failure;
use crate::gate::{Order, Progress, Purpose, Since, Verdict, receipt_key, report};
use crate::process::Identity;
use crate::remember;
use crate::store::write_json;
use crate::task::{Happening, HeldBack, Rejected, State, Task, UNSTABLE_RUNS, Validated};
use crate::workspace::Workspace;

use super::last_words::fault_of;
use super::order::withdraw_receipt;
use super::outcomes::{Known, known, target_red};
use super::past::load_run;
use super::slot::{end_leftovers, forget_half_made};

/// The run that a living judge is at work on, with its process.
pub(crate) fn judge_at_work(
    ws: &Workspace,
    task: &Task,
) -> anyhow::Result<Option<(Order, Identity)>> {
    let Some(run) = task.judging else {
        return Ok(None);
    };
    let Some(identity) = ws.judge_process(&task.name, run)? else {
        return Ok(None);
    };
    Ok(Some((load_run(ws, &task.name, run)?.0, identity)))
}

/// The refusal of a command that a judge at work on a task stands in the way of, which `order` is for.
pub(crate) fn busy(task: &Task, order: &Order) -> Refusal {
    let name = &task.name;
    let (what, hint) = match order.purpose {
        Purpose::Validate => (
            format!("a judge is at work on task `{name}`"),
            format!("follow it: wt validate {name}"),
        ),
        Purpose::Land => (
            format!("a landing of task `{name}` is being judged"),
            format!("see when it has ended: wt show {name}; Ctrl-C stops that wt merge"),
        ),
        Purpose::Train => {
            let names: Vec<String> = order.train.iter().map(|car| car.task.clone()).collect();
            (
                format!(
                    "a landing judges task `{name}` together with others (a train of {})",
                    some_of(&names)
                ),
                format!("see when it has ended: wt show {name}; Ctrl-C stops that wt merge"),
            )
        }
    };
    Refusal::new(Code::Busy, what).hint(hint)
}

/// Settles the run of a judge that died. The task's lock must be held.
pub(crate) fn clear_dead_judge(ws: &Workspace, task: &mut Task) -> anyhow::Result<()> {
    let Some(run) = task.judging else {
        return Ok(());
    };
    if ws.judge_process(&task.name, run)?.is_some() {
        return Ok(());
    }
    match load_run(ws, &task.name, run) {
        Ok((order, mut progress)) => {
            if let Some(folder) = &progress.temporary {
                end_leftovers(folder)?;
            }
            forget_half_made(ws, &task.worktree)?;
            conclude(ws, &order, &mut progress)?;
            if progress.verdict.is_none() {
                progress.verdict = fault_of(ws, &task.name, run);
            }
            if progress.verdict.is_some() {
                // Whoever reads of this run from now on reads the same.
                write_json(&ws.store.progress_file(&task.name, run), &progress)?;
            } else {
                ws.ctx.ui.warn(&format!(
                    "the judge of run {run} died before its verdict; nothing was counted"
                ));
            }
            settle(ws, task, &order, &progress)
        }
        Err(error) => {
            ws.ctx.ui.warn(&format!("{error:#}; nothing was counted"));
            task.judging = None;
            ws.store.save_task(task)
        }
    }
}

/// The verdict of a judge that died after a step had failed: by what is known, for nothing is run here. As long as
/// nothing speaks for the task an attempt counts; a landing that died is no verdict.
fn conclude(ws: &Workspace, order: &Order, progress: &mut Progress) -> anyhow::Result<()> {
    let (None, Some(step)) = (&progress.verdict, progress.failed_step()) else {
        return Ok(());
    };
    let target = ws.repo.read.tree_of(&order.target)?;
    let known = known(&ws.store, order, &target, &step.name);
    let unsure = match (known, order.purpose) {
        (Some(Known::Red(there)), _) => {
            progress.verdict = Some(target_red(order, *there, None));
            return Ok(());
        }
        (_, Purpose::Train) | (None, Purpose::Land) => return Ok(()),
        (Some(Known::Green), _) => None,
        (None, Purpose::Validate) => Some("the judge died before".to_owned()),
    };
    let log =
        std::fs::read(ws.store.run_dir(&order.task, order.run).join(&step.log)).unwrap_or_default();
    progress.verdict = Some(Verdict::Failed {
        first: failure::first_failure(&log, &[]),
        denied: None,
        culprit: None,
        unsure,
    });
    Ok(())
}

/// Applies a run's verdict to the record and stores it; a run that was applied before is passed over.
/// The task's lock must be held.
pub(super) fn settle(
    ws: &Workspace,
    task: &mut Task,
    order: &Order,
    progress: &Progress,
) -> anyhow::Result<()> {
    if task.judging != Some(order.run) {
        return Ok(());
    }
    task.judging = None;
    let event = apply(task, order, progress)?;
    if let Some(Verdict::Failed { .. } | Verdict::TargetRed { .. } | Verdict::Unstable { .. }) =
        &progress.verdict
    {
        // What passed once and failed now is not proven: no older receipt may answer for it.
        let key = receipt_key(&order.candidate.tree, &order.gate, &order.environment);
        withdraw_receipt(ws, &key)?;
    }
    // Before the record says that it is over: nobody may follow, and yet the verdict must lie where the agent looks.
    if order.purpose != Purpose::Train {
        write_last(ws, task, order, progress);
    }
    // Before the record says that it is over: of a judge that dies here another one comes by.
    if task.state == State::Stopped {
        remember::stopped(ws, task);
    }
    ws.store.save_task(task)?;
    let event = ws
        .event(&task.name, event)
        .fact("run", order.run)
        .fact("attempts", task.attempts);
    ws.record(&event)
}

/// The change that a verdict makes to a record; answers the word for it.
fn apply(task: &mut Task, order: &Order, progress: &Progress) -> anyhow::Result<&'static str> {
    if order.purpose == Purpose::Train {
        // The train stands in this record only because some record must name its judge, and what it was held back by.
        if let Some(Verdict::TargetRed { .. }) = &progress.verdict {
            task.held_back = Some(held_back(order));
        }
        return Ok(word_of_train(progress));
    }
    task.held_back = None;
    match (&progress.verdict, order.purpose) {
        (Some(Verdict::Passed { receipt }), Purpose::Validate) => {
            task.advance(Happening::Passed)?;
            task.unstable = 0;
            task.rejected = None;
            task.validated = Some(Validated {
                snapshot: order.snapshot.clone(),
                target: order.target.clone(),
                receipt: receipt.clone(),
                synced: false,
            });
            Ok("validated")
        }
        (Some(Verdict::Passed { .. }), _) => Ok("combination-green"),
        (Some(Verdict::TargetRed { .. }), _) => {
            task.advance(Happening::TargetRed)?;
            task.held_back = Some(held_back(order));
            Ok("target-red")
        }
        (Some(Verdict::Failed { .. }), Purpose::Validate) if broke_rule(progress) => {
            task.advance(Happening::RuleBroken)?;
            task.validated = None;
            Ok("rule-broken")
        }
        (Some(Verdict::Failed { .. }), purpose) => {
            let (happening, word) = match purpose {
                Purpose::Validate => (Happening::Failed, "failed"),
                _ => (Happening::CombinationRed, "combination-red"),
            };
            task.advance(happening)?;
            task.unstable = 0;
            task.validated = None;
            task.rejected = Some(rejected(order));
            Ok(word)
        }
        (Some(Verdict::Unstable { step, .. }), Purpose::Validate)
            if order.rule_of(step).is_some() =>
        {
            task.advance(Happening::RuleBroken)?;
            task.validated = None;
            Ok("unstable")
        }
        (Some(Verdict::Unstable { .. }), Purpose::Validate) => {
            task.advance(Happening::Unstable)?;
            task.unstable += 1;
            task.validated = None;
            if task.unstable >= UNSTABLE_RUNS {
                task.unstable = 0;
                task.advance(Happening::Failed)?;
                task.rejected = Some(rejected(order));
            }
            Ok("unstable")
        }
        (Some(Verdict::Unstable { .. }), _) => Ok("unstable"),
        (Some(Verdict::Interrupted), _) => Ok("interrupted"),
        (Some(Verdict::Fault { .. }) | None, _) => Ok("lost"),
    }
}

/// Whether what failed is a rule's own check, and no step of the gate.
fn broke_rule(progress: &Progress) -> bool {
    let failed = progress.failed_step();
    failed.is_some_and(|step| step.kind == Kind::Rule)
}

fn word_of_train(progress: &Progress) -> &'static str {
    match &progress.verdict {
        Some(Verdict::Passed { .. }) => "train-green",
        Some(Verdict::Failed { .. }) => "train-red",
        Some(Verdict::TargetRed { .. }) => "target-red",
        Some(Verdict::Unstable { .. }) => "unstable",
        Some(Verdict::Interrupted) => "interrupted",
        Some(Verdict::Fault { .. }) | None => "lost",
    }
}

fn held_back(order: &Order) -> HeldBack {
    HeldBack {
        candidate: order.candidate.tree.clone(),
        gate: order.gate.clone(),
        target: order.target.clone(),
        run: order.run,
    }
}

fn rejected(order: &Order) -> Rejected {
    Rejected {
        candidate: order.candidate.tree.clone(),
        gate: order.gate.clone(),
        run: order.run,
    }
}

/// Puts the verdict, and the log of the step that failed, where the agent reads them. A worktree that can't be
/// written to does not hold up the verdict.
fn write_last(ws: &Workspace, task: &Task, order: &Order, progress: &Progress) {
    let failed = progress.failed_step();
    let log = failed.map(|step| ws.store.run_dir(&task.name, order.run).join(&step.log));
    let named = log.as_deref().zip(failed.map(|step| step.log.as_str()));
    if let Err(error) = copies::write_last(
        task,
        &report(order, progress, task, &Since::default()).text(),
        named,
    ) {
        ws.ctx.ui.warn(&format!("{error:#}"));
    }
}
