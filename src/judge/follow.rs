//! Following a judge to its verdict: on the terminal, and with Ctrl-C to stop it.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use signal_hook::consts::SIGINT;

use crate::error::{Code, some_of};
use crate::gate::{Phase, Progress, Verdict};
use crate::process::Interrupt;
use crate::store::read_json;
use crate::task::Task;
use crate::workspace::Workspace;

use super::clear_dead_judge;
use super::settle::load_run;

/// How a followed run ended.
pub(crate) struct Verdicts {
    /// The record as the run left it.
    pub(crate) task: Task,
    pub(crate) code: Code,
}

const QUICKEST: Duration = Duration::from_millis(3);
const SLOWEST: Duration = Duration::from_millis(80);

/// Waits until the run is settled. The end of this process ends only the following; Ctrl-C stops the judge.
///
/// # Errors
/// Where the state can't be read; the judge goes on then.
pub(crate) fn follow(ws: &Workspace, name: &str, run: u32) -> anyhow::Result<Verdicts> {
    let interrupt = Interrupt::install(&[SIGINT])?;
    let file = ws.store.run_dir(name, run).join("progress.json");
    let bar = ws.ctx.ui.progress(&format!("{name}: judging"));
    let (mut shown, mut pause, mut signalled) = (Phase::Done, QUICKEST, false);
    let started = Instant::now();
    loop {
        let task = ws.store.require_task(name)?;
        if task.judging != Some(run) {
            break;
        }
        let Some(judge) = ws.judge_process(name, run)? else {
            let _lock = ws.lock_task(name)?;
            let mut task = ws.store.require_task(name)?;
            clear_dead_judge(ws, &mut task)?;
            break;
        };
        let progress: Progress = read_json(&file)?.unwrap_or_default();
        if progress.phase != shown {
            let line = phase_line(&task, &progress);
            bar.set(&line);
            if !ws.ctx.ui.is_interactive() && started.elapsed() > Duration::from_secs(1) {
                ws.ctx.ui.say(&line);
            }
            shown = progress.phase;
        }
        if interrupt.raised() && !signalled {
            judge.signal(Signal::INT)?;
            signalled = true;
        }
        if signalled {
            // The interrupt stays raised, so that waiting for it would not pause.
            std::thread::sleep(pause);
        } else {
            interrupt.wait_beside(&judge, pause);
        }
        pause = (pause * 3 / 2).min(SLOWEST);
    }
    drop(bar);
    let task = ws.store.require_task(name)?;
    let (_, progress) = load_run(ws, name, run)?;
    let code = match code_of(&progress, &task) {
        // It was stopped before it could say so.
        Code::Fault if signalled && progress.verdict.is_none() => Code::Interrupted,
        code => code,
    };
    Ok(Verdicts { task, code })
}

/// The exit status that a run's verdict stands for.
fn code_of(progress: &Progress, task: &Task) -> Code {
    match &progress.verdict {
        Some(Verdict::Passed { .. }) => Code::Ok,
        Some(Verdict::Interrupted) => Code::Interrupted,
        Some(Verdict::TargetRed { .. }) => Code::No,
        Some(Verdict::Failed { .. } | Verdict::Unstable { .. }) => {
            super::ask::code_of_failure(task)
        }
        Some(Verdict::Fault { .. }) | None => Code::Fault,
    }
}

fn phase_line(task: &Task, progress: &Progress) -> String {
    let Task { name, target, .. } = task;
    match &progress.phase {
        Phase::Waiting => format!("{name}: waiting for a free slot"),
        Phase::Preparing => format!("{name}: preparing the slot"),
        Phase::Running(step) => format!("{name}: running {step}"),
        Phase::OnTarget(step) => format!("{name}: running {step} on {target} itself"),
        Phase::Searching {
            tasks,
            run,
            at_most,
        } => {
            let tasks = some_of(tasks);
            format!("looking for the culprit: {tasks} ({run} of at most {at_most})")
        }
        Phase::Done => format!("{name}: judged"),
    }
}
