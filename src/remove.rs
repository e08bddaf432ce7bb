//! Taking a task away and bringing it back: every step a rename or a ref, each safe to repeat.

mod released;
mod restore;
mod sweep;
mod warm;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use rustix::process::Signal;

use crate::error::{Refusal, some_of};
use crate::git::require_folder;
use crate::judge::{busy, judge_at_work};
use crate::oid::Oid;
use crate::process::Identity;
use crate::quarantine;
use crate::remember;
use crate::store::{Operation, Trashed, require_unmounted, require_writable, trash_dir};
use crate::task::Task;
use crate::workspace::Workspace;

pub(crate) use released::{Released, carry_out_release, find_removed, release, unsaved_of_removed};
pub(crate) use restore::{find_restorable, put_back, restore};
use sweep::sweep;
pub(crate) use sweep::{gone, sweep_left, sweep_now};

/// Whether a removed task's folder and branch are kept for `wt restore`.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Keep {
    /// The work up to this tip of its branch was found on the target; a branch that has moved on since stays.
    Nothing {
        checked: Option<Oid>,
    },
    Everything,
}

/// What a task holds that is nowhere else.
pub(crate) struct Unsaved {
    /// The tip of the branch that was looked at.
    pub(crate) tip: Option<Oid>,
    pub(crate) uncommitted: Vec<String>,
    /// Paths whose content in the task's own index neither its commits nor its files have.
    pub(crate) staged: Vec<String>,
    /// Paths whose committed content is not, and was not, on the target.
    pub(crate) unlanded: Vec<String>,
    /// Branches and stashes of its cage's repository.
    pub(crate) private: Vec<String>,
}

impl Unsaved {
    pub(crate) fn is_empty(&self) -> bool {
        let all = [
            &self.uncommitted,
            &self.staged,
            &self.unlanded,
            &self.private,
        ];
        all.iter().all(|paths| paths.is_empty())
    }

    /// What it is, by its paths.
    pub(crate) fn words(&self) -> String {
        let parts = [
            ("uncommitted", &self.uncommitted),
            ("only staged", &self.staged),
            ("committed, not landed", &self.unlanded),
            ("in the repository of its cage", &self.private),
        ];
        let parts = parts.iter().filter(|(_, paths)| !paths.is_empty());
        let said: Vec<String> = parts
            .map(|(what, paths)| format!("{what}: {}", some_of(paths)))
            .collect();
        said.join("; ")
    }
}

/// Looks for work that removing the task would take away.
pub(crate) fn unsaved(ws: &Workspace, task: &Task) -> anyhow::Result<Unsaved> {
    let repo = ws.repo_for(task);
    let branch = repo.read.tip(&task.branch_ref())?;
    // Where the branch is gone, all that the worktree holds beyond the base is nowhere else.
    let tip = branch.clone().unwrap_or_else(|| task.base.clone());
    if task.is_waiting() {
        // Nothing of it was made.
        return Ok(Unsaved {
            tip: None,
            uncommitted: Vec::new(),
            staged: Vec::new(),
            unlanded: Vec::new(),
            private: Vec::new(),
        });
    }
    let uncommitted = if fs::symlink_metadata(&task.worktree).is_ok() {
        repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
        let index = ws.store.task_index(&task.name);
        repo.uncommitted_paths(&task.worktree, &index, &tip)?
    } else if let Some(found) = repo.moved_to(task) {
        return Err(Refusal::refused(format!(
            "the worktree of task `{}` was moved to {}",
            task.name,
            found.display()
        ))
        .hint("let wt bring it back, or take note of its new place: wt doctor --fix")
        .into());
    } else {
        Vec::new()
    };
    let unlanded = match &task.landing {
        Some(landing) if landing.tip == tip => Vec::new(),
        _ => unlanded_paths(ws, task, &tip)?,
    };
    Ok(Unsaved {
        staged: staged_alone(
            ws,
            task,
            &ws.repo.admin_dir(&task.admin).join("index"),
            &tip,
            &uncommitted,
        )?,
        tip: branch,
        uncommitted,
        unlanded,
        private: quarantine::private_work(ws, &repo, task)?,
    })
}

/// Paths whose content only the index at `index` holds. Those that are uncommitted anyway are not named again.
fn staged_alone(
    ws: &Workspace,
    task: &Task,
    index: &Path,
    tip: &Oid,
    uncommitted: &[String],
) -> anyhow::Result<Vec<String>> {
    if !index.is_file() {
        return Ok(Vec::new());
    }
    let mut staged = ws.repo.staged_alone(index, &task.base, tip)?;
    staged.retain(|path| !uncommitted.contains(path));
    Ok(staged)
}

/// The paths of the task's commits whose content the target neither has nor had since: work merged elsewhere, by
/// squash, rebase or a pull request, is known by what it left, not by ancestry.
fn unlanded_paths(ws: &Workspace, task: &Task, tip: &Oid) -> anyhow::Result<Vec<String>> {
    let read = &ws.repo.read;
    let Some(target) = read.tip(&task.target_ref())? else {
        let ours = read.changes_between(&task.base, tip)?;
        return Ok(ours.into_iter().map(|c| c.path).collect());
    };
    let base = read.merge_base_or(&target, tip, &task.base)?;
    let ours = read.changes_between(&base, tip)?;
    if ours.is_empty() {
        return Ok(Vec::new());
    }
    let theirs = read.entries_since(&base, &target)?;
    let was_there = |path: &str, after: &Option<crate::git::Entry>| {
        theirs
            .iter()
            .any(|change| change.path == path && change.after == *after)
    };
    Ok(ours
        .into_iter()
        .filter(|c| !was_there(&c.path, &c.after))
        .map(|c| c.path)
        .collect())
}

/// Stops the judge of a task, if one is at work.
///
/// # Errors
/// A refusal (busy) where it is not to be stopped.
pub(crate) fn stop_judge(ws: &Workspace, task: &Task, force: Force) -> anyhow::Result<()> {
    let Some((order, judge)) = judge_at_work(ws, task)? else {
        return Ok(());
    };
    if force == Force::No {
        let busy = busy(task, &order);
        let hint = busy.hint.as_deref().unwrap_or_default();
        let hint = format!("{hint}; or stop it: wt rm {} --force", task.name);
        return Err(busy.hint(hint).into());
    }
    judge
        .signal_once_caught(Signal::INT)
        .context("can't stop the judge")
}

/// Whether a person insisted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Force {
    No,
    Yes,
}

/// Takes a task's worktree, branch and record away. The task's lock must be held.
pub(crate) fn remove(ws: &Workspace, task: &Task, keep: &Keep) -> anyhow::Result<Trashed> {
    let id = format!("{}-{}", task.name, ws.ctx.now.as_millisecond());
    let worktrees = task
        .worktree
        .parent()
        .context("the worktree has no parent")?;
    let name = if *keep == Keep::Everything {
        id.clone()
    } else {
        format!("{id}.gone")
    };
    let there = fs::symlink_metadata(&task.worktree).is_ok() && require_folder(task).is_ok();
    if there {
        require_movable(task)?;
    }
    let trashed = Trashed {
        id,
        removed: ws.ctx.now,
        // By force a task goes also where its branch is broken; the branch stays then.
        tip: match keep {
            Keep::Nothing { checked } => checked.clone(),
            Keep::Everything => ws.repo.read.tip(&task.branch_ref()).unwrap_or_default(),
        },
        trash: there.then(|| trash_dir(worktrees).join(name)),
        kept: *keep == Keep::Everything,
        warm: match keep {
            Keep::Everything if there => warm::folders(ws, task),
            _ => Vec::new(),
        },
        task: task.clone(),
    };
    let me = Identity::current()?;
    ws.store.intend(
        &task.name,
        &me,
        Operation::Remove {
            trashed: Box::new(trashed.clone()),
        },
    )?;
    carry_out(ws, &trashed)?;
    Ok(trashed)
}

/// # Errors
/// A refusal where the task's worktree can't be moved to the trash beside it, or holds what is mounted there.
pub(crate) fn require_movable(task: &Task) -> Result<(), Refusal> {
    require_unmounted(&task.worktree)?;
    match task.worktree.parent() {
        Some(worktrees) => require_writable(&trash_dir(worktrees)),
        None => Ok(()),
    }
}

/// The steps of a removal; each is passed over where it was done before.
pub(crate) fn carry_out(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<()> {
    let task = &trashed.task;
    ws.store.save_trashed(trashed)?;
    remember::removed(ws, trashed);
    if let Some(trash) = &trashed.trash {
        rename_once(&task.worktree, trash)?;
        warm::put_aside(trashed, trash)?;
    }
    let admin = ws.repo.admin_dir(&task.admin);
    let archived = ws.store.archived_dir(&trashed.id);
    if task.is_waiting() {
        // It has no worktree yet.
    } else if trashed.kept {
        let index = admin.join("index");
        if index.exists() {
            ws.repo.keep_index(&index, &trashed.index_ref())?;
        }
        rename_once(&admin, &archived.join("admin"))?;
        quarantine::put_away(ws, trashed)?;
    } else {
        ws.repo.forget_worktree(&task.admin)?;
        quarantine::forget(ws, &task.name)?;
    }
    if let Some(tip) = &trashed.tip {
        if trashed.kept {
            let there = ws.repo.read.tip(&trashed.branch_ref())?;
            ws.repo.move_ref(
                &trashed.branch_ref(),
                there.as_ref(),
                Some(tip),
                "wt: removed",
            )?;
        }
        ws.repo
            .move_ref(&task.branch_ref(), Some(tip), None, "wt: removed")?;
    }
    rename_once(&ws.store.task_dir(&task.name), &archived.join("task"))?;
    ws.record(
        &ws.event(&task.name, "removed")
            .fact("id", trashed.id.as_str())
            .fact("kept", trashed.kept),
    )?;
    ws.store.settle(&task.name)?;
    sweep(ws, trashed.trash.as_deref())
}

fn rename_once(from: &Path, to: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(from).is_err() {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    let moved = match (fs::rename(from, to), to.parent()) {
        // Whoever swept the trash beside may have removed it, empty, at that very moment.
        (Err(error), Some(folder)) if error.kind() == std::io::ErrorKind::NotFound => {
            fs::create_dir_all(folder).and_then(|()| fs::rename(from, to))
        }
        (moved, _) => moved,
    };
    moved.with_context(|| format!("can't move {} to {}", from.display(), to.display()))
}
