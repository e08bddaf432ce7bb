//! What can be wrong with one task: its branch, its judge, its worktree, its copies.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use super::anew::{check_out_again, end_again, is_aside, move_back};
use super::{Checkup, Mend, REMOVE, REMOVE_LOCK};
use crate::copies;
use crate::error::Refusal;
use crate::git::SUBMODULE_LOCK;
use crate::judge::{clear_dead_judge, judge_at_work};
use crate::plan::Plan;
use crate::store::{Beneath, Lock};
use crate::task::{State, Task};
use crate::workspace::{MARKER, Workspace, holds_worktrees, rulebook, write_marker};

impl Checkup<'_> {
    pub(super) fn task(&mut self, task: &Task) -> anyhow::Result<()> {
        let ws = self.ws;
        if task.is_waiting() {
            // Nothing of it is made yet that could be missing.
            return Ok(());
        }
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
        if task.judging.is_some() && judge_at_work(ws, task)?.is_none() {
            let what = format!("the judge of task `{}` died", task.name);
            self.mendable(
                what,
                Mend {
                    todo: "settle its run",
                    done: "its run is settled",
                },
                || {
                    let (_lock, mut task) = take(ws, &task.name)?;
                    clear_dead_judge(ws, &mut task)
                },
            );
        }
        self.locks(task);
        if fs::symlink_metadata(&task.worktree).is_err() {
            self.missing_worktree(task);
            return Ok(());
        }
        if let Err(error) = ws.repo.verify_worktree(task, &ws.git_dir_of(task)?) {
            self.found(
                format!("{error:#}"),
                &format!(
                    "look at it; what is committed is safe on its branch; to take it away as it is: wt rm {} --force",
                    task.name
                ),
            );
            return Ok(());
        }
        self.place(task)?;
        self.aside(task);
        self.plans(task)?;
        self.half_written_in(task)?;
        self.copies(task);
        self.rules(task);
        Ok(())
    }

    /// Files of rules without which nothing is judged.
    fn rules(&mut self, task: &Task) {
        if task.state == State::Landed {
            return;
        }
        let ws = self.ws;
        let read = || -> anyhow::Result<()> {
            let repo = ws.repo_for(task);
            let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(task)?)?;
            rulebook(&repo.read, &in_force, task).map(drop)
        };
        let Err(error) = read() else {
            return;
        };
        let what = format!("{error:#}");
        // It is one for all the tasks that it holds for.
        if self.findings.iter().any(|finding| finding.what == what) {
            return;
        }
        let hint = error.downcast_ref::<Refusal>();
        let hint = hint.and_then(|refusal| refusal.hint.clone());
        self.found(what, hint.as_deref().unwrap_or("bring back what it names"));
    }

    /// Locks that a killed git left on what is `wt`'s own or the task's.
    fn locks(&mut self, task: &Task) {
        let ws = self.ws;
        let index = ws.store.task_index(&task.name);
        let own = ["lock", SUBMODULE_LOCK].map(|extension| index.with_extension(extension));
        for own in own.iter().filter(|lock| lock.exists()) {
            let name = &task.name;
            self.mendable(format!("{} is left over", own.display()), REMOVE, || {
                // Whoever could own it holds the task's lock.
                let _lock = ws.lock_task(name)?;
                Ok(fs::remove_file(own)?)
            });
        }
        let of_branch = format!("{}.lock", task.branch_ref());
        let theirs = [
            ws.repo.admin_dir(&task.admin).join("index.lock"),
            ws.repo.common().join(of_branch),
        ];
        for theirs in theirs.iter().filter(|lock| lock.exists()) {
            self.mendable(
                format!("{} is there", theirs.display()),
                REMOVE_LOCK,
                || ws.repo.remove_stale_lock(theirs),
            );
        }
    }

    fn missing_worktree(&mut self, task: &Task) {
        let ws = self.ws;
        let Some(found) = ws.repo.moved_to(task) else {
            let what = format!(
                "the worktree of task `{}` is gone from {}",
                task.name,
                task.worktree.display()
            );
            self.mendable(
                what,
                Mend {
                    todo: "check its branch out there again",
                    done: "its branch is checked out there again",
                },
                || {
                    let (_lock, task) = take_missing(ws, &task.name)?;
                    check_out_again(ws, task)
                },
            );
            return;
        };
        let what = format!(
            "the worktree of task `{}` was moved to {}",
            task.name,
            found.display()
        );
        let beside = found.parent();
        if beside.is_some_and(|dir| holds_worktrees(dir, ws.repo.common())) {
            self.mendable(
                what,
                Mend {
                    todo: "take note of its new place",
                    done: "its new place is noted",
                },
                || {
                    let (_lock, mut task) = take_missing(ws, &task.name)?;
                    task.worktree.clone_from(&found);
                    ws.repo.relink(&task)?;
                    ws.store.save_task(&task)
                },
            );
        } else {
            // Elsewhere nothing tells whose worktree it is, nor where a slot for it would be.
            let place = task.worktree.display();
            let mend = Mend {
                todo: &format!("move it back to {place}"),
                done: &format!("it is back at {place}"),
            };
            self.mendable(what, mend, || {
                let (_lock, task) = take_missing(ws, &task.name)?;
                move_back(&found, &task)?;
                ws.repo.relink(&task)?;
                if is_aside(&found) {
                    end_again(ws, &found, task)?;
                }
                Ok(())
            });
        }
    }

    /// Whether the worktree lies where a judge and a caller inside it learn whose it is.
    fn place(&mut self, task: &Task) -> anyhow::Result<()> {
        let ws = self.ws;
        let folder = task
            .worktree
            .parent()
            .context("the worktree has no parent")?;
        if folder.join(MARKER).is_file() {
            return Ok(());
        }
        let worktrees = ws.worktrees_dir(&ws.in_force(
            &ws.repo_for(task),
            &task.target,
            &ws.target_tip(task)?,
        )?);
        if folder == worktrees {
            let what = format!("{} has lost its marker, {MARKER}", folder.display());
            // It is one for all the tasks there.
            if !self.findings.iter().any(|finding| finding.what == what) {
                self.mendable(
                    what,
                    Mend {
                        todo: "write it anew",
                        done: "it is written anew",
                    },
                    || write_marker(folder, ws.repo.common()),
                );
            }
            return Ok(());
        }
        let here = task.worktree.display();
        let what = format!(
            "the worktree of task `{}` is at {here}, where it can't be judged",
            task.name
        );
        let there = worktrees.join(&task.name);
        let mend = format!(
            "git worktree move {here} {}, then: wt doctor --fix",
            there.display()
        );
        self.found(what, &mend);
        Ok(())
    }

    /// Copies that a killed command left half written beside the whole ones.
    fn half_written_in(&mut self, task: &Task) -> anyhow::Result<()> {
        let worktree = Beneath::open(&task.worktree)?;
        let generated = task.generated.iter();
        let mut folders: Vec<&str> = generated
            .map(|path| path.rsplit_once('/').map_or("", |(folder, _)| folder))
            .chain([".wt", ".wt/last"])
            .collect();
        folders.sort_unstable();
        folders.dedup();
        for path in folders
            .iter()
            .flat_map(|folder| worktree.half_written(folder))
        {
            let what = format!(
                "{} was left half written",
                task.worktree.join(&path).display()
            );
            self.mendable(what, REMOVE, || worktree.remove(&path));
        }
        Ok(())
    }

    /// The texts of the plans that its record names.
    fn plans(&mut self, task: &Task) -> anyhow::Result<()> {
        let approved = task.plan.as_ref().map(|plan| (&plan.hash, "is held to"));
        let proposed = task.proposal.as_ref().map(|plan| (&plan.hash, "submitted"));
        for (hash, how) in approved.into_iter().chain(proposed) {
            let text = self.ws.store.plan_text(&task.name, hash)?;
            if text.is_none_or(|text| Plan::hash(&text) != *hash) {
                let name = &task.name;
                let what = format!("the plan that task `{name}` {how} is not there as it was");
                let mend = match &task.plan {
                    Some(_) => "wt plan amend --because \"<why>\" with the text again",
                    None => "wt plan submit with the text again",
                };
                self.found(what, mend);
            }
        }
        Ok(())
    }

    fn copies(&mut self, task: &Task) {
        let ws = self.ws;
        if task.state == State::Landed {
            return;
        }
        let as_written = |kept: &str, copy: &str| {
            let kept = fs::read(ws.store.task_dir(&task.name).join(kept)).ok();
            kept.is_some_and(|kept| holds(&task.worktree, copy, &kept))
        };
        let fresh = as_written("rules.md", ".wt/RULES.md") && as_written("validate.sh", ".wt/validate.sh")
            // Without their hash the rules have yet to be brought up to a new claim.
            && !task.rules.is_empty();
        if !fresh {
            let what = format!(
                "the copies in {}/.wt are not as wt wrote them",
                task.worktree.display()
            );
            self.mendable(
                what,
                Mend {
                    todo: "write them anew",
                    done: "they are written anew",
                },
                || {
                    let (_lock, task) = take(ws, &task.name)?;
                    write_copies(ws, task)
                },
            );
        }
        for file in self.without_hooks(task) {
            let what = format!(
                "{} no longer has its agent ask wt",
                task.worktree.join(file).display()
            );
            self.mendable(
                what,
                Mend {
                    todo: "write wt's hooks into it anew",
                    done: "wt's hooks are in it again",
                },
                || {
                    let (_lock, task) = take(ws, &task.name)?;
                    write_copies(ws, task)
                },
            );
        }
    }
}

/// Takes a task's lock, and reads its record anew: what was looked at without the lock may have changed since.
fn take(ws: &Workspace, name: &str) -> anyhow::Result<(Lock, Task)> {
    let lock = ws.lock_task(name)?;
    Ok((lock, ws.store.require_task(name)?))
}

/// As [`take`], of a task whose worktree is not in its place: one that came back meanwhile must not be made anew.
fn take_missing(ws: &Workspace, name: &str) -> anyhow::Result<(Lock, Task)> {
    let (lock, task) = take(ws, name)?;
    if fs::symlink_metadata(&task.worktree).is_ok() {
        anyhow::bail!("{} is there by now", task.worktree.display());
    }
    Ok((lock, task))
}

/// Whether the file at `relative` holds exactly these bytes; what is no file, and what a link leads to, is not read.
fn holds(worktree: &Path, relative: &str, bytes: &[u8]) -> bool {
    let read = Beneath::open(worktree).and_then(|root| root.read(relative, bytes.len() as u64));
    read.is_ok_and(|read| read.as_deref() == Some(bytes))
}

pub(super) fn write_copies(ws: &Workspace, mut task: Task) -> anyhow::Result<()> {
    let in_force = ws.in_force(&ws.repo_for(&task), &task.target, &ws.target_tip(&task)?)?;
    copies::write(&ws.repo, &ws.store, &mut task, &in_force)?;
    ws.store.save_task(&task)
}
