//! What a task may touch: its own worktree as far as its scope goes, and scratch space; nothing of its neighbours.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::place::{Last, resolve};
use crate::candidate::trespass_of;
use crate::error::shown;
use crate::hook::{AGENTS, Agent, Denial, Wish};
use crate::scope::Standing;
use crate::task::{GENERATED, State, Task};
use crate::workspace::{CONTRACT_FILE, Claimant, Claims, Workspace, shared_paths};

/// Where every program may write.
const SCRATCH: [&str; 2] = ["/tmp", "/var/tmp"];
/// What is no file, though it has a path.
const DEVICES: [&str; 2] = ["/dev/", "/proc/self/fd/"];

/// The map on which the wishes of one tool call are judged.
pub(super) struct Ground<'a> {
    ws: &'a Workspace<'a>,
    task: &'a Task,
    agent: &'a Agent,
    cwd: &'a Path,
    claims: OnceCell<Claims>,
}

impl<'a> Ground<'a> {
    pub(super) fn new(
        ws: &'a Workspace<'a>,
        task: &'a Task,
        agent: &'a Agent,
        cwd: &'a Path,
    ) -> Self {
        Self {
            ws,
            task,
            agent,
            cwd,
            claims: OnceCell::new(),
        }
    }

    /// Why a wish is denied, if it is.
    pub(super) fn judge(&self, wish: &Wish) -> anyhow::Result<Option<Denial>> {
        match wish {
            // By its name: what it leads to is the agent's, not this process's.
            Wish::Write(path) | Wish::WriteInto(path, _) if is_device(path) => Ok(None),
            Wish::Never(denial) => Ok(Some(denial.clone())),
            Wish::Write(path) => self.write(&self.leads(path, Last::Followed)),
            Wish::Remove(path) => self.write(&self.leads(path, Last::Itself)),
            Wish::WriteInto(path, names) => {
                let target = self.leads(path, Last::Followed);
                if !target.is_dir() {
                    return self.write(&target);
                }
                for name in names {
                    if let Some(denial) =
                        self.write(&resolve(&target.join(name), Last::Followed))?
                    {
                        return Ok(Some(denial));
                    }
                }
                Ok(None)
            }
            Wish::ChangeIn { folder, command } => self.change_in(folder, command),
            Wish::CheckOut { folder, name } => self.check_out(folder, name),
            Wish::ChangeBranches(names) => self.change_branches(names),
        }
    }

    fn leads(&self, path: &str, last: Last) -> PathBuf {
        resolve(&self.cwd.join(path), last)
    }

    /// Whether what lies at the resolved `path` may be written.
    fn write(&self, path: &Path) -> anyhow::Result<Option<Denial>> {
        if let Ok(inside) = path.strip_prefix(&self.task.worktree) {
            return match inside.to_str() {
                Some(inside) => self.write_inside(inside),
                // A name that is no text is in no glob that could be asked for.
                None => Ok(None),
            };
        }
        if let Some(whose) = self.neighbour(path)? {
            return Ok(Some(self.outside(path, &whose)));
        }
        if AGENTS.iter().any(|agent| self.is_guarded(agent, path)) {
            return Ok(Some(Denial::of(
                &path.to_string_lossy(),
                "it says which hooks an agent runs",
                "leave it; it is for the person whose agent you are",
            )));
        }
        let scratch = SCRATCH
            .iter()
            .map(PathBuf::from)
            .chain(self.variable("TMPDIR"));
        if scratch
            .map(|dir| resolve(&dir, Last::Followed))
            .any(|dir| path.starts_with(dir))
        {
            return Ok(None);
        }
        if self.inside_home(self.agent, path).is_some() {
            return Ok(None);
        }
        Ok(Some(self.outside(path, "outside this task's worktree")))
    }

    fn write_inside(&self, path: &str) -> anyhow::Result<Option<Denial>> {
        let task = self.task;
        let denied = |reason: &str, instead: String| Ok(Some(Denial::of(path, reason, instead)));
        if path.is_empty() {
            return Ok(Some(Denial::new(
                "this is the worktree itself",
                "name the files in it that are meant",
            )));
        }
        if self.is_below(".git", path)? {
            return denied("git's own", "use git's commands".to_owned());
        }
        if self.is_below(".wt", path)? || self.is_generated(path)? {
            let instead = "leave it; wt writes it anew when the rules change";
            return denied(GENERATED, instead.to_owned());
        }
        if self.is_below(CONTRACT_FILE, path)? {
            let reason = format!("the contract; {} has the one in force", task.target);
            let instead = "leave it; say in your report what should change in it";
            return denied(&reason, instead.to_owned());
        }
        let Some(trespass) = trespass_of(&self.claims()?.territory(), task, path) else {
            return if task.state == State::Landed {
                let reason = format!(
                    "task `{}` has landed, and what is changed here now can't",
                    task.name
                );
                denied(
                    &reason,
                    "end your turn; more work is another task".to_owned(),
                )
            } else {
                Ok(None)
            };
        };
        // Before a plan is approved nothing is written, whether it would ever land or not.
        if task.state != State::Planning && self.is_ignored(path)? {
            return Ok(None);
        }
        denied(&trespass.standing, trespass.advice)
    }

    /// Whether `path` is `name` or beneath it, compared as the file system does.
    fn is_below(&self, name: &str, path: &str) -> anyhow::Result<bool> {
        let there = path.split_at_checked(name.len());
        let ends = |rest: &str| rest.is_empty() || rest.starts_with('/');
        let Some((begin, _)) = there.filter(|(_, rest)| ends(rest)) else {
            return Ok(false);
        };
        Ok(begin == name || (begin.eq_ignore_ascii_case(name) && self.ws.repo.ignores_case()?))
    }

    fn is_generated(&self, path: &str) -> anyhow::Result<bool> {
        for own in &self.task.generated {
            if self.is_below(own, path)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether git passes over the path, so that it reaches no candidate: what is tracked is never ignored.
    fn is_ignored(&self, path: &str) -> anyhow::Result<bool> {
        let read = &self.ws.repo.read;
        if !read.is_ignored(&self.task.worktree, path) {
            return Ok(false);
        }
        let Some(tip) = read.tip(&self.task.branch_ref())? else {
            return Ok(false);
        };
        Ok(read.file(&read.tree_of(&tip)?, path)?.is_none())
    }

    fn claims(&self) -> anyhow::Result<&Claims> {
        if let Some(claims) = self.claims.get() {
            return Ok(claims);
        }
        let (ws, task) = (self.ws, self.task);
        let tip = ws.target_tip(task)?;
        let shared = shared_paths(&ws.repo.read, &tip, &task.target)?;
        let claims = ws.claims_beside(&ws.repo, &Claimant::from(task), &shared)?;
        Ok(self.claims.get_or_init(|| claims))
    }

    /// Whose a path outside the worktree is, where it belongs to the repository.
    fn neighbour(&self, path: &Path) -> anyhow::Result<Option<String>> {
        for (name, task) in self.ws.store.tasks()? {
            if task.is_ok_and(|task| path.starts_with(&task.worktree)) {
                return Ok(Some(format!("the worktree of task `{name}`")));
            }
        }
        let common = self.ws.repo.common();
        let worktrees = self.task.worktree.parent();
        Ok(if path.starts_with(common) {
            Some("the repository's own, shared by all worktrees".to_owned())
        } else if self
            .ws
            .repo
            .main_checkout()
            .is_some_and(|main| path.starts_with(main))
        {
            Some("the main checkout, not this task's worktree".to_owned())
        } else if worktrees.is_some_and(|dir| path.starts_with(dir)) {
            Some("wt's own".to_owned())
        } else {
            None
        })
    }

    fn outside(&self, path: &Path, whose: &str) -> Denial {
        // In a cage the common one can't be written.
        let scratch = self.ws.ctx.inside().and(self.variable("TMPDIR"));
        let scratch = scratch.unwrap_or_else(|| PathBuf::from(SCRATCH[0]));
        Denial::of(
            &path.to_string_lossy(),
            whose,
            format!(
                "work in {}; scratch files go to {}",
                self.task.worktree.display(),
                scratch.display()
            ),
        )
    }

    /// The path within an agent's own state, if it lies there.
    fn inside_home(&self, agent: &Agent, path: &Path) -> Option<PathBuf> {
        let (variable, folder) = agent.home;
        let named = variable.and_then(|name| self.variable(name));
        let home = named.or_else(|| Some(self.variable("HOME")?.join(folder)))?;
        let home = resolve(&home, Last::Followed);
        path.strip_prefix(home).ok().map(Path::to_owned)
    }

    fn is_guarded(&self, agent: &Agent, path: &Path) -> bool {
        let Some(inside) = self.inside_home(agent, path) else {
            return false;
        };
        let mut files = agent.guarded.iter().chain([&agent.user_settings]);
        files.any(|file| inside == Path::new(file))
    }

    fn variable(&self, name: &str) -> Option<PathBuf> {
        self.ws.ctx.environment.text(name).map(PathBuf::from)
    }

    fn change_in(&self, folder: &str, command: &str) -> anyhow::Result<Option<Denial>> {
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

    fn check_out(&self, folder: &str, name: &str) -> anyhow::Result<Option<Denial>> {
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
    fn change_branches(&self, names: &[String]) -> anyhow::Result<Option<Denial>> {
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

fn is_device(path: &str) -> bool {
    DEVICES.iter().any(|begin| path.starts_with(begin)) && !path.split('/').any(|name| name == "..")
}
