//! Landing: exactly a judged tree reaches the target, and a person's own work there survives.
//!
//! The order of the steps is the safety: candidate, proof, journal, target, check, record, tear down.

mod commits;
mod message;
mod proof;
mod target;

use anyhow::bail;
use signal_hook::consts::SIGINT;

use crate::candidate;
use crate::error::{Code, Refusal, some_of};
use crate::gate::Report;
use crate::git::Repo;
use crate::judge::{clear_dead_judge, judge_at_work, snapshot_of};
use crate::oid::Oid;
use crate::process::{Identity, Interrupt};
use crate::remove::{self, Keep};
use crate::store::{Lock, Operation};
use crate::task::{Happening, Landing, Pinned, State, Task};
use crate::workspace::{InForce, Workspace};

pub(crate) use commits::Plan;
use proof::{Judged, Proof, prove};
use target::{Moved, Place};

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
    /// The operator who accepts a change of the judge, if one does.
    pub(crate) accepts_judge_change: Option<String>,
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
    let _line = ws.store.landing_lock(&target, |holder| {
        ws.ctx.ui.say(&format!(
            "waiting for another landing on {target} ({holder})"
        ));
    })?;
    let mut lock = ws.lock_task(request.task)?;
    let mut task = ws.store.require_task(request.task)?;
    clear_dead_judge(ws, &mut task)?;
    require_landable(ws, &task)?;
    let tip = ready_tip(ws, &task, request)?;
    for _ in 0..TRIES {
        let repo = ws.repo_for(&task);
        let target_tip = ws.target_tip(&task)?;
        let in_force = ws.in_force(&task.target, &target_tip)?;
        let attempt = Attempt {
            ws,
            repo: &repo,
            task: &task,
            request,
            in_force: &in_force,
            tip: &tip,
            interrupt,
        };
        match attempt.run(&target_tip, lock)? {
            Step::Done(outcome) => return Ok(outcome),
            Step::Again => {
                ws.ctx.ui.say(&format!(
                    "{} has moved meanwhile; combining anew",
                    task.target
                ));
                lock = ws.lock_task(request.task)?;
                task = ws.store.require_task(request.task)?;
            }
        }
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

fn require_landable(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    if judge_at_work(ws, task)?.is_some() {
        return Err(Refusal::new(
            Code::Busy,
            format!("a judge is at work on task `{}`", task.name),
        )
        .hint(format!("follow it: wt validate {}", task.name))
        .into());
    }
    let refusal = match task.state {
        State::Validated => return Ok(()),
        State::Stopped => Refusal::new(Code::Stopped, format!("task `{}` is stopped", task.name))
            .hint(format!(
                "see why: wt show {0}; give it another budget: wt resume {0} --because \"…\"",
                task.name
            )),
        State::Landed => Refusal::refused(format!("task `{}` has landed already", task.name))
            .hint(format!("remove it: wt rm {}", task.name)),
        State::Working | State::Failed => Refusal::refused(format!(
            "task `{}` is {}, not validated",
            task.name,
            task.state.word()
        ))
        .hint(format!("wt validate {}", task.name)),
    };
    Err(refusal.into())
}

/// The tip of the task's branch, with all work committed and its tree judged green.
fn ready_tip(ws: &Workspace, task: &Task, request: &Request) -> anyhow::Result<Oid> {
    let repo = ws.repo_for(task);
    let (snapshot, uncommitted) = snapshot_of(ws, &repo, task, u64::MAX)?;
    let judged = task.validated.as_ref().map(|v| &v.snapshot.tree);
    let tip = repo.tip_of(task)?;
    if uncommitted.is_empty() || snapshot.commit == tip {
        require_judged(task, judged, &snapshot.tree, "the tip of its branch")?;
        return Ok(tip);
    }
    if !request.commit {
        return Err(Refusal::refused(format!(
            "task `{}` has uncommitted work: {}",
            task.name,
            some_of(&uncommitted)
        ))
        .hint("commit it in the worktree, or let wt do it: wt merge --commit -m \"<message>\"")
        .into());
    }
    require_judged(task, judged, &snapshot.tree, "its uncommitted work")?;
    if request.dry_run {
        return Ok(snapshot.commit);
    }
    commits::commit_work(ws, &repo, task, &snapshot, &tip, request.message)
}

fn require_judged(task: &Task, judged: Option<&Oid>, tree: &Oid, what: &str) -> anyhow::Result<()> {
    if judged == Some(tree) {
        return Ok(());
    }
    Err(Refusal::refused(format!(
        "task `{}` has changed since it was validated: {what} was not judged",
        task.name
    ))
    .hint(format!("wt validate {}", task.name))
    .into())
}

enum Step {
    Done(Outcome),
    Again,
}

/// One try at a target that stands still.
struct Attempt<'a> {
    ws: &'a Workspace<'a>,
    /// Git in the task's captured environment.
    repo: &'a Repo,
    task: &'a Task,
    request: &'a Request<'a>,
    in_force: &'a InForce,
    tip: &'a Oid,
    interrupt: &'a Interrupt,
}

impl Attempt<'_> {
    fn run(&self, target: &Oid, lock: Lock) -> anyhow::Result<Step> {
        let tip = Pinned {
            commit: self.tip.clone(),
            tree: self.repo.read.tree_of(self.tip)?,
        };
        let combined = candidate::combine(self.repo, self.task, &tip, target)?;
        if combined.paths.is_empty() {
            return Err(Refusal::refused(format!(
                "task `{}` changes nothing on {}",
                self.task.name, self.task.target
            ))
            .hint(format!(
                "if its work is there already: wt rm {}",
                self.task.name
            ))
            .into());
        }
        let claims = self
            .ws
            .claims(self.repo, &self.task.name, &self.task.owns, self.in_force)?;
        let found = candidate::trespasses(&claims.territory(), self.task, &combined.paths);
        if !found.is_empty() {
            return Ok(Step::Done(Outcome::Trespassed {
                task: Box::new(self.task.clone()),
                found,
            }));
        }
        let draft = commits::draft(self, &tip, combined)?;
        self.require_accepted(&draft)?;
        let place = Place::find(self, &draft)?;
        if self.request.dry_run {
            return Ok(Step::Done(Outcome::Planned(Box::new(Plan::new(
                self, &draft, &place,
            )?))));
        }
        place.require_free(self)?;
        match prove(self, &draft, &tip, lock)? {
            Proof::Judged(judged, lock) => self.move_target(&judged, &place, lock),
            Proof::Refused { task, report, code } => {
                Ok(Step::Done(Outcome::Refused { task, report, code }))
            }
            Proof::Moved => Ok(Step::Again),
        }
    }

    /// A change of what the gate's words mean lands only with the operator's word.
    fn require_accepted(&self, draft: &commits::Draft) -> anyhow::Result<()> {
        let changed = candidate::judge_changed(
            &self.repo.read,
            &self.in_force.contract,
            &draft.candidate.changes,
        )?;
        if changed.is_empty() || self.request.dry_run {
            return Ok(());
        }
        let Some(operator) = &self.request.accepts_judge_change else {
            return Err(Refusal::refused(format!(
                "JUDGE_CHANGED: task `{}` changes what judges it: {}",
                self.task.name,
                some_of(&changed)
            ))
            .hint("look at these changes; then the operator lands it with --accept-judge-change")
            .into());
        };
        let event = self.ws.event(&self.task.name, "judge-change-accepted");
        self.ws.record(
            &event
                .fact("operator", operator.as_str())
                .fact("paths", changed),
        )
    }

    /// Moves the target to a proven candidate; only a proof gets here.
    fn move_target(&self, judged: &Judged, place: &Place, lock: Lock) -> anyhow::Result<Step> {
        let keep = self.request.keep || self.in_force.contract.land.keep;
        let commit = commits::finish(self, judged)?;
        if self.interrupt.raised() {
            bail!("interrupted");
        }
        // From here on Ctrl-C comes too late: what is begun is ended.
        let operation = Operation::Land {
            old: judged.target().clone(),
            new: commit.clone(),
            tip: self.tip.clone(),
            receipt: judged.receipt().to_owned(),
            keep,
        };
        self.ws
            .store
            .intend(&self.task.name, &Identity::current()?, operation)?;
        match place.move_to(self, judged, &commit) {
            Ok(Moved::Done) => {}
            Ok(Moved::TargetMoved) => {
                self.ws.store.settle(&self.task.name)?;
                drop(lock);
                return Ok(Step::Again);
            }
            Err(error) => {
                // Where the target may have moved all the same, the open intent lets the next command finish.
                if self.ws.target_tip(self.task)? == *judged.target() {
                    self.ws.store.settle(&self.task.name)?;
                }
                return Err(error);
            }
        }
        let landing = Landing {
            commit,
            tip: self.tip.clone(),
            receipt: judged.receipt().to_owned(),
            at: self.ws.ctx.now,
        };
        let landed = record_landing(self.ws, self.task, landing)?;
        let outcome = conclude(self.ws, landed, keep)?;
        drop(lock);
        Ok(Step::Done(outcome))
    }
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
    let kept_because = if keep { None } else { why_kept(ws, &task) };
    let removed = !keep && kept_because.is_none();
    if removed {
        remove::remove(ws, &task, Keep::Nothing)?;
    } else {
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

/// Work that came into the worktree while it landed keeps it.
fn why_kept(ws: &Workspace, task: &Task) -> Option<String> {
    match remove::unsaved(ws, task) {
        Ok(unsaved) if unsaved.is_empty() => None,
        Ok(unsaved) => Some(format!(
            "it holds newer work: {}",
            some_of(&[unsaved.uncommitted, unsaved.unlanded].concat())
        )),
        Err(error) => Some(format!("{error:#}")),
    }
}
