//! Making a task: branch, worktree, record, copies and set-up; all of it or nothing.

mod ahead;
mod make;
mod plan;
mod room;
mod set_up;
mod sparse;
mod undo;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::ballast;
use crate::carry;
use crate::confine;
use crate::donor::MainIndex;
use crate::error::{Code, Refusal};
use crate::oid::Oid;
use crate::process::{self, Interrupt};
use crate::task::{Task, check_name};
use crate::usage;
use crate::workspace::{InForce, Workspace};

pub(crate) use ahead::make_ahead;
use plan::Plan;
pub(crate) use undo::undo;

/// A task to be made.
pub(crate) struct NewTask {
    pub(crate) name: String,
    pub(crate) brief: Option<String>,
    pub(crate) base: Oid,
    /// Short name of the branch it lands on.
    pub(crate) target: String,
    pub(crate) owns: Vec<String>,
    /// Constraints of its own.
    pub(crate) rules: Vec<String>,
    /// Whether its worktree holds the folders of its scope alone.
    pub(crate) sparse: bool,
    /// The tasks that must have landed before it starts.
    pub(crate) after: Vec<String>,
    /// Whether a plan is to be approved before anything is changed, whatever the contract says.
    pub(crate) plans: bool,
    /// Its record, where it is waiting to be made.
    pub(crate) waiting: Option<Box<Task>>,
}

/// Makes a task, or only writes it down while others that it follows have not landed; any failure undoes what was
/// made.
///
/// # Errors
/// A refusal for whatever stands in the way, found before anything is made; set-up's own failure.
pub(crate) fn spawn(ws: &Workspace, new: &NewTask) -> anyhow::Result<Task> {
    check_name(&new.name)?;
    let _task_lock = ws.lock_task(&new.name)?;
    let task = carry_out(ws, new)?;
    // What it follows may have landed while it was written down, and found nobody waiting.
    if task.is_waiting() && ws.waits_for(&task).is_empty() {
        return make_waiting(ws, task);
    }
    Ok(task)
}

/// Makes what is missing of a waiting task, once the tasks that it follows have landed; one that has started
/// meanwhile is answered as it is.
///
/// # Errors
/// As [`spawn`]: the task goes on waiting then. A refusal where it still waits for another.
pub(crate) fn start(ws: &Workspace, name: &str) -> anyhow::Result<Task> {
    let _task_lock = ws.lock_task(name)?;
    let task = ws.store.require_task(name)?;
    if !task.is_waiting() {
        return Ok(task);
    }
    if !ws.waits_for(&task).is_empty() {
        ws.require_started(&task)?;
    }
    make_waiting(ws, task)
}

fn make_waiting(ws: &Workspace, task: Task) -> anyhow::Result<Task> {
    let new = NewTask {
        name: task.name.clone(),
        brief: task.brief.clone(),
        base: ws.target_tip(&task)?,
        target: task.target.clone(),
        owns: task.owns.clone(),
        rules: task.own_rules.clone(),
        sparse: task.folders.is_some(),
        after: Vec::new(),
        plans: task.plans,
        waiting: Some(Box::new(task)),
    };
    carry_out(ws, &new)
}

/// Starts the tasks that followed `landed` and wait for no other now. One that can't be started is said, and goes on
/// waiting.
pub(crate) fn start_followers(ws: &Workspace, landed: &str) -> anyhow::Result<Vec<Task>> {
    let ui = &ws.ctx.ui;
    let mut started = Vec::new();
    for task in ready_followers(ws, landed)? {
        let name = &task.name;
        let task = match start(ws, name) {
            Ok(task) => task,
            Err(error) => {
                let Some(made) = made_all_the_same(ws, name) else {
                    ui.warn(&format!("task `{name}` goes on waiting: {error:#}"));
                    ui.hint(&format!("once that is mended: wt spawn {name}"));
                    continue;
                };
                ui.warn(&format!("{error:#}"));
                made
            }
        };
        let (name, path) = (&task.name, task.worktree.display());
        ui.say(&format!("task `{name}` has started: {path}"));
        started.push(task);
    }
    ws.store.settle_followers(landed)?;
    Ok(started)
}

/// A task that stands though its start failed: it was made whole, and what came after it failed.
fn made_all_the_same(ws: &Workspace, name: &str) -> Option<Task> {
    // While its intent is open, the next command undoes it.
    let has_intent = !matches!(ws.store.find_intent(name), Ok(None));
    let task = ws.store.find_task(name).ok().flatten()?;
    (!has_intent && !task.is_waiting()).then_some(task)
}

/// The tasks that followed `gone` and wait for no other.
pub(crate) fn ready_followers(ws: &Workspace, gone: &str) -> anyhow::Result<Vec<Task>> {
    let tasks = ws.store.tasks()?.into_iter();
    Ok(tasks
        .filter_map(|(_, task)| task.ok())
        .filter(|task| task.is_waiting() && task.after.iter().any(|name| name == gone))
        .filter(|task| ws.waits_for(task).is_empty())
        .collect())
}

fn carry_out(ws: &Workspace, new: &NewTask) -> anyhow::Result<Task> {
    let interrupt = Interrupt::install(&[SIGINT, SIGTERM])?;
    let tip = ws.repo.read.tip(&format!("refs/heads/{}", new.target))?;
    let tip = tip.ok_or_else(|| {
        Refusal::refused(format!("the target {:?} is no branch", new.target))
            .hint("name the branch that the task is to land on: --target <branch>")
    })?;
    let in_force = ws.in_force(&ws.repo, &new.target, &tip)?;
    for line in &in_force.assumptions {
        ws.ctx
            .ui
            .say(&format!("no wt.toml on {}: {line}", new.target));
    }
    confine::require(&in_force.contract)?;
    if !in_force.contract.worktree.setup.is_empty() {
        confine::announce(&ws.ctx.ui, &in_force.contract)?;
    }
    // Git may look at every file for them: others need not wait for that.
    let carried = carry::candidates(&ws.repo, &in_force.contract.worktree.carry)?;
    let main = MainIndex::new(&ws.repo, &new.base);
    let plan = {
        let _lock = ws.lock()?;
        let plan = Plan::check(ws, new, &in_force, carried, &main)?;
        if !plan.after.is_empty() {
            return plan.write_down(ws, new, &in_force);
        }
        // From here on the intent holds name and claim, so that other spawns need not wait for this one.
        let intent = plan.operation(new);
        ws.store
            .intend(&new.name, &process::Identity::current()?, intent)?;
        plan
    };
    match make(ws, new, &in_force, (&plan, main), &interrupt) {
        Ok(task) => {
            ws.store.settle_spawn(&task.name, &task.worktree)?;
            ws.record(
                &ws.event(&task.name, "spawned")
                    .fact("base", task.base.as_str())
                    .fact("target", task.target.as_str()),
            )?;
            ballast::hold(ws, &plan.worktrees);
            usage::look(ws, &plan.worktrees);
            plan.make_ahead(ws, new, &in_force);
            Ok(task)
        }
        Err(error) => {
            let _lock = ws.lock()?;
            undo(ws, &new.name, &plan.operation(new))?;
            plan.make_ahead(ws, new, &in_force);
            Err(if interrupt.raised() {
                Refusal::new(
                    Code::Interrupted,
                    format!("interrupted; task `{}` was not made", new.name),
                )
                .into()
            } else {
                error.context(format!(
                    "task `{}` was not made; what had been made is undone",
                    new.name
                ))
            })
        }
    }
}

fn make(
    ws: &Workspace,
    new: &NewTask,
    in_force: &InForce,
    (plan, main): (&Plan, MainIndex),
    interrupt: &Interrupt,
) -> anyhow::Result<Task> {
    let bar = ws
        .ctx
        .ui
        .progress(&format!("{}: making the worktree", new.name));
    let mut origins = plan.origins(ws, new, in_force, main)?;
    let task = plan.make(ws, new, in_force, origins.of_files())?;
    drop(bar);
    plan.finish(ws, &task, in_force, origins.donor, interrupt)?;
    Ok(task)
}
