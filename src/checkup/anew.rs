//! A worktree that was lost, made anew from its branch.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::Context as _;

use super::tasks::write_copies;
use super::{Checkup, REMOVE};
use crate::git::{NewWorktree, WorktreeBranch, folder_id};
use crate::store::remove_dir;
use crate::task::Task;
use crate::workspace::Workspace;

/// Beside the worktrees, where one that was lost is made anew.
const AGAIN: &str = "_again";

impl Checkup<'_> {
    /// The empty folder that is left of making one anew.
    pub(super) fn aside(&mut self, task: &Task) {
        let Some(aside) = task.worktree.parent().map(|dir| dir.join(AGAIN)) else {
            return;
        };
        if fs::read_dir(&aside).is_ok_and(|mut inside| inside.next().is_none()) {
            let what = format!("{} is left over", aside.display());
            self.mendable(what, REMOVE, || Ok(fs::remove_dir(&aside)?));
        }
    }
}

/// Makes the worktree anew elsewhere, and moves it to its place once the record knows it: killed meanwhile, it is still
/// missing, and made anew once more.
pub(super) fn check_out_again(ws: &Workspace, mut task: Task) -> anyhow::Result<()> {
    let folder = task.worktree.parent().context("a worktree has a parent")?;
    let made = folder.join(AGAIN).join(&task.name);
    let tip = ws.repo.tip_of(&task)?;
    remove_dir(&made)?;
    forget_admins(ws, &task, &made)?;
    let new = NewWorktree {
        path: &made,
        branch: WorktreeBranch::Existing(&task.branch),
        base: &tip,
    };
    task.admin = ws.add_worktree(&ws.repo, &new)?;
    let index = ws.store.task_index(&task.name);
    let _ = fs::remove_file(&index);
    if let Some(folders) = &task.folders {
        let _lock = ws.lock()?;
        ws.repo.make_sparse(&index, &task.admin, folders)?;
    }
    let tree = ws.repo.read.tree_of(&tip)?;
    ws.repo.fill_worktree(&made, &index, &tree)?;
    ws.repo.hand_index_over(&index, &task.admin)?;
    task.folder = folder_id(&made)?;
    ws.store.save_task(&task)?;
    ws.repo.relink_admin(&task)?;
    move_back(&made, &task)?;
    end_again(ws, &made, task)
}

/// What is left to do once the worktree that was made at `made` is in its place.
pub(super) fn end_again(ws: &Workspace, made: &Path, task: Task) -> anyhow::Result<()> {
    if let Some(aside) = made.parent() {
        match fs::remove_dir(aside) {
            // Others are made there.
            Err(error) if error.kind() != ErrorKind::DirectoryNotEmpty => {
                let what = format!("{} is left over: {error}", aside.display());
                ws.ctx.ui.warn(&what);
            }
            _ => {}
        }
    }
    write_copies(ws, task)
}

/// Whether a worktree was made anew here, and has yet to come to its place.
pub(super) fn is_aside(worktree: &Path) -> bool {
    worktree.parent().is_some_and(|dir| dir.ends_with(AGAIN))
}

/// Has git forget the worktree that is missing, and what was begun of another one at `made`.
fn forget_admins(ws: &Workspace, task: &Task, made: &Path) -> anyhow::Result<()> {
    let _lock = ws.lock()?;
    ws.repo.forget_worktree(&task.admin)?;
    let mut admins = ws.repo.admins_of(&task.worktree)?;
    admins.extend(ws.repo.admins_of(made)?);
    admins.extend(ws.repo.begun_admins_of(made));
    for admin in admins {
        ws.repo.forget_worktree(&admin)?;
    }
    Ok(())
}

pub(super) fn move_back(found: &Path, task: &Task) -> anyhow::Result<()> {
    if let Some(folder) = task.worktree.parent() {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    fs::rename(found, &task.worktree).with_context(|| {
        let (from, to) = (found.display(), task.worktree.display());
        format!("can't move {from} to {to}")
    })
}
