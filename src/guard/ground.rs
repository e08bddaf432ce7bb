//! What a task may touch: its own worktree as far as its scope goes, and scratch space; nothing of its neighbours.

mod verbs;

use std::cell::OnceCell;
use std::path::{Path, PathBuf};

use super::place::{Last, resolve};
use crate::candidate::trespass_of;
use crate::hook::{AGENTS, Agent, Denial, Wish};
use crate::scope::is_surely_own;
use crate::task::{GENERATED, State, Task};
use crate::workspace::{CONTRACT_FILE, Claimant, Claims, Workspace, shared_paths};

/// Where every program may write.
const SCRATCH: [&str; 2] = ["/tmp", "/var/tmp"];
/// What is no file, though it has a path.
const DEVICES: [&str; 2] = ["/dev/", "/proc/self/fd/"];

/// What would be done to a file.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Deed {
    Write,
    Remove,
}

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
            Wish::Write(path) => self.write(&self.leads(path, Last::Followed), Deed::Write),
            Wish::Remove(path) => self.write(&self.leads(path, Last::Itself), Deed::Remove),
            Wish::WriteInto(path, names) => {
                let target = self.leads(path, Last::Followed);
                if !target.is_dir() {
                    return self.write(&target, Deed::Write);
                }
                for name in names {
                    if let Some(denial) =
                        self.write(&resolve(&target.join(name), Last::Followed), Deed::Write)?
                    {
                        return Ok(Some(denial));
                    }
                }
                Ok(None)
            }
            Wish::ChangeIn { folder, command } => self.change_in(folder, command),
            Wish::CheckOut { folder, name } => self.check_out(folder, name),
            Wish::TakeFrom { commit, paths } => self.take_from(commit, paths),
            Wish::HandIn {
                folder,
                command,
                task,
            } => self.hand_in(folder, command, task.as_deref()),
            Wish::ChangeBranches(names) => self.change_branches(names),
        }
    }

    fn leads(&self, path: &str, last: Last) -> PathBuf {
        resolve(&self.cwd.join(path), last)
    }

    /// Whether what lies at the resolved `path` may be written.
    fn write(&self, path: &Path, deed: Deed) -> anyhow::Result<Option<Denial>> {
        if let Ok(inside) = path.strip_prefix(&self.task.worktree) {
            return match inside.to_str() {
                Some(inside) => self.write_inside(inside, deed),
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

    fn write_inside(&self, path: &str, deed: Deed) -> anyhow::Result<Option<Denial>> {
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
        if self.is_surely_permitted(path) {
            return Ok(None);
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
        if task.state != State::Planning
            && (self.is_ignored(path)? || (deed == Deed::Remove && self.is_new(path)?))
        {
            return Ok(None);
        }
        denied(&trespass.standing, trespass.advice)
    }

    /// Whether the task's own record says that `path`, which is not generated, may be changed: so most writes of a task
    /// with a claim are answered before any other record, or the repository, is read.
    fn is_surely_permitted(&self, path: &str) -> bool {
        let task = self.task;
        let may_work = !matches!(task.state, State::Landed | State::Planning);
        may_work && is_surely_own(&task.owns, task.planned_files(), path)
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

    /// Whether there is a file at this path that the target has not: a trespass asks for what is new to be deleted.
    fn is_new(&self, path: &str) -> anyhow::Result<bool> {
        let there = self.task.worktree.join(path).symlink_metadata();
        if !there.is_ok_and(|there| !there.is_dir()) {
            return Ok(false);
        }
        let read = &self.ws.repo.read;
        let tree = read.tree_of(&self.ws.target_tip(self.task)?)?;
        Ok(read.file(&tree, path)?.is_none() && !read.is_folder(&tree, path)?)
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
}

fn is_device(path: &str) -> bool {
    DEVICES.iter().any(|begin| path.starts_with(begin)) && !path.split('/').any(|name| name == "..")
}
