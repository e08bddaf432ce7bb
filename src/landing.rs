//! Landing, thought through: what can be decided without touching anything.

mod order;
mod search;

pub(crate) use order::{Order, Rider, order};
pub(crate) use search::{Next, Part, Search};
