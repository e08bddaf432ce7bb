//! Giving the failure of a train to the task whose failure it is.

use anyhow::{Context as _, bail};

use crate::gate::{Order, Progress, Purpose, Report, Verdict};
use crate::store::write_json;
use crate::task::{Pinned, Task};
use crate::workspace::Workspace;

use super::report_of;
use super::settle::{load_run, settle};

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
    let (order, progress) = own_run(ws, task, train, progress)
        .with_context(|| format!("run {run} of task `{owner}` has no failure to give"))?;
    let log = &progress.steps[0].log;
    let dir = ws.store.run_dir(&task.name, order.run);
    write_json(&dir.join("order.json"), &order)?;
    write_json(&dir.join("progress.json"), &progress)?;
    let from = ws.store.run_dir(owner, run).join(log);
    std::fs::copy(&from, dir.join(log))
        .with_context(|| format!("can't copy {}", from.display()))?;
    task.runs = order.run;
    task.judging = Some(order.run);
    settle(ws, task, &order, &progress)?;
    report_of(ws, task, order.run)
}

/// The run of the culprit's own that the train's tells of.
fn own_run(
    ws: &Workspace,
    task: &Task,
    train: Order,
    progress: Progress,
) -> anyhow::Result<(Order, Progress)> {
    let Some(Verdict::Failed {
        culprit: Some(culprit),
        ..
    }) = &progress.verdict
    else {
        bail!("it names no culprit");
    };
    let car = train.train.iter().find(|car| car.task == culprit.task);
    let car = car
        .filter(|car| car.task == task.name)
        .with_context(|| format!("it names task `{}`, and not `{}`", culprit.task, task.name))?;
    let tree = ws.repo.read.tree_of(&car.tip)?;
    let order = Order {
        task: task.name.clone(),
        run: task.runs + 1,
        purpose: Purpose::Land,
        base: task.base.clone(),
        snapshot: Pinned {
            commit: car.tip.clone(),
            tree,
        },
        candidate: culprit.candidate.clone(),
        changed: culprit.changed.clone(),
        train: Vec::new(),
        attempt: task.attempts + 1,
        ..train.clone()
    };
    let progress = Progress {
        steps: vec![culprit.step.clone()],
        temporary: None,
        ..progress
    };
    Ok((order, progress))
}
