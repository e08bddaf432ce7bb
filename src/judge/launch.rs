//! Starting a judge: an order on disk, then a process of its own session that carries it out.

use std::ffi::OsStr;

use crate::confine;
use crate::contract::Confine;
use crate::gate::{Order, Progress};
use crate::process;
use crate::store::{Lock, write_json, write_json_shown};
use crate::task::Task;
use crate::workspace::Workspace;

/// Writes the order, starts the judge and notes both in the record. The task's lock must be held: the judge begins
/// by taking it, and finds itself named there.
///
/// # Errors
/// A refusal, before anything is written, where a cage is required and can't be had, or one would hold nothing.
pub(crate) fn launch(
    ws: &Workspace,
    task: &mut Task,
    order: &Order,
    _lock: &Lock,
) -> anyhow::Result<()> {
    confine::announce(&ws.ctx.ui, &order.contract)?;
    if order.contract.judge.confine != Confine::Off {
        confine::inspect(ws, task, &order.contract)?;
    }
    let dir = ws.store.run_dir(&task.name, order.run);
    write_json(&ws.store.order_file(&task.name, order.run), order)?;
    // Neither this nor who judges need outlast the loss of power: without them the run has no judge, and counts nothing.
    write_json_shown(
        &ws.store.progress_file(&task.name, order.run),
        &Progress::default(),
    )?;
    task.runs = order.run;
    task.judging = Some(order.run);
    ws.store.save_task(task)?;
    let common = ws.repo.common().as_os_str();
    let run = order.run.to_string();
    let args = [
        OsStr::new("_judge"),
        common,
        OsStr::new(&task.name),
        OsStr::new(&run),
    ];
    let started = process::detach(&args, &dir.join("judge.stderr"))
        .and_then(|identity| write_json_shown(&dir.join("judge.json"), &identity));
    if let Err(error) = started {
        task.judging = None;
        ws.store.save_task(task)?;
        return Err(error);
    }
    let event = ws
        .event(&task.name, "judging")
        .fact("run", order.run)
        .fact("tree", order.candidate.tree.as_str());
    ws.record(&match &order.cause {
        Some(cause) => event.fact("cause", cause.as_str()),
        None => event,
    })
}
