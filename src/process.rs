//! Other processes: running a command to its end and no further, naming a process, starting one that outlives us.
//!
//! Linux first: `/proc`, pidfds and the child subreaper are used without a substitute.

mod at_work;
mod capture;
mod detach;
mod family;
mod identity;
mod interrupt;
mod job;
mod leader;
mod sweep;
mod table;

pub(crate) use at_work::{Gits, who_may_hold};
pub(crate) use capture::tail;
pub(crate) use detach::{detach, isolate};
pub(crate) use family::Held;
pub(crate) use identity::{Identity, boot_id};
pub(crate) use interrupt::Interrupt;
pub(crate) use job::{End, Job, run};
pub(crate) use leader::{Fate, Leader};
pub(crate) use sweep::{adopt_orphans, kill_marked};

#[cfg(test)]
mod tests;
