//! A landing that was killed, or failed in the middle: brought to its end, or to the state before it.

use std::path::PathBuf;

use anyhow::bail;

use super::forward::{Forward, follow_remote};
use super::{conclude, record_landing};
use crate::git::{Checkout, CheckoutMove};
use crate::halfway;
use crate::oid::Oid;
use crate::process::Identity;
use crate::store::{JournalEntry, Operation, PushedTo};
use crate::task::{Landing, State, Task};
use crate::workspace::Workspace;

/// Brings the killed landings on `target` to an end, before another one begins; what can't be is said and left. The
/// landing lock of the target must be held.
pub(super) fn recover_on(ws: &Workspace, target: &str) -> anyhow::Result<()> {
    for entry in ws.store.intents()?.into_iter().filter(is_dead_landing) {
        let is_there = if let Operation::Forward { target: moved, .. } = &entry.operation {
            moved == target
        } else {
            let task = ws.store.find_task(&entry.task).ok().flatten();
            task.is_some_and(|task| task.target == target)
        };
        if !is_there {
            continue;
        }
        let _lock = ws.lock_task(&entry.task)?;
        // Whoever had the lock before may have mended it.
        let Some(entry) = ws.store.find_intent(&entry.task)?.filter(is_dead_landing) else {
            continue;
        };
        match recover(ws, &entry) {
            Ok(line) => ws.ctx.ui.say(&format!("mended: {line}")),
            Err(error) => ws.ctx.ui.warn(&format!(
                "what was left of a landing of task `{}` can't be mended: {error:#}",
                entry.task
            )),
        }
    }
    Ok(())
}

/// Whether it is the intent of a landing, or of what comes before one, whose process is gone.
fn is_dead_landing(entry: &JournalEntry) -> bool {
    let of_landing = matches!(
        entry.operation,
        Operation::Land { .. } | Operation::Forward { .. }
    );
    of_landing && !entry.process.is_alive()
}

/// Brings one killed landing to its end, and says to which. Safe to repeat. The landing lock of the target and the
/// task's own must be held, and the process that began it must be gone.
///
/// # Errors
/// A refusal where a path of the target's checkout holds what the landing does not know of, or another program's git
/// is at work there: the intent stays open.
pub(crate) fn recover(ws: &Workspace, entry: &JournalEntry) -> anyhow::Result<String> {
    let name = &entry.task;
    match &entry.operation {
        Operation::Forward {
            target,
            old,
            new,
            checkout,
        } => {
            let owner = ws.store.require_task(name)?;
            let forward = Forward {
                ws,
                target,
                old,
                new,
            };
            forward.recover(&owner, checkout)
        }
        Operation::Land {
            old,
            new,
            tip,
            receipt,
            together,
            keep,
            pushed_to,
            last,
            checkout,
        } => {
            let move_ = Move {
                old,
                new,
                last: last.as_ref().unwrap_or(new),
                checkout: checkout.as_ref(),
                pushed_to: pushed_to.as_ref(),
            };
            let landing = Landing {
                commit: new.clone(),
                onto: Some(old.clone()),
                tip: tip.clone(),
                receipt: receipt.clone(),
                together: together.clone(),
                at: ws.ctx.now,
            };
            recover_landing(ws, name, &move_, landing, *keep)
        }
        _ => bail!("the intent on task `{name}` is of no landing"),
    }
}

fn recover_landing(
    ws: &Workspace,
    name: &str,
    move_: &Move,
    landing: Landing,
    keep: bool,
) -> anyhow::Result<String> {
    let mut notes = Vec::new();
    let landed = match ws.store.find_task(name)? {
        Some(task) => {
            (task.state == State::Landed || move_.end(ws, &task, &mut notes)?).then_some(task)
        }
        None => None,
    };
    let mut line = if let Some(task) = landed {
        let task = record_landing(ws, &task, landing)?;
        if let Some(why) = conclude(ws, task, keep)?.kept_because {
            // Whatever it is, it is not for a moment only.
            ws.store.settle(name)?;
            notes.push(format!("its worktree is kept: {why}"));
        }
        format!("task `{name}` had landed; its landing is recorded")
    } else {
        ws.store.settle(name)?;
        format!("task `{name}` had not landed; nothing of it is on its target")
    };
    for note in notes {
        line.push_str("; ");
        line.push_str(&note);
    }
    Ok(line)
}

/// What the intent of a landing says of the target.
struct Move<'a> {
    old: &'a Oid,
    /// The landing's own commit.
    new: &'a Oid,
    /// What the target moves to.
    last: &'a Oid,
    checkout: Option<&'a PathBuf>,
    pushed_to: Option<&'a PushedTo>,
}

impl Move<'_> {
    /// Whether the intent of the last one in this move is there: it is written after all others, and before the move.
    fn is_written_whole(&self, ws: &Workspace) -> anyhow::Result<bool> {
        let is_last = |entry: &JournalEntry| match &entry.operation {
            Operation::Land { new, .. } => new == self.last,
            _ => false,
        };
        Ok(ws.store.intents()?.iter().any(is_last))
    }

    /// Leaves nothing half moved, and answers whether the landing is on the target.
    fn end(&self, ws: &Workspace, task: &Task, notes: &mut Vec<String>) -> anyhow::Result<bool> {
        let (repo, reference) = (&ws.repo, task.target_ref());
        let may_have_begun = self.is_written_whole(ws)?;
        let checkout = self.checkout.filter(|root| root.is_dir());
        let checkout = checkout.map(|root| Checkout::Operators(root));
        repo.remove_dead_locks(checkout, &reference)?;
        let tip = ws.target_tip(task)?;
        if repo.read.is_ancestor(self.new, &tip)? {
            return Ok(true);
        }
        let checkout = checkout.filter(|_| may_have_begun);
        let Some(pushed_to) = self.pushed_to else {
            return self.end_here(ws, task, checkout, notes);
        };
        if !self.is_taken(ws, pushed_to)? {
            // Nothing moves here before the remote has it.
            notes.push("wt merge --push finds out whether its remote took it".to_owned());
            return Ok(false);
        }
        if !self.end_here(ws, task, checkout, notes)? {
            follow_remote(ws, task, self.last)?;
        }
        Ok(true)
    }

    /// Whether the remote that it was pushed to has taken it, as far as that is known here.
    fn is_taken(&self, ws: &Workspace, pushed_to: &PushedTo) -> anyhow::Result<bool> {
        if pushed_to.taken {
            return Ok(true);
        }
        match ws.repo.read.tip(&pushed_to.tracking)? {
            Some(there) => ws.repo.read.is_ancestor(self.new, &there),
            None => Ok(false),
        }
    }

    /// As [`Self::end`], of a target that the landing is not on yet.
    fn end_here(
        &self,
        ws: &Workspace,
        task: &Task,
        checkout: Option<Checkout>,
        notes: &mut Vec<String>,
    ) -> anyhow::Result<bool> {
        let (repo, reference) = (&ws.repo, task.target_ref());
        let Some(checkout) = checkout else {
            return Ok(false);
        };
        if !repo.stands_at(checkout, &reference)? {
            // A person has switched since: what is there is theirs.
            return Ok(false);
        }
        let reason = format!("wt: land {}", task.name);
        let step = CheckoutMove {
            checkout,
            reference: &reference,
            old: self.old,
            new: self.last,
            reason: &reason,
        };
        notes.extend(halfway::end(ws, repo, task, &step)?);
        repo.read.is_ancestor(self.new, &ws.target_tip(task)?)
    }
}

/// Notes that the followers of a landed task are to be started, where it has any: by this process, or by the next
/// command if this one is killed.
pub(super) fn owe_followers(ws: &Workspace, landed: &str) -> anyhow::Result<()> {
    let waits = |task: &Task| task.is_waiting() && task.after.iter().any(|name| name == landed);
    let tasks = ws.store.tasks()?;
    if tasks.iter().any(|(_, task)| task.as_ref().is_ok_and(waits)) {
        ws.store.owe_followers(landed, &Identity::current()?)?;
    }
    Ok(())
}
