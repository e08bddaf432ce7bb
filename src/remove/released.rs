//! A removed task that could be brought back: what it alone holds, and letting it go for good.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::{Unsaved, rename_once, staged_alone, unlanded_paths};
use crate::error::Refusal;
use crate::git::folder_id;
use crate::oid::Oid;
use crate::process::Identity;
use crate::quarantine;
use crate::store::{JournalEntry, LEFTOVERS, Operation, Trashed, remove_dir};
use crate::workspace::Workspace;

/// Looks for work that a removed task holds and nothing else does. Changes nothing.
///
/// # Errors
/// Where that can't be told.
pub(crate) fn unsaved_of_removed(ws: &Workspace, trashed: &Trashed) -> anyhow::Result<Unsaved> {
    let task = &trashed.task;
    let mut unsaved = Unsaved {
        tip: trashed.tip.clone(),
        uncommitted: Vec::new(),
        staged: Vec::new(),
        unlanded: Vec::new(),
        private: Vec::new(),
    };
    if task.is_waiting() {
        // Nothing of it was made.
        return Ok(unsaved);
    }
    let archived = ws.store.archived_dir(&trashed.id);
    if archived.join("admin/modules").is_dir() {
        return Err(Refusal::refused(
            "its submodules have repositories of their own, which are not looked into",
        )
        .into());
    }
    // Where the branch was gone, all that the worktree holds beyond the base is nowhere else.
    let tip = trashed.tip.clone().unwrap_or_else(|| task.base.clone());
    if let Some(folder) = trashed.trash.as_deref().filter(|dir| dir.is_dir()) {
        unsaved.uncommitted = uncommitted(ws, trashed, folder, &tip)?;
    }
    let index = archived.join("admin/index");
    unsaved.staged = staged_alone(ws, task, &index, &tip, &unsaved.uncommitted)?;
    let has_landed = task.landing.as_ref().is_some_and(|l| l.tip == tip);
    if !has_landed {
        unsaved.unlanded = unlanded_paths(ws, task, &tip)?;
    }
    let repo = ws.repo_for(task);
    unsaved.private = quarantine::private_work_of_removed(&repo, trashed, &archived.join("cage"))?;
    Ok(unsaved)
}

/// Paths of a worktree in the trash that differ from the tip of its branch.
fn uncommitted(
    ws: &Workspace,
    trashed: &Trashed,
    folder: &Path,
    tip: &Oid,
) -> anyhow::Result<Vec<String>> {
    if folder_id(folder)? != trashed.task.folder {
        return Err(Refusal::refused(format!(
            "{} is another folder than its worktree",
            folder.display()
        ))
        .into());
    }
    // With a copy of its index: what is put away stays as it is.
    let temporary = ws.store.private_folder()?;
    let index = temporary.path().join("index");
    let kept = ws.store.archived_dir(&trashed.id).join("task/index");
    if kept.is_file() {
        let copy = || -> std::io::Result<()> {
            fs::copy(&kept, &index)?;
            // By the time of its index git tells which files may have changed right after it was written.
            let written = fs::metadata(&kept)?.modified()?;
            fs::File::options()
                .write(true)
                .open(&index)?
                .set_modified(written)
        };
        copy().with_context(|| format!("can't copy {}", kept.display()))?;
    }
    let repo = ws.repo_for(&trashed.task);
    repo.uncommitted_paths(folder, &index, tip)
}

/// The newest removed task of this name of which something is kept, if only its commits.
///
/// # Errors
/// A refusal where there is none.
pub(crate) fn find_removed(ws: &Workspace, name: &str) -> anyhow::Result<Trashed> {
    let all = ws.store.trashed()?.into_iter().rev();
    let mut kept = all.filter_map(|(_, trashed)| trashed.ok().filter(|t| t.kept));
    let found = kept.find(|trashed| trashed.task.name == name);
    found.ok_or_else(|| {
        Refusal::refused(format!("there is no removed task {name:?} to drop"))
            .hint("only what `wt rm --force` took away is kept: wt list --all")
            .into()
    })
}

/// What became of letting a task go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Released {
    Done,
    /// Another command is at work on a task of that name, or has brought it back.
    InUse,
}

/// Lets the removed task of this id go for good: its folder, its branch and what was kept of it. Its record stays, and
/// tells what became of it.
pub(crate) fn release(ws: &Workspace, id: &str) -> anyhow::Result<Released> {
    let Some(trashed) = ws.store.find_trashed(id)? else {
        return Ok(Released::InUse);
    };
    let name = &trashed.task.name;
    let Some(lock) = ws.store.try_lock_task(name)? else {
        return Ok(Released::InUse);
    };
    ws.repo.git.hold(lock.file());
    let folder = {
        let _lock = ws.lock()?;
        let there = ws.store.find_trashed(id)?.filter(|there| there.kept);
        let me = Identity::current()?;
        // One of its own was stopped by a full disk, and is tried again.
        let is_own = |open: &JournalEntry| {
            let of = matches!(&open.operation, Operation::Release { id: of } if of == id);
            of && open.process == me
        };
        let is_free = ws.store.find_intent(name)?.as_ref().is_none_or(is_own);
        let (Some(trashed), true) = (there, is_free) else {
            return Ok(Released::InUse);
        };
        let intent = Operation::Release { id: id.to_owned() };
        ws.store.intend(name, &me, intent)?;
        carry_out_release(ws, &trashed)?
    };
    // It may be large, and nobody need wait for it.
    if let Some(folder) = folder {
        remove_dir(&folder)?;
        let _ = folder.parent().map(fs::remove_dir);
    }
    Ok(Released::Done)
}

/// The steps of letting a task go; each is passed over where it was done before. Answers the folder that is left to be
/// deleted.
pub(crate) fn carry_out_release(
    ws: &Workspace,
    trashed: &Trashed,
) -> anyhow::Result<Option<PathBuf>> {
    let folder = match &trashed.trash {
        Some(trash) if trash.extension().is_none_or(|e| e != "gone") => {
            let mut name = trash.clone().into_os_string();
            name.push(".gone");
            rename_once(trash, Path::new(&name))?;
            Some(PathBuf::from(name))
        }
        trash => trash.clone(),
    };
    for reference in [
        trashed.branch_ref(),
        trashed.index_ref(),
        trashed.cage_ref(),
    ] {
        if let Some(held) = ws.repo.read.tip(&reference)? {
            ws.repo
                .move_ref(&reference, Some(&held), None, "wt: let go")?;
        }
    }
    for name in LEFTOVERS {
        remove_dir(&ws.store.archived_dir(&trashed.id).join(name))?;
    }
    ws.store.save_trashed(&Trashed {
        trash: folder.clone(),
        kept: false,
        ..trashed.clone()
    })?;
    ws.record(
        &ws.event(&trashed.task.name, "released")
            .fact("id", trashed.id.as_str()),
    )?;
    ws.store.settle(&trashed.task.name)?;
    Ok(folder)
}
