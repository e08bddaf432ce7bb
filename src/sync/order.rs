//! Which tasks a sync of all is for, and in which order.

use crate::task::{Line, State};
use crate::workspace::Workspace;

/// The tasks at work, each behind those that it follows, else the oldest first. One whose record can't be read is
/// among them: it answers for itself.
pub(crate) fn started_in_order(ws: &Workspace) -> anyhow::Result<Vec<String>> {
    let mut line = Line::default();
    let mut at_work = Vec::new();
    for (name, task) in ws.store.tasks()? {
        match task {
            Ok(task) if matches!(task.state, State::Waiting | State::Landed) => {}
            Ok(task) => {
                line.add(&name, &task.after);
                at_work.push((Some(task.created), name));
            }
            Err(_) => at_work.push((None, name)),
        }
    }
    at_work.sort();
    Ok(line.sorted(at_work.into_iter().map(|(_, name)| name).collect()))
}
