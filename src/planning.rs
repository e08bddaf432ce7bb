//! The plan of a task from its submission to its approval: what is checked, what is pinned, what holds from then on.

use crate::contract::Approve;
use crate::copies;
use crate::error::{Refusal, counted, shown};
use crate::git::Repo;
use crate::oid::Oid;
use crate::plan::{Flaw, Plan, Read, read, render};
use crate::scope::Globs;
use crate::task::{Amendment, Approved, GENERATED, Happening, Proposal, Rejection, State, Task};
use crate::workspace::{Claimant, InForce, Workspace};

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
    ws.store.require_task(submission.task)?;
    let _lock = ws.lock_task(submission.task)?;
    let mut task = ws.store.require_task(submission.task)?;
    require_live(ws, &task)?;
    require_kind(&task, submission.because)?;
    let (repo, in_force) = surroundings(ws, &task)?;
    let is_auto = in_force.contract.plan.approve == Approve::Auto;
    let claims_lock = is_auto.then(|| ws.lock()).transpose()?;
    let plan = checked(ws, &repo, &task, &in_force, submission.text)?;
    let text = render(&plan);
    let hash = Plan::hash(&text);
    let steps: Vec<&str> = in_force
        .contract
        .gate
        .iter()
        .map(|s| s.run.as_str())
        .collect();
    let beyond_gate = plan.beyond_gate(&steps).into_iter().map(str::to_owned);
    let beyond_gate = beyond_gate.collect();
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
    task.proposal = Some(Proposal {
        hash: hash.clone(),
        at: ws.ctx.time(),
        because: submission.because.map(one_line),
        rejected: None,
    });
    ws.store.save_task(&task)?;
    let event = ws.event(&task.name, "plan-submitted");
    let event = event.fact("plan", hash.as_str());
    ws.record(&match submission.because {
        Some(because) => event.fact("because", because),
        None => event,
    })?;
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
    ws.store.require_task(name)?;
    let _lock = ws.lock_task(name)?;
    let mut task = ws.store.require_task(name)?;
    require_live(ws, &task)?;
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
    let text = ws.store.plan_text(name, &hash)?.ok_or_else(|| {
        Refusal::refused(format!("the text of the plan of task `{name}` is gone"))
            .hint("have it submitted again: wt plan submit")
    })?;
    if Plan::hash(&text) != hash {
        let what = format!("the text of the plan of task `{name}` is not as it was submitted");
        return Err(Refusal::refused(what)
            .hint("have it submitted again: wt plan submit")
            .into());
    }
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
    ws.store.require_task(name)?;
    let _lock = ws.lock_task(name)?;
    let mut task = ws.store.require_task(name)?;
    require_live(ws, &task)?;
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

/// # Errors
/// A refusal for a task that has not started, or has landed.
fn require_live(ws: &Workspace, task: &Task) -> Result<(), Refusal> {
    ws.require_started(task)?;
    if task.state != State::Landed {
        return Ok(());
    }
    Err(Refusal::refused(format!("task `{}` has landed", task.name))
        .hint("more work is another task: wt spawn <task>"))
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

/// The plan in `text`, once it passes all checks.
fn checked(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    in_force: &InForce,
    text: &str,
) -> anyhow::Result<Plan> {
    let Read { plan, lines } = match read(text, &in_force.contract.plan.hedges) {
        Ok(read) => read,
        Err(flaws) => return Err(refused(ws, &flaws).into()),
    };
    let claims = ws.claims(repo, &Claimant::from(task), in_force)?;
    let case = Workspace::case(repo)?;
    let tree = repo.read.tree_of(&repo.tip_of(task)?)?;
    let subtracted = || {
        plan.globs()
            .into_iter()
            .filter(|glob| glob.starts_with('!'))
    };
    for (glob, line) in plan.globs().into_iter().zip(lines) {
        if glob.starts_with('!') {
            continue;
        }
        let files: Vec<&str> = std::iter::once(glob).chain(subtracted()).collect();
        let files = Globs::parse(&files, case)?;
        let held = match one_file(repo, &tree, glob)? {
            _ if task.generates(glob) => Err(Refusal::refused(format!("{glob}: {GENERATED}"))
                .hint("leave it out: wt writes it anew when the rules change")),
            Some(path) => claims.require_permitted(&path),
            None => claims.require_within(&files),
        };
        if let Err(refusal) = held {
            let message = format!("line {line} of the plan: {}", refusal.message);
            let hint = refusal.hint.unwrap_or_default();
            return Err(Refusal::refused(message).hint(hint).into());
        }
    }
    Ok(plan)
}

/// The path of the one file that a glob means: as a glob it is also all that would lie beneath it, were it a folder.
fn one_file(repo: &Repo, tree: &Oid, glob: &str) -> anyhow::Result<Option<String>> {
    if glob.contains(['*', '?', '[', '{', '\\']) || glob.ends_with('/') {
        return Ok(None);
    }
    let path = Globs::normal_form(glob)?;
    let is_folder = path == "**" || repo.read.is_folder(tree, &path)?;
    Ok((!is_folder).then_some(path))
}

/// The refusal of what is no plan; where there is more than one flaw, each is said.
fn refused(ws: &Workspace, flaws: &[Flaw]) -> Refusal {
    if let [flaw] = flaws {
        return Refusal::refused(flaw.message()).hint(&flaw.hint);
    }
    for flaw in flaws {
        let refusal = Refusal::refused(flaw.message()).hint(&flaw.hint);
        ws.ctx.ui.error(&refusal.into());
    }
    let what = format!("the plan was not taken: {}", counted(flaws.len(), "flaw"));
    Refusal::refused(what).hint("mend these, and submit it again; the form: wt plan template")
}

fn globs_of(repo: &Repo, plan: &Plan) -> anyhow::Result<Vec<String>> {
    let globs = Globs::parse(&plan.globs(), Workspace::case(repo)?)?;
    Ok(globs.patterns().to_vec())
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
    let tip = repo.tip_of(task)?;
    let base = repo.read.merge_base(&tip, &ws.target_tip(task)?)?;
    Ok(base.unwrap_or_else(|| task.base.clone()))
}
