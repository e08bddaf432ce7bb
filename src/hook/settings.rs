//! The settings by which an agent calls `wt hook`: what is written, and merged into what a person set.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::agents::{Agent, Layout};

/// What becomes of a tool call where `wt` can't be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WithoutWt {
    /// It is denied: the settings serve one task's worktree, and there nothing goes without `wt`.
    Denied,
    /// It passes: the settings serve every folder of a person.
    Passes,
}

/// The settings of Claude Code for one task, to be given it by `--settings FILE`.
pub(crate) fn claude_settings(wt: &Path) -> Value {
    let hooks = hooks(require("claude"), wt, WithoutWt::Denied);
    json!({ "hooks": hooks })
}

/// The arguments (`-c`, then a setting, and so on) by which Codex calls `wt hook` in one task.
pub(crate) fn codex_overrides(wt: &Path) -> Vec<String> {
    let setting = |(event, groups): (&String, &Value)| {
        [
            "-c".to_owned(),
            format!("hooks.{event}={}", as_toml(groups)),
        ]
    };
    hooks(require("codex"), wt, WithoutWt::Denied)
        .iter()
        .flat_map(setting)
        .collect()
}

fn require(name: &str) -> &'static Agent {
    Agent::find(name).expect("the table holds it")
}

/// `value` as TOML on one line.
fn as_toml(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let fields = map
                .iter()
                .map(|(key, value)| format!("{key}={}", as_toml(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(as_toml).collect();
            format!("[{}]", values.join(","))
        }
        Value::String(text) => toml::Value::from(text.as_str()).to_string(),
        other => other.to_string(),
    }
}

/// What stands under `hooks`: for each event, that `wt` is called.
fn hooks(agent: &Agent, wt: &Path, without: WithoutWt) -> Map<String, Value> {
    let call = format!("{} hook {}", quote(wt), agent.name);
    let strict = format!("{call} || exit 2");
    let before_tool = match without {
        WithoutWt::Denied => &strict,
        WithoutWt::Passes => &call,
    };
    let events = [
        (agent.before_tool, before_tool, Some(agent.matcher())),
        (agent.start, &call, None),
        // Never strict: without `wt` a turn would never end.
        (agent.stop, &call, None),
    ];
    events
        .into_iter()
        .map(|(event, command, matcher)| {
            let entry = entry(agent.layout, command, matcher);
            (event.to_owned(), json!([entry]))
        })
        .collect()
}

fn entry(layout: Layout, command: &str, matcher: Option<String>) -> Value {
    let mut entry = Map::new();
    if let Some(matcher) = matcher {
        entry.insert("matcher".to_owned(), matcher.into());
    }
    match layout {
        Layout::Groups => {
            let hook = json!({ "type": "command", "command": command });
            entry.insert("hooks".to_owned(), json!([hook]));
        }
        Layout::Plain => {
            entry.insert("command".to_owned(), command.into());
        }
    }
    entry.into()
}

fn quote(wt: &Path) -> String {
    let text = wt.to_string_lossy();
    shlex::try_quote(&text).map_or_else(|_| text.clone().into_owned(), std::borrow::Cow::into_owned)
}

/// `settings` with `wt`'s hooks in them, once, whatever of `wt`'s was there; all else stays as it is.
///
/// # Errors
/// What stands where hooks belong and is of another kind.
pub(crate) fn with_hooks(
    agent: &Agent,
    settings: &Map<String, Value>,
    wt: &Path,
    without: WithoutWt,
) -> Result<Map<String, Value>, String> {
    let wanted = hooks(agent, wt, without);
    if holds_all(agent, settings, &wanted) {
        return Ok(settings.clone());
    }
    let mut settings = without_hooks(agent, settings);
    if agent.layout == Layout::Plain && !settings.contains_key("version") {
        settings.insert("version".to_owned(), json!(1));
    }
    let hooks = settings
        .entry("hooks")
        .or_insert_with(|| Map::new().into())
        .as_object_mut()
        .ok_or("`hooks` is no object")?;
    for (event, entries) in wanted {
        let list = hooks
            .entry(&event)
            .or_insert_with(|| json!([]))
            .as_array_mut()
            .ok_or_else(|| format!("`hooks.{event}` is no list"))?;
        list.extend(entries.as_array().cloned().unwrap_or_default());
    }
    Ok(settings)
}

/// Whether all that `wt` would write stands there already, and nothing else of `wt`'s.
fn holds_all(agent: &Agent, settings: &Map<String, Value>, wanted: &Map<String, Value>) -> bool {
    let mut ours = Map::new();
    for (event, list) in hooks_of(settings) {
        let entries: Vec<Value> = list
            .as_array()
            .into_iter()
            .flatten()
            .filter(|entry| commands(entry).any(|command| is_ours(agent, command)))
            .cloned()
            .collect();
        if !entries.is_empty() {
            ours.insert(event.clone(), entries.into());
        }
    }
    // Maps are compared without regard to order.
    ours == *wanted
}

/// `settings` without `wt`'s hooks, and without the lists that held nothing else.
pub(crate) fn without_hooks(agent: &Agent, settings: &Map<String, Value>) -> Map<String, Value> {
    let mut settings = settings.clone();
    let Some(hooks) = settings.get_mut("hooks").and_then(Value::as_object_mut) else {
        return settings;
    };
    let mut emptied = Vec::new();
    for (event, list) in hooks.iter_mut() {
        let Some(list) = list.as_array_mut() else {
            continue;
        };
        let before = list.clone();
        list.retain_mut(|entry| keeps(agent, entry));
        if list.is_empty() && !before.is_empty() {
            emptied.push(event.clone());
        }
    }
    for event in &emptied {
        hooks.shift_remove(event);
    }
    if hooks.is_empty() && !emptied.is_empty() {
        settings.shift_remove("hooks");
        if agent.layout == Layout::Plain && settings.keys().eq(["version"]) {
            settings.clear();
        }
    }
    settings
}

/// Takes `wt`'s hooks out of one entry; whether anything is left of it.
fn keeps(agent: &Agent, entry: &mut Value) -> bool {
    let own = |hook: &Value| command_of(hook).is_some_and(|command| is_ours(agent, command));
    if own(entry) {
        return false;
    }
    let Some(inner) = entry.get_mut("hooks").and_then(Value::as_array_mut) else {
        return true;
    };
    let before = inner.len();
    inner.retain(|hook| !own(hook));
    inner.len() == before || !inner.is_empty()
}

/// The executables that `wt`'s hooks in these settings call before a tool is used, at a start and at a stop.
pub(crate) fn executables(agent: &Agent, settings: &Map<String, Value>) -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for (event, list) in hooks_of(settings) {
        for entry in list.as_array().into_iter().flatten() {
            for command in commands(entry).filter(|command| is_ours(agent, command)) {
                let program = shlex::split(command).unwrap_or_default().into_iter().next();
                found.extend(program.map(|program| (event.clone(), PathBuf::from(program))));
            }
        }
    }
    found
}

/// Whether anything is set under `hooks`.
pub(crate) fn sets_hooks(settings: &Map<String, Value>) -> bool {
    settings.contains_key("hooks")
}

fn hooks_of(settings: &Map<String, Value>) -> impl Iterator<Item = (&String, &Value)> {
    let hooks = settings.get("hooks").and_then(Value::as_object);
    hooks.into_iter().flatten()
}

/// The commands of an entry, in either layout.
fn commands(entry: &Value) -> impl Iterator<Item = &str> {
    let inner = entry.get("hooks").and_then(Value::as_array);
    let nested = inner.into_iter().flatten().filter_map(command_of);
    command_of(entry).into_iter().chain(nested)
}

fn command_of(hook: &Value) -> Option<&str> {
    hook.get("command")?.as_str()
}

/// Whether a command calls `wt hook` for this agent.
fn is_ours(agent: &Agent, command: &str) -> bool {
    let words = shlex::split(command).unwrap_or_default();
    let [program, verb, name, ..] = words.as_slice() else {
        return false;
    };
    let program = Path::new(program)
        .file_name()
        .and_then(|name| name.to_str());
    matches!(program, Some("wt" | "git-wt")) && verb == "hook" && name == agent.name
}

#[cfg(test)]
mod tests {
    use super::super::agents::AGENTS;
    use super::*;

    fn map(value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => panic!("{other} is no object"),
        }
    }

    #[test]
    fn what_the_two_are_given_for_one_task() {
        let wt = Path::new("/opt/my tools/wt");
        insta::assert_snapshot!(claude_settings(wt), @r#"{"hooks":{"PreToolUse":[{"matcher":"Write|Edit|MultiEdit|NotebookEdit|Bash|EnterWorktree|Agent","hooks":[{"type":"command","command":"'/opt/my tools/wt' hook claude || exit 2"}]}],"SessionStart":[{"hooks":[{"type":"command","command":"'/opt/my tools/wt' hook claude"}]}],"Stop":[{"hooks":[{"type":"command","command":"'/opt/my tools/wt' hook claude"}]}]}}"#);
        insta::assert_snapshot!(codex_overrides(wt).join("\n"), @r#"
        -c
        hooks.PreToolUse=[{matcher="apply_patch|Bash",hooks=[{type="command",command="'/opt/my tools/wt' hook codex || exit 2"}]}]
        -c
        hooks.SessionStart=[{hooks=[{type="command",command="'/opt/my tools/wt' hook codex"}]}]
        -c
        hooks.Stop=[{hooks=[{type="command",command="'/opt/my tools/wt' hook codex"}]}]
        "#);
        let toml = codex_overrides(wt)[1].clone();
        toml.parse::<toml::Table>().expect("TOML");
    }

    #[test]
    fn hooks_are_merged_once_and_removed_without_a_trace() {
        for agent in &AGENTS {
            let theirs = map(json!({
                "permissions": {"allow": ["Bash(ls)"]},
                "hooks": {
                    agent.before_tool: [{"matcher": "Read", "hooks": [{"type": "command", "command": "theirs hook claude"}]}],
                    "Other": [],
                },
                "last": 1,
            }));
            for before in [theirs, Map::new(), map(json!({"hooks": {}}))] {
                let add = |settings: &Map<String, Value>, wt: &str| {
                    with_hooks(agent, settings, Path::new(wt), WithoutWt::Passes).expect("merged")
                };
                let once = add(&before, "/a/wt");
                assert_eq!(executables(agent, &once).len(), 3);
                assert_eq!(add(&once, "/a/wt"), once);
                let moved = add(&once, "/b/wt");
                assert_eq!(executables(agent, &moved).len(), 3);
                let mut removed = without_hooks(agent, &moved);
                if agent.layout == Layout::Plain && !before.is_empty() {
                    removed.shift_remove("version");
                }
                let before_text = Value::from(before.clone()).to_string();
                let text = Value::from(removed).to_string();
                assert!(
                    text == before_text || before == map(json!({"hooks": {}})),
                    "{text}"
                );
            }
        }
    }

    #[test]
    fn what_is_no_list_of_hooks_is_not_written_over() {
        for wrong in [json!({"hooks": []}), json!({"hooks": {"Stop": {}}})] {
            let agent = require("claude");
            with_hooks(agent, &map(wrong), Path::new("/wt"), WithoutWt::Passes)
                .expect_err("refused");
        }
    }
}
