//! The plan of a task from its submission to its approval: what is checked, what is pinned, what holds from then on.

mod check;

use crate::contract::Approve;
use crate::copies;
use crate::error::{Refusal, shown};
use crate::git::Repo;
use crate::oid::Oid;
use crate::plan::{Plan, render};
use crate::store::Lock;
use crate::task::{Amendment, Approved, Happening, Proposal, Rejection, State, Task};
use crate::workspace::{InForce, Workspace};

use check::{checked, globs_of};

/// What the record calls whoever approves by `approve = "auto"`.
const AUTO: &str = "auto";

/// A plan that is to be taken.
pub(crate) struct Submission<'a> {
    pub(crate) task: &'a str,
    pub(crate) text: &'a str,
    /// Why the approved plan does not do; none for a first plan.
    pub(crate) because: Option<&'a str>,
}

/// What came of a submission.
pub(crate) struct Submitted {
    pub(crate) task: Task,
    pub(crate) hash: String,
    /// Whether this very plan was there already.
    pub(crate) known: bool,
    /// The plan's commands that are no step of the gate.
    pub(crate) beyond_gate: Vec<String>,
}

/// Takes a plan; it is approved at once where the contract lets it be.
///
/// # Errors
/// A refusal for a task that can't be planned now, for a text that is no plan (each flaw is said), and for files that
/// the task may not change.
pub(crate) fn submit(ws: &Workspace, submission: &Submission) -> anyhow::Result<Submitted> {
    let (_lock, mut task) = lock_live(ws, submission.task)?;
    require_kind(&task, submission.because)?;
    let (repo, in_force) = surroundings(ws, &task)?;
    let is_auto = in_force.contract.plan.approve == Approve::Auto;
    let claims_lock = is_auto.then(|| ws.lock()).transpose()?;
    let plan = checked(ws, &repo, &task, &in_force, submission.text)?;
    let text = render(&plan);
    let hash = Plan::hash(&text);
    let beyond_gate = beyond_gate(&plan, &in_force);
    // Also of a known one: its file may be gone, or another's words by now.
    ws.store.save_plan(&task.name, &hash, &text)?;
    if is_known(&task, &hash) {
        return Ok(Submitted {
            task,
            hash,
            known: true,
            beyond_gate,
        });
    }
    propose(ws, &mut task, &hash, submission.because)?;
    if let Some(lock) = claims_lock {
        let files = globs_of(&repo, &plan)?;
        pin(ws, &repo, &mut task, &files, AUTO)?;
        drop(lock);
        refresh(ws, &mut task, &in_force);
    }
    Ok(Submitted {
        task,
        hash,
        known: false,
        beyond_gate,
    })
}

/// Puts a plan up for approval.
fn propose(
    ws: &Workspace,
    task: &mut Task,
    hash: &str,
    because: Option<&str>,
) -> anyhow::Result<()> {
    task.proposal = Some(Proposal {
        hash: hash.to_owned(),
        at: ws.ctx.time(),
        because: because.map(one_line),
        rejected: None,
    });
    ws.store.save_task(task)?;
    let event = ws.event(&task.name, "plan-submitted").fact("plan", hash);
    ws.record(&match because {
        Some(because) => event.fact("because", because),
        None => event,
    })
}

/// The plan's commands that are no step of the gate.
fn beyond_gate(plan: &Plan, in_force: &InForce) -> Vec<String> {
    let steps = in_force.contract.gate.iter();
    let steps: Vec<&str> = steps.map(|step| step.run.as_str()).collect();
    let beyond = plan.beyond_gate(&steps).into_iter();
    beyond.map(str::to_owned).collect()
}

/// Makes the submitted plan the one that the task is held to. `expected` is what its hash is to begin with, where
/// the operator says which one was read. One that is approved already stays so.
///
/// # Errors
/// A refusal where none waits, it is another, or it no longer passes.
pub(crate) fn approve(
    ws: &Workspace,
    name: &str,
    expected: Option<&str>,
    operator: &str,
) -> anyhow::Result<Task> {
    let (_lock, mut task) = lock_live(ws, name)?;
    let is_done = task.proposal.is_none() && task.plan.is_some();
    let hash = match &task.plan {
        Some(plan) if is_done => plan.hash.clone(),
        _ => waiting(&task)?.hash.clone(),
    };
    if let Some(expected) = expected.filter(|expected| !hash.starts_with(expected)) {
        let what = format!("the plan to approve is {}, not {expected}", &hash[..12]);
        return Err(Refusal::refused(what)
            .hint(format!("read that one first: wt plan show {name}"))
            .into());
    }
    let (repo, in_force) = surroundings(ws, &task)?;
    if is_done {
        // Where the rules are not up to the plan, whoever approved it was cut off.
        if task.rules.is_empty() {
            refresh(ws, &mut task, &in_force);
        }
        return Ok(task);
    }
    let text = submitted_text(ws, name, &hash)?;
    {
        // Spawns, grants and other approvals look at the claims under this lock.
        let _lock = ws.lock()?;
        // Claims, shared paths and the words that hedge may be others by now.
        let plan = checked(ws, &repo, &task, &in_force, &text)?;
        let files = globs_of(&repo, &plan)?;
        pin(ws, &repo, &mut task, &files, operator)?;
    }
    refresh(ws, &mut task, &in_force);
    Ok(task)
}

/// What was submitted under this hash.
///
/// # Errors
/// A refusal where its file is gone, or holds another text.
fn submitted_text(ws: &Workspace, name: &str, hash: &str) -> anyhow::Result<String> {
    let wrong = match ws.store.plan_text(name, hash)? {
        Some(text) if Plan::hash(&text) == hash => return Ok(text),
        Some(_) => "not as it was submitted",
        None => "gone",
    };
    let what = format!("the text of the plan of task `{name}` is {wrong}");
    Err(Refusal::refused(what)
        .hint("have it submitted again: wt plan submit")
        .into())
}

/// Sends the submitted plan back; the approved one, if there is one, holds on.
///
/// # Errors
/// A refusal where none waits.
pub(crate) fn reject(
    ws: &Workspace,
    name: &str,
    because: &str,
    operator: &str,
) -> anyhow::Result<Task> {
    let (_lock, mut task) = lock_live(ws, name)?;
    let hash = waiting(&task)?.hash.clone();
    if let Some(proposal) = &mut task.proposal {
        proposal.rejected = Some(Rejection {
            because: one_line(because),
            by: operator.to_owned(),
            at: ws.ctx.time(),
        });
    }
    ws.store.save_task(&task)?;
    ws.record(
        &ws.event(name, "plan-rejected")
            .fact("operator", operator)
            .fact("plan", hash)
            .fact("because", because),
    )?;
    Ok(task)
}

/// Words that stand among `wt`'s own: no line of them can pass for one of those.
fn one_line(words: &str) -> String {
    let words = words.split_whitespace().collect::<Vec<_>>();
    shown(&words.join(" "))
}

/// A task under its lock.
///
/// # Errors
/// A refusal for one that is not there, has not started, or has landed.
fn lock_live(ws: &Workspace, name: &str) -> anyhow::Result<(Lock, Task)> {
    let (lock, task) = ws.take_task(name)?;
    ws.require_started(&task)?;
    if task.state == State::Landed {
        return Err(Refusal::refused(format!("task `{name}` has landed"))
            .hint("more work is another task: wt spawn <task>")
            .into());
    }
    Ok((lock, task))
}

/// # Errors
/// A refusal for a second plan without a reason, and for a change of what is not there.
fn require_kind(task: &Task, because: Option<&str>) -> Result<(), Refusal> {
    let name = &task.name;
    match (&task.plan, because) {
        (Some(_), None) => Err(
            Refusal::refused(format!("task `{name}` has an approved plan"))
                .hint("to change it: wt plan amend --because \"<why it does not do>\""),
        ),
        (None, Some(_)) => Err(Refusal::refused(format!(
            "task `{name}` has no approved plan that could be amended"
        ))
        .hint("submit it as a first one: wt plan submit")),
        _ => Ok(()),
    }
}

fn waiting(task: &Task) -> Result<&Proposal, Refusal> {
    let name = &task.name;
    let waiting = task.proposal.as_ref().filter(|p| p.rejected.is_none());
    waiting.ok_or_else(|| {
        Refusal::refused(format!("no plan of task `{name}` waits for approval"))
            .hint(format!("see: wt plan show {name}"))
    })
}

/// Whether this plan waits already, or is the one in force and no other waits.
fn is_known(task: &Task, hash: &str) -> bool {
    match (&task.proposal, &task.plan) {
        (Some(proposal), _) => proposal.hash == hash && proposal.rejected.is_none(),
        (None, Some(plan)) => plan.hash == hash,
        (None, None) => false,
    }
}

fn surroundings(ws: &Workspace, task: &Task) -> anyhow::Result<(Repo, InForce)> {
    let repo = ws.repo_for(task);
    let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(task)?)?;
    Ok((repo, in_force))
}

/// Pins the plan that waits; the rules in the worktree are to be brought up to it.
fn pin(
    ws: &Workspace,
    repo: &Repo,
    task: &mut Task,
    files: &[String],
    by: &str,
) -> anyhow::Result<()> {
    let Proposal { hash, because, .. } = waiting(task)?.clone();
    let at = ws.ctx.time();
    let mut amendments = task
        .plan
        .take()
        .map_or_else(Vec::new, |plan| plan.amendments);
    amendments.extend(because.map(|because| Amendment { because, at }));
    if task.state == State::Planning {
        task.advance(Happening::Planned)?;
    }
    task.plan = Some(Approved {
        hash: hash.clone(),
        base: base_of(ws, repo, task)?,
        files: files.to_vec(),
        at,
        by: by.to_owned(),
        amendments,
    });
    task.proposal = None;
    // Should this be cut off here, the next validate finds the copies to be old.
    task.rules.clear();
    ws.store.save_task(task)?;
    ws.record(
        &ws.event(&task.name, "plan-approved")
            .fact("operator", by)
            .fact("plan", hash)
            .fact("files", files.to_vec()),
    )
}

/// Brings the rules in the worktree up to the plan; it holds without them.
fn refresh(ws: &Workspace, task: &mut Task, in_force: &InForce) {
    let written = copies::write(&ws.repo, &ws.store, task, in_force);
    if let Err(error) = written.and_then(|_| ws.store.save_task(task)) {
        ws.ctx.ui.warn(&format!(
            "the plan is approved, but the rules in the worktree do not say so: {error:#}"
        ));
    }
}

/// The newest commit of the target that the task has.
fn base_of(ws: &Workspace, repo: &Repo, task: &Task) -> anyhow::Result<Oid> {
    let (tip, target) = (repo.tip_of(task)?, ws.target_tip(task)?);
    repo.read.merge_base_or(&tip, &target, &task.base)
}
