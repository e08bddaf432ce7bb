//! The proof that what is to land was judged green: nothing lands without one, and nothing but this module makes one.

use anyhow::bail;

use crate::candidate::Candidate;
use crate::error::{Code, Refusal, some_of};
use crate::gate::{self, Culprit, Order, Purpose, Report, Verdict};
use crate::git::Change;
use crate::judge::{self, OrderRequest, covering_receipt, order};
use crate::oid::Oid;
use crate::store::Lock;
use crate::task::Task;
use crate::workspace::Workspace;

use super::attempt::{Attempt, Car};
use super::{Patience, require_uninterrupted};

/// Drafts, each on the one before it, the first on the target; a receipt under the target's gate covers all that the
/// last changes there.
pub(super) struct Judged<'d> {
    cars: &'d [Car<'d>],
    whole: &'d Candidate,
    receipt: String,
}

impl<'d> Judged<'d> {
    pub(super) fn cars(&self) -> &'d [Car<'d>] {
        self.cars
    }

    pub(super) fn receipt(&self) -> &str {
        &self.receipt
    }

    /// The commit of the target that the drafts were made on.
    pub(super) fn target(&self) -> &'d Oid {
        &self.whole.target
    }

    /// All that changes on the target.
    pub(super) fn changes(&self) -> &'d [Change] {
        &self.whole.changes
    }

    pub(super) fn names(&self) -> Vec<String> {
        self.cars.iter().map(|car| car.name().to_owned()).collect()
    }

    /// The names where there are several: what was judged as one.
    pub(super) fn together(&self) -> Vec<String> {
        if self.cars.len() > 1 {
            self.names()
        } else {
            Vec::new()
        }
    }
}

/// What asking for a proof came to.
pub(super) enum Proof<'d> {
    Judged(Judged<'d>, Lock),
    Refused {
        task: Box<Task>,
        report: Box<Report>,
        code: Code,
    },
    /// The task or its target is no longer what the draft was made of.
    Moved,
}

/// What is known before a draft is judged.
pub(super) struct Outlook {
    /// Whether a receipt covers it already.
    pub(super) judged: bool,
    /// The steps that would judge it and that are known to fail on the target itself.
    pub(super) target_red: Vec<String>,
}

/// What is known of all that the target becomes with this draft and those before it: `whole`.
pub(super) fn outlook(car: &Car, whole: &Candidate) -> anyhow::Result<Outlook> {
    let Attempt { ws, repo, .. } = car.attempt;
    let order = order_for(car, car.attempt.task, whole, &[])?;
    let judged = covering_receipt(&ws.store, &order).is_some();
    let target_red = if judged {
        Vec::new()
    } else {
        judge::known_red(&ws.store, &order, &repo.read.tree_of(&order.target)?)
    };
    Ok(Outlook { judged, target_red })
}

/// The order to judge `candidate`, alone or as the end of a train, for `task`: the record of the car's as it stands.
fn order_for(
    car: &Car,
    task: &Task,
    candidate: &Candidate,
    train: &[gate::Car],
) -> anyhow::Result<Order> {
    let Attempt {
        ws, repo, in_force, ..
    } = car.attempt;
    let purpose = if train.is_empty() {
        Purpose::Land
    } else {
        Purpose::Train
    };
    let request = OrderRequest {
        task,
        purpose,
        snapshot: &car.attempt.work.tip,
        candidate,
        in_force,
        cause: None,
        train,
        fresh: false,
    };
    order(ws, repo, &request)
}

/// Finds the receipt that covers a draft on the target, or has it judged now.
pub(super) fn prove<'d>(car: &'d Car<'d>, lock: Lock) -> anyhow::Result<Proof<'d>> {
    let (ws, name) = (car.attempt.ws, car.name());
    let whole = &car.draft.candidate;
    let order = order_for(car, car.attempt.task, whole, &[])?;
    let judged = |receipt| Judged {
        cars: std::slice::from_ref(car),
        whole,
        receipt,
    };
    if let Some(receipt) = covering_receipt(&ws.store, &order) {
        return Ok(Proof::Judged(judged(receipt.key()), lock));
    }
    let task = car.attempt.task;
    if let Some(run) = judge::held_back(task, &order) {
        say_held_back(ws, task, run);
        return Ok(Proof::Refused {
            task: Box::new(task.clone()),
            report: Box::new(judge::report_of(ws, task, run)?),
            code: Code::No,
        });
    }
    car.require_begun_at_once(&order)?;
    ws.ctx.ui.say(&format!(
        "{name}: judging the combination with {} as it is now",
        car.attempt.task.target
    ));
    let mut task = car.attempt.task.clone();
    judge::launch(ws, &mut task, &order, &lock)?;
    drop(lock);
    let verdict = judge::follow(ws, name, order.run, car.attempt.interrupt)?;
    if verdict.code != Code::Ok {
        let report = judge::report_of(ws, &verdict.task, order.run)?;
        return Ok(Proof::Refused {
            task: Box::new(verdict.task),
            report: Box::new(report),
            code: verdict.code,
        });
    }
    let lock = ws.lock_task(name)?;
    let unmoved = ws.target_tip(car.attempt.task)? == whole.target
        && car
            .attempt
            .work
            .is_at(&car.attempt.repo.tip_of(car.attempt.task)?);
    match covering_receipt(&ws.store, &order) {
        Some(receipt) if unmoved => Ok(Proof::Judged(judged(receipt.key()), lock)),
        _ => Ok(Proof::Moved),
    }
}

impl Car<'_> {
    /// What must hold before the gate is begun: Ctrl-C has not come, and who does not wait finds a slot free.
    fn require_begun_at_once(&self, order: &Order) -> anyhow::Result<()> {
        let Attempt { ws, request, .. } = self.attempt;
        require_uninterrupted(self.attempt.interrupt)?;
        if request.patience == Patience::Refuse && !judge::slot_is_free(&ws.store, order)? {
            return Err(Refusal::new(Code::Busy, "busy: every slot is taken")
                .hint("without --no-wait this waits for one; who judges: wt list --all")
                .into());
        }
        Ok(())
    }
}

fn say_held_back(ws: &Workspace, task: &Task, run: u32) {
    ws.ctx.ui.say(&format!(
        "{} was red itself in run {run} of task `{}` and has not moved since; no step was run",
        task.target, task.name
    ));
}

/// What asking for a proof of several drafts came to.
pub(super) enum TrainProof<'d> {
    Judged {
        judged: Judged<'d>,
        /// The run that made the receipt, if it was not known before.
        run: Option<u32>,
    },
    /// Somebody on the train, or the target, is no longer what the drafts were made of.
    Moved,
    /// Red by the fault of one of them, as run `run` of `owner` found out.
    Red {
        owner: String,
        run: u32,
        culprit: Box<Culprit>,
    },
    /// This step is red on the target itself.
    TargetRed { step: String, report: Box<Report> },
    /// It is not known whose fault it is, or it is no fault of theirs.
    Undecided { report: Box<Report>, code: Code },
}

/// Finds the receipt that covers the last of several drafts, or has it judged now. `prefixes` are what each draft
/// with those before it makes of the target.
pub(super) fn prove_train<'d>(
    cars: &'d [Car<'d>],
    prefixes: &'d [Candidate],
) -> anyhow::Result<TrainProof<'d>> {
    let Some((last, whole)) = cars.last().zip(prefixes.last()) else {
        bail!("an empty train");
    };
    let told = |(car, prefix): (&Car, &Candidate)| gate::Car {
        task: car.name().to_owned(),
        tip: car.attempt.work.tip.commit.clone(),
        prefix: prefix.pinned.clone(),
    };
    let train: Vec<gate::Car> = cars.iter().zip(prefixes).map(told).collect();
    let (ws, owner) = (last.attempt.ws, last.name());
    let judged = |receipt| Judged {
        cars,
        whole,
        receipt,
    };
    let lock = ws.lock_task(owner)?;
    let Ok(mut task) = last.recheck() else {
        return Ok(TrainProof::Moved);
    };
    let order = order_for(last, &task, whole, &train)?;
    if let Some(receipt) = covering_receipt(&ws.store, &order) {
        let judged = judged(receipt.key());
        return Ok(TrainProof::Judged { judged, run: None });
    }
    if let Some(run) = judge::held_back(&task, &order) {
        say_held_back(ws, &task, run);
        return unproven(
            last,
            run,
            judge::verdict_of(ws, owner, run)?,
            &task,
            Code::No,
        );
    }
    last.require_begun_at_once(&order)?;
    let names: Vec<String> = cars.iter().map(|car| car.name().to_owned()).collect();
    let (names, target) = (some_of(&names), &task.target);
    ws.ctx
        .ui
        .say(&format!("judging {names} together on {target}"));
    judge::launch(ws, &mut task, &order, &lock)?;
    drop(lock);
    let verdict = match judge::follow(ws, owner, order.run, last.attempt.interrupt) {
        // It was taken away in the middle.
        Err(_) if ws.store.find_task(owner)?.is_none() => return Ok(TrainProof::Moved),
        followed => followed?,
    };
    let found = judge::verdict_of(ws, owner, order.run)?;
    if let Some(Verdict::Passed { .. }) = found {
        let run = Some(order.run);
        return Ok(match covering_receipt(&ws.store, &order) {
            Some(receipt) => TrainProof::Judged {
                judged: judged(receipt.key()),
                run,
            },
            None => TrainProof::Moved,
        });
    }
    unproven(last, order.run, found, &verdict.task, verdict.code)
}

/// What a run of a train came to that did not pass; `last` is the car by whose record it was judged, `task` that
/// record by now.
fn unproven<'d>(
    last: &Car,
    run: u32,
    found: Option<Verdict>,
    task: &Task,
    code: Code,
) -> anyhow::Result<TrainProof<'d>> {
    Ok(match found {
        Some(Verdict::Failed {
            culprit: Some(culprit),
            ..
        }) => TrainProof::Red {
            owner: last.name().to_owned(),
            run,
            culprit,
        },
        // By another: who takes a task away stops its judge.
        _ if code == Code::Interrupted && !last.attempt.interrupt.raised() => TrainProof::Moved,
        _ if code == Code::Interrupted => {
            return Err(Refusal::new(Code::Interrupted, "interrupted").into());
        }
        found => {
            let report = Box::new(judge::report_of(last.attempt.ws, task, run)?);
            match found {
                Some(Verdict::TargetRed { step, .. }) => TrainProof::TargetRed { step, report },
                _ => TrainProof::Undecided { report, code },
            }
        }
    })
}
