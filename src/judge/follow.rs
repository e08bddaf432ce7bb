//! Following a judge to its verdict: on the terminal, and with Ctrl-C to stop it.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::error::{Code, some_of, tells_of_full_disk};
use crate::gate::{Phase, Progress, Verdict};
use crate::process::Interrupt;
use crate::store::read_json;
use crate::task::Task;
use crate::ui;
use crate::workspace::Workspace;

use super::past::load_run;
use super::{clear_dead_judge, slots};

/// How a followed run ended.
pub(crate) struct Followed {
    /// The record as the run left it.
    pub(crate) task: Task,
    pub(crate) code: Code,
}

const QUICKEST: Duration = Duration::from_millis(3);
const SLOWEST: Duration = Duration::from_millis(80);
/// What lasts no longer than this is not told where no line can be wiped.
const SILENT: Duration = Duration::from_secs(1);

/// Waits until the run is settled. The end of this process ends only the following; `interrupt`, also one that was
/// raised before, stops the judge.
///
/// # Errors
/// Where the state can't be read; the judge goes on then.
pub(crate) fn follow(
    ws: &Workspace,
    name: &str,
    run: u32,
    interrupt: &Interrupt,
) -> anyhow::Result<Followed> {
    let file = ws.store.progress_file(name, run);
    let mut shown = Shown::begin(ws, name);
    let (mut pause, mut signalled) = (QUICKEST, false);
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
        shown.show(ws, &task, &progress);
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
    drop(shown);
    let task = ws.store.require_task(name)?;
    let (_, progress) = load_run(ws, name, run)?;
    let code = match code_of(&progress, &task) {
        // It was stopped before it could say so.
        Code::Fault if signalled && progress.verdict.is_none() => Code::Interrupted,
        code => code,
    };
    Ok(Followed { task, code })
}

/// What a follower has shown of a run.
struct Shown {
    bar: ui::Progress,
    begun: Instant,
    phase: Phase,
    /// How many it said stand ahead in the line for a slot.
    ahead: Option<usize>,
}

impl Shown {
    fn begin(ws: &Workspace, name: &str) -> Self {
        Self {
            bar: ws.ctx.ui.progress(&format!("{name}: judging")),
            begun: Instant::now(),
            phase: Phase::Done,
            ahead: None,
        }
    }

    fn show(&mut self, ws: &Workspace, task: &Task, progress: &Progress) {
        let name = &task.name;
        let ui = &ws.ctx.ui;
        let says = !ui.is_interactive() && self.begun.elapsed() > SILENT;
        if progress.phase != self.phase {
            let line = phase_line(task, progress);
            self.bar.set(&line);
            if says {
                ui.say(&line);
            }
            self.phase = progress.phase.clone();
        }
        if let Some(ahead) = progress.ahead {
            let line = waiting_line(ws, name, ahead);
            self.bar.set(&line);
            // An agent reads all of it: of a long line, it is told when half of it is through.
            let news = self
                .ahead
                .is_none_or(|said| ahead < said && ahead <= said / 2);
            if says && news {
                ui.say(&line);
                self.ahead = Some(ahead);
            }
        }
    }
}

/// For whom a judge without a slot waits.
fn waiting_line(ws: &Workspace, name: &str, ahead: usize) -> String {
    // Who can't be told is only not named.
    let tenants = slots::tenants(ws).unwrap_or_default();
    let judged: Vec<String> = tenants
        .iter()
        .map(|(task, pid)| format!("{task} (pid {pid})"))
        .collect();
    let judged = match judged.len() {
        0 => String::new(),
        1 => format!(": {} is judged", judged[0]),
        _ => format!(": {} are judged", some_of(&judged)),
    };
    let more = match ahead {
        0 => String::new(),
        count => format!(", {count} ahead of this in the line"),
    };
    format!("{name}: waiting for a free slot{judged}{more}")
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
        Some(Verdict::Fault { message }) if tells_of_full_disk(message) => Code::Refused,
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
        Phase::Searching { tasks, run } => {
            let tasks = some_of(tasks);
            format!("looking for the culprit: {tasks} (run {run})")
        }
        Phase::Done => format!("{name}: judged"),
    }
}
