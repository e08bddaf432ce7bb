//! A checkout's move with its branch, and what a killed or failed one left halfway: brought to its end, or back.

use std::path::PathBuf;

use crate::error::{Refusal, some_of};
use crate::git::{CheckoutMove, CheckoutMoved, Repo, Settled, Side};
use crate::task::Task;
use crate::workspace::Workspace;

/// What became of a move.
pub(crate) enum Moved {
    Done,
    /// Another one moved the branch before; nothing was changed.
    ByAnother,
    /// It was refused or failed, and nothing is left halfway.
    Undone(anyhow::Error),
    /// It failed in the middle: it must be mended from the journal, once what made it fail is gone.
    Half(anyhow::Error),
}

/// Moves a checkout and its branch; what fails in the middle is taken back, where it can be. `refusal` tells of what
/// stands in the way there. The journal must have the intent.
pub(crate) fn carry_out(
    repo: &Repo,
    step: &CheckoutMove,
    refusal: impl FnOnce(&str) -> Refusal,
) -> Moved {
    match repo.move_checkout(step) {
        Ok(CheckoutMoved::Done) => Moved::Done,
        Ok(CheckoutMoved::RefMoved) => Moved::ByAnother,
        Ok(CheckoutMoved::Refused(why)) => Moved::Undone(refusal(&why).into()),
        Err(error) => take_back(repo, step, error),
    }
}

/// Takes back what a move left that failed so; this process still holds its locks.
fn take_back(repo: &Repo, step: &CheckoutMove, error: anyhow::Error) -> Moved {
    let has_moved = || -> anyhow::Result<bool> {
        repo.remove_dead_locks(Some(step.checkout), step.reference)?;
        if let Some(tip) = repo.read.tip(step.reference)?
            && repo.read.is_ancestor(step.new, &tip)?
        {
            return Ok(true);
        }
        // What is cut off there was written by git a moment ago.
        let known = &mut |_: &str, _: &[u8]| Ok(PathBuf::new());
        match repo.settle_checkout(step, known)? {
            Settled::Whole { at: Side::Old, .. } => {}
            Settled::Whole { at: Side::New, .. } => repo.undo_checkout(step)?,
            Settled::Foreign(paths) => return Err(foreign(step, &paths).into()),
        }
        Ok(false)
    };
    match has_moved() {
        Ok(true) => Moved::Done,
        Ok(false) => Moved::Undone(error.context("nothing was changed")),
        Err(why) => Moved::Half(why.context(error)),
    }
}

/// Leaves nothing of `step` halfway, whose process is gone: where the branch is still at the old commit it is moved
/// after all, if nothing stands against it. Answers what is to be told. Safe to repeat; the locks of the task, and of
/// whatever else moves that branch, must be held.
///
/// # Errors
/// A refusal that names the paths which hold neither what was there nor what was to come: a person's, and left alone.
pub(crate) fn end(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    step: &CheckoutMove,
) -> anyhow::Result<Vec<String>> {
    let mut notes = Vec::new();
    let mut save = |path: &str, bytes: &[u8]| ws.store.save_found(&task.name, path, bytes);
    let (at, saved) = match repo.settle_checkout(step, &mut save)? {
        Settled::Whole { at, saved } => (at, saved),
        Settled::Foreign(paths) => return Err(foreign(step, &paths).into()),
    };
    if !saved.is_empty() {
        let names: Vec<String> = saved.iter().map(|p| p.display().to_string()).collect();
        let names = some_of(&names);
        notes.push(format!("what had been cut off is saved: {names}"));
    }
    let Some(tip) = repo.read.tip(step.reference)? else {
        return Ok(notes);
    };
    if at == Side::New && repo.holds(&tip, step)? == Some(Side::Old) {
        repo.undo_checkout(step)?;
    }
    if tip == *step.old
        && let CheckoutMoved::Refused(why) = repo.move_checkout(step)?
    {
        notes.push(why);
    }
    Ok(notes)
}

fn foreign(step: &CheckoutMove, paths: &[String]) -> Refusal {
    let branch = step.reference.trim_start_matches("refs/heads/");
    Refusal::refused(format!(
        "the move of {branch} in {} was stopped halfway, and these paths hold neither what was there nor what was \
         to come: {}",
        step.checkout.root().display(),
        some_of(paths)
    ))
    .hint("keep what you need of them, bring them back (git checkout HEAD -- <path>), then: wt doctor --fix")
}
