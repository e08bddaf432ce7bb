//! One repository as a command meets it: git, the state, and where in it the command was called.

mod claims;
mod commit_files;
mod in_force;
mod marker;
mod rulebook;

use std::cell::Cell;
use std::path::{Path, PathBuf};

use crate::ctx::Ctx;
use crate::error::Refusal;
use crate::git::{Git, Location, NewWorktree, Repo, discover};
use crate::oid::Oid;
use crate::process::Identity;
use crate::scope::Case;
use crate::store::{Event, JournalEntry, Lock, Operation, Store, read_json};
use crate::task::Task;

pub(crate) use claims::{Claimant, Claims};
pub(crate) use commit_files::CommitFiles;
pub(crate) use in_force::{FILE as CONTRACT_FILE, InForce, shared_paths};
pub(crate) use marker::{MARKER, SLOTS, holds_worktrees, write_marker};
pub(crate) use rulebook::{Rulebook, Ruling, identity_of_rules, rulebook};

/// What every verb on a repository starts from.
pub(crate) struct Workspace<'c> {
    pub(crate) ctx: &'c Ctx,
    pub(crate) repo: Repo,
    pub(crate) store: Store,
    /// Root of the checkout where the command was called; none in a bare repository and in a task's worktree.
    pub(crate) checkout: Option<std::path::PathBuf>,
    /// The branch checked out where the command was called; none inside a task's worktree or with a detached HEAD.
    pub(crate) branch: Option<String>,
    /// The task in whose worktree the command was called.
    pub(crate) here: Option<String>,
    /// Whether it was said that the main checkout's contract is not the one in force.
    said_uncommitted: Cell<bool>,
}

impl<'c> Workspace<'c> {
    /// Finds the repository of the current folder. In a task's worktree its `.git` file, which an agent can write,
    /// is not asked: the marker beside the worktrees is.
    ///
    /// # Errors
    /// A refusal where there is no repository or no git.
    pub(crate) fn open(ctx: &'c Ctx) -> anyhow::Result<Self> {
        if let Some(caged) = &ctx.caged {
            // Never the folder: in a cage anything can be laid there.
            let mut ws = Self::at(ctx, &caged.common)?;
            ws.here = Some(caged.task.clone());
            return Ok(ws);
        }
        let git = find_git(ctx)?;
        if let Some((common, name)) = marker::find(&ctx.cwd)? {
            let (repo, store) = (Repo::open(&common, git), Store::new(&common));
            return Ok(Self {
                ctx,
                repo,
                store,
                checkout: None,
                branch: None,
                here: Some(name),
                said_uncommitted: Cell::default(),
            });
        }
        let Location {
            common,
            checkout,
            branch,
        } = discover(&ctx.cwd, &git)?;
        let (repo, store) = (Repo::open(&common, git), Store::new(&common));
        Ok(Self {
            ctx,
            repo,
            store,
            checkout,
            branch,
            here: None,
            said_uncommitted: Cell::default(),
        })
    }

    /// The workspace of the task in whose worktree `dir` lies; nothing elsewhere, in a repository or not.
    pub(crate) fn find_task_at(ctx: &'c Ctx, dir: &Path) -> anyhow::Result<Option<(Self, String)>> {
        let Some((common, name)) = marker::find(dir)? else {
            return Ok(None);
        };
        Ok(Some((Self::at(ctx, &common)?, name)))
    }

    /// Opens the repository whose common git directory is known.
    pub(crate) fn at(ctx: &'c Ctx, common: &Path) -> anyhow::Result<Self> {
        let repo = Repo::open(common, find_git(ctx)?);
        Ok(Self {
            ctx,
            repo,
            store: Store::new(common),
            checkout: None,
            branch: None,
            here: None,
            said_uncommitted: Cell::default(),
        })
    }

    /// The task that a command is about: the one that was named, or the one in whose worktree it was called.
    ///
    /// # Errors
    /// A refusal where neither says which, and where one is named in the cage of another.
    pub(crate) fn task_name(&self, given: Option<&str>) -> anyhow::Result<String> {
        if let (Some(given), Some(caged)) = (given, &self.ctx.caged)
            && given != caged.task
        {
            return Err(Refusal::refused(format!(
                "this is the cage of task `{}`: nothing is done here for task `{given}`",
                caged.task
            ))
            .hint("ask the person who started this")
            .into());
        }
        if let Some(name) = given.or(self.here.as_deref()) {
            return Ok(name.to_owned());
        }
        Err(Refusal::usage("which task? this folder is in no task's worktree")
            .hint("name it (live tasks: wt list), or call from its worktree: cd \"$(wt path <task>)\"")
            .into())
    }

    /// A path as it was given in the current folder, from the root of the checkout or worktree that this is in: as git
    /// records it. It need not exist.
    ///
    /// # Errors
    /// A refusal (usage) where it lies elsewhere, or is no text.
    pub(crate) fn path_from_root(&self, given: &str) -> anyhow::Result<String> {
        let root = match &self.here {
            Some(task) => Some(self.store.require_task(task)?.worktree),
            None => self.checkout.clone(),
        };
        let base = root.as_deref().unwrap_or(Path::new("/"));
        let from = if root.is_some() { &self.ctx.cwd } else { base };
        let full = lexical(&from.join(given));
        // A parent that is a link is the folder that it leads to; the path itself may be a link, which is meant.
        let full = match (full.parent(), full.file_name()) {
            (Some(parent), Some(name)) if root.is_some() => canonical(parent).join(name),
            _ => full,
        };
        let inside = full.strip_prefix(canonical(base)).ok();
        let inside = inside
            .and_then(Path::to_str)
            .filter(|path| !path.is_empty());
        inside.map(str::to_owned).ok_or_else(|| {
            Refusal::usage(format!("{given:?} names no path inside {}", base.display()))
                .hint("name files and folders of this repository")
                .into()
        })
    }

    /// Tells a person whose shell stands in a worktree that was just removed where to go.
    pub(crate) fn hint_if_inside(&self, gone: &Path) {
        if self.ctx.cwd.starts_with(gone) {
            let root = self.repo.root_and_name().0;
            self.ctx
                .ui
                .hint(&format!("this folder is gone now: cd {}", root.display()));
        }
    }

    /// The process that judges a run of a task, while it lives.
    pub(crate) fn judge_process(&self, task: &str, run: u32) -> anyhow::Result<Option<Identity>> {
        let file = self.store.run_dir(task, run).join("judge.json");
        Ok(read_json(&file)?.filter(Identity::is_alive))
    }

    /// Where the `.git` file of a task's worktree leads: to the private repository while a cage is open, else to the
    /// worktree's own folder in the shared one.
    pub(crate) fn git_dir_of(&self, task: &Task) -> anyhow::Result<PathBuf> {
        Ok(match self.store.find_cage(&task.name)? {
            Some(_) => self.store.private_git_dir(&task.name),
            None => self.repo.admin_dir(&task.admin),
        })
    }

    /// Takes the lock that guards the making and removing of tasks; git children inherit it.
    pub(crate) fn lock(&self) -> anyhow::Result<Lock> {
        let lock = self.store.lock()?;
        self.repo.git.hold(lock.file());
        Ok(lock)
    }

    /// Registers a worktree, one at a time: git reads the administrative folders of all worktrees when it makes
    /// another, and fails at one that is half made.
    pub(crate) fn add_worktree(&self, repo: &Repo, new: &NewWorktree) -> anyhow::Result<String> {
        let _lock = self.lock()?;
        repo.add_worktree(new)
    }

    /// Takes the lock that guards one task's record; git children inherit it.
    pub(crate) fn lock_task(&self, name: &str) -> anyhow::Result<Lock> {
        let lock = self.store.lock_task(name)?;
        self.repo.git.hold(lock.file());
        Ok(lock)
    }

    /// Takes the lock of a live task, and reads the record that stands under it.
    ///
    /// # Errors
    /// A refusal for a task that is not there, and as [`Store::lock`].
    pub(crate) fn take_task(&self, name: &str) -> anyhow::Result<(Lock, Task)> {
        // Before the lock, too: a name that no task has gets no file.
        self.store.require_task(name)?;
        let lock = self.lock_task(name)?;
        Ok((lock, self.store.require_task(name)?))
    }

    /// The repository, its git children run in the environment that was captured when the task was made: what
    /// judges does not depend on who calls it.
    pub(crate) fn repo_for(&self, task: &Task) -> Repo {
        self.repo
            .with_environment(&task.environment.git, &task.environment.variables)
    }

    /// Notes what happened.
    pub(crate) fn record(&self, event: &Event) -> anyhow::Result<()> {
        self.store.append(event)
    }

    pub(crate) fn event(&self, task: &str, event: &str) -> Event {
        Event::new(self.ctx.time(), task, event)
    }

    /// The folder that holds the worktrees, by the contract in force.
    pub(crate) fn worktrees_dir(&self, in_force: &InForce) -> PathBuf {
        let (root, name) = self.repo.root_and_name();
        let path = in_force.contract.worktree.path.replace("{repo}", &name);
        canonical(&lexical(&root.join(path)))
    }

    /// The tip of a task's target.
    ///
    /// # Errors
    /// A refusal where that branch is gone.
    pub(crate) fn target_tip(&self, task: &Task) -> anyhow::Result<Oid> {
        self.repo_for(task)
            .read
            .tip(&task.target_ref())?
            .ok_or_else(|| {
                Refusal::refused(format!(
                    "the target {} of task `{}` is gone",
                    task.target, task.name
                ))
                .hint(format!(
                    "bring the branch back: git branch {} <commit>",
                    task.target
                ))
                .into()
            })
    }

    /// How paths are compared in `repo`, which is this one in the environment that is to count.
    pub(crate) fn case(repo: &Repo) -> anyhow::Result<Case> {
        Ok(if repo.ignores_case()? {
            Case::Folded
        } else {
            Case::Exact
        })
    }

    /// The names and claims of the tasks that a spawn elsewhere is making, as its intent says.
    fn tasks_being_made(&self) -> anyhow::Result<Vec<(String, Vec<String>)>> {
        let intents = self.store.intents()?;
        if intents.is_empty() {
            return Ok(Vec::new());
        }
        let known = self.store.task_names()?;
        let being_made = |entry: JournalEntry| match entry.operation {
            Operation::Spawn { owns, .. } if !known.contains(&entry.task) => {
                Some((entry.task, owns))
            }
            _ => None,
        };
        Ok(intents.into_iter().filter_map(being_made).collect())
    }

    /// The names that no new task can have: of the live tasks, and of those that are being made.
    pub(crate) fn taken_names(&self) -> anyhow::Result<Vec<String>> {
        let mut names = self.store.task_names()?;
        names.extend(self.tasks_being_made()?.into_iter().map(|(name, _)| name));
        Ok(names)
    }
}

fn find_git(ctx: &Ctx) -> anyhow::Result<Git> {
    let program = ctx
        .environment
        .find_program("git")
        .ok_or_else(|| Refusal::refused("git is not on PATH").hint("install git 2.38 or later"))?;
    Ok(Git::new(program, ctx.environment.all()))
}

/// `path` through no symbolic link, as far as it exists: the folder of a caller is known in no other form.
fn canonical(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|there| Some((there, there.canonicalize().ok()?)))
        .and_then(|(there, real)| Some(real.join(path.strip_prefix(there).ok()?)))
        // Without a `/` at its end, which joining nothing adds.
        .map_or_else(|| path.to_owned(), |real| real.components().collect())
}

/// `path` without `.` and `..`, by its text alone.
fn lexical(path: &Path) -> PathBuf {
    use std::path::Component;
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                clean.pop();
            }
            other => clean.push(other),
        }
    }
    clean
}
