//! Landing, thought through: what a landing of several tasks decides without touching anything.

mod order;

pub(crate) use order::{Order, Rider, order};
