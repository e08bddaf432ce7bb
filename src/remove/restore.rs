//! Bringing a removed task back.

use std::fs;

use super::rename_once;
use crate::error::Refusal;
use crate::ports;
use crate::process::Identity;
use crate::quarantine;
use crate::store::{Operation, Trashed, remove_dir, require_writable};
use crate::workspace::Workspace;

/// The newest removed task of this name that can be brought back.
///
/// # Errors
/// A refusal where there is none.
pub(crate) fn find_restorable(ws: &Workspace, name: &str) -> anyhow::Result<Trashed> {
    let all = ws.store.trashed()?;
    let mut of_name = all
        .into_iter()
        .filter_map(|(_, trashed)| trashed.ok())
        .filter(|t| t.task.name == name && t.kept)
        .rev();
    let mut without_files = None;
    let found = of_name.find(|trashed| {
        let files = trashed.trash.as_ref().filter(|dir| !dir.is_dir());
        if let Some(files) = files {
            without_files.get_or_insert((files.clone(), trashed.branch_ref()));
        }
        files.is_none()
    });
    found.ok_or_else(|| match without_files {
        Some((files, reference)) => Refusal::refused(format!(
            "the files of the removed task `{name}` are no longer at {}",
            files.display()
        ))
        .hint(format!("its commits are kept: git log {reference}"))
        .into(),
        None => Refusal::refused(format!("there is no removed task {name:?} to bring back"))
            .hint("only what `wt rm --force` took away, or what had a plan, is kept: wt list --all")
            .into(),
    })
}

/// Puts a removed task back as it was.
///
/// # Errors
/// A refusal where its name, branch or folder is taken meanwhile.
pub(crate) fn restore(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<()> {
    let task = &trashed.task;
    let taken = |what: String| {
        Refusal::refused(format!("{what} is taken meanwhile"))
            .hint("move it away, then restore again")
    };
    if ws.store.find_task(&task.name)?.is_some() {
        return Err(taken(format!("the name `{}`", task.name)).into());
    }
    if ws.repo.read.tip(&task.branch_ref())?.is_some() {
        return Err(taken(format!("the branch {}", task.branch)).into());
    }
    if fs::symlink_metadata(&task.worktree).is_ok() {
        return Err(taken(task.worktree.display().to_string()).into());
    }
    if !task.is_waiting() && fs::symlink_metadata(ws.repo.admin_dir(&task.admin)).is_ok() {
        return Err(taken(ws.repo.admin_dir(&task.admin).display().to_string()).into());
    }
    if let Some(trash) = &trashed.trash {
        require_writable(trash)?;
        require_writable(&task.worktree)?;
    }
    let me = Identity::current()?;
    ws.store.intend(
        &task.name,
        &me,
        Operation::Restore {
            id: trashed.id.clone(),
        },
    )?;
    put_back(ws, trashed)
}

/// The steps of a restore; each is passed over where it was done before. The lock of the state must be held.
pub(crate) fn put_back(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<()> {
    let task = &trashed.task;
    let archived = ws.store.archived_dir(&trashed.id);
    if let Some(tip) = &trashed.tip {
        if ws.repo.read.tip(&task.branch_ref())?.is_none() {
            ws.repo
                .move_ref(&task.branch_ref(), None, Some(tip), "wt: restored")?;
        }
        ws.repo
            .move_ref(&trashed.branch_ref(), Some(tip), None, "wt: restored")?;
    }
    if !task.is_waiting() {
        rename_once(&archived.join("admin"), &ws.repo.admin_dir(&task.admin))?;
    }
    ws.repo.release_index(&trashed.index_ref())?;
    quarantine::bring_back(ws, trashed)?;
    if let Some(trash) = &trashed.trash {
        rename_once(trash, &task.worktree)?;
        let _ = trash.parent().map(fs::remove_dir);
    }
    rename_once(&archived.join("task"), &ws.store.task_dir(&task.name))?;
    // Others may have got its ports meanwhile; they keep them.
    ports::renew(ws, &task.name)?;
    ws.record(
        &ws.event(&task.name, "restored")
            .fact("id", trashed.id.as_str()),
    )?;
    remove_dir(&archived)?;
    ws.store.settle(&task.name)
}
