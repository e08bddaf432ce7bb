//! What a caged command sees of its operator's environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use crate::ctx::{Environment, find_program};
use crate::ports::{self, Holder};
use crate::task::Task;
use crate::workspace::Workspace;

/// Addresses of what would act for the operator outside of the cage, and what belongs to a session outside of it.
const DROPPED: [&str; 19] = [
    "TMUX",
    "TMUX_PANE",
    "STY",
    "ZELLIJ",
    "ZELLIJ_SESSION_NAME",
    "KITTY_LISTEN_ON",
    "WEZTERM_UNIX_SOCKET",
    "NVIM",
    "SSH_AUTH_SOCK",
    "SSH_AGENT_PID",
    "GPG_AGENT_INFO",
    "DOCKER_HOST",
    "CONTAINER_HOST",
    "XDG_RUNTIME_DIR",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "SWAYSOCK",
    "I3SOCK",
];
/// The like, by how their names begin.
const DROPPED_PREFIXES: [&str; 4] = ["GIT_", "DBUS_", "VSCODE_", "WT_"];
/// Of these, what is no address: who commits, which of git's settings count, the clock of a test.
const KEPT: [&str; 6] = [
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
    "GIT_CONFIG_NOSYSTEM",
    "WT_NOW",
];

/// The environment of a caged command.
pub(super) fn of(
    ws: &Workspace,
    task: &Task,
    temporary: &Path,
    socket: Option<&Path>,
) -> BTreeMap<OsString, OsString> {
    let mut variables = kept(&ws.ctx.environment);
    // The last is Claude Code's own, which it goes by before the others.
    for name in ["TMPDIR", "TMP", "TEMP", "CLAUDE_CODE_TMPDIR"] {
        variables.insert(name.into(), temporary.into());
    }
    variables.insert("WT_TASK".into(), task.name.clone().into());
    variables.extend(ports::variables(ws, Holder::Task(&task.name), &task.ports));
    variables.insert("WT_WORKTREE".into(), task.worktree.clone().into());
    if let Some(socket) = socket {
        variables.insert("WT_SOCKET".into(), socket.into());
    }
    let path = variables.get(std::ffi::OsStr::new("PATH"));
    let path = path.cloned().unwrap_or_default();
    if find_program(&path, "wt").is_none()
        && let Ok(own) = std::env::current_exe()
        && let Some(folder) = own.parent()
    {
        let folders = std::env::split_paths(&path).chain([folder.to_owned()]);
        if let Ok(joined) = std::env::join_paths(folders) {
            variables.insert("PATH".into(), joined);
        }
    }
    variables
}

fn kept(environment: &Environment) -> BTreeMap<OsString, OsString> {
    let is_kept = |name: &str| {
        KEPT.contains(&name)
            || !(DROPPED.contains(&name)
                || DROPPED_PREFIXES
                    .iter()
                    .any(|prefix| name.starts_with(prefix)))
    };
    let all = environment.all().iter();
    all.filter(|(name, _)| is_kept(&name.to_string_lossy()))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}
