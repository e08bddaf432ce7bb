//! Whether a landing put a task back to work, and why.

use crate::gate::{Order, Progress, Purpose, Verdict};
use crate::store::read_json;
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// What the task was red with when it was last put back, other tasks or its target, until it is validated again.
pub(super) fn red_with(ws: &Workspace, task: &Task) -> anyhow::Result<Option<Vec<String>>> {
    let (State::Working, Some(rejected)) = (task.state, &task.rejected) else {
        return Ok(None);
    };
    let dir = ws.store.run_dir(&task.name, rejected.run);
    let order: Option<Order> = read_json(&dir.join("order.json"))?;
    let progress: Option<Progress> = read_json(&dir.join("progress.json"))?;
    let verdict = progress.and_then(|progress| progress.verdict);
    Ok(match (order.map(|order| order.purpose), verdict) {
        (Some(Purpose::Land), Some(Verdict::Failed { culprit, .. })) => {
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
