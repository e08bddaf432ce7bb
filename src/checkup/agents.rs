//! Whether the agents on this machine would ask `wt` in a task's worktree.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value};

use super::Checkup;
use crate::hook::{AGENTS, Agent, executables, sets_hooks};
use crate::hook_file::{HookFile, user_file};
use crate::store::Beneath;
use crate::task::Task;

/// From this version of Claude Code on, what the main checkout's settings say of hooks wins over a worktree's.
const MAIN_WINS: (u32, u32, u32) = (2, 1, 211);

/// One agent.
#[derive(Debug, Serialize)]
pub(crate) struct AgentReport {
    pub(crate) agent: &'static str,
    #[serde(skip)]
    pub(crate) title: &'static str,
    /// Whether it asks `wt` in every task's worktree, as far as files tell.
    pub(crate) asks: bool,
    /// By what, or what is to be done for it.
    pub(crate) how: String,
}

impl Checkup<'_> {
    /// Reports on the agents that are installed here, or told to ask.
    pub(super) fn agents(&mut self) -> Vec<AgentReport> {
        AGENTS
            .iter()
            .filter_map(|agent| self.agent(agent))
            .collect()
    }

    fn agent(&mut self, agent: &'static Agent) -> Option<AgentReport> {
        let environment = &self.ws.ctx.environment;
        let program = agent
            .programs
            .iter()
            .find_map(|name| environment.find_program(name));
        let path = user_file(environment, agent).ok()?;
        let settings = match HookFile::load(&path) {
            Ok(file) => file.settings,
            Err(error) if program.is_some() => {
                self.found(format!("{error:#}"), "mend it; its hooks can't be told");
                return None;
            }
            Err(_) => return None,
        };
        let called = executables(agent, &settings);
        if program.is_none() && called.is_empty() {
            return None;
        }
        let (asks, how) = if let Some(gone) = missing(&called) {
            let install = format!("wt hook install {} --user", agent.name);
            let what = format!(
                "{} has {} call {}, which is not there",
                path.display(),
                agent.title,
                gone.display()
            );
            self.found(what, &install);
            (
                false,
                format!("is told to call a wt that is not there: {install}"),
            )
        } else if called.is_empty() {
            self.by_worktree(agent, program.as_deref())
        } else {
            let trust = if agent.name == "codex" {
                "; it asks once whether they are to be trusted"
            } else {
                ""
            };
            (
                true,
                format!("asks wt in every task, by {}{trust}", path.display()),
            )
        };
        Some(AgentReport {
            agent: agent.name,
            title: agent.title,
            asks,
            how,
        })
    }

    /// What is to be said of an agent that the person's own settings do not tell to ask.
    fn by_worktree(&self, agent: &Agent, program: Option<&Path>) -> (bool, String) {
        let install = format!("wt hook install {} --user", agent.name);
        if agent.name != "claude" {
            return (
                false,
                format!("does not ask wt where it is started by hand: {install}"),
            );
        }
        let file = agent.project_settings;
        let main = self.ws.repo.main_checkout().map(|root| root.join(file));
        let main_sets = main
            .is_some_and(|path| HookFile::load(&path).is_ok_and(|file| sets_hooks(&file.settings)));
        let version = program.and_then(version_of);
        if main_sets && version.is_none_or(|version| version >= MAIN_WINS) {
            return (
                false,
                format!(
                    "may take its hooks from the main checkout's {file} instead of a worktree's: {install}"
                ),
            );
        }
        (
            true,
            format!("asks wt in every task, by the worktree's {file}"),
        )
    }

    /// The settings that `wt` wrote into a worktree and that no longer have its agent ask.
    pub(super) fn without_hooks(&self, task: &Task) -> Vec<&'static str> {
        const MOST: u64 = 1 << 20;
        let asks = |agent: &Agent| {
            let read = Beneath::open(&task.worktree)
                .and_then(|root| root.read(agent.project_settings, MOST));
            let settings: Map<String, Value> = read
                .ok()
                .flatten()
                .and_then(|bytes| serde_json::from_slice(&bytes).ok())
                .unwrap_or_default();
            let called = executables(agent, &settings);
            let events = [agent.before_tool, agent.start, agent.stop];
            let all = events
                .iter()
                .all(|event| called.iter().any(|(of, _)| of == event));
            all && missing(&called).is_none()
        };
        AGENTS
            .iter()
            .filter(|agent| {
                task.generated
                    .iter()
                    .any(|own| own == agent.project_settings)
            })
            .filter(|agent| !asks(agent))
            .map(|agent| agent.project_settings)
            .collect()
    }
}

/// The first of the programs that can't be called.
fn missing(called: &[(String, PathBuf)]) -> Option<&PathBuf> {
    let can_run = |path: &Path| {
        path.metadata()
            .is_ok_and(|m| m.is_file() && m.permissions().mode() & 0o111 != 0)
    };
    called
        .iter()
        .map(|(_, path)| path)
        .find(|path| !can_run(path))
}

/// The version of a program, as its place tells: asking it would take longer than all else here.
fn version_of(program: &Path) -> Option<(u32, u32, u32)> {
    let real = program.canonicalize().ok()?;
    let by_name = real.iter().rev().find_map(|name| parse(name.to_str()?));
    let by_package = || {
        real.ancestors().skip(1).take(4).find_map(|dir| {
            let package: Value =
                serde_json::from_slice(&std::fs::read(dir.join("package.json")).ok()?).ok()?;
            parse(package.get("version")?.as_str()?)
        })
    };
    by_name.or_else(by_package)
}

fn parse(version: &str) -> Option<(u32, u32, u32)> {
    let mut numbers = version.splitn(3, '.').map(str::parse);
    let mut next = || numbers.next()?.ok();
    Some((next()?, next()?, next()?))
}
