//! The operator's surroundings, captured anew for a task that was spawned in others.

use crate::surroundings;
use crate::task::Task;
use crate::workspace::{InForce, Workspace};

/// Captures the operator's surroundings for all later judging; answers the variables that are others now.
pub(super) fn capture_anew(
    ws: &Workspace,
    task: &mut Task,
    in_force: &InForce,
    operator: &str,
) -> anyhow::Result<Vec<String>> {
    let now = surroundings::capture(ws, in_force);
    let before = std::mem::replace(&mut task.environment, now);
    let now = &task.environment;
    if before == *now {
        return Ok(Vec::new());
    }
    let names = before.variables.keys().chain(now.variables.keys());
    let mut changed: Vec<String> = names
        .filter(|name| before.variables.get(*name) != now.variables.get(*name))
        .cloned()
        .collect();
    if before.git != now.git {
        changed.push("git".to_owned());
    }
    changed.sort();
    changed.dedup();
    ws.store.save_task(task)?;
    ws.record(
        &ws.event(&task.name, "captured-anew")
            .fact("operator", operator)
            .fact("variables", changed.clone()),
    )?;
    Ok(changed)
}
