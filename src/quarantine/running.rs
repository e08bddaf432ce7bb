//! Opening the cage of a task and closing it again: where the worktree's `.git` file leads meanwhile.

use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::intake::{bring_in, bring_target, owner, refresh_refs};
use super::refs::{Head, head, set, tip};
use super::{folder, health};
use crate::error::{Code, Refusal};
use crate::git::{Repo, require_folder};
use crate::oid::Oid;
use crate::process::{self, Identity};
use crate::store::{Beneath, CageNote, new_private_folder, remove_dir};
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Name of the socket in the private folder of a cage; its path marks the processes of the cage.
pub(crate) const SOCKET: &str = "socket";

/// A cage that is open.
pub(crate) struct Opened {
    /// The private repository.
    pub(crate) git: PathBuf,
    /// A folder that nobody else can enter, for its socket and temporary files.
    pub(crate) folder: PathBuf,
}

/// Opens the cage of a task for this process.
///
/// # Errors
/// A refusal (busy) where it is open already; where the worktree is not as recorded.
pub(crate) fn open(ws: &Workspace, name: &str) -> anyhow::Result<Opened> {
    let (_lock, task) = ws.take_task(name)?;
    ws.require_started(&task)?;
    if task.state == State::Landed {
        return Err(Refusal::refused(format!("task `{name}` has landed"))
            .hint(format!("remove it: wt rm {name}"))
            .into());
    }
    require_ended(ws, name, "end it first")?;
    if ws.store.find_cage(name)?.is_some() {
        // Its note alone says what the worktree's .git file held.
        let what = format!("the cage of task `{name}` is still open from a wt run that was killed");
        return Err(Refusal::refused(what)
            .hint("see what stands in the way: wt doctor --fix")
            .into());
    }
    let repo = ws.repo_for(&task);
    repo.verify_worktree(&task, &ws.git_dir_of(&task)?)?;
    let tip = repo.tip_of(&task)?;
    let git = ws.store.private_git_dir(name);
    put_broken_aside(ws, &task, &git)?;
    if git.is_dir() {
        renew(ws, &repo, &task, &git, &tip)?;
    } else {
        std::fs::create_dir_all(ws.store.cage_dir(name))?;
        folder::make(ws, &repo, &task, &git)?;
        ws.store.save_met(name, &tip)?;
    }
    let worktree = Beneath::open(&task.worktree)?;
    let link = worktree.read(".git", 4096)?.context("no .git file")?;
    let mut note = CageNote {
        process: Identity::current()?,
        link: String::from_utf8(link).context("a .git file that is no text")?,
        tip,
        folder: PathBuf::new(),
    };
    let folder = new_private_folder(|path| {
        path.clone_into(&mut note.folder);
        ws.store.save_cage(name, &note)
    })?;
    let there = format!("gitdir: {}\n", git.display());
    worktree.write(".git", there.as_bytes(), 0o644)?;
    Ok(Opened { git, folder })
}

/// A private repository with which git can't work any more would shut its task out of the cage for good.
fn put_broken_aside(ws: &Workspace, task: &Task, git: &Path) -> anyhow::Result<()> {
    if std::fs::symlink_metadata(git).is_err() {
        return Ok(());
    }
    let Some(flaw) = health::flaw(git) else {
        return Ok(());
    };
    let aside = health::set_aside(git)?;
    ws.ctx.ui.warn(&format!(
        "the repository of the cage of task `{}` is broken ({flaw}): it is made anew from {}",
        task.name, task.branch
    ));
    let hint = format!("what is left of it: {}", aside.display());
    ws.ctx.ui.hint(&hint);
    Ok(())
}

/// Brings the private repository of an earlier run up to the task's branch, its stashes and what is under way in it
/// as they were. Where the branch moved on both sides it stays as it is in the cage, and that is said.
fn renew(ws: &Workspace, repo: &Repo, task: &Task, git: &Path, here: &Oid) -> anyhow::Result<()> {
    let private = Beneath::open(git)?;
    let lines = folder::object_folders(repo)?.join("\n") + "\n";
    private.write("objects/info/alternates", lines.as_bytes(), 0o644)?;
    let met = ws.store.find_met(&task.name)?;
    let there = tip(&private, &task.branch_ref())?;
    if met.as_ref() != Some(here) && there.as_ref() != Some(here) {
        let stood_still = there == met && head(&private)? == Head::Branch(task.branch_ref());
        if stood_still {
            set(&private, &task.branch_ref(), here)?;
            folder::take_index(&repo.admin_dir(&task.admin), &private)?;
            ws.store.save_met(&task.name, here)?;
        } else {
            ws.ctx.ui.warn(&format!(
                "the branch {} moved to {} outside of the cage of task `{}`, which holds work that it has not",
                task.branch,
                here.short(),
                task.name
            ));
            let hint = format!("bring both together, in the cage: git rebase {here}");
            ws.ctx.ui.hint(&hint);
        }
    }
    bring_target(ws, repo, task, &private)?;
    refresh_refs(ws, repo, task, &private)
}

/// # Errors
/// A refusal (busy) where a `wt run` is at work in the cage of this task.
pub(crate) fn require_ended(ws: &Workspace, name: &str, hint: &str) -> anyhow::Result<()> {
    match ws.store.find_cage(name)? {
        Some(note) if note.process.is_alive() => Err(Refusal::new(
            Code::Busy,
            format!(
                "a wt run (pid {}) is at work on task `{name}`",
                note.process.pid()
            ),
        )
        .hint(hint)
        .into()),
        _ => Ok(()),
    }
}

/// Closes the cage that this process opened: what was committed in it is brought in, the worktree's `.git` file is
/// put back. What can't be brought in stays in the private repository, and is said.
pub(crate) fn close(ws: &Workspace, name: &str) -> anyhow::Result<()> {
    let _lock = ws.lock_task(name)?;
    match (ws.store.find_task(name)?, ws.store.find_cage(name)?) {
        (Some(task), Some(note)) if note.process == Identity::current()? => {
            finish(ws, &task, &note)
        }
        _ => Ok(()),
    }
}

/// Closes the cage of a `wt run` that was killed; answers whether there was one.
pub(crate) fn close_dead(ws: &Workspace, name: &str) -> anyhow::Result<bool> {
    let _lock = ws.lock_task(name)?;
    let (Some(task), Some(note)) = (ws.store.find_task(name)?, ws.store.find_cage(name)?) else {
        return Ok(false);
    };
    if note.process.is_alive() {
        return Ok(false);
    }
    let mark = note.folder.join(SOCKET);
    process::kill_marked(&format!("WT_SOCKET={}", mark.display()))?;
    finish(ws, &task, &note)?;
    Ok(true)
}

fn say_what_stays(ws: &Workspace, task: &Task, error: &anyhow::Error) {
    let name = &task.name;
    ws.ctx.ui.warn(&format!(
        "what was committed in the cage of task `{name}` stays there: {error:#}"
    ));
    let next = match error.downcast_ref::<Refusal>() {
        Some(Refusal {
            hint: Some(hint), ..
        }) => hint.as_str(),
        _ => "look at it in the cage",
    };
    ws.ctx.ui.hint(&format!("wt run {name} -- sh, then {next}"));
}

/// The steps of closing; each may be repeated.
fn finish(ws: &Workspace, task: &Task, note: &CageNote) -> anyhow::Result<()> {
    let repo = ws.repo_for(task);
    if let Some(flaw) = health::flaw(&ws.store.private_git_dir(&task.name)) {
        let name = &task.name;
        ws.ctx.ui.warn(&format!(
            "the repository of the cage of task `{name}` is broken ({flaw}): nothing is brought in from it"
        ));
        let hint = "the next wt run puts what is left of it aside and makes it anew";
        ws.ctx.ui.hint(hint);
    } else if let Err(error) = bring_in(ws, &repo, task) {
        say_what_stays(ws, task, &error);
    }
    require_folder(task)?;
    let worktree = Beneath::open(&task.worktree)?;
    if let Err(error) = worktree.write(".git", note.link.as_bytes(), 0o644) {
        // A folder, as of another repository: what is in it may be somebody's work.
        ws.ctx.ui.warn(&format!("{error:#}"));
        let root = task.worktree.display();
        let hint = format!("move {root}/.git away, then: git worktree repair {root}");
        ws.ctx.ui.hint(&hint);
    }
    let admin = Beneath::open(&repo.admin_dir(&task.admin))?;
    // What was shown besides in the cage, or no longer, is so in the worktree from now on.
    if let Some(patterns) = repo.patterns_in(task, &ws.store.private_git_dir(&task.name))? {
        admin.write("info/sparse-checkout", &patterns, 0o644)?;
        repo.follow_sparse(task, &ws.store.private_git_dir(&task.name))?;
        repo.unhide_own(task)?;
    }
    let tip = repo.tip_of(task)?;
    if tip != note.tip {
        // A stale index would show as changes that are none.
        repo.fit_index(task, &tip)?;
    }
    repo.release_kept(&owner(&task.name))?;
    remove_dir(&note.folder)?;
    ws.store.end_cage(&task.name)
}
