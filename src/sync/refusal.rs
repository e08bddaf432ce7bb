//! What is said where nothing was changed.

use super::{How, Outcome, Synced};
use crate::candidate;
use crate::error::{Code, Refusal, some_of};
use crate::git::CheckoutMoved;
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

/// Why nothing moved, if nothing did.
pub(super) fn refusal_of(task: &Task, moved: &CheckoutMoved) -> Option<Refusal> {
    match moved {
        CheckoutMoved::Done => None,
        CheckoutMoved::RefMoved => Some(
            Refusal::new(
                Code::Busy,
                format!("{} moved meanwhile; nothing was changed", task.branch),
            )
            .hint(format!("wt sync {}", task.name)),
        ),
        CheckoutMoved::Refused(why) => Some(
            Refusal::refused(format!(
                "{} can't be brought into the worktree of task `{}`: {why}",
                task.target, task.name
            ))
            .hint(format!(
                "look at it: git status in {}",
                task.worktree.display()
            )),
        ),
    }
}
