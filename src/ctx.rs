//! The surroundings of one command: time, environment, folder and terminal, read once.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::error::Refusal;
use crate::ui::{Color, Ui};

/// What a command sees of the world.
pub(crate) struct Ctx {
    /// When the command began.
    pub(crate) now: Timestamp,
    pub(crate) environment: Environment,
    pub(crate) cwd: PathBuf,
    pub(crate) ui: Ui,
    /// The task of the cage for which this command does something, outside of it.
    pub(crate) caged: Option<Caged>,
}

/// Whoever called this command is in a cage: it may ask for little, and for one task alone.
pub(crate) struct Caged {
    pub(crate) task: String,
    /// The common git directory of the task's repository.
    pub(crate) common: PathBuf,
}

/// The cage that this command is in.
pub(crate) struct Inside {
    /// Where the `wt run` outside listens.
    pub(crate) socket: PathBuf,
}

impl Ctx {
    /// Reads the surroundings; `dir` is where to act as if called from there.
    #[allow(clippy::disallowed_methods, reason = "this is the one place")]
    pub(crate) fn new(color: Color, dir: Option<&Path>) -> anyhow::Result<Self> {
        let environment = Environment(std::env::vars_os().collect());
        let cwd = std::env::current_dir().map_err(|error| {
            Refusal::refused(format!("the current folder can't be read: {error}"))
                .hint("it was removed, perhaps with its task; go back to the repository")
        });
        let cwd = match dir {
            Some(dir) if dir.is_absolute() => dir.to_owned(),
            Some(dir) => cwd?.join(dir),
            None => cwd?,
        };
        let cwd = cwd.canonicalize().map_err(|error| {
            Refusal::refused(format!("can't go to {}: {error}", cwd.display()))
                .hint("name a folder that exists")
        })?;
        let (ui, caged) = (Ui::new(color), caged(&environment));
        Ok(Self {
            now: now(&environment),
            // Its reader is in the cage, and may stand still on purpose.
            ui: if caged.is_some() { ui.held_back() } else { ui },
            caged,
            environment,
            cwd,
        })
    }
}

/// What [`crate::run`] sets for what it starts. Whoever sets it besides only binds itself.
fn caged(environment: &Environment) -> Option<Caged> {
    Some(Caged {
        task: environment.text("WT_CAGED")?.to_owned(),
        common: environment.text("WT_CAGED_IN")?.into(),
    })
}

impl Ctx {
    /// The cage that this command is in, if it was called in its worktree; elsewhere in a cage `wt` serves whatever
    /// repository is there, as far as it may.
    pub(crate) fn inside(&self) -> Option<Inside> {
        let worktree = Path::new(self.environment.text("WT_WORKTREE")?);
        let socket = self.environment.text("WT_SOCKET")?;
        let is_there = self.caged.is_none() && self.cwd.starts_with(worktree);
        is_there.then(|| Inside {
            socket: socket.into(),
        })
    }

    /// The cage that this command is in, if it is that of `task`, wherever it was called.
    pub(crate) fn cage_of(&self, task: &str) -> Option<Inside> {
        let is_it = self.caged.is_none() && self.environment.text("WT_TASK") == Some(task);
        let socket = self.environment.text("WT_SOCKET").filter(|_| is_it)?;
        Some(Inside {
            socket: socket.into(),
        })
    }

    /// The time at this moment; `now` is when the command began.
    pub(crate) fn time(&self) -> Timestamp {
        now(&self.environment)
    }
}

#[allow(clippy::disallowed_methods, reason = "this is the one place")]
fn now(environment: &Environment) -> Timestamp {
    // Tests fix the clock; a release never lets itself be told the time.
    if cfg!(debug_assertions)
        && let Some(fixed) = environment
            .text("WT_NOW")
            .and_then(|text| text.parse().ok())
    {
        return fixed;
    }
    Timestamp::now()
}

/// The caller's environment variables.
pub(crate) struct Environment(BTreeMap<OsString, OsString>);

impl Environment {
    pub(crate) fn all(&self) -> &BTreeMap<OsString, OsString> {
        &self.0
    }

    /// A variable's value, where it is text.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(OsStr::new(name))?.to_str()
    }

    /// The absolute path of a program on `PATH`; relative entries of `PATH` are passed over.
    pub(crate) fn find_program(&self, name: &str) -> Option<PathBuf> {
        find_program(self.0.get(OsStr::new("PATH"))?, name)
    }
}

/// The first executable file `name` in the absolute entries of a `PATH`.
pub(crate) fn find_program(path: &OsStr, name: &str) -> Option<PathBuf> {
    std::env::split_paths(path)
        .filter(|dir| dir.is_absolute())
        .map(|dir| dir.join(name))
        .find(|file| {
            file.metadata()
                .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
        })
}
