//! The turn to land on a target: one at a time, in the order in which they came.

use anyhow::bail;

use super::recover;
use crate::error::{Code, Refusal};
use crate::process::Interrupt;
use crate::store::{Lock, Ticket, Waiter};
use crate::workspace::Workspace;

/// What to do where others land already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    Wait,
    /// Wait for nothing: neither for a turn, nor for a judge or a slot.
    Refuse,
    /// Only say so: nothing is done anyway.
    Look,
}

/// The turn, held until it is dropped.
pub(super) struct Turn {
    _lock: Lock,
    _ticket: Ticket,
}

/// Waits for the turn to land `tasks` on `target`, and says for whom. It begins with what killed landings left there.
/// Nothing is answered to who only looks where others have the turn.
///
/// # Errors
/// A refusal ([`Code::Busy`]) that names the one ahead, where it is not to be waited for; an error where it was
/// interrupted. Either leaves the line.
pub(super) fn wait_for(
    ws: &Workspace,
    target: &str,
    tasks: &[String],
    patience: Patience,
    interrupt: &Interrupt,
) -> anyhow::Result<Option<Turn>> {
    let (store, ui) = (&ws.store, &ws.ctx.ui);
    let mut ticket = store.landing_line(target).join(tasks, 1)?;
    let mut held_up_by = String::new();
    let mut progress = None;
    let waiting = |ahead: &[Waiter]| {
        held_up_by = held_up(ws, target, ahead);
        if patience != Patience::Wait {
            return;
        }
        let more = match ahead.len() {
            0 | 1 => String::new(),
            count => format!(", {count} ahead of this"),
        };
        let line = format!("waiting for {held_up_by}{more}");
        progress
            .get_or_insert_with(|| ui.progress(&line))
            .set(&line);
        if !ui.is_interactive() {
            ui.say(&line);
        }
    };
    let take = |_| store.try_landing_lock(target);
    let pause = |time| patience != Patience::Wait || interrupt.wait(time);
    let lock = ticket.wait(take, waiting, pause)?;
    drop(progress);
    match lock {
        Some(lock) => {
            ws.repo.git.hold(lock.file());
            recover::recover_on(ws, target)?;
            Ok(Some(Turn {
                _lock: lock,
                _ticket: ticket,
            }))
        }
        None => match patience {
            Patience::Look => {
                ui.say(&format!("first comes {held_up_by}; without it:"));
                Ok(None)
            }
            Patience::Refuse => {
                let busy = Refusal::new(Code::Busy, format!("busy: {held_up_by}"));
                Err(busy
                    .hint("without --no-wait this waits for its turn")
                    .into())
            }
            Patience::Wait => bail!("interrupted"),
        },
    }
}

/// What stands in the way of a landing, in words.
fn held_up(ws: &Workspace, target: &str, ahead: &[Waiter]) -> String {
    let Some(first) = ahead.first() else {
        let holder = ws.store.landing_holder(target);
        return format!("what a landing on {target} left at work ({holder})");
    };
    let names: Vec<String> = first
        .tasks
        .iter()
        .take(3)
        .map(|t| format!("`{t}`"))
        .collect();
    let more = match first.tasks.len().saturating_sub(names.len()) {
        0 => String::new(),
        count => format!(" and {count} more"),
    };
    format!(
        "the landing of {}{more} on {target} (pid {})",
        names.join(", "),
        first.process.pid()
    )
}
