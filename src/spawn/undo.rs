//! Taking a spawn back that did not end well.

use std::fs;
use std::path::Path;

use crate::store::{Operation, remove_dir, remove_half_written};
use crate::usage::SPAWN_CACHES;
use crate::workspace::{MARKER, SLOTS, Workspace};

/// Takes back whatever a spawn that did not end well has made. Safe to repeat. The lock of the state must be held:
/// another spawn could be at work in the same folder of worktrees.
pub(crate) fn undo(ws: &Workspace, name: &str, operation: &Operation) -> anyhow::Result<()> {
    let Operation::Spawn {
        branch,
        base,
        worktree,
        waiting,
        ..
    } = operation
    else {
        return Ok(());
    };
    remove_dir(worktree)?;
    let admins = ws.repo.admins_of(worktree)?.into_iter();
    for admin in admins.chain(ws.repo.begun_admins_of(worktree)) {
        ws.repo.forget_worktree(&admin)?;
    }
    let reference = format!("refs/heads/{branch}");
    // Nobody but the git that was to make the branch had a use for its lock.
    ws.repo.remove_lock(&reference)?;
    if ws.repo.read.tip(&reference)?.as_ref() == Some(base) {
        ws.repo
            .move_ref(&reference, Some(base), None, "wt: spawn undone")?;
    }
    remove_dir(&ws.store.task_dir(name))?;
    if let Some(waiting) = waiting {
        ws.store.save_task(waiting)?;
    }
    let others = ws.taken_names()?.iter().any(|taken| taken != name);
    if let (Some(worktrees), false) = (worktree.parent(), others) {
        remove_if_only_marker(worktrees);
    }
    ws.store.settle(name)
}

/// The folder of the worktrees goes again if nothing but the marker and the caches of set-ups is in it.
fn remove_if_only_marker(worktrees: &Path) {
    let names = |dir: &Path| -> Vec<_> {
        let entries = fs::read_dir(dir).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect()
    };
    remove_half_written(worktrees);
    let judge = worktrees.join(SLOTS);
    if names(&judge).iter().all(|name| name == SPAWN_CACHES)
        && names(worktrees)
            .iter()
            .all(|name| name == MARKER || name == SLOTS)
    {
        let _ = remove_dir(&judge);
        let _ = fs::remove_file(worktrees.join(MARKER));
        let _ = fs::remove_dir(worktrees);
    }
}
