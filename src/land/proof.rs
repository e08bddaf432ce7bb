//! The proof that a draft was judged green: nothing lands without one, and nothing but this module makes one.

use crate::error::Code;
use crate::gate::{Order, Purpose, Report};
use crate::judge::{self, OrderRequest, covering_receipt, order};
use crate::oid::Oid;
use crate::store::Lock;
use crate::task::Task;

use super::attempt::Attempt;
use super::commits::Draft;

/// A draft whose tree a receipt covers, under the target's gate.
pub(super) struct Judged<'d> {
    draft: &'d Draft,
    receipt: String,
}

impl Judged<'_> {
    pub(super) fn draft(&self) -> &Draft {
        self.draft
    }

    pub(super) fn receipt(&self) -> &str {
        &self.receipt
    }

    /// The commit of the target that the draft was made on.
    pub(super) fn target(&self) -> &Oid {
        &self.draft.candidate.target
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

/// Whether a receipt covers a draft already.
pub(super) fn covered(attempt: &Attempt, draft: &Draft) -> anyhow::Result<bool> {
    Ok(covering_receipt(&attempt.ws.store, &order_for(attempt, draft)?).is_some())
}

fn order_for(attempt: &Attempt, draft: &Draft) -> anyhow::Result<Order> {
    let request = OrderRequest {
        task: attempt.task,
        purpose: Purpose::Land,
        snapshot: &attempt.work.tip,
        candidate: &draft.candidate,
        in_force: attempt.in_force,
        cause: None,
        train: &[],
        fresh: false,
    };
    order(attempt.ws, attempt.repo, &request)
}

/// Finds the receipt that covers the draft, or has the draft judged now.
pub(super) fn prove<'d>(
    attempt: &Attempt,
    draft: &'d Draft,
    lock: Lock,
) -> anyhow::Result<Proof<'d>> {
    let (ws, name) = (attempt.ws, &attempt.task.name);
    let order = order_for(attempt, draft)?;
    if let Some(receipt) = covering_receipt(&ws.store, &order) {
        return Ok(Proof::Judged(
            Judged {
                draft,
                receipt: receipt.key(),
            },
            lock,
        ));
    }
    if let Some(run) = judge::held_back(attempt.task, &order) {
        ws.ctx.ui.say(&format!(
            "{} was red itself before (run {run}), and is the same; no step was run",
            attempt.task.target
        ));
        let report = judge::report_of(ws, attempt.task, run)?;
        return Ok(Proof::Refused {
            task: Box::new(attempt.task.clone()),
            report: Box::new(report),
            code: Code::No,
        });
    }
    ws.ctx.ui.say(&format!(
        "{name}: judging the combination with {}, which has moved",
        attempt.task.target
    ));
    let mut task = attempt.task.clone();
    judge::launch(ws, &mut task, &order, &lock)?;
    drop(lock);
    let verdict = judge::follow(ws, name, order.run)?;
    if verdict.code != Code::Ok {
        let report = judge::report_of(ws, &verdict.task, order.run)?;
        return Ok(Proof::Refused {
            task: Box::new(verdict.task),
            report: Box::new(report),
            code: verdict.code,
        });
    }
    let lock = ws.lock_task(name)?;
    let unmoved = ws.target_tip(attempt.task)? == draft.candidate.target
        && attempt.repo.tip_of(attempt.task)? == attempt.work.branch;
    match covering_receipt(&ws.store, &order) {
        Some(receipt) if unmoved => Ok(Proof::Judged(
            Judged {
                draft,
                receipt: receipt.key(),
            },
            lock,
        )),
        _ => Ok(Proof::Moved),
    }
}
