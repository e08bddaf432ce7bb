//! The caller's side of `wt validate`: what the worktree holds, and whether the gate may run on it.

mod known;

use crate::breach::Breach;
use crate::candidate::{self, Candidate, Trespass};
use crate::copies;
use crate::error::{Code, Refusal};
use crate::facts;
use crate::gate::{Order, Purpose, Report};
use crate::quarantine;
use crate::store::Lock;
use crate::task::{Course, Rejected, Situation, State, Task, course};
use crate::weakened::Weakening;
use crate::workspace::{InForce, Workspace};

use super::objection::objection;
use super::order::{OrderRequest, covering_receipt, held_back, order, snapshot_of};
use super::{busy, clear_dead_judge, judge_at_work, launch};
use known::{known_snapshot, pass};

/// What an agent asks for.
pub(crate) struct Ask<'a> {
    pub(crate) task: &'a str,
    /// Why the attempt before failed.
    pub(crate) cause: Option<&'a str>,
    /// Empty the slot and pass over what is known.
    pub(crate) fresh: bool,
    /// The operator who accepts that tests are made weaker, if one does.
    pub(crate) accepts_weakened: Option<&'a str>,
}

/// What comes of it at once.
pub(crate) enum Answer {
    /// The snapshot is known to be good.
    Known {
        task: Box<Task>,
        report: Box<Report>,
        target_moved: bool,
    },
    /// The same candidate failed before, in this run, by its own fault or its target's.
    Repeated {
        task: Box<Task>,
        run: u32,
    },
    Trespassed {
        task: Box<Task>,
        found: Vec<Trespass>,
    },
    /// It breaks rules of the contract by what it adds.
    Broken {
        task: Box<Task>,
        found: Vec<Breach>,
    },
    /// It makes tests weaker, where they are protected and no operator accepts it.
    Weakened {
        task: Box<Task>,
        found: Vec<Weakening>,
    },
    Stopped {
        task: Box<Task>,
    },
    /// A judge is at work on this very candidate, begun now or before.
    Judging {
        run: u32,
        attached: bool,
    },
}

/// Decides what to answer, and begins a run of the gate where that is what is needed.
///
/// # Errors
/// Refusals for all that must hold before a worktree can be judged; a conflict with the target.
pub(crate) fn ask(ws: &Workspace, ask: &Ask) -> anyhow::Result<Answer> {
    let (lock, mut task) = ws.take_task(ask.task)?;
    clear_dead_judge(ws, &mut task)?;
    if task.state == State::Stopped {
        return Ok(Answer::Stopped {
            task: Box::new(task),
        });
    }
    require_at_work(ws, &task)?;
    let repo = ws.repo_for(&task);
    repo.git.require_version()?;
    let tip = ws.target_tip(&task)?;
    let in_force = ws.in_force(&repo, &task.target, &tip)?;
    refresh_copies(ws, &mut task, &in_force)?;
    quarantine::bring_in(ws, &repo, &task)?;
    let max_file = in_force.contract.judge.max_file;
    let (snapshot, uncommitted) = snapshot_of(ws, &repo, &task, max_file)?;
    quarantine::hold(ws, &repo, &task, &snapshot.commit)?;
    facts::note_seen(ws, &task.name, uncommitted)?;

    let known = (!ask.fresh)
        .then(|| known_snapshot(ws, &repo, &task, &snapshot, &in_force, &tip))
        .transpose()?;
    if let Some(answer) = known.flatten() {
        return Ok(answer);
    }
    let candidate = candidate::combine(&repo, &task, &snapshot, &tip)?;
    quarantine::hold(ws, &repo, &task, &candidate.pinned.commit)?;
    require_work(&task, &candidate)?;
    candidate::require_sizes(&repo.read, &candidate, max_file)?;
    let found = candidate::trespasses(ws, &repo, &task, &in_force, &candidate)?;
    if !found.is_empty() {
        let paths = paths_of(&found);
        ws.record(&ws.event(&task.name, "trespassed").fact("paths", paths))?;
        return Ok(Answer::Trespassed {
            task: Box::new(task),
            found,
        });
    }
    if let Some(answer) = objection(ws, &repo, ask, &task, &in_force, &candidate)? {
        return Ok(answer);
    }
    let request = OrderRequest {
        task: &task,
        purpose: Purpose::Validate,
        snapshot: &snapshot,
        candidate: &candidate,
        in_force: &in_force,
        cause: ask.cause,
        train: &[],
        fresh: ask.fresh,
    };
    let order = order(ws, &repo, &request)?;
    decide(ws, ask, task, order, &lock)
}

/// # Errors
/// A refusal for a task that has not started yet, or has landed.
fn require_at_work(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    ws.require_started(task)?;
    task.require_planned()?;
    if task.state == State::Landed {
        return Err(Refusal::refused(format!("task `{}` has landed", task.name))
            .hint(format!("remove it: wt rm {}", task.name))
            .into());
    }
    Ok(())
}

/// A pass on nothing would give a task that failed its budget back, without a mend.
fn require_work(task: &Task, candidate: &Candidate) -> Result<(), Refusal> {
    if !candidate.paths.is_empty() || task.state != State::Failed {
        return Ok(());
    }
    Err(Refusal::refused(format!(
        "task `{}` failed once and changes nothing on {} now",
        task.name, task.target
    ))
    .hint("bring the work back and mend it; what is stashed or ignored by git is not judged"))
}

fn decide(
    ws: &Workspace,
    ask: &Ask,
    mut task: Task,
    order: Order,
    lock: &Lock,
) -> anyhow::Result<Answer> {
    if let Some(run) = task.judging {
        return attach(ws, &task, &order, run);
    }
    let receipt = (!ask.fresh)
        .then(|| covering_receipt(&ws.store, &order))
        .flatten();
    let situation = Situation {
        candidate: &order.candidate.tree,
        gate: &order.gate,
        receipt_known: receipt.is_some(),
        held_back: (!ask.fresh).then(|| held_back(&task, &order)).flatten(),
        cause: ask.cause,
        fresh: ask.fresh,
    };
    match (course(&task, &situation), receipt) {
        (Course::Answer, Some(receipt)) => pass(ws, task, order, &receipt),
        (Course::Stopped, _) => Ok(Answer::Stopped {
            task: Box::new(task),
        }),
        (Course::Repeat { run }, _) => Ok(Answer::Repeated {
            task: Box::new(task),
            run,
        }),
        (Course::NeedsCause, _) => Err(needs_cause(&task).into()),
        (Course::Judge | Course::Answer, _) => {
            let run = order.run;
            launch(ws, &mut task, &order, lock)?;
            Ok(Answer::Judging {
                run,
                attached: false,
            })
        }
    }
}

fn attach(ws: &Workspace, task: &Task, order: &Order, run: u32) -> anyhow::Result<Answer> {
    let at_work = judge_at_work(ws, task)?;
    match at_work {
        Some((judged, _))
            if judged.purpose != Purpose::Train
                && judged.candidate.tree == order.candidate.tree
                && judged.gate == order.gate =>
        {
            Ok(Answer::Judging {
                run,
                attached: true,
            })
        }
        Some((judged, _)) if judged.purpose != Purpose::Validate => Err(busy(task, &judged).into()),
        _ => Err(Refusal::new(
            Code::Busy,
            format!(
                "a judge is at work on an earlier state of task `{}`",
                task.name
            ),
        )
        .hint("when it is done, validate again; its verdict will be in .wt/last/verdict.txt")
        .into()),
    }
}

fn needs_cause(task: &Task) -> Refusal {
    let run = task
        .rejected
        .as_ref()
        .map(|Rejected { run, .. }| format!(" (run {run})"))
        .unwrap_or_default();
    Refusal::refused(format!(
        "task `{}` failed once{run}; the one retry wants the cause of that failure",
        task.name
    ))
    .hint(format!(
        "wt validate {} --cause \"<why it failed>\"",
        task.name
    ))
}

/// Brings the copies in the worktree up to the contract in force, and says what changed under the task.
fn refresh_copies(ws: &Workspace, task: &mut Task, in_force: &InForce) -> anyhow::Result<()> {
    let current = copies::are_current(&ws.repo, task, in_force)?;
    if current.rules && current.gate {
        return Ok(());
    }
    let said = if current.gate {
        format!(
            "the rules on {} have changed; .wt/RULES.md is new",
            task.target
        )
    } else {
        format!(
            "the gate on {} has changed; this is judged under the new one",
            task.target
        )
    };
    ws.ctx.ui.say(&said);
    copies::write(&ws.repo, &ws.store, task, in_force)?;
    ws.store.save_task(task)
}

fn paths_of(found: &[Trespass]) -> Vec<String> {
    found.iter().take(20).map(|t| t.path.clone()).collect()
}

/// The exit status of a failure: the one that spent the budget says so.
pub(super) fn code_of_failure(task: &Task) -> Code {
    if task.state == State::Stopped {
        Code::Stopped
    } else {
        Code::No
    }
}
