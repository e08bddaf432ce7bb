//! Making a task: branch, worktree, record, copies and set-up; all of it or nothing.

mod make;
mod plan;
mod set_up;
mod undo;

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::confine;
use crate::error::{Code, Refusal};
use crate::oid::Oid;
use crate::process::{self, Interrupt};
use crate::task::{Task, check_name};
use crate::workspace::Workspace;

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
}

/// Makes a task; any failure undoes what was made.
///
/// # Errors
/// A refusal for whatever stands in the way, found before anything is made; set-up's own failure.
pub(crate) fn spawn(ws: &Workspace, new: &NewTask) -> anyhow::Result<Task> {
    check_name(&new.name)?;
    let interrupt = Interrupt::install(&[SIGINT, SIGTERM])?;
    let _task_lock = ws.lock_task(&new.name)?;
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
    let plan = {
        let _lock = ws.lock()?;
        let plan = Plan::check(ws, new, &in_force)?;
        // From here on the intent holds name and claim, so that other spawns need not wait for this one.
        let intent = plan.operation(&new.base);
        ws.store
            .intend(&new.name, &process::Identity::current()?, intent)?;
        plan
    };
    let make = || -> anyhow::Result<Task> {
        let bar = ws
            .ctx
            .ui
            .progress(&format!("{}: making the worktree", new.name));
        let task = plan.make(ws, new, &in_force)?;
        drop(bar);
        plan.finish(ws, &task, &in_force, &interrupt)?;
        Ok(task)
    };
    match make() {
        Ok(task) => {
            ws.store.settle(&task.name)?;
            ws.record(
                &ws.event(&task.name, "spawned")
                    .fact("base", task.base.as_str())
                    .fact("target", task.target.as_str()),
            )?;
            Ok(task)
        }
        Err(error) => {
            let _lock = ws.lock()?;
            undo(ws, &new.name, &plan.operation(&new.base))?;
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
