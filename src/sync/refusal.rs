//! What is said where nothing was changed.

use super::{How, Outcome, Synced};
use crate::candidate;
use crate::error::{Code, Refusal, some_of};
use crate::task::Task;

impl Synced {
    /// The outcome as the refusal that it is, if it is one.
    pub(crate) fn refusal(&self, how: How) -> Option<Refusal> {
        let task = &self.task;
        match &self.outcome {
            Outcome::UpToDate | Outcome::Synced { .. } => None,
            Outcome::Conflict(conflict) => {
                let refusal = candidate::conflict(task, &conflict.paths);
                let (name, target) = (&task.name, &task.target);
                Some(match how {
                    How::Merge => refusal,
                    How::Rebase if conflict.merges => refusal.hint(format!(
                        "its commits conflict one by one: wt sync {name}, or in its worktree: git rebase {target}"
                    )),
                    How::Rebase => refusal.hint(format!(
                        "in its worktree: git rebase {target} (or: git merge {target}), solve it, then wt validate"
                    )),
                })
            }
            Outcome::InUse(paths) => Some(
                Refusal::refused(format!(
                    "the worktree of task `{}` has work in no commit where {} has changes: {}",
                    task.name,
                    task.target,
                    some_of(paths)
                ))
                .hint(
                    "commit these paths, or move them away, then sync again; nothing was changed",
                ),
            ),
        }
    }
}

/// The branch of the task is not where it was a moment ago; nothing was changed.
pub(super) fn moved_meanwhile(task: &Task) -> Refusal {
    let what = format!("{} moved meanwhile; nothing was changed", task.branch);
    Refusal::new(Code::Busy, what).hint(format!("wt sync {}", task.name))
}

/// Something in the task's worktree, in words, stands in the way; nothing was changed.
pub(super) fn in_the_way(task: &Task, why: &str) -> Refusal {
    let (name, target) = (&task.name, &task.target);
    Refusal::refused(format!(
        "{target} can't be brought into the worktree of task `{name}`: {why}"
    ))
    .hint(format!(
        "look at it: git status in {}",
        task.worktree.display()
    ))
}
