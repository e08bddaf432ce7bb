//! What the steps of a gate see of the machine: captured from the operator, not from whoever calls.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use crate::contract::{Contract, TOOLCHAIN_VARIABLES};
use crate::process::{self, End, Interrupt, Job};
use crate::store::Store;
use crate::task::Captured;
use crate::workspace::{InForce, Workspace};

/// Variables that are always captured; git finds the operator's settings by the last.
const ALWAYS: &[&str] = &["PATH", "HOME", "LANG", "XDG_CONFIG_HOME"];
/// How long one command of a set-up may take, in a worktree and in a slot alike, in minutes.
pub(crate) const SET_UP_MINUTES: u64 = 60;
const FINGERPRINT_LIMIT: Duration = Duration::from_secs(20);

/// Captures what every later judging of a task will see. Entries of `PATH` that are relative, or that lie in a task's
/// worktree, which its agent can write, are dropped.
pub(crate) fn capture(ws: &Workspace, in_force: &InForce) -> Captured {
    let (environment, contract) = (&ws.ctx.environment, &in_force.contract);
    let worktrees = ws.worktrees_dir(in_force);
    let is_agents = |entry: &Path| {
        entry
            .strip_prefix(&worktrees)
            .is_ok_and(|inside| !inside.to_string_lossy().starts_with('_'))
    };
    let mut variables = BTreeMap::new();
    let passed = contract.env.pass.iter().map(String::as_str);
    for name in ALWAYS
        .iter()
        .copied()
        .chain(TOOLCHAIN_VARIABLES.iter().copied())
        .chain(passed)
    {
        if let Some(value) = environment.text(name) {
            variables.insert(name.to_owned(), value.to_owned());
        }
    }
    if let Some(path) = variables.get_mut("PATH") {
        let kept = std::env::split_paths(&path.clone())
            .filter(|entry| entry.is_absolute() && !is_agents(entry))
            .filter_map(|entry| entry.to_str().map(str::to_owned))
            .collect::<Vec<_>>();
        *path = kept.join(":");
    }
    Captured {
        git: ws.repo.git.program().to_owned(),
        variables,
    }
}

/// The whole environment of a step, less what belongs to one run.
pub(crate) fn step_environment(captured: &Captured) -> Vec<(OsString, OsString)> {
    let fixed = [("TZ", "UTC"), ("LC_ALL", "C.UTF-8"), ("CI", "1")];
    let captured = captured
        .variables
        .iter()
        .filter(|(name, _)| !fixed.iter().any(|(f, _)| f == name))
        .map(|(name, value)| (name.into(), value.into()));
    let fixed = fixed
        .iter()
        .map(|(name, value)| ((*name).into(), (*value).into()));
    captured.chain(fixed).collect()
}

/// What a variable that is not set means to the tools that read it, from the home.
const DEFAULTS: [(&str, &str); 6] = [
    ("CARGO_HOME", ".cargo"),
    ("GOPATH", "go"),
    ("RUSTUP_HOME", ".rustup"),
    ("XDG_CACHE_HOME", ".cache"),
    ("XDG_CONFIG_HOME", ".config"),
    ("XDG_DATA_HOME", ".local/share"),
];

/// The places that a contract opens, through no link. One that begins with a variable that is not set, and that has no
/// usual meaning then, is passed over; a folder that ends in `/` is made.
pub(crate) fn places(written: &[String], captured: &Captured) -> anyhow::Result<Vec<PathBuf>> {
    let mut places = Vec::new();
    for text in written {
        let Some(place) = expand(text, captured) else {
            continue;
        };
        if text.ends_with('/') {
            fs::create_dir_all(&place)
                .with_context(|| format!("can't make {}, which wt.toml opens", place.display()))?;
        }
        places.push(place.canonicalize().unwrap_or(place));
    }
    Ok(places)
}

/// `path` as a contract writes it, from the home if it lies there.
pub(crate) fn shorten(path: &Path, captured: &Captured) -> String {
    let home = captured.variables.get("HOME").map(Path::new);
    match home.and_then(|home| path.strip_prefix(home).ok()) {
        Some(inside) => format!("~/{}", inside.display()),
        None => path.display().to_string(),
    }
}

/// `~/…` and `$NAME/…` as absolute paths, where the variable is one.
pub(crate) fn expand(text: &str, captured: &Captured) -> Option<PathBuf> {
    let (variable, inside) = match text.strip_prefix('$') {
        Some(rest) => rest.split_once('/')?,
        None => match text.strip_prefix("~/") {
            Some(inside) => ("HOME", inside),
            None => return Some(PathBuf::from(text)),
        },
    };
    let value = |name: &str| {
        captured
            .variables
            .get(name)
            .filter(|value| !value.is_empty())
    };
    let root = match (
        value(variable),
        DEFAULTS.iter().find(|(name, _)| *name == variable),
    ) {
        (Some(root), _) => PathBuf::from(root),
        (None, Some((_, usual))) => Path::new(value("HOME")?).join(usual),
        (None, None) => return None,
    };
    root.is_absolute().then(|| root.join(inside))
}

/// What each `env.fingerprint` command answers: it is part of what a receipt is for.
pub(crate) fn fingerprint(
    store: &Store,
    contract: &Contract,
    captured: &Captured,
) -> BTreeMap<String, String> {
    let answer = |command: &String| (command.clone(), answer_of(store, command, captured));
    contract.env.fingerprint.iter().map(answer).collect()
}

/// The output of a short command; what can't be found out is an answer too, and differs from any other.
fn answer_of(store: &Store, command: &str, captured: &Captured) -> String {
    ask(store, command, captured).unwrap_or_else(|_| "cannot be run".to_owned())
}

/// Runs the command as a step is run, so that nothing of it is left when it has answered or its time is over.
fn ask(store: &Store, command: &str, captured: &Captured) -> anyhow::Result<String> {
    let folder = store.private_folder()?;
    let log = folder.path().join("log");
    let outcome = process::run(&Job {
        // Warnings are no part of the answer.
        command: &format!("exec 2>/dev/null\n{command}"),
        dir: Path::new("/"),
        env: &step_environment(captured),
        log: &log,
        timeout: FINGERPRINT_LIMIT,
        interrupt: &Interrupt::install(&[])?,
        cage: None,
    })?;
    Ok(match outcome.end {
        End::Exited(0) => String::from_utf8_lossy(&fs::read(&log)?).trim().to_owned(),
        End::Exited(status) => format!("failed (exit status: {status})"),
        End::Killed { signal, .. } => format!("failed (signal: {signal})"),
        End::TimedOut | End::Interrupted => "did not answer in time".to_owned(),
    })
}
