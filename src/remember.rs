//! The memory of a repository: a note of each task that ends, kept beside the state, found again and told.

mod gather;
mod keep;
mod place;
mod rebuild;
mod recall;

pub(crate) use gather::{Ending, note_of};
pub(crate) use keep::{
    Known, change, ended, find, known, landed, last_of, removed, stopped, unreadable,
};
pub(crate) use rebuild::{Proof, Rebuilt, mend, missing, rebuild};
pub(crate) use recall::{About, Recalled, pin, recall};
