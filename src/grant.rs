//! A claim widened or narrowed by the operator while its task is live.

use crate::copies;
use crate::error::Refusal;
use crate::git::Repo;
use crate::scope::Globs;
use crate::task::{State, Task};
use crate::workspace::{Claimant, InForce, Workspace};

/// What the operator does with a claim.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    /// Adds globs; a `!glob` takes paths out.
    Grant,
    /// Takes globs away that it holds.
    Release,
}

/// What is asked for.
pub(crate) struct Request<'a> {
    pub(crate) task: &'a str,
    pub(crate) globs: &'a [String],
    pub(crate) change: Change,
    /// Who does it.
    pub(crate) operator: &'a str,
}

/// What came of it.
pub(crate) struct Changed {
    pub(crate) task: Task,
    /// The globs that were added or taken away, in normal form; none where the claim was so already.
    pub(crate) globs: Vec<String>,
}

/// Changes a claim, all of it or nothing, and brings the rules in the worktree up to it.
///
/// # Errors
/// A refusal where the new claim would meet another's, or for a glob that is to be released and is not held.
pub(crate) fn change(ws: &Workspace, request: &Request) -> anyhow::Result<Changed> {
    let (_task_lock, mut task) = ws.take_task(request.task)?;
    if task.state == State::Landed {
        return Err(Refusal::refused(format!(
            "task `{}` has landed; its claim has ended",
            task.name
        ))
        .hint("see the claims: wt scope show")
        .into());
    }
    let repo = ws.repo_for(&task);
    let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(&task)?)?;
    let globs = request.globs.iter().map(|glob| Globs::normal_form(glob));
    let globs = globs.collect::<Result<Vec<_>, _>>()?;
    let (owns, globs) = match request.change {
        Change::Grant => granted(&task, globs),
        Change::Release => released(&task, globs)?,
    };
    if globs.is_empty() {
        // Where the rules are not up to the claim, whoever changed it was cut off.
        if task.rules.is_empty() && !task.is_waiting() {
            refresh(ws, &mut task, &in_force)?;
        }
        return Ok(Changed { task, globs });
    }
    if owns.is_empty() && in_force.contract.scope.required {
        return Err(Refusal::refused(format!(
            "task `{}` would own nothing, and every task here must own paths",
            task.name
        ))
        .hint(format!(
            "grant it others first: wt scope grant {} <glob>",
            task.name
        ))
        .into());
    }
    task.owns = owns;
    save(ws, &repo, &mut task, &in_force)?;
    let word = match request.change {
        Change::Grant => "scope-granted",
        Change::Release => "scope-released",
    };
    ws.record(
        &ws.event(&task.name, word)
            .fact("operator", request.operator)
            .fact("globs", globs.clone())
            .fact("owns", task.owns.clone()),
    )?;
    if !task.is_waiting()
        && let Err(error) = refresh(ws, &mut task, &in_force)
    {
        ws.ctx.ui.warn(&format!(
            "the claim is changed, but the rules in the worktree are not: {error:#}"
        ));
    }
    Ok(Changed { task, globs })
}

/// Writes the new claim down, where it meets no other's.
fn save(ws: &Workspace, repo: &Repo, task: &mut Task, in_force: &InForce) -> anyhow::Result<()> {
    // Spawns and other grants look at the claims under this lock.
    let _lock = ws.lock()?;
    let claims = ws.claims(repo, &Claimant::from(&*task), in_force)?;
    claims.require_free()?;
    task.owns = claims.own.patterns().to_vec();
    // Should this be cut off here, the next validate finds the copies to be old.
    task.rules.clear();
    ws.store.save_task(task)
}

/// Brings the copies in the worktree up to the new claim.
fn refresh(ws: &Workspace, task: &mut Task, in_force: &InForce) -> anyhow::Result<()> {
    copies::write(&ws.repo, &ws.store, task, in_force)?;
    ws.store.save_task(task)
}

/// The claim with `globs` added, and those of them that are new.
fn granted(task: &Task, globs: Vec<String>) -> (Vec<String>, Vec<String>) {
    let mut owns = task.owns.clone();
    let mut new = Vec::new();
    for glob in globs {
        if !owns.contains(&glob) {
            owns.push(glob.clone());
            new.push(glob);
        }
    }
    (owns, new)
}

/// The claim without `globs`.
fn released(task: &Task, globs: Vec<String>) -> Result<(Vec<String>, Vec<String>), Refusal> {
    if let Some(missing) = globs.iter().find(|glob| !task.owns.contains(glob)) {
        let name = &task.name;
        let held = if task.owns.is_empty() {
            "it claims nothing".to_owned()
        } else {
            format!("it claims: {}", task.owns.join(", "))
        };
        return Err(
            Refusal::refused(format!("task `{name}` does not hold the glob '{missing}'")).hint(
                format!(
                    "{held}; to take paths out of a wider glob: wt scope grant {name} '!<glob>'"
                ),
            ),
        );
    }
    let mut owns = task.owns.clone();
    owns.retain(|glob| !globs.contains(glob));
    if owns.iter().all(|glob| glob.starts_with('!')) {
        // What only subtracts holds nothing any more.
        owns.clear();
    }
    Ok((owns, globs))
}
