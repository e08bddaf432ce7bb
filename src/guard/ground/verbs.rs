//! What commands of git, and of `wt` itself, would do to a task's checkout, to branches and to plans.

use super::super::place::{Last, resolve};
use super::{Deed, Ground};
use crate::error::shown;
use crate::hook::Denial;
use crate::scope::Standing;
use crate::task::State;

impl Ground<'_> {
    pub(super) fn change_in(&self, folder: &str, command: &str) -> anyhow::Result<Option<Denial>> {
        let path = self.leads(folder, Last::Followed);
        if path.starts_with(&self.task.worktree) {
            let standing = Standing::NoPlan;
            let is_planning = self.task.state == State::Planning;
            return Ok(is_planning.then(|| {
                let reason = format!("`{command}`: {}", standing.words());
                Denial::new(reason, standing.advice(&self.task.name))
            }));
        }
        let denial = |whose: String| {
            Denial::new(
                format!("`{command}` in {}: {whose}", shown(&path.to_string_lossy())),
                format!("call it in {}", self.task.worktree.display()),
            )
        };
        Ok(self.neighbour(&path)?.map(denial))
    }

    /// To put files back as they were before the task is what a trespass asks for; any other commit's are a change.
    pub(super) fn take_from(
        &self,
        commit: &str,
        paths: &[String],
    ) -> anyhow::Result<Option<Denial>> {
        let task = self.task;
        if [task.target.as_str(), task.base.as_str()].contains(&commit) {
            return Ok(None);
        }
        for path in paths {
            if let Some(denial) = self.write(&self.leads(path, Last::Itself), Deed::Write)? {
                return Ok(Some(denial));
            }
        }
        Ok(None)
    }

    /// A plan is handed in for this task, or for none.
    pub(super) fn hand_in(
        &self,
        folder: &str,
        command: &str,
        task: Option<&str>,
    ) -> anyhow::Result<Option<Denial>> {
        let whose = match task {
            Some(name) if name != self.task.name => {
                Some(format!("`{}` is another task", shown(name)))
            }
            Some(_) => None,
            None => {
                let path = self.leads(folder, Last::Followed);
                let is_here = path.starts_with(&self.task.worktree);
                if is_here {
                    None
                } else {
                    self.neighbour(&path)?
                }
            }
        };
        let (what, instead) = if command.starts_with("wt note") {
            ("note", "say it of this task: wt note add \"…\"")
        } else {
            ("plan", "hand in the plan of this task: wt plan submit")
        };
        Ok(whose.map(|whose| {
            let why = format!("`{command}`: {whose}, and its {what} is for its own agent");
            Denial::new(why, instead)
        }))
    }

    pub(super) fn check_out(&self, folder: &str, name: &str) -> anyhow::Result<Option<Denial>> {
        let there = resolve(&self.cwd.join(folder).join(name), Last::Itself);
        let is_own = [self.task.branch.as_str(), "HEAD", "@"].contains(&name);
        if is_own || there.symlink_metadata().is_ok() {
            return Ok(None);
        }
        let read = &self.ws.repo.read;
        let is_commit = ["refs/heads/", "refs/remotes/origin/", "refs/tags/"]
            .iter()
            .any(|prefix| {
                read.tip(&format!("{prefix}{name}"))
                    .is_ok_and(|tip| tip.is_some())
            });
        let from_head =
            name.starts_with("HEAD~") || name.starts_with("HEAD^") || name.starts_with("@{");
        Ok((is_commit || from_head).then(|| {
            Denial::new(
                format!(
                    "`git checkout {}`: this worktree stays on the branch of its task",
                    shown(name)
                ),
                "look without switching: git show <commit>:<path>, git diff <commit>",
            )
        }))
    }

    /// Denies to move what others stand on: the branches of tasks, and those that they land on.
    pub(super) fn change_branches(&self, names: &[String]) -> anyhow::Result<Option<Denial>> {
        for name in names {
            let own = name == "HEAD" || *name == self.task.branch;
            let mut whose = own.then(|| "this task's own branch".to_owned());
            for (other, task) in self.ws.store.tasks()? {
                let Ok(task) = task else { continue };
                if task.branch == *name && other != self.task.name {
                    whose = Some(format!("the branch of task `{other}`"));
                } else if task.target == *name {
                    whose = Some(format!("the branch that task `{other}` lands on"));
                }
            }
            if let Some(whose) = whose {
                return Ok(Some(Denial::new(
                    format!("`git branch`: {} is {whose}", shown(name)),
                    "leave it; commit on this worktree's branch",
                )));
            }
        }
        Ok(None)
    }
}
