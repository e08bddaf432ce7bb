//! The move: journal, target, check, record, tear down. Only what is proven gets here.

use anyhow::bail;

use super::attempt::Attempt;
use super::commits;
use super::proof::Judged;
use super::remote::{Push, Pushed};
use super::target::Place;
use super::{Landed, conclude, record_landing, require_uninterrupted};
use crate::halfway::Moved;
use crate::oid::Oid;
use crate::process::Identity;
use crate::store::{Operation, PushedTo};
use crate::task::{Landing, Task};
use crate::workspace::Workspace;

/// What the move came to.
pub(super) enum Moving {
    /// In the order in which they landed.
    Landed(Vec<Landed>),
    /// By another; all is as it was.
    TargetMoved,
    /// The remote that it is pushed to, named as people do, has something else by now; all is as it was.
    RemoteMoved(String),
}

/// Moves the target to the last of `chain`, the landing commits of what was judged, and records each task as landed;
/// with `push`, where the remote has taken it first.
/// The locks of all these tasks must be held, and `tasks` be their records as they stand.
pub(super) fn move_target(
    judged: &Judged,
    chain: Vec<Oid>,
    tasks: Vec<Task>,
    push: Option<&Push>,
) -> anyhow::Result<Moving> {
    let Some((last, new)) = judged.cars().last().zip(chain.last()) else {
        bail!("nothing is to land");
    };
    let Attempt { ws, interrupt, .. } = last.attempt;
    let place = Place::find(&last.attempt, judged.changes())?;
    place.require_free(&last.attempt)?;
    require_uninterrupted(interrupt)?;
    announce(judged, &tasks)?;
    // From here on Ctrl-C comes too late: what is begun is ended.
    if let Err(error) = intend(judged, &chain, &place, push.map(Push::intended).as_ref()) {
        settle(ws, &tasks)?;
        return Err(error);
    }
    if let Some(push) = push {
        match push.send(new) {
            // Whatever fails from here on, the intents stay open: the remote has the landing.
            Ok(Pushed::Done) => {
                intend(judged, &chain, &place, Some(&push.taken()))?;
                push.tell(&judged.names(), new)?;
            }
            answer => {
                settle(ws, &tasks)?;
                return answer.map(|_| Moving::RemoteMoved(push.to()));
            }
        }
    }
    match (place.move_to(&last.attempt, judged, new), push) {
        (Moved::Done, _) => {}
        // The intents stay open: once the branch here has followed, the landings are recorded.
        (Moved::ByAnother, Some(push)) => {
            return Err(push.left_behind(new, "it moved at that moment").into());
        }
        (Moved::Half(error) | Moved::Undone(error), Some(push)) => {
            return Err(push.left_behind(new, &format!("{error:#}")).into());
        }
        (Moved::ByAnother, None) => {
            settle(ws, &tasks)?;
            return Ok(Moving::TargetMoved);
        }
        (Moved::Half(error), None) => return Err(error),
        (Moved::Undone(error), None) => {
            // Where the target may have moved all the same, the open intents let the next command finish.
            if ws.target_tip(last.attempt.task)? == *judged.target() {
                settle(ws, &tasks)?;
            }
            return Err(error);
        }
    }
    let mut landed = record_all(judged, chain, tasks)?;
    for landed in &mut landed {
        landed.pushed_to = push.map(Push::to);
    }
    Ok(Moving::Landed(landed))
}

/// Writes down that all of them have landed, and then tears them down: a tear-down that fails must not leave one
/// unrecorded.
fn record_all(judged: &Judged, chain: Vec<Oid>, tasks: Vec<Task>) -> anyhow::Result<Vec<Landed>> {
    let mut recorded = Vec::new();
    for ((car, commit), task) in judged.cars().iter().zip(chain).zip(tasks) {
        let ws = car.attempt.ws;
        let landing = Landing {
            commit,
            onto: Some(judged.target().clone()),
            tip: car.attempt.work.tip.commit.clone(),
            receipt: judged.receipt().to_owned(),
            together: judged.together(),
            at: ws.ctx.now,
        };
        let task = record_landing(ws, &task, landing)?;
        recorded.push((ws, task, keeps(&car.attempt)));
    }
    recorded
        .into_iter()
        .map(|(ws, task, keep)| conclude(ws, task, keep))
        .collect()
}

/// Lets everyone see what the landing stands on: the commits of `--commit`, and who accepted a change of the judge.
fn announce(judged: &Judged, tasks: &[Task]) -> anyhow::Result<()> {
    for (car, task) in judged.cars().iter().zip(tasks) {
        let Attempt {
            ws, repo, request, ..
        } = car.attempt;
        commits::publish_work(ws, repo, task, car.attempt.work)?;
        if let (Some(operator), false) =
            (&request.accepts_judge_change, car.judge_changed.is_empty())
        {
            let event = ws
                .event(&task.name, "judge-change-accepted")
                .fact("operator", operator.as_str());
            ws.record(&event.fact("paths", car.judge_changed.as_slice()))?;
        }
    }
    Ok(())
}

/// Writes down what is to land, the last of it at the end: once that is there, the move may have begun.
fn intend(
    judged: &Judged,
    chain: &[Oid],
    place: &Place,
    pushed_to: Option<&PushedTo>,
) -> anyhow::Result<()> {
    let last = chain.last();
    for (car, commit) in judged.cars().iter().zip(chain) {
        let operation = Operation::Land {
            old: judged.target().clone(),
            new: commit.clone(),
            tip: car.attempt.work.tip.commit.clone(),
            receipt: judged.receipt().to_owned(),
            together: judged.together(),
            keep: keeps(&car.attempt),
            pushed_to: pushed_to.cloned(),
            last: last.filter(|last| *last != commit).cloned(),
            checkout: place.checkout().cloned(),
        };
        let store = &car.attempt.ws.store;
        store.intend(car.name(), &Identity::current()?, operation)?;
    }
    Ok(())
}

/// Closes the intents that this process wrote. One that a killed command left, and that can't be mended yet, stays.
fn settle(ws: &Workspace, tasks: &[Task]) -> anyhow::Result<()> {
    let me = Identity::current()?;
    for task in tasks {
        let open = ws.store.find_intent(&task.name)?;
        if open.is_some_and(|entry| entry.process == me) {
            ws.store.settle(&task.name)?;
        }
    }
    Ok(())
}

/// Whether the task's worktree is kept when it has landed.
pub(super) fn keeps(attempt: &Attempt) -> bool {
    attempt.request.keep || attempt.in_force.contract.land.keep
}
