//! What an agent hands to its hook on standard input.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::agents::Agent;
use super::wish::{Denial, Wish};
use super::{patch, shell};

/// Keys of a shell tool's input that name the folder in which its command is run.
const FOLDER_KEYS: [&str; 4] = ["workdir", "working_directory", "dir_path", "directory"];

/// What a session begins with that goes on with earlier work.
const GOES_ON: [&str; 3] = ["compact", "resume", "clear"];

/// When a hook is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    BeforeTool,
    /// A session begins.
    Start,
    /// The agent is about to end its turn.
    Stop,
    /// Any other: nothing is said to it.
    Other,
}

/// One question of an agent.
#[derive(Debug)]
pub(crate) struct Input {
    pub(crate) moment: Moment,
    /// The folder that the agent works in.
    pub(crate) cwd: Option<String>,
    /// The tool that is to be used; empty where none is.
    pub(crate) tool: String,
    /// Whether the agent goes on because its stop was held back before.
    pub(crate) held_before: bool,
    /// Whether the session that begins goes on with work of an earlier conversation, which is shortened or gone.
    pub(crate) goes_on: bool,
    tool_input: Value,
}

impl Input {
    /// Reads what `agent` says.
    ///
    /// # Errors
    /// Why it can't be read.
    pub(crate) fn parse(agent: &Agent, bytes: &[u8]) -> Result<Self, String> {
        let value: Value = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut map: Map<String, Value> = match value {
            Value::Object(map) => map,
            _ => return Err("it is no object".to_owned()),
        };
        let text = |key: &str| map.get(key).and_then(Value::as_str).map(str::to_owned);
        let event = text("hook_event_name").ok_or("it names no event")?;
        let moment = match event.as_str() {
            event if event == agent.before_tool => Moment::BeforeTool,
            event if event == agent.start => Moment::Start,
            event if event == agent.stop => Moment::Stop,
            _ => Moment::Other,
        };
        let active = map.get("stop_hook_active").and_then(Value::as_bool);
        let loops = map.get("loop_count").and_then(Value::as_u64);
        let tool = text("tool_name");
        let source = text("source");
        if moment == Moment::BeforeTool && tool.is_none() {
            return Err("it names no tool".to_owned());
        }
        Ok(Self {
            moment,
            cwd: text("cwd").or_else(|| first_root(&map)),
            tool: tool.unwrap_or_default(),
            goes_on: source.is_some_and(|source| GOES_ON.contains(&source.as_str())),
            held_before: active.unwrap_or_default() || loops.unwrap_or_default() > 0,
            tool_input: map.remove("tool_input").unwrap_or_default(),
        })
    }

    /// What the tool call would do; `known` are the variables of a shell whose values are told.
    ///
    /// # Errors
    /// Why the input of a tool that is known can't be read.
    pub(crate) fn wishes(
        &self,
        agent: &Agent,
        known: &BTreeMap<&str, String>,
    ) -> Result<Vec<Wish>, String> {
        let text = |key: &str| -> Option<&str> {
            let text = self.tool_input.get(key)?.as_str()?;
            (!text.is_empty()).then_some(text)
        };
        let lacks = |what: &str| format!("the input of {} names no {what}", self.tool);
        if let Some((_, keys)) = agent.file_tools.iter().find(|(tool, _)| *tool == self.tool) {
            let path = keys
                .iter()
                .find_map(|key| text(key))
                .ok_or_else(|| lacks("file"))?;
            return Ok(vec![Wish::Write(path.to_owned())]);
        }
        if let Some((_, key)) = agent.patch_tool.filter(|(tool, _)| *tool == self.tool) {
            let patch = text(key).or_else(|| self.tool_input.as_str());
            return patch.and_then(patch::wishes).ok_or_else(|| lacks("patch"));
        }
        if self.tool == agent.shell_tool {
            let command = match self.tool_input.get("command") {
                Some(Value::String(command)) => command.clone(),
                Some(Value::Array(words)) => joined(words).ok_or_else(|| lacks("command"))?,
                _ => return Err(lacks("command")),
            };
            let folder = FOLDER_KEYS.iter().find_map(|key| text(key));
            return Ok(shell::wishes(&command, folder.unwrap_or_default(), known));
        }
        let leaves = agent.worktree_tools.iter().any(|(tool, when)| {
            *tool == self.tool && when.is_none_or(|(key, value)| text(key) == Some(value))
        });
        if leaves {
            return Ok(vec![another_worktree().into()]);
        }
        Ok(Vec::new())
    }

    /// The same question as if it were asked in the worktree at `to`, where it was asked in `cwd`.
    #[must_use]
    pub(crate) fn moved_to(mut self, to: &str) -> Self {
        if let Some(from) = self.cwd.replace(to.to_owned()) {
            replace_in(&mut self.tool_input, &from, to);
        }
        self
    }
}

/// The denial of a worktree of the agent's own making.
fn another_worktree() -> Denial {
    Denial::new(
        "a task has one worktree, and is judged by what lies in that",
        "work in this one, sub-agents too",
    )
}

/// The first folder of the workspace, where an agent names those instead of one that it works in.
fn first_root(map: &Map<String, Value>) -> Option<String> {
    let roots = map.get("workspace_roots")?.as_array()?;
    roots.first()?.as_str().map(str::to_owned)
}

/// A command that is given as its words.
fn joined(words: &[Value]) -> Option<String> {
    let words: Option<Vec<&str>> = words.iter().map(Value::as_str).collect();
    shlex::try_join(words?).ok()
}

fn replace_in(value: &mut Value, from: &str, to: &str) {
    match value {
        Value::String(text) => *text = text.replace(from, to),
        Value::Array(values) => values
            .iter_mut()
            .for_each(|value| replace_in(value, from, to)),
        Value::Object(map) => map
            .values_mut()
            .for_each(|value| replace_in(value, from, to)),
        _ => {}
    }
}
