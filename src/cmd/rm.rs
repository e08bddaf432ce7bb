//! `wt rm`: takes a task away; what is nowhere else is refused, or kept in the trash.

use clap::Args;
use clap_complete::ArgValueCandidates;

use crate::ballast;
use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::input;
use crate::judge::{clear_dead_judge, judge_at_work};
use crate::mend::mend;
use crate::quarantine;
use crate::remove::{Force, Keep, remove, stop_judge, unsaved};
use crate::spawn::ready_followers;
use crate::store::Lock;
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Remove a task: its worktree, its branch and its record
#[derive(Args)]
#[command(
    after_help = "Without --force what git ignores in its worktree (build folders, .env copies, what .git/info/exclude \
    names) is deleted with it. A task with a plan that has not landed is kept whole all the same, for wt restore."
)]
pub(crate) struct Rm {
    /// The task
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: String,
    /// Also with work that is nowhere else; it is kept in the trash (wt restore)
    #[arg(long)]
    force: bool,
}

impl Rm {
    /// Takes the task's lock while no judge is at work on it: with `--force` one that is gets stopped first.
    fn without_judge(&self, ws: &Workspace) -> anyhow::Result<(Lock, Task)> {
        let force = if self.force { Force::Yes } else { Force::No };
        loop {
            let (lock, mut task) = ws.take_task(&self.task)?;
            clear_dead_judge(ws, &mut task)?;
            quarantine::require_ended(ws, &task.name, "end what runs there first")?;
            if judge_at_work(ws, &task)?.is_none() {
                return Ok((lock, task));
            }
            stop_judge(ws, &task, force)?;
            // It settles its run under this lock, so that the lock must be free meanwhile.
            drop(lock);
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let _lent = ballast::lend(&ws);
        mend(&ws)?;
        let (_task_lock, task) = self.without_judge(&ws)?;
        // Of a waiting task the record is all there is: it is kept, so that claim and brief can be brought back.
        let keep = if self.force || task.is_waiting() {
            Keep::Everything
        } else {
            let unsaved = unsaved(&ws, &task)?;
            if !unsaved.is_empty() {
                return Err(refuse(&self.task, &unsaved).into());
            }
            match task.state {
                // Its plan, or the one that waits, is work that nothing else has.
                state if state != State::Landed && task.has_plan() => Keep::Everything,
                _ => Keep::Nothing {
                    checked: unsaved.tip,
                },
            }
        };
        let trashed = {
            let _lock = ws.lock()?;
            remove(&ws, &task, &keep)?
        };
        ctx.ui.say(&format!("removed task `{}`", self.task));
        if trashed.kept {
            ctx.ui
                .hint(&format!("bring it back: wt restore {}", self.task));
        }
        for follower in ready_followers(&ws, &self.task)? {
            let name = follower.name;
            ctx.ui.hint(&format!(
                "task `{name}` waits for no other any more: wt spawn {name}"
            ));
        }
        ws.hint_if_inside(&task.worktree);
        Ok(Code::Ok)
    }
}

fn refuse(name: &str, unsaved: &crate::remove::Unsaved) -> Refusal {
    Refusal::refused(format!("task `{name}` holds work that is nowhere else ({})", unsaved.words()))
        .hint(format!("land it: wt validate {name}, wt merge {name}; or wt rm {name} --force, which wt restore can undo"))
}
