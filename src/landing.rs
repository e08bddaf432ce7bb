//! Landing, thought through: what a landing of several tasks decides without touching anything.

mod order;
mod search;

pub(crate) use order::{Order, Rider, order};
pub(crate) use search::{Next, Part, Search};
