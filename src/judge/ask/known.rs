//! The answers that a stored receipt gives, without a run of the gate.

use super::super::order::{answers, standing_receipt};
use super::Answer;
use crate::candidate;
use crate::copies;
use crate::gate::{self, Order, Receipt, Report};
use crate::git::{Reader, Repo};
use crate::oid::Oid;
use crate::surroundings;
use crate::task::{Happening, Pinned, State, Task, Validated};
use crate::workspace::{InForce, Workspace};

/// The stored receipt answers: the task is validated, and no step is run.
pub(super) fn pass(
    ws: &Workspace,
    mut task: Task,
    order: Order,
    receipt: &Receipt,
) -> anyhow::Result<Answer> {
    let before = task.clone();
    task.advance(Happening::Passed)?;
    task.rejected = None;
    task.held_back = None;
    task.unstable = 0;
    task.validated = Some(Validated {
        snapshot: order.snapshot,
        target: order.target,
        receipt: receipt.key(),
        synced: false,
    });
    if task != before {
        ws.store.save_task(&task)?;
    }
    ws.record(&ws.event(&task.name, "known").fact("receipt", receipt.key()))?;
    let report = Report::known(
        &task,
        receipt,
        &order.changed,
        order.judge_changed,
        order.tests_weakened,
    );
    // The verdict before must not lie there as if it were the last one.
    if let Err(error) = copies::write_last(&task, &report.text(), None) {
        ws.ctx.ui.warn(&format!("{error:#}"));
    }
    Ok(Answer::Known {
        task: Box::new(task),
        report: Box::new(report),
        target_moved: false,
    })
}

/// A receipt of this very snapshot answers at once, also when the target has moved since: landing judges the new
/// combination.
pub(super) fn known_snapshot(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    snapshot: &Pinned,
    in_force: &InForce,
    tip: &Oid,
) -> anyhow::Result<Option<Answer>> {
    let Some(validated) = &task.validated else {
        return Ok(None);
    };
    if task.state != State::Validated || validated.snapshot.tree != snapshot.tree {
        return Ok(None);
    }
    if validated.synced {
        // This very tree was never judged, and who asks wants to know.
        return Ok(None);
    }
    let Some(receipt) = standing_receipt(&ws.store, &validated.receipt) else {
        return Ok(None);
    };
    let fingerprint = surroundings::fingerprint(&ws.store, &in_force.contract, &task.environment);
    let environment = gate::environment_hash(&task.environment, &fingerprint);
    if receipt.gate != in_force.gate
        || receipt.environment != environment
        || validated.target == *tip
        || !answers(&in_force.contract, &receipt)
    {
        // With the target unmoved the general way answers as fast.
        return Ok(None);
    }
    // What is known to conflict can't land, however green it was.
    let candidate = candidate::combine(repo, task, snapshot, tip)?;
    let contract = &in_force.contract;
    let weakened = candidate::weakened(&repo.read, &candidate.changes)?;
    if !candidate::breaches(&repo.read, contract, &candidate.changes)?.is_empty()
        || (contract.rules.protect_tests && !weakened.is_empty())
    {
        // The receipt says nothing of rules that came since.
        return Ok(None);
    }
    let judge_changed = judge_changed_by(&repo.read, validated, &receipt, in_force)?;
    let report = Report::known(task, &receipt, &candidate.paths, judge_changed, weakened);
    Ok(Some(Answer::Known {
        task: Box::new(task.clone()),
        report: Box::new(report),
        target_moved: true,
    }))
}

/// What the combination that was judged then changes of the judge.
fn judge_changed_by(
    read: &Reader,
    validated: &Validated,
    receipt: &Receipt,
    in_force: &InForce,
) -> anyhow::Result<Vec<String>> {
    let changes = read.changes(&read.tree_of(&validated.target)?, &receipt.tree)?;
    candidate::judge_changed(read, &in_force.contract, &changes)
}
