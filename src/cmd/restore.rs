//! `wt restore`: brings a removed task back as it was.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::mend::mend;
use crate::remove::{find_restorable, restore};
use crate::task::Task;
use crate::workspace::{Claimant, Workspace};

/// Bring back a task that `wt rm --force` removed
#[derive(Args)]
pub(crate) struct Restore {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::removed_tasks))]
    task: String,
}

impl Restore {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        mend(&ws)?;
        find_restorable(&ws, &self.task)?;
        let _task_lock = ws.lock_task(&self.task)?;
        let _lock = ws.lock()?;
        let trashed = find_restorable(&ws, &self.task)?;
        // Others may have claimed its paths, or its name in other letters, since it went.
        let task = &trashed.task;
        let shared = shared(&ws, task)?;
        let claims = ws.claims_beside(&ws.repo, &Claimant::from(task), &shared)?;
        claims.require_no_circle()?;
        claims.require_free()?;
        let alike =
            |name: &String| *name != task.name && name.to_lowercase() == task.name.to_lowercase();
        if let Some(other) = ws.taken_names()?.into_iter().find(alike) {
            return Err(
                Refusal::refused(format!("there is a task `{other}` by now"))
                    .hint("remove that one first; the two differ by case alone")
                    .into(),
            );
        }
        restore(&ws, &trashed)?;
        if task.is_waiting() {
            ctx.ui.say(&format!("task `{}` waits again", task.name));
            return Ok(Code::Ok);
        }
        if !trashed.task.worktree.is_dir() {
            ctx.ui
                .warn("its worktree was gone when it was removed; branch and record are back");
            ctx.ui.hint("check the branch out again: wt doctor --fix");
        }
        ctx.ui.out(&trashed.task.worktree.display().to_string());
        Ok(Code::Ok)
    }
}

/// The paths that all tasks may change. Where the contract on the target can't be read they are taken for none: the work
/// is brought back all the same, unless its claim could meet another's.
fn shared(ws: &Workspace, task: &Task) -> anyhow::Result<Vec<String>> {
    let tip = ws.target_tip(task)?;
    match ws.in_force(&ws.repo, &task.target, &tip) {
        Ok(in_force) => Ok(in_force.contract.scope.shared),
        Err(error) if error.is::<Refusal>() => {
            let ui = &ws.ctx.ui;
            ui.warn(&format!(
                "{error:#}; which paths all tasks share is not known, and none are taken for that"
            ));
            Ok(Vec::new())
        }
        Err(error) => Err(error),
    }
}
