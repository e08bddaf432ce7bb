//! What comes in from the command line: words given or read, and the names of tasks to complete.

use std::io::{IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use clap_complete::CompletionCandidate;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::ctx::Ctx;
use crate::error::Refusal;
use crate::oid::Oid;
use crate::store::Store;
use crate::ui::Color;
use crate::workspace::Workspace;

/// The text that was given in words, or in a file (`-`: standard input).
///
/// # Errors
/// A refusal (usage) where the file can't be read or is no text.
pub(crate) fn text(
    ctx: &Ctx,
    words: Option<&str>,
    file: Option<&Path>,
) -> anyhow::Result<Option<String>> {
    if let Some(words) = words {
        return Ok(Some(words.to_owned()));
    }
    let Some(file) = file else { return Ok(None) };
    let unreadable = |error: std::io::Error| {
        Refusal::usage(format!("can't read {}: {error}", file.display()))
            .hint("name a text file, or - for standard input")
    };
    let bytes = if file == Path::new("-") {
        read_stdin().map_err(unreadable)?
    } else {
        std::fs::read(ctx.cwd.join(file)).map_err(unreadable)?
    };
    let text = String::from_utf8(bytes).map_err(|_| {
        Refusal::usage(format!("{} is not valid UTF-8", file.display()))
            .hint("give it as UTF-8 text")
    })?;
    Ok(Some(text))
}

/// Standard input, where it is no terminal and something comes: some callers leave a pipe open that nobody writes to.
pub(crate) fn piped() -> anyhow::Result<Option<String>> {
    let text = piped_bytes()?.map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Ok(text.filter(|text| !text.trim().is_empty()))
}

/// As [`piped`], whatever bytes they are.
pub(crate) fn piped_bytes() -> anyhow::Result<Option<Vec<u8>>> {
    const PATIENCE: Timespec = Timespec {
        tv_sec: 2,
        tv_nsec: 0,
    };
    let stdin = std::io::stdin();
    let mut watched = [PollFd::new(&stdin, PollFlags::IN)];
    if stdin.is_terminal() || poll(&mut watched, Some(&PATIENCE)).unwrap_or(0) == 0 {
        return Ok(None);
    }
    Ok(Some(read_stdin()?))
}

/// The branch that is meant: the one that was named, else this task's target, else the one checked out here.
///
/// # Errors
/// A refusal (usage) where none of them is there; `example` names one.
pub(crate) fn target(ws: &Workspace, given: Option<&str>, example: &str) -> anyhow::Result<String> {
    if let Some(given) = given {
        return Ok(given.to_owned());
    }
    if let Some(task) = &ws.here {
        return Ok(ws.store.require_task(task)?.target);
    }
    ws.branch.clone().ok_or_else(|| {
        Refusal::usage("which target? no branch is checked out here")
            .hint(format!("name it: {example}"))
            .into()
    })
}

/// The tip of a branch.
///
/// # Errors
/// A refusal where there is none of that name.
pub(crate) fn tip_of(ws: &Workspace, branch: &str) -> anyhow::Result<Oid> {
    let tip = ws.repo.read.tip(&format!("refs/heads/{branch}"))?;
    tip.ok_or_else(|| {
        Refusal::refused(format!("there is no branch {branch:?}"))
            .hint("see the branches: git branch")
            .into()
    })
}

fn read_stdin() -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The live tasks, for the shell's completion; none where there is no repository.
pub(crate) fn live_tasks() -> Vec<CompletionCandidate> {
    complete(Store::task_names)
}

/// The tasks that `wt restore` can bring back, for the shell's completion.
pub(crate) fn removed_tasks() -> Vec<CompletionCandidate> {
    complete(|store| {
        let past = store
            .trashed()?
            .into_iter()
            .filter_map(|(_, trashed)| trashed.ok());
        Ok(past
            .filter(|trashed| trashed.kept)
            .map(|trashed| trashed.task.name)
            .collect())
    })
}

fn complete(names: impl Fn(&Store) -> anyhow::Result<Vec<String>>) -> Vec<CompletionCandidate> {
    let found = || -> anyhow::Result<Vec<String>> {
        let ctx = Ctx::new(Color::Never, None::<PathBuf>.as_deref())?;
        names(&Workspace::open(&ctx)?.store)
    };
    found()
        .unwrap_or_default()
        .into_iter()
        .map(CompletionCandidate::new)
        .collect()
}
