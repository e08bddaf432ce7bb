//! What the runs of the gate came to, as they are on record.

use anyhow::Context as _;

use crate::gate::{Order, Progress, Report, Since, Verdict, report};
use crate::task::Task;
use crate::workspace::Workspace;

/// The order and the progress of a run.
pub(super) fn load_run(ws: &Workspace, task: &str, run: u32) -> anyhow::Result<(Order, Progress)> {
    ws.store.find_run(task, run)?.with_context(|| {
        let dir = ws.store.run_dir(task, run);
        format!(
            "run {run} of task `{task}` left no record in {}",
            dir.display()
        )
    })
}

/// The verdict of a finished run, if it came to one.
pub(crate) fn verdict_of(ws: &Workspace, task: &str, run: u32) -> anyhow::Result<Option<Verdict>> {
    Ok(load_run(ws, task, run)?.1.verdict)
}

/// What a finished run came to. The log is named where the agent reads it, from the worktree's root for who is in there,
/// or, where it is no longer there, in the state.
pub(crate) fn report_of(ws: &Workspace, task: &Task, run: u32) -> anyhow::Result<Report> {
    let (order, progress) = load_run(ws, &task.name, run)?;
    let mut report = report(&order, &progress, task, &since(ws, task, &progress)?);
    let is_inside = ws.ctx.cwd.starts_with(&task.worktree);
    if let (Some(step), Some(named)) = (progress.failed_step(), &report.log) {
        let copy = std::fs::symlink_metadata(task.worktree.join(named));
        if !copy.is_ok_and(|metadata| metadata.is_file()) {
            let kept = ws.store.run_dir(&task.name, run).join(&step.log);
            report.log = Some(kept.display().to_string());
        } else if !is_inside {
            report.log = Some(task.worktree.join(named).display().to_string());
        }
    }
    Ok(report)
}

/// What the failure came to that the task is not past.
pub(crate) fn last_failure(ws: &Workspace, task: &Task) -> anyhow::Result<Option<Report>> {
    let held_back = task.held_back.as_ref().map(|held| held.run);
    let run = held_back.or(task.rejected.as_ref().map(|rejected| rejected.run));
    run.map(|run| report_of(ws, task, run)).transpose()
}

/// A run of the gate that is over.
pub(crate) struct PastRun {
    pub(crate) run: u32,
    /// What was stated as the cause of the failure before it.
    pub(crate) cause: Option<String>,
    pub(crate) report: Report,
}

/// The runs of a task that are over and still on record, oldest first.
pub(crate) fn past_runs(ws: &Workspace, task: &Task) -> Vec<PastRun> {
    let numbers = (1..=task.runs).filter(|run| task.judging != Some(*run));
    numbers
        .filter_map(|run| {
            // `wt gc` takes old ones.
            let (order, progress) = load_run(ws, &task.name, run).ok()?;
            Some(PastRun {
                run,
                report: report(&order, &progress, task, &Since::default()),
                cause: order.cause,
            })
        })
        .collect()
}

/// What has become of what the next step after a red combination names.
fn since(ws: &Workspace, task: &Task, progress: &Progress) -> anyhow::Result<Since> {
    let Some(Verdict::Failed { culprit, .. }) = &progress.verdict else {
        return Ok(Since::default());
    };
    let mut gone = Vec::new();
    for other in culprit.iter().flat_map(|culprit| &culprit.with) {
        let there = ws.store.find_task(other)?;
        if there.is_none_or(|there| there.landing.is_some()) {
            gone.push(other.clone());
        }
    }
    let read = &ws.repo.read;
    let tips = (read.tip(&task.branch_ref())?, read.tip(&task.target_ref())?);
    let caught_up = match tips {
        (Some(tip), Some(target)) => read.ahead_behind(&tip, &target)?.1 == 0,
        _ => false,
    };
    Ok(Since { gone, caught_up })
}
