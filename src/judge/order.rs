//! Putting an order together: all that decides what a run of the gate means, fixed before it begins.

use crate::candidate::{self, Candidate};
use crate::contract::{Confine, Contract};
use crate::error::Refusal;
use crate::gate::{self, Car, Order, Purpose, Receipt};
use crate::git::{Repo, SnapshotRequest};
use crate::store::{Store, read_json, write_json};
use crate::surroundings;
use crate::task::{Pinned, Task};
use crate::workspace::{InForce, Workspace};

/// What an order is made from.
pub(crate) struct OrderRequest<'a> {
    pub(crate) task: &'a Task,
    pub(crate) purpose: Purpose,
    pub(crate) snapshot: &'a Pinned,
    pub(crate) candidate: &'a Candidate,
    pub(crate) in_force: &'a InForce,
    pub(crate) cause: Option<&'a str>,
    /// The tasks of a train, of which `task` is the last; none otherwise.
    pub(crate) train: &'a [Car],
    pub(crate) fresh: bool,
}

/// Takes a snapshot of a task's worktree, which is first held against its record.
pub(crate) fn snapshot_of(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
    max_file: u64,
) -> anyhow::Result<(Pinned, Vec<String>)> {
    require_sound(ws, repo, task)?;
    let tip = repo.tip_of(task)?;
    let index = ws.store.task_index(&task.name);
    let request = SnapshotRequest {
        worktree: &task.worktree,
        index: &index,
        tip: &tip,
        max_file,
    };
    let snapshot = repo.snapshot(&request)?;
    Ok((
        Pinned {
            commit: snapshot.commit,
            tree: snapshot.tree,
        },
        snapshot.uncommitted,
    ))
}

/// The tip of a task's branch, and the paths of its worktree that differ from it, of which nothing is stored. The
/// worktree is first held against its record.
pub(crate) fn tip_and_uncommitted(
    ws: &Workspace,
    repo: &Repo,
    task: &Task,
) -> anyhow::Result<(Pinned, Vec<String>)> {
    require_sound(ws, repo, task)?;
    let commit = repo.tip_of(task)?;
    let tree = repo.read.tree_of(&commit)?;
    let index = ws.store.task_index(&task.name);
    let uncommitted = repo.uncommitted_paths(&task.worktree, &index, &commit)?;
    Ok((Pinned { commit, tree }, uncommitted))
}

/// Holds a task's worktree against its record.
fn require_sound(ws: &Workspace, repo: &Repo, task: &Task) -> anyhow::Result<()> {
    repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
    // A worktree that holds only some folders has patterns of its own.
    if task.folders.is_none() && repo.sparse_patterns()? != task.sparse {
        return Err(Refusal::refused(format!(
            "the main checkout's sparse-checkout patterns are not those that task `{}` was made with",
            task.name
        ))
        .hint("put them back (git sparse-checkout set …); with others, files would look deleted")
        .into());
    }
    Ok(())
}

/// The order to judge a candidate.
///
/// # Errors
/// A refusal where the gate has no step at all: nothing can then be judged.
pub(crate) fn order(ws: &Workspace, repo: &Repo, request: &OrderRequest) -> anyhow::Result<Order> {
    let OrderRequest {
        task,
        candidate,
        in_force,
        ..
    } = request;
    let contract = &in_force.contract;
    if contract.gate.is_empty() {
        return Err(Refusal::refused(format!(
            "the gate of {} has no step: nothing can be judged",
            task.target
        ))
        .hint(
            "name the checks in wt.toml ([[gate]]) and commit it on the target; wt init begins one",
        )
        .into());
    }
    let selected = gate::select(contract, &candidate.paths)?
        .iter()
        .map(|s| s.name.clone())
        .collect();
    let fingerprint = surroundings::fingerprint(&ws.store, contract, &task.environment);
    Ok(Order {
        task: task.name.clone(),
        run: task.runs + 1,
        purpose: request.purpose,
        base: task.base.clone(),
        snapshot: request.snapshot.clone(),
        candidate: candidate.pinned.clone(),
        target: candidate.target.clone(),
        gate: in_force.gate.clone(),
        environment: gate::environment_hash(&task.environment, &fingerprint),
        captured: task.environment.clone(),
        fingerprint,
        selected,
        changed: candidate.paths.clone(),
        judge_changed: candidate::judge_changed(&repo.read, contract, &candidate.changes)?,
        contract: contract.clone(),
        tests_weakened: candidate::weakened(&repo.read, &candidate.changes)?,
        cause: request.cause.map(str::to_owned),
        train: request.train.to_vec(),
        fresh: request.fresh,
        attempt: task.attempts + 1,
        started: ws.ctx.now,
    })
}

/// The stored receipt that answers `order` without running a step, if there is one. One that can't be read is none.
pub(crate) fn covering_receipt(store: &Store, order: &Order) -> Option<Receipt> {
    let key = gate::receipt_key(&order.candidate.tree, &order.gate, &order.environment);
    standing_receipt(store, &key)
        .filter(|receipt| receipt.covers(&order.selected) && answers(&order.contract, receipt))
}

/// The run that answers `order` without running a step because the target itself was red, and nothing is another.
pub(crate) fn held_back(task: &Task, order: &Order) -> Option<u32> {
    task.held_back_by(&order.candidate.tree, &order.gate, &order.target)
}

/// Whether a receipt was made as the contract wants it: where a cage is required, one made without is none.
pub(super) fn answers(contract: &Contract, receipt: &Receipt) -> bool {
    receipt.confined || contract.judge.confine != Confine::Require
}

/// The receipt of this key that still answers, if there is one.
pub(super) fn standing_receipt(store: &Store, key: &str) -> Option<Receipt> {
    find_receipt(store, key).filter(|receipt| receipt.withdrawn.is_none())
}

/// Lets the receipt of this key answer for nothing any more. It stays: something may have landed on it.
pub(super) fn withdraw_receipt(ws: &Workspace, key: &str) -> anyhow::Result<()> {
    let Some(mut receipt) = standing_receipt(&ws.store, key) else {
        return Ok(());
    };
    receipt.withdrawn = Some(ws.ctx.time());
    write_json(&ws.store.receipt_file(key), &receipt)
}

/// The receipt of this key, if its content really is of this key. What is no key, as a commit may name one, has none.
pub(crate) fn find_receipt(store: &Store, key: &str) -> Option<Receipt> {
    if !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let receipt: Receipt = read_json(&store.receipt_file(key)).ok()??;
    (receipt.key() == key).then_some(receipt)
}
