//! What can be wrong with one task: its branch, its judge, its worktree, its copies.

use std::fs;

use super::Checkup;
use crate::copies;
use crate::git::{NewWorktree, WorktreeBranch, folder_id};
use crate::judge::{clear_dead_judge, judge_at_work};
use crate::task::{State, Task};
use crate::workspace::Workspace;

impl Checkup<'_> {
    pub(super) fn task(&mut self, mut task: Task) -> anyhow::Result<()> {
        let ws = self.ws;
        if ws.repo.read.tip(&task.branch_ref())?.is_none() {
            let mend = format!(
                "git branch {} <commit>, or wt rm {} --force",
                task.branch, task.name
            );
            self.found(
                format!("the branch {} of task `{}` is gone", task.branch, task.name),
                &mend,
            );
            return Ok(());
        }
        if task.judging.is_some() && judge_at_work(ws, &task)?.is_none() {
            let what = format!("the judge of task `{}` died", task.name);
            let name = task.name.clone();
            self.mendable(what, "settle its run", || {
                let _lock = ws.lock_task(&name)?;
                clear_dead_judge(ws, &mut ws.store.require_task(&name)?)
            });
        }
        self.locks(&task);
        if fs::symlink_metadata(&task.worktree).is_err() {
            return self.missing_worktree(&mut task);
        }
        if let Err(error) = ws.repo.verify_worktree(&task) {
            self.found(
                format!("{error:#}"),
                "look at it; what is committed is safe on its branch",
            );
            return Ok(());
        }
        self.copies(&mut task);
        Ok(())
    }

    /// Locks that a killed git left on what is `wt`'s own or the task's.
    fn locks(&mut self, task: &Task) {
        let ws = self.ws;
        let own = ws.store.task_index(&task.name).with_extension("lock");
        if own.exists() {
            let name = &task.name;
            self.mendable(
                format!("{} is left over", own.display()),
                "remove it",
                || {
                    // Whoever could own it holds the task's lock.
                    let _lock = ws.lock_task(name)?;
                    Ok(fs::remove_file(&own)?)
                },
            );
        }
        let theirs = ws.repo.admin_dir(&task.admin).join("index.lock");
        if theirs.exists() {
            let mend = format!("if no git runs in {}, remove it", task.worktree.display());
            self.found(format!("{} is there", theirs.display()), &mend);
        }
    }

    fn missing_worktree(&mut self, task: &mut Task) -> anyhow::Result<()> {
        let ws = self.ws;
        if let Some(found) = ws.repo.moved_to(task) {
            let what = format!(
                "the worktree of task `{}` was moved to {}",
                task.name,
                found.display()
            );
            self.mendable(what, "take note of its new place", || {
                let _lock = ws.lock_task(&task.name)?;
                task.worktree.clone_from(&found);
                ws.repo.relink(task)?;
                ws.store.save_task(task)
            });
            return Ok(());
        }
        let what = format!(
            "the worktree of task `{}` is gone from {}",
            task.name,
            task.worktree.display()
        );
        self.mendable(what, "check its branch out there again", || {
            let _lock = ws.lock_task(&task.name)?;
            let tip = ws.repo.tip_of(task)?;
            ws.repo.forget_worktree(&task.admin)?;
            let new = NewWorktree {
                path: &task.worktree,
                branch: WorktreeBranch::Existing(&task.branch),
                base: &tip,
            };
            task.admin = ws.add_worktree(&ws.repo, &new)?;
            let index = ws.store.task_index(&task.name);
            let _ = fs::remove_file(&index);
            ws.repo.fill_worktree(
                &task.worktree,
                &index,
                &task.admin,
                &ws.repo.read.tree_of(&tip)?,
            )?;
            task.folder = folder_id(&task.worktree)?;
            write_copies(ws, task)
        });
        Ok(())
    }

    fn copies(&mut self, task: &mut Task) {
        let ws = self.ws;
        if task.state == State::Landed {
            return;
        }
        let pinned = |name: &str| fs::read(ws.store.task_dir(&task.name).join(name)).ok();
        let copied = |name: &str| fs::read(task.worktree.join(".wt").join(name)).ok();
        let stale = [("rules.md", "RULES.md"), ("validate.sh", "validate.sh")]
            .iter()
            .any(|(kept, copy)| pinned(kept).is_none() || pinned(kept) != copied(copy));
        if stale {
            let what = format!(
                "the copies in {}/.wt are not as wt wrote them",
                task.worktree.display()
            );
            self.mendable(what, "write them anew", || {
                let _lock = ws.lock_task(&task.name)?;
                write_copies(ws, task)
            });
        }
    }
}

fn write_copies(ws: &Workspace, task: &mut Task) -> anyhow::Result<()> {
    let in_force = ws.in_force(&ws.repo_for(task), &task.target, &ws.target_tip(task)?)?;
    copies::write(&ws.repo, &ws.store, task, &in_force)?;
    ws.store.save_task(task)
}
