//! What a contract opens, looked at before anything is begun: nothing that the cage protects, nothing without effect.

use std::path::{Path, PathBuf};

use super::denied::real;
use crate::contract::Contract;
use crate::error::Refusal;
use crate::surroundings::expand;
use crate::task::Task;
use crate::workspace::Workspace;

/// Looks at the entries of these keys for a task, and warns of those without effect.
///
/// # Errors
/// A refusal where an entry opens what the cage protects, or is a file that is written as a folder.
pub(crate) fn inspect(ws: &Workspace, task: &Task, contract: &Contract) -> Result<(), Refusal> {
    let protected = protected(ws, task);
    let keys = [
        ("[judge] writable", &contract.judge.writable),
        (
            "[worktree] setup_writable",
            &contract.worktree.setup_writable,
        ),
        ("[cage] writable", &contract.cage.writable),
    ];
    for (key, entries) in keys {
        for entry in entries {
            let what = format!("{key} = [\"{entry}\"]");
            let Some(place) = expand(entry, &task.environment).map(|place| real(&place)) else {
                ws.ctx.ui.warn(&format!(
                    "{what} has no effect: that variable is not among those captured at spawn, or no absolute path"
                ));
                continue;
            };
            if let Some((name, at)) = protected.iter().find(|(_, at)| overlap(at, &place)) {
                return Err(
                    Refusal::refused(format!("{what} opens {name}, {}", at.display())).hint(
                        "take it out of wt.toml on the target: nothing caged may write there",
                    ),
                );
            }
            if entry.ends_with('/') && place.is_file() {
                return Err(Refusal::refused(format!("{what} is a file, not a folder"))
                    .hint("write it without the `/` at its end, in wt.toml on the target"));
            }
            if !entry.ends_with('/') && !place.exists() {
                ws.ctx.ui.warn(&format!(
                    "{what} has no effect: it is not there (a folder that ends in `/` is made)"
                ));
            }
        }
    }
    Ok(())
}

/// What no entry may open, in words and as a real path.
fn protected(ws: &Workspace, task: &Task) -> Vec<(&'static str, PathBuf)> {
    let common = ws.repo.common();
    let main = common.parent().filter(|_| common.ends_with(".git"));
    [
        ("git's folder and wt's state", Some(common)),
        ("the main checkout", main),
        ("the folder of the worktrees", task.worktree.parent()),
    ]
    .into_iter()
    .filter_map(|(name, at)| Some((name, at?.canonicalize().ok()?)))
    .collect()
}

fn overlap(one: &Path, other: &Path) -> bool {
    one.starts_with(other) || other.starts_with(one)
}
