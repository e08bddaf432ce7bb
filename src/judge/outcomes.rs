//! The outcomes of single steps, kept in the state: what is known of a tree, and which steps are flaky.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::contract::Confine;
use crate::failure::Failure;
use crate::gate::{Denied, Flaky, Order, Outcome, Verdict, outcome_key, receipt_key};
use crate::oid::Oid;
use crate::store::{Store, list_dirs, read_json, write_json, write_json_shown};
use crate::workspace::Workspace;

use super::order::{answers, standing_receipt};

/// How many outcomes are kept; the oldest give way. What is forgotten is only run once more.
const KEPT: usize = 400;

/// What is known of a step on a tree without running it.
pub(super) enum Known {
    Green,
    Red(Box<Outcome>),
}

/// What is known of `step` on `tree`, under the gate and in the environment of `order`: by its last outcome, else by
/// a receipt.
pub(super) fn known(store: &Store, order: &Order, tree: &Oid, step: &str) -> Option<Known> {
    let key = outcome_key(tree, &order.gate, &order.environment, step);
    if let Some(outcome) = find(store, &key) {
        // As with a receipt: where a cage is required, one made without says nothing.
        if outcome.confined || order.contract.judge.confine != Confine::Require {
            return Some(if outcome.step.passed() {
                Known::Green
            } else {
                Known::Red(Box::new(outcome))
            });
        }
    }
    let receipt = standing_receipt(store, &receipt_key(tree, &order.gate, &order.environment))?;
    // No step is run before the set-up has passed.
    let is_step = order.contract.gate.iter().any(|own| own.name == step);
    let holds = !is_step || receipt.covers(&[step.to_owned()]);
    (holds && answers(&order.contract, &receipt)).then_some(Known::Green)
}

/// The steps of `order` that are known to fail on `tree`.
pub(crate) fn known_red(store: &Store, order: &Order, tree: &Oid) -> Vec<String> {
    let is_red = |step: &&String| matches!(known(store, order, tree, step), Some(Known::Red(_)));
    order.selected.iter().filter(is_red).cloned().collect()
}

/// The verdict on a failure that is the target's own.
pub(super) fn target_red(order: &Order, there: Outcome, denied: Option<Denied>) -> Verdict {
    Verdict::TargetRed {
        step: there.step.name,
        target: order.target.clone(),
        first: there
            .first
            .unwrap_or_else(|| Failure::titled("its log is not kept")),
        log: there.log,
        denied,
    }
}

/// The kept outcome of this key, if its content really is of this key. One that can't be read is none.
fn find(store: &Store, key: &str) -> Option<Outcome> {
    let outcome: Outcome = read_json(&store.outcome_file(key)).ok()??;
    (outcome.key() == key).then_some(outcome)
}

/// Keeps an outcome and, in place of the log that it names, a log of its own. Answers what is flaky where the one
/// before, or a receipt, said otherwise; that is recorded as an event.
pub(super) fn keep(
    ws: &Workspace,
    mut outcome: Outcome,
) -> anyhow::Result<(Outcome, Option<Flaky>)> {
    let key = outcome.key();
    let file = ws.store.outcome_file(&key);
    let flaky = note_flaky(ws, &outcome, &key)?;
    let log = file.with_extension("log");
    take_log(&outcome.log, &log)?;
    outcome.log = log;
    write_json_shown(&file, &outcome)?;
    forget_oldest(&file)?;
    Ok((outcome, flaky))
}

fn note_flaky(ws: &Workspace, outcome: &Outcome, key: &str) -> anyhow::Result<Option<Flaky>> {
    let passes = outcome.step.passed();
    let before = find(&ws.store, key);
    let differs = match &before {
        Some(before) => before.step.passed() != passes,
        None => !passes && has_receipt(&ws.store, outcome),
    };
    if !differs {
        return Ok(None);
    }
    let dir = ws.store.flaky_dir().join(&key[..16]);
    let (passed, failed) = (dir.join("passed.log"), dir.join("failed.log"));
    let (now, then) = if passes {
        (&passed, &failed)
    } else {
        (&failed, &passed)
    };
    take_log(&outcome.log, now)?;
    if let Some(before) = &before {
        take_log(&before.log, then)?;
    }
    let mut tasks = vec![outcome.task.clone()];
    tasks.extend(
        before
            .map(|before| before.task)
            .filter(|task| *task != outcome.task),
    );
    let flaky = Flaky {
        step: outcome.step.name.clone(),
        tree: outcome.tree.clone(),
        passed: passed.is_file().then_some(passed),
        failed: failed.is_file().then_some(failed),
        tasks,
        at: outcome.at,
    };
    write_json(&dir.join("flaky.json"), &flaky)?;
    ws.record(
        &ws.event(&outcome.task, "flaky")
            .fact("step", flaky.step.as_str())
            .fact("tree", flaky.tree.as_str())
            .fact("logs", dir.display().to_string()),
    )?;
    Ok(Some(flaky))
}

fn has_receipt(store: &Store, outcome: &Outcome) -> bool {
    let key = receipt_key(&outcome.tree, &outcome.gate, &outcome.environment);
    standing_receipt(store, &key)
        .is_some_and(|r| r.covers(std::slice::from_ref(&outcome.step.name)))
}

/// The flaky steps that were found in runs of a task, the latest first.
pub(crate) fn flaky_of(store: &Store, task: &str) -> Vec<Flaky> {
    let dir = store.flaky_dir();
    let read = |name: &String| -> Option<Flaky> {
        read_json(&dir.join(name).join("flaky.json")).ok().flatten()
    };
    let names = list_dirs(&dir).unwrap_or_default();
    let mut found: Vec<Flaky> = names.iter().filter_map(read).collect();
    found.retain(|flaky| flaky.tasks.iter().any(|name| name == task));
    found.sort_by_key(|flaky| std::cmp::Reverse(flaky.at));
    found
}

/// Makes `to` the log at `from`, which may be gone: it outlives the folder that it was written in. A second name of
/// the same file costs no space while both are there.
pub(super) fn take_log(from: &Path, to: &Path) -> anyhow::Result<()> {
    if from == to || !from.is_file() {
        return Ok(());
    }
    let take = || -> std::io::Result<()> {
        if let Some(dir) = to.parent() {
            fs::create_dir_all(dir)?;
        }
        let _ = fs::remove_file(to);
        if fs::hard_link(from, to).is_err() {
            fs::copy(from, to)?;
        }
        Ok(())
    };
    take().with_context(|| format!("can't keep the log {} as {}", from.display(), to.display()))
}

/// Forgets the outcomes that were kept first, once there are too many, and never the one in `newest`.
fn forget_oldest(newest: &Path) -> anyhow::Result<()> {
    let Some(dir) = newest.parent() else {
        return Ok(());
    };
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).with_context(|| format!("can't list {}", dir.display()))? {
        let path = entry?.path();
        if path.extension().is_some_and(|e| e == "json") && path != newest {
            // One that another judge forgot just now has no time.
            let time = fs::metadata(&path).and_then(|m| m.modified()).ok();
            files.push((time, path));
        }
    }
    let Some(more @ 1..) = (files.len() + 1).checked_sub(KEPT) else {
        return Ok(());
    };
    files.sort();
    for (_, path) in files.into_iter().take(more) {
        let _ = fs::remove_file(path.with_extension("log"));
        let _ = fs::remove_file(path);
    }
    Ok(())
}
