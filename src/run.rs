//! `wt run`: a command, or an agent, in the cage of a task; what it asks of `wt` is done outside.

mod agent;
mod doors;
mod environment;
mod serve;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cage::{self, Cage, Support};
use crate::confine;
use crate::contract::Contract;
use crate::error::{Refusal, some_of};
use crate::process::{Fate, Held, Leader};
use crate::quarantine::{self, Opened};
use crate::store::Temporary;
use crate::surroundings::places;
use crate::task::{State, Task};
use crate::wire::Listener;
use crate::workspace::Workspace;

use agent::Program;
use doors::Doors;
use serve::Outside;

/// What is to be run.
pub(crate) struct Request<'a> {
    pub(crate) task: &'a str,
    /// The agent that was named.
    pub(crate) agent: Option<&'a str>,
    /// The command that was given; none for an agent.
    pub(crate) command: &'a [OsString],
}

/// Runs it to its end, and closes the cage behind it.
///
/// # Errors
/// Refusals, before anything is begun; a fault where something of the cage can't be ended or closed.
pub(crate) fn run(ws: &Workspace, request: &Request) -> anyhow::Result<Fate> {
    let task = ws.store.require_task(request.task)?;
    let repo = ws.repo_for(&task);
    let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(&task)?)?;
    let contract = &in_force.contract;
    let place = place(ws, &task);
    let program = Program::choose(ws, contract, request, &place)?;
    let caged = require_support(ws, contract)?;
    if caged {
        confine::inspect(ws, &task, contract)?;
    }
    let ground = if caged {
        Ground::Caged(quarantine::open(ws, &task.name)?)
    } else {
        Ground::Free(ws.store.private_folder()?)
    };
    let run = Run {
        ws,
        task: &task,
        contract,
        program: &program,
        place: &place,
        folder: ground.folder(),
        git: ground.git(),
    };
    if caged && task.state == State::Planning {
        ws.ctx.ui.say(&format!(
            "task `{}` is planning: its worktree and its repository can only be read in this cage",
            task.name
        ));
    }
    let doors = ground.git().map(|_| program.doors(ws));
    let doors = Doors::look(doors.unwrap_or_default());
    let fate = run.to_its_end();
    let changed = doors.changed();
    if !changed.is_empty() {
        ws.ctx.ui.warn(&format!(
            "changed from within the cage, and in force outside of it as well: {}",
            some_of(&changed)
        ));
    }
    if let Ground::Free(_) = ground {
        return fate;
    }
    match (fate, quarantine::close(ws, &task.name)) {
        (Ok(fate), closed) => closed.map(|()| fate),
        (Err(error), closed) => {
            if let Err(closing) = closed {
                ws.ctx.ui.warn(&format!("{closing:#}"));
            }
            Err(error)
        }
    }
}

/// What a command runs in.
enum Ground {
    Caged(Opened),
    /// No cage: a folder for temporary files.
    Free(Temporary),
}

impl Ground {
    fn folder(&self) -> &Path {
        match self {
            Ground::Caged(opened) => &opened.folder,
            Ground::Free(folder) => folder.path(),
        }
    }

    /// The private repository.
    fn git(&self) -> Option<&Path> {
        match self {
            Ground::Caged(opened) => Some(&opened.git),
            Ground::Free(_) => None,
        }
    }
}

/// Whether there is a cage.
fn require_support(ws: &Workspace, contract: &Contract) -> anyhow::Result<bool> {
    match cage::support() {
        Support::Full => Ok(true),
        support @ Support::Files => {
            ws.ctx.ui.warn(support.shortcoming());
            Ok(true)
        }
        Support::None if contract.cage.require => Err(Refusal::refused(
            "[cage] require = true, and this kernel can't hold a cage (Landlock, Linux 6.2 or later)",
        )
        .hint("run it on another machine, or take `require` out of wt.toml on the target")
        .into()),
        Support::None => {
            ws.ctx.ui.warn(
                "NO CAGE: this kernel can't hold one (Landlock, Linux 6.2 or later); the command may write whatever you may",
            );
            Ok(false)
        }
    }
}

/// Where in the private folder of a cage temporary files go: the one place in it that can be written from inside.
fn temporary(folder: &Path) -> PathBuf {
    folder.join("tmp")
}

/// One run, its cage open.
struct Run<'a> {
    ws: &'a Workspace<'a>,
    task: &'a Task,
    contract: &'a Contract,
    program: &'a Program,
    /// Where it begins.
    place: &'a Path,
    folder: &'a Path,
    /// The private repository; none without a cage.
    git: Option<&'a Path>,
}

impl Run<'_> {
    fn to_its_end(&self) -> anyhow::Result<Fate> {
        let inside = temporary(self.folder);
        std::fs::create_dir(&inside).with_context(|| format!("can't make {}", inside.display()))?;
        let socket = self.folder.join(quarantine::SOCKET);
        let listener = self.git.map(|_| Listener::bind(&socket)).transpose()?;
        let args = self.program.arguments(self.task, self.folder)?;
        let mut command = match self.git {
            Some(git) => self.cage(git)?.command(self.program.path.as_os_str()),
            None => std::process::Command::new(&self.program.path),
        };
        command.args(args).current_dir(self.place).env_clear();
        let mut variables = environment::of(
            self.ws,
            self.task,
            &temporary(self.folder),
            listener.as_ref().map(|_| socket.as_path()),
        );
        if self.git.is_some() {
            for (name, path) in confine::caches(self.contract, &self.caches()) {
                // What the operator has set for himself stands.
                variables.entry(name.into()).or_insert(path.into());
            }
        }
        command.envs(variables);
        let event = self.ws.event(&self.task.name, "run");
        self.ws
            .record(&event.fact("command", self.program.shown()))?;
        let held = self.git.map_or(Held::Free, |_| Held::Caged);
        let leader = Leader::start(command, held)?;
        let mut outside = Outside::new(self.ws, self.task, leader, listener);
        let fate = outside.serve();
        // Whatever else went wrong, nothing goes on in there.
        outside.end()?;
        let fate = fate?;
        let event = self.ws.event(&self.task.name, "run-ended");
        if let Err(error) = self.ws.record(&event.fact("status", fate.status())) {
            // How the command ended is worth more than the note of it.
            self.ws.ctx.ui.warn(&format!("{error:#}"));
        }
        Ok(fate)
    }

    /// What package managers keep for this task alone: in the operator's caches, which they trust without looking, an
    /// agent could leave code for him to run.
    fn caches(&self) -> PathBuf {
        self.ws.store.cage_dir(&self.task.name).join("caches")
    }

    /// All that may be written inside.
    fn cage(&self, git: &Path) -> anyhow::Result<Cage> {
        let caches = self.caches();
        std::fs::create_dir_all(&caches)
            .with_context(|| format!("can't make {}", caches.display()))?;
        let mut writable = vec![temporary(self.folder), caches];
        // Before a plan is approved both are only read: no commit made ahead of it waits to be taken in.
        if self.task.state != State::Planning {
            writable.extend([git.to_owned(), self.task.worktree.clone()]);
        }
        let captured = &self.task.environment;
        // What the gate's steps, which are the agent's own code, may write anyway.
        writable.extend(places(&self.contract.judge.writable, captured)?);
        writable.extend(places(&self.contract.cage.writable, captured)?);
        writable.extend(self.program.state_folders(self.ws)?);
        Ok(Cage::new(writable))
    }
}

/// Where the command begins: where `wt run` was called, if that is inside the worktree.
fn place(ws: &Workspace, task: &Task) -> PathBuf {
    let (here, root) = (&ws.ctx.cwd, &task.worktree);
    let place = if here.starts_with(root) { here } else { root };
    place.clone()
}
