//! Landing: exactly a judged tree reaches the target, and a person's own work there survives.
//!
//! The order of the steps is the safety: candidate, proof, journal, target, check, record, tear down.

mod attempt;
mod commits;
mod dry_run;
mod forward;
mod history;
mod live;
mod message;
mod moving;
mod proof;
mod ready;
mod recover;
mod remote;
mod target;
mod train;
mod turn;

use anyhow::bail;
use signal_hook::consts::SIGINT;

use crate::breach::Breach;
use crate::candidate;
use crate::error::{Code, Refusal, some_of};
use crate::gate::Report;
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::remember;
use crate::remove::{self, Keep};
use crate::task::{Happening, Landing, State, Task};
use crate::workspace::Workspace;

use attempt::{Attempt, Step};
pub(crate) use commits::Plan;
pub(crate) use history::{Standing, TargetCommit, history, landed_here};
use live::live;
use ready::{await_judge_of_landing, landed_meanwhile, ready, require_landable, require_unlanded};
pub(crate) use recover::recover;
use remote::{Push, RemoteMoves};
pub(crate) use train::{LeftOut, News, TrainPlan, TrainRequest, Wanted, land_train, trains};
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
    /// The operator who accepts that protected tests are made weaker, if one does.
    pub(crate) accepts_weakened_tests: Option<String>,
    /// The operator who has it pushed to the target's remote, if one does.
    pub(crate) push: Option<String>,
}

impl Request<'_> {
    /// The same, asked for another task.
    fn about<'t>(&'t self, task: &'t str) -> Request<'t> {
        Request {
            task,
            accepts_judge_change: self.accepts_judge_change.clone(),
            accepts_weakened_tests: self.accepts_weakened_tests.clone(),
            push: self.push.clone(),
            ..*self
        }
    }
}

/// A task that is on its target.
pub(crate) struct Landed {
    pub(crate) task: Task,
    pub(crate) commit: Oid,
    pub(crate) receipt: String,
    /// The tasks that were judged as one with it, itself included; none where it was judged alone.
    pub(crate) together: Vec<String>,
    /// Where it was pushed, e.g. `origin/main`, if it was by this command.
    pub(crate) pushed_to: Option<String>,
    pub(crate) kept_because: Option<String>,
    pub(crate) removed: bool,
}

impl Landed {
    /// As programs read it.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        let mut value = serde_json::json!({
            "task": self.task.name, "state": "landed", "target": self.task.target, "commit": self.commit,
            "receipt": self.receipt, "removed": self.removed, "kept_because": self.kept_because,
        });
        if let Some(pushed_to) = &self.pushed_to {
            value["pushed_to"] = pushed_to.as_str().into();
        }
        if !self.together.is_empty() {
            value["together"] = self.together.as_slice().into();
        }
        value
    }
}

/// The line that tells of it.
impl std::fmt::Display for Landed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            task,
            commit,
            receipt,
            together,
            pushed_to,
            ..
        } = self;
        let (name, target, receipt) = (&task.name, &task.target, &receipt[..12]);
        let commit = commit.short();
        write!(f, "landed {name} on {target} as {commit} receipt={receipt}")?;
        if let Some(pushed_to) = pushed_to {
            write!(f, ", pushed to {pushed_to}")?;
        }
        match together.last() {
            // Of many, each naming all of them would be many times many.
            Some(last) if last == name => {
                write!(f, " (judged together: {})", some_of(together))
            }
            Some(last) => write!(f, " (judged with {last})"),
            None => Ok(()),
        }
    }
}

/// What came of it.
pub(crate) enum Outcome {
    Landed(Box<Landed>),
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
    /// It breaks rules of the contract by what it adds.
    Broken {
        found: Vec<Breach>,
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
    let target = require_unlanded(ws, request.task)?.target;
    let names = [request.task.to_owned()];
    let _turn = turn::wait_for(ws, &target, &names, request.patience, interrupt)?;
    if let Some(landed) = landed_meanwhile(ws, request.task)? {
        return Ok(Outcome::Landed(Box::new(landed)));
    }
    land_in_line(ws, request, interrupt)
}

/// Lands one task; its place at the head of the line is the caller's.
fn land_in_line(
    ws: &Workspace,
    request: &Request,
    interrupt: &Interrupt,
) -> anyhow::Result<Outcome> {
    await_judge_of_landing(ws, request.task, request.patience, interrupt)?;
    let (mut member, mut lock) = ready(ws, request.about(request.task))?;
    let mut push = Push::begin(ws, &member.task.target, request)?;
    let mut remote_moves = RemoteMoves::default();
    for _ in 0..TRIES {
        if let Some(push) = &mut push {
            push.meet(&member.task.name, &ws.target_tip(&member.task)?)?;
        }
        let target_tip = ws.target_tip(&member.task)?;
        let in_force = ws.in_force(&member.repo, &member.task.target, &target_tip)?;
        let live = live(ws)?;
        let attempt = Attempt::of(ws, &member, &in_force, &live, interrupt);
        let moved = match attempt.run(&target_tip, lock, push.as_ref())? {
            Step::Done(outcome) => return Ok(outcome),
            Step::Again => member.task.target.clone(),
            Step::RemoteMoved(there) => {
                remote_moves.count(&there, &format!("task `{}` was", request.task))?;
                there
            }
        };
        let ui = &ws.ctx.ui;
        ui.say(&format!("{moved} has moved meanwhile; combining anew"));
        lock = ws.lock_task(request.task)?;
        member.task = ws.store.require_task(request.task)?;
        require_landable(ws, &member.task)?;
    }
    Err(moved_too_often(
        &member.task.target,
        &format!("task `{}` was", request.task),
    ))
}

/// # Errors
/// A refusal ([`Code::Interrupted`]) where Ctrl-C came: it is looked at before whatever takes long.
fn require_uninterrupted(interrupt: &Interrupt) -> Result<(), Refusal> {
    if interrupt.raised() {
        return Err(Refusal::new(Code::Interrupted, "interrupted"));
    }
    Ok(())
}

fn moved_too_often(target: &str, who_was: &str) -> anyhow::Error {
    Refusal::new(
        Code::Busy,
        format!("{target} moved {TRIES} times while {who_was} to land"),
    )
    .hint("try again when it is quieter there")
    .into()
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
        let event = match &landing.together[..] {
            [] => event,
            together => event.fact("together", together),
        };
        landed.landing = Some(landing);
        // Killed after this it is told twice; the other way round it never would be, and `wt log --target` would not
        // know the commits below a landing for its own.
        ws.record(&event)?;
        ws.store.save_task(&landed)?;
    }
    Ok(landed)
}

/// Tears a landed task down, unless it is to be kept or holds new work, and closes its journal. Where nobody can tell
/// whether it holds any, the journal stays open, so that the next command looks again.
pub(crate) fn conclude(ws: &Workspace, task: Task, keep: bool) -> anyhow::Result<Landed> {
    let Some(landing) = task.landing.clone() else {
        bail!("task `{}` has not landed", task.name);
    };
    // Before the journal is closed: whoever finds it open writes the note that is missing.
    remember::landed(ws, &task);
    recover::owe_followers(ws, &task.name)?;
    let (removed, kept_because) = match rest(ws, &task, keep) {
        Ok(Rest::Goes { checked }) => {
            remove::remove(ws, &task, &Keep::Nothing { checked })?;
            (true, None)
        }
        Ok(Rest::Stays { because }) => {
            ws.store.settle(&task.name)?;
            (false, because)
        }
        Err(error) => (false, Some(format!("{error:#}"))),
    };
    Ok(Landed {
        task,
        commit: landing.commit,
        receipt: landing.receipt,
        together: landing.together,
        pushed_to: None,
        kept_because,
        removed,
    })
}

/// What becomes of the worktree and branch of a task that has landed.
enum Rest {
    /// With the branch at this tip, all of which is on the target.
    Goes { checked: Option<Oid> },
    /// For a reason, where nobody asked for it.
    Stays { because: Option<String> },
}

fn rest(ws: &Workspace, task: &Task, keep: bool) -> anyhow::Result<Rest> {
    if keep {
        return Ok(Rest::Stays { because: None });
    }
    let unsaved = remove::unsaved(ws, task)?;
    let because = if unsaved.is_empty() {
        let Err(refusal) = remove::require_movable(task) else {
            let checked = unsaved.tip;
            return Ok(Rest::Goes { checked });
        };
        refusal.message
    } else {
        let paths = [
            unsaved.uncommitted,
            unsaved.staged,
            unsaved.unlanded,
            unsaved.private,
        ]
        .concat();
        format!("it holds newer work: {}", some_of(&paths))
    };
    Ok(Rest::Stays {
        because: Some(because),
    })
}
