//! Who gets a slot, and when.

use std::path::Path;

use super::Slot;
use crate::gate::Order;
use crate::process::Interrupt;
use crate::store::{Lock, Store};

/// What a judge wants a slot for.
pub(in crate::judge) struct Wanted<'a> {
    pub(in crate::judge) task: &'a str,
    /// The folder that holds the worktrees, and the slots.
    pub(in crate::judge) worktrees: &'a Path,
    /// How many slots there are to choose from.
    pub(in crate::judge) slots: usize,
}

/// Takes a free slot, in the order in which they are asked for; nothing where it was interrupted meanwhile. `waiting`
/// is told how many stand ahead, whenever that changes.
pub(in crate::judge) fn acquire(
    store: &Store,
    wanted: &Wanted,
    interrupt: &Interrupt,
    mut waiting: impl FnMut(usize),
) -> anyhow::Result<Option<Slot>> {
    let names = [wanted.task.to_owned()];
    let mut ticket = store.slot_line().join(&names, wanted.slots.max(1))?;
    ticket.wait(
        |open| {
            for number in open {
                if let Some(lock) = Lock::attempt(&store.slot_dir(number).join("lock"))? {
                    return Ok(Some(Slot::open(store, wanted.worktrees, number, lock)));
                }
            }
            Ok(None)
        },
        |ahead| waiting(ahead.len()),
        |time| interrupt.wait(time),
    )
}

/// Whether the judge of `order` would get a slot at once, as things stand.
///
/// # Errors
/// Where the line of those who wait can't be read.
pub(crate) fn slot_is_free(store: &Store, order: &Order) -> anyhow::Result<bool> {
    let names = [order.task.clone()];
    let places = order.contract.judge.slots.max(1);
    let mut ticket = store.slot_line().join(&names, places)?;
    let free = ticket.wait(
        |mut open| {
            let lock = |number| Lock::attempt(&store.slot_dir(number).join("lock"));
            open.find_map(|number| lock(number).transpose()).transpose()
        },
        |_| {},
        |_| true,
    )?;
    Ok(free.is_some())
}
