//! Edits that landed in the wrong checkout: a task's paths, changed in the main one.

use crate::scope::Globs;
use crate::task::Task;
use crate::workspace::Workspace;

/// The paths of a task's claim that have uncommitted changes in the main checkout; none for a task without a claim,
/// whose paths are anyone's. What can't be looked at is said, and none.
pub(crate) fn in_main_checkout(ws: &Workspace, task: &Task) -> Vec<String> {
    find(ws, task).unwrap_or_else(|error| {
        ws.ctx.ui.warn(&format!(
            "can't tell what is changed in the main checkout: {error:#}"
        ));
        Vec::new()
    })
}

fn find(ws: &Workspace, task: &Task) -> anyhow::Result<Vec<String>> {
    if task.owns.is_empty() || ws.repo.main_checkout().is_none() {
        return Ok(Vec::new());
    }
    let own = Globs::parse(&task.owns, Workspace::case(&ws.repo)?)?;
    let prefixes: Vec<&str> = own.prefixes().collect();
    let mut changed = ws.repo.changed_in_main_checkout(&prefixes)?;
    changed.retain(|path| own.matches(path));
    Ok(changed)
}
