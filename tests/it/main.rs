//! The binary, from outside: temporary repositories, a cleared environment, whole output and status.
#![allow(
    clippy::disallowed_methods,
    reason = "tests read the environment that they were started in"
)]

mod lifecycle;
mod repositories;
mod sandbox;
mod tamper;
