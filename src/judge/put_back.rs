//! Giving the failure of a train to the task whose failure it is.

use std::fs;

use anyhow::{Context as _, bail};

use crate::gate::{Culprit, Order, Progress, Purpose, Report, StepResult, Verdict};
use crate::store::write_json;
use crate::task::{Pinned, Task};
use crate::workspace::Workspace;

use super::past::load_run;
use super::report_of;
use super::settle::settle;

/// Puts `task`, which run `run` of `owner` found to be the train's culprit, back to work: with a run of its own that
/// tells of the failure, and without a counted attempt. Answers that run's report. The task's lock must be held, and
/// no judge be at work on it; `task` is the record as it stands.
///
/// # Errors
/// Where that run found another culprit or none, or can't be read; nothing is changed then.
pub(crate) fn put_back(
    ws: &Workspace,
    task: &mut Task,
    owner: &str,
    run: u32,
) -> anyhow::Result<Report> {
    let (train, progress) = load_run(ws, owner, run)?;
    let culprit = culprit_of(&progress)
        .filter(|culprit| culprit.task == task.name)
        .with_context(|| format!("run {run} of task `{owner}` blames no task `{}`", task.name))?;
    let order = own_order(ws, task, &train, culprit)?;
    let step = StepResult {
        log: format!("{}.log", culprit.step.name),
        ..culprit.step.clone()
    };
    let dir = ws.store.run_dir(&task.name, order.run);
    let (from, to) = (
        ws.store.run_dir(owner, run).join(&culprit.step.log),
        dir.join(&step.log),
    );
    let progress = Progress {
        steps: vec![step],
        temporary: None,
        ..progress
    };
    write_json(&ws.store.order_file(&task.name, order.run), &order)?;
    fs::copy(&from, &to).with_context(|| format!("can't copy {}", from.display()))?;
    write_json(&ws.store.progress_file(&task.name, order.run), &progress)?;
    task.runs = order.run;
    task.judging = Some(order.run);
    settle(ws, task, &order, &progress)?;
    report_of(ws, task, order.run)
}

fn culprit_of(progress: &Progress) -> Option<&Culprit> {
    match progress.verdict.as_ref()? {
        Verdict::Failed { culprit, .. } => culprit.as_deref(),
        _ => None,
    }
}

/// The order that the culprit's own run stands for.
fn own_order(
    ws: &Workspace,
    task: &Task,
    train: &Order,
    culprit: &Culprit,
) -> anyhow::Result<Order> {
    let Some(car) = train.train.iter().find(|car| car.task == task.name) else {
        bail!(
            "task `{}` is not of the train that it is blamed for",
            task.name
        );
    };
    let snapshot = Pinned {
        commit: car.tip.clone(),
        tree: ws.repo.read.tree_of(&car.tip)?,
    };
    Ok(Order {
        task: task.name.clone(),
        run: task.runs + 1,
        purpose: Purpose::Land,
        base: task.base.clone(),
        snapshot,
        train: Vec::new(),
        attempt: task.attempts + 1,
        ..train.of(&culprit.candidate, &culprit.changed)
    })
}
