//! The private repository of a caged task: what is committed in the cage stays in it until `wt` takes it in.
//!
//! `<state>/cages/<task>/git` is a whole git directory that borrows the objects of the shared one. While `wt run` is
//! at work the worktree's `.git` file leads there, so that in the cage branches, stash and commits all work, and
//! nothing that is shared need be writable. All in it may have been written by the agent: it is read as data, by
//! this module alone, and no git ever runs with its settings outside of the cage.

mod folder;
mod health;
mod intake;
mod objects;
mod private;
mod put_away;
mod refs;
mod running;

pub(crate) use intake::{bring_in, hold};
pub(crate) use private::{private_work, private_work_of_removed};
pub(crate) use put_away::{bring_back, forget, put_away};
pub(crate) use running::{Opened, SOCKET, close, close_dead, open, require_ended};
