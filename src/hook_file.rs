//! The files in which agents are told to call `wt hook`: read, changed and written without harm to the rest of them.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use serde_json::{Map, Value};

use crate::ctx::{Environment, find_program};
use crate::error::Refusal;
use crate::hook::Agent;
use crate::store::{remove_half_written, write_atomic};
use crate::task::Task;

/// A settings file, as it is now or is to be.
pub(crate) struct HookFile {
    /// Where it really lies: a link to it stays a link.
    path: PathBuf,
    pub(crate) settings: Map<String, Value>,
    indent: String,
}

impl HookFile {
    /// Reads the file at `path`; one that is not there is empty.
    ///
    /// # Errors
    /// A refusal that names file and line, where it holds anything but an object: it is a person's and stays as it is.
    pub(crate) fn load(path: &Path) -> anyhow::Result<Self> {
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let text = match fs::read_to_string(&path) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        };
        let settings = match text.as_deref().filter(|text| !text.trim().is_empty()) {
            Some(text) => serde_json::from_str(text).map_err(|error| {
                Refusal::refused(format!(
                    "{}:{}: {error}; it is left as it is",
                    path.display(),
                    error.line()
                ))
                .hint("make it plain JSON (an object, without comments), then call again")
            })?,
            None => Map::new(),
        };
        Ok(Self {
            indent: text
                .as_deref()
                .and_then(indent_of)
                .unwrap_or("  ")
                .to_owned(),
            path,
            settings,
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The text that it is to have.
    fn render(&self) -> anyhow::Result<String> {
        let mut bytes = Vec::new();
        let formatter = PrettyFormatter::with_indent(self.indent.as_bytes());
        self.settings
            .serialize(&mut Serializer::with_formatter(&mut bytes, formatter))?;
        bytes.push(b'\n');
        Ok(String::from_utf8(bytes)?)
    }

    /// Writes these settings, whole or not at all; a file that would hold nothing is removed. Answers whether
    /// anything had to be done.
    pub(crate) fn save(mut self, settings: Map<String, Value>) -> anyhow::Result<bool> {
        if self.settings == settings {
            return Ok(false);
        }
        self.settings = settings;
        if self.settings.is_empty() {
            fs::remove_file(&self.path)
                .with_context(|| format!("can't remove {}", self.path.display()))?;
        } else {
            if let Some(dir) = self.path.parent() {
                remove_half_written(dir);
            }
            write_atomic(&self.path, self.render()?.as_bytes())?;
        }
        Ok(true)
    }
}

/// What the first line that is set off is set off by.
fn indent_of(text: &str) -> Option<&str> {
    text.lines().find_map(|line| {
        let rest = line.trim_start_matches([' ', '\t']);
        (!rest.is_empty() && rest.len() < line.len()).then(|| &line[..line.len() - rest.len()])
    })
}

/// The file in which a person's hooks of `agent` are set, for all folders.
pub(crate) fn user_file(environment: &Environment, agent: &Agent) -> anyhow::Result<PathBuf> {
    let (variable, folder) = agent.home;
    let named = variable
        .and_then(|name| environment.text(name))
        .map(PathBuf::from);
    let home = named.or_else(|| Some(Path::new(environment.text("HOME")?).join(folder)));
    let home = home.ok_or_else(|| {
        Refusal::refused("there is no home folder: HOME is not set")
            .hint("set HOME, then call again")
    })?;
    Ok(home.join(agent.user_settings))
}

/// The path by which agents are to call this program: what `PATH` leads to, which an upgrade replaces, else the
/// executable itself.
pub(crate) fn executable(path: Option<&str>) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe().context("can't tell where this program lies")?;
    let found = path.and_then(|path| find_program(path.as_ref(), "wt"));
    let same = |other: &PathBuf| other.canonicalize().ok() == own.canonicalize().ok();
    Ok(found.filter(same).unwrap_or(own))
}

/// The same for the hooks of one task, whoever sets them: told of them by a file in the worktree and on its command
/// line, Claude Code runs them once only where the commands are the same to the letter.
pub(crate) fn executable_for(task: &Task) -> anyhow::Result<PathBuf> {
    executable(task.environment.variables.get("PATH").map(String::as_str))
}
