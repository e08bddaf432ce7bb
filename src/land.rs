//! Landing: exactly a judged tree reaches the target, and a person's own work there survives.
//!
//! The order of the steps is the safety: candidate, proof, journal, target, check, record, tear down.

mod attempt;
mod commits;
mod forward;
mod history;
mod message;
mod proof;
mod remote;
mod target;
mod turn;

use anyhow::bail;
use signal_hook::consts::SIGINT;

use crate::candidate;
use crate::error::{Code, Refusal, some_of};
use crate::gate::Report;
use crate::git::Repo;
use crate::judge::{clear_dead_judge, judge_at_work, snapshot_of, tip_and_uncommitted};
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::quarantine;
use crate::remove::{self, Keep};
use crate::task::{Happening, Landing, Pinned, State, Task};
use crate::workspace::Workspace;

use attempt::{Attempt, Step};
pub(crate) use commits::Plan;
pub(crate) use history::{Passage, Standing, history};
use remote::Push;
pub(crate) use turn::Patience;

/// How often a landing begins again because the target moved under it.
const TRIES: u32 = 5;

/// What the operator asked for.
pub(crate) struct Request<'a> {
    pub(crate) task: &'a str,
    pub(crate) strategy: Option<crate::contract::Strategy>,
    pub(crate) message: Option<&'a str>,
    /// Commit what is uncommitted first.
    pub(crate) commit: bool,
    pub(crate) keep: bool,
    pub(crate) dry_run: bool,
    pub(crate) patience: Patience,
    /// The operator who accepts a change of the judge, if one does.
    pub(crate) accepts_judge_change: Option<String>,
    /// The operator who has it pushed to the target's remote, if one does.
    pub(crate) push: Option<String>,
}

/// What came of it.
pub(crate) enum Outcome {
    Landed {
        task: Box<Task>,
        commit: Oid,
        receipt: String,
        kept_because: Option<String>,
        removed: bool,
    },
    /// Nothing was done: this is what would be.
    Planned(Box<Plan>),
    /// The combination was judged and is red, or unstable, or was interrupted.
    Refused {
        task: Box<Task>,
        report: Box<Report>,
        code: Code,
    },
    Trespassed {
        task: Box<Task>,
        found: Vec<candidate::Trespass>,
    },
}

/// Lands a task.
///
/// # Errors
/// Refusals for whatever does not hold; nothing is changed then.
pub(crate) fn land(ws: &Workspace, request: &Request) -> anyhow::Result<Outcome> {
    let interrupt = Interrupt::install(&[SIGINT])?;
    land_unless(ws, request, &interrupt).map_err(|error| {
        let intents = ws.store.intents().unwrap_or_default();
        if !interrupt.raised() || intents.iter().any(|entry| entry.task == request.task) {
            return error;
        }
        let what = format!(
            "interrupted before task `{}` landed; the target was not moved",
            request.task
        );
        Refusal::new(Code::Interrupted, what).into()
    })
}

fn land_unless(
    ws: &Workspace,
    request: &Request,
    interrupt: &Interrupt,
) -> anyhow::Result<Outcome> {
    let target = ws.store.require_task(request.task)?.target;
    let names = [request.task.to_owned()];
    let _turn = turn::wait_for(ws, &target, &names, request.patience, interrupt)?;
    let mut lock = ws.lock_task(request.task)?;
    let mut task = ws.store.require_task(request.task)?;
    clear_dead_judge(ws, &mut task)?;
    require_landable(ws, &task)?;
    let work = ready_work(ws, &task, request)?;
    let mut push = begin_push(ws, request, &target)?;
    let mut remote_moved = 0;
    for _ in 0..TRIES {
        if let Some(push) = &mut push {
            push.meet(&ws.target_tip(&task)?)?;
        }
        let repo = ws.repo_for(&task);
        let target_tip = ws.target_tip(&task)?;
        let in_force = ws.in_force(&repo, &task.target, &target_tip)?;
        let attempt = Attempt {
            ws,
            repo: &repo,
            task: &task,
            request,
            in_force: &in_force,
            work: &work,
            interrupt,
            push: push.as_ref(),
        };
        let moved = match (attempt.run(&target_tip, lock)?, &push) {
            (Step::Done(outcome), _) => return Ok(outcome),
            (Step::RemoteMoved, Some(push)) => {
                remote_moved += 1;
                if remote_moved == remote::TRIES {
                    return Err(push.moved_too_often(&task.name).into());
                }
                push.to()
            }
            (Step::Again | Step::RemoteMoved, _) => task.target.clone(),
        };
        let ui = &ws.ctx.ui;
        ui.say(&format!("{moved} has moved meanwhile; combining anew"));
        lock = ws.lock_task(request.task)?;
        task = ws.store.require_task(request.task)?;
        require_landable(ws, &task)?;
    }
    Err(Refusal::new(
        Code::Busy,
        format!(
            "{} moved {TRIES} times while task `{}` was to land",
            target, request.task
        ),
    )
    .hint("try again when it is quieter there")
    .into())
}

/// The push that was asked for. A dry run only says where it would go, and asks nobody.
fn begin_push<'w>(
    ws: &'w Workspace<'w>,
    request: &'w Request,
    target: &str,
) -> anyhow::Result<Option<Push<'w>>> {
    let Some(operator) = request.push.as_deref() else {
        return Ok(None);
    };
    let push = Push::begin(ws, target, operator)?;
    if request.dry_run {
        let ui = &ws.ctx.ui;
        ui.say(&format!("would be pushed to {} first", push.to()));
        return Ok(None);
    }
    Ok(Some(push))
}

/// Brings the target to a landing that its remote has already, and that a killed command could not bring here.
///
/// # Errors
/// A refusal where the target has moved since, or a person's work is in the way.
pub(crate) fn follow_remote(ws: &Workspace, task: &Task, new: &Oid) -> anyhow::Result<()> {
    let Some(_lock) = ws.store.try_landing_lock(&task.target)? else {
        bail!("another landing on {} is under way", task.target);
    };
    let old = ws.target_tip(task)?;
    if !ws.repo.read.is_ancestor(&old, new)? {
        return Err(Refusal::refused(format!(
            "its remote has it as {}, and {} has moved since",
            new.short(),
            task.target
        ))
        .hint("bring the branch to what its remote has: git pull")
        .into());
    }
    forward::forward(ws, &task.target, &old, new)
}

fn require_landable(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    let hint = format!(
        "it must end first; once it has: wt merge {name}",
        name = task.name
    );
    quarantine::require_ended(ws, &task.name, &hint)?;
    if judge_at_work(ws, task)?.is_some() {
        return Err(Refusal::new(
            Code::Busy,
            format!("a judge is at work on task `{}`", task.name),
        )
        .hint(format!("follow it: wt validate {}", task.name))
        .into());
    }
    ws.require_started(task)?;
    let refusal = match task.state {
        State::Validated => return Ok(()),
        State::Stopped => Refusal::new(Code::Stopped, format!("task `{}` is stopped", task.name))
            .hint(format!(
                "see why: wt show {0}; give it another budget: wt resume {0} --because \"…\"",
                task.name
            )),
        State::Landed => Refusal::refused(format!("task `{}` has landed already", task.name))
            .hint(format!("remove it: wt rm {}", task.name)),
        State::Waiting | State::Working | State::Failed => Refusal::refused(format!(
            "task `{}` is {}, not validated",
            task.name,
            task.state.word()
        ))
        .hint(format!("wt validate {}", task.name)),
    };
    Err(refusal.into())
}

/// What is to land of a task: all of its work in one commit, judged green.
struct Work {
    tip: Pinned,
    /// Where the branch stands: at `tip`, or at its parent while `tip` is a commit of `--commit` that nobody sees yet.
    branch: Oid,
}

fn ready_work(ws: &Workspace, task: &Task, request: &Request) -> anyhow::Result<Work> {
    let repo = ws.repo_for(task);
    if !request.commit {
        return committed_work(ws, &repo, task);
    }
    let max_file = ws.max_file(&repo, task)?;
    let (snapshot, uncommitted) = snapshot_of(ws, &repo, task, max_file)?;
    let branch = repo.tip_of(task)?;
    if uncommitted.is_empty() || snapshot.commit == branch {
        require_judged(task, &snapshot.tree, "the tip of its branch")?;
        return Ok(Work {
            tip: snapshot,
            branch,
        });
    }
    require_judged(task, &snapshot.tree, "its uncommitted work")?;
    if request.dry_run {
        return Ok(Work {
            tip: snapshot,
            branch,
        });
    }
    let commit = commits::of_work(ws, task, &snapshot, &branch, request.message)?;
    let tip = Pinned {
        commit,
        tree: snapshot.tree,
    };
    Ok(Work { tip, branch })
}

/// # Errors
/// A refusal where there is uncommitted work; none of it was stored.
fn committed_work(ws: &Workspace, repo: &Repo, task: &Task) -> anyhow::Result<Work> {
    let (tip, uncommitted) = tip_and_uncommitted(ws, repo, task)?;
    if !uncommitted.is_empty() {
        return Err(Refusal::refused(format!(
            "task `{}` has uncommitted work: {}",
            task.name,
            some_of(&uncommitted)
        ))
        .hint("commit it in the worktree, or let wt do it: wt merge --commit -m \"<message>\"")
        .into());
    }
    require_judged(task, &tip.tree, "the tip of its branch")?;
    let branch = tip.commit.clone();
    Ok(Work { tip, branch })
}

fn require_judged(task: &Task, tree: &Oid, what: &str) -> anyhow::Result<()> {
    if task
        .validated
        .as_ref()
        .is_some_and(|v| v.snapshot.tree == *tree)
    {
        return Ok(());
    }
    Err(Refusal::refused(format!(
        "task `{}` has changed since it was validated: {what} was not judged",
        task.name
    ))
    .hint(format!("wt validate {}", task.name))
    .into())
}

/// Writes down that a task has landed. Safe to repeat.
pub(crate) fn record_landing(
    ws: &Workspace,
    task: &Task,
    landing: Landing,
) -> anyhow::Result<Task> {
    let mut landed = task.clone();
    if landed.state != State::Landed {
        landed.advance(Happening::Landed)?;
        let event = ws
            .event(&task.name, "landed")
            .fact("commit", landing.commit.as_str())
            .fact("target", task.target.as_str())
            .fact("receipt", landing.receipt.as_str());
        let event = match &landing.onto {
            Some(onto) => event.fact("onto", onto.as_str()),
            None => event,
        };
        landed.landing = Some(landing);
        ws.store.save_task(&landed)?;
        ws.record(&event)?;
    }
    Ok(landed)
}

/// Tears a landed task down, unless it is to be kept or holds new work, and closes its journal.
pub(crate) fn conclude(ws: &Workspace, task: Task, keep: bool) -> anyhow::Result<Outcome> {
    let (commit, receipt) = match &task.landing {
        Some(landing) => (landing.commit.clone(), landing.receipt.clone()),
        None => bail!("task `{}` has not landed", task.name),
    };
    let mut kept_because = None;
    let mut removed = false;
    if !keep {
        match unsaved_by_now(ws, &task) {
            Ok(checked) => {
                remove::remove(ws, &task, &Keep::Nothing { checked })?;
                removed = true;
            }
            Err(why) => kept_because = Some(why),
        }
    }
    if !removed {
        ws.store.settle(&task.name)?;
    }
    Ok(Outcome::Landed {
        task: Box::new(task),
        commit,
        receipt,
        kept_because,
        removed,
    })
}

/// The tip of the branch, where all work is on the target; else, in words, what came into the worktree while it landed.
fn unsaved_by_now(ws: &Workspace, task: &Task) -> Result<Option<Oid>, String> {
    let unsaved = remove::unsaved(ws, task).map_err(|error| format!("{error:#}"))?;
    if unsaved.is_empty() {
        return Ok(unsaved.tip);
    }
    let paths = [unsaved.uncommitted, unsaved.unlanded, unsaved.private].concat();
    Err(format!("it holds newer work: {}", some_of(&paths)))
}
