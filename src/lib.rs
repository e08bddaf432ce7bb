//! `wt`: a git worktree and a contract for every agent task; only what was judged lands.
//!
//! The floors of the house, top to bottom, one group each: a module imports only from groups below its own, and the
//! files of `cmd` never one another. `tests/house.rs` holds that against the imports.

mod cli;

mod cmd;

// Journeys: sequences that several verbs share.
mod checkup;

mod mend;

mod land;
mod run;
mod spawn;
mod sync;

mod gc;

mod grant;
mod planning;
mod remove;

mod ballast;

mod handover;
mod usage;

mod judge;

mod confine;
mod guard;

mod candidate;
mod carry;
mod conflicts;
mod copies;
mod donor;
mod facts;
mod halfway;
mod input;
mod operator;
mod remember;
mod replay;
mod stray;
mod warm;

mod hook_file;
mod quarantine;

mod ports;
mod spares;
mod surroundings;

mod forward;
mod workspace;

mod ctx;

// Hands: each touches one outside thing, nothing else does.
mod disk;
mod git;
mod store;
mod ui;
mod wire;

mod process;

mod brim;
mod cage;
mod plain;

// Words: pure, no input or output, most of the tests.
mod breach;
mod gate;
mod hook;
mod landing;

mod contract;
mod memory;
mod plan;
mod task;

mod failure;
mod rules;
mod scope;
mod weakened;

mod digest;
mod error;
mod lines;
mod oid;
mod template;
mod threads;
mod unseen;

use std::process::ExitCode;

use error::{Code, Ended, Refusal};

/// Runs `wt` with this process's arguments and environment, and answers its exit status.
pub fn run() -> ExitCode {
    cli::complete();
    let cli = match cli::parse() {
        Ok(cli) => cli,
        Err(code) => return ExitCode::from(code as u8),
    };
    let fault = cli.verb.code_of_fault();
    let frees_room = cli.verb.frees_room();
    let failed = |error: &anyhow::Error| {
        fault.map_or_else(|| exit_code(error), |code| ExitCode::from(code as u8))
    };
    let ctx = match ctx::Ctx::new(cli.color, cli.dir.as_deref()) {
        Ok(ctx) => ctx,
        Err(error) => {
            ui::Ui::new(cli.color).error(&error);
            return failed(&error);
        }
    };
    if let Some(inside) = ctx.inside()
        && cli.verb.is_done_outside()
    {
        return match forward::forward(&ctx, &inside) {
            Ok(status) => ExitCode::from(status),
            Err(error) => {
                ctx.ui.error(&error);
                exit_code(&error)
            }
        };
    }
    match cli
        .require_caller(&ctx)
        .and_then(|()| cli.verb.run(&ctx))
        .and_then(|code| ctx.ui.finish().map(|()| code))
    {
        Ok(code) => ExitCode::from(code as u8),
        Err(error) => {
            let error = disk::say_if_full(error, frees_room);
            if !error.is::<Ended>() {
                ctx.ui.error(&error);
            }
            ctx.ui.release();
            failed(&error)
        }
    }
}

/// The exit status that an error carries; one that carries none is a fault of `wt` itself.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    if let Some(ended) = error.downcast_ref::<Ended>() {
        return ExitCode::from(ended.status);
    }
    let code = error
        .downcast_ref::<Refusal>()
        .map_or(Code::Fault, |refusal| refusal.code);
    ExitCode::from(code as u8)
}
