//! A sync that was killed, or failed in the middle: brought to its end, or to the state before it.

use anyhow::bail;

use super::record;
use crate::store::Operation;
use crate::workspace::Workspace;

/// Brings a killed sync to its end, and says to which. Safe to repeat. The task's lock must be held, and the process
/// that began it must be gone.
pub(crate) fn recover(ws: &Workspace, name: &str, operation: &Operation) -> anyhow::Result<String> {
    let Operation::Sync {
        new,
        stays_validated,
        ..
    } = operation
    else {
        bail!("the intent on task `{name}` is of no sync");
    };
    let Some(mut task) = ws.store.find_task(name)? else {
        ws.store.settle(name)?;
        return Ok(format!("task `{name}` was half synced, and is gone"));
    };
    let repo = ws.repo_for(&task);
    let line = if repo.read.is_ancestor(new, &repo.tip_of(&task)?)? {
        record(ws, &mut task, new, *stays_validated)?;
        format!("task `{name}` was half synced; it is synced")
    } else {
        format!("task `{name}` was half synced; it is as before")
    };
    ws.store.settle(name)?;
    Ok(line)
}
