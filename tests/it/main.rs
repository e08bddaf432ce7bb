//! The binary, from outside: temporary repositories, a cleared environment, whole output and status.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment that they were started in"
)]

mod agents;
mod bad_input;
mod caged;
mod carrying;
mod cloning;
mod confined;
mod crash;
mod disk;
mod doctor;
mod evidence;
mod folders;
mod handover;
mod hooks;
mod judging;
mod landing;
mod lifecycle;
mod limits;
mod line;
mod memory;
mod planning;
mod ports;
mod push;
mod readme;
mod recovery;
mod removal;
mod repositories;
mod rivals;
mod ruling;
mod sandbox;
mod scope;
mod sparse;
mod spawning;
mod steps;
mod sync;
mod tamper;
mod target_log;
mod terminal;
mod train;
mod trespass;
mod upheld;
mod waiting;
mod walk;
mod warm;
