//! A checkout that a killed or failed move left halfway: brought to its end, or back.

use std::path::PathBuf;

use crate::error::{Refusal, some_of};
use crate::git::{CheckoutMove, CheckoutMoved, Repo, Settled, Side};
use crate::task::Task;
use crate::workspace::Workspace;

/// What is left where moving a checkout failed in the middle.
pub(crate) enum Left {
    /// The branch has moved all the same.
    Moved,
    /// All is as before.
    Nothing,
    /// It must be mended from the journal, once what made it fail is gone.
    Half(anyhow::Error),
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

/// Takes back what a failed move left; this process still holds its locks.
pub(crate) fn take_back(repo: &Repo, step: &CheckoutMove) -> Left {
    let taken_back = || -> anyhow::Result<Left> {
        repo.remove_dead_locks(Some(step.checkout), step.reference)?;
        if let Some(tip) = repo.read.tip(step.reference)?
            && repo.read.is_ancestor(step.new, &tip)?
        {
            return Ok(Left::Moved);
        }
        // What is cut off there was written by git a moment ago.
        let known = &mut |_: &str, _: &[u8]| Ok(PathBuf::new());
        match repo.settle_checkout(step, known)? {
            Settled::Whole { at: Side::Old, .. } => {}
            Settled::Whole { at: Side::New, .. } => repo.undo_checkout(step)?,
            Settled::Foreign(paths) => return Err(foreign(step, &paths).into()),
        }
        Ok(Left::Nothing)
    };
    taken_back().unwrap_or_else(Left::Half)
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
