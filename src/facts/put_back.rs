//! Whether a landing put a task back to work, and why.

use crate::gate::{Purpose, Verdict};
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// What the task was red with when it was last put back, other tasks or its target, until it is validated again.
pub(super) fn red_with(ws: &Workspace, task: &Task) -> anyhow::Result<Option<Vec<String>>> {
    let (State::Working, Some(rejected)) = (task.state, &task.rejected) else {
        return Ok(None);
    };
    let Some((order, progress)) = ws.store.find_run(&task.name, rejected.run)? else {
        return Ok(None);
    };
    Ok(match (order.purpose, progress.verdict) {
        (Purpose::Land, Some(Verdict::Failed { culprit, .. })) => {
            let with = culprit.map(|culprit| culprit.with).unwrap_or_default();
            Some(if with.is_empty() {
                vec![task.target.clone()]
            } else {
                with
            })
        }
        _ => None,
    })
}
