//! Landing, as far as it can be thought without touching anything.

mod search;

pub(crate) use search::{Next, Part, Search};
