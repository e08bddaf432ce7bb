//! Git kept at work for ever by what an agent laid into its worktree: a pipe, a device, work without end.

use std::fs::{self, File};
use std::os::unix::fs::{FileExt as _, FileTypeExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use duct::Handle;
use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Refusal, shown};

/// After this time git is looked at, and after twice of it again, and so on: it may only be at work.
const PATIENCE: Duration = Duration::from_millis(500);
/// It is looked at no more seldom than this.
const MOST_PATIENCE: Duration = Duration::from_secs(5);
/// Longest path that git may open.
const LONGEST_PATH: usize = 4096;

/// Waits until git has ended: for `limit` at most, and where `root` is given for nothing that an agent can lay below.
///
/// # Errors
/// A refusal that names the pipe or the device at which it waited, or the worktree that kept it busy. Git is ended
/// then.
pub(super) fn wait(
    running: &Handle,
    root: Option<&Path>,
    limit: Option<Duration>,
    command: &str,
) -> anyhow::Result<()> {
    let begun = Instant::now();
    let mut patience = PATIENCE;
    loop {
        let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
        if left == Some(Duration::ZERO) {
            end(running)?;
            return Err(too_long(root, begun.elapsed(), command).into());
        }
        let pause = patience.min(left.unwrap_or(patience));
        if running.wait_timeout(pause)?.is_some() {
            return Ok(());
        }
        if root.is_some()
            && let Some(awaited) = awaited(running)
        {
            end(running)?;
            let awaited = shown(&awaited.to_string_lossy());
            return Err(Refusal::refused(format!(
                "{awaited} is a pipe or a device, and git waits for what will never come from it"
            ))
            .hint("remove it, or put a file in its place")
            .into());
        }
        patience = (patience * 2).min(MOST_PATIENCE);
    }
}

fn too_long(root: Option<&Path>, time: Duration, command: &str) -> Refusal {
    let seconds = time.as_secs();
    match root {
        None => Refusal::refused(format!("{command} took longer than {seconds} s")),
        Some(root) => Refusal::refused(format!(
            "{command} was not done with {} after {seconds} s",
            root.display()
        ))
        .hint("look for what is huge there, or never ends, and remove it"),
    }
}

/// Ends git and what it began: who is left would keep its output open. Not waited for.
fn end(running: &Handle) -> anyhow::Result<()> {
    let family = family(running);
    running.kill().context("can't end git")?;
    for pid in family {
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
    Ok(())
}

/// Git, and what it began.
fn family(running: &Handle) -> Vec<u32> {
    let mut family = running.pids();
    let mut next = 0;
    while let Some(pid) = family.get(next) {
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        let children = children.unwrap_or_default();
        family.extend(children.split(' ').filter_map(|c| c.parse::<u32>().ok()));
        next += 1;
    }
    family
}

/// The pipe or device that git, or the pipe that a filter of git's, has open by its name or is about to open. A filter
/// is the operator's own, and may well have a device open.
fn awaited(running: &Handle) -> Option<PathBuf> {
    let git = running.pids();
    family(running).into_iter().find_map(|pid| {
        let never_ends = if git.contains(&pid) {
            is_pipe_or_device
        } else {
            is_pipe
        };
        opened_by(pid, never_ends).or_else(|| to_be_opened_by(pid, never_ends))
    })
}

fn opened_by(pid: u32, never_ends: fn(&Path) -> bool) -> Option<PathBuf> {
    let open = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
    open.flatten().find_map(|entry| {
        // A pipe between two processes has no path.
        let path = fs::read_link(entry.path()).ok()?;
        let inherited = Path::new("/proc/self/fd").join(entry.file_name());
        let is_own = fs::read_link(inherited).is_ok_and(|own| own == path);
        (path.is_absolute() && !is_own && never_ends(&path)).then_some(path)
    })
}

/// Opening a pipe waits for somebody at its other end.
fn to_be_opened_by(pid: u32, never_ends: fn(&Path) -> bool) -> Option<PathBuf> {
    // The number of the call that it waits in, then the arguments; `running` where it waits in none.
    let call = fs::read_to_string(format!("/proc/{pid}/syscall")).ok()?;
    let memory = File::open(format!("/proc/{pid}/mem")).ok()?;
    let folder = fs::read_link(format!("/proc/{pid}/cwd")).ok()?;
    // The path is the first or the second argument, by the kind of open. Of others none points to such a path.
    call.split(' ').skip(1).take(2).find_map(|argument| {
        let address = u64::from_str_radix(argument.strip_prefix("0x")?, 16).ok()?;
        let mut bytes = vec![0; LONGEST_PATH];
        let length = memory.read_at(&mut bytes, address).ok()?;
        let text = bytes.get(..length)?.split(|byte| *byte == 0).next()?;
        let path = std::str::from_utf8(text).ok().filter(|p| !p.is_empty())?;
        let path = folder.join(path);
        never_ends(&path).then_some(path)
    })
}

fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo())
}

/// Whether reading this may never come to an end.
fn is_pipe_or_device(path: &Path) -> bool {
    let is_device = || fs::metadata(path).is_ok_and(|m| m.file_type().is_char_device());
    is_pipe(path) || (path != Path::new("/dev/null") && is_device())
}

#[cfg(test)]
mod tests {
    use duct::cmd;
    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    fn waited(script: &str, root: &Path, limit: Duration) -> String {
        let expression = cmd("sh", ["-c", script]).dir(root).stdin_null();
        let running = expression.unchecked().start().expect("started");
        let ended = wait(&running, Some(root), Some(limit), "`git x`");
        ended.expect_err("it did not end").to_string()
    }

    #[test]
    fn who_waits_at_a_pipe_or_never_ends_is_ended() {
        let dir = tempfile::tempdir().expect("a folder");
        let pipe = dir.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RWXU, 0).expect("made");
        let limit = Duration::from_secs(20);
        let words = format!("{} is a pipe", pipe.display());
        let unopened = waited("read -r line < pipe", dir.path(), limit);
        assert!(unopened.starts_with(&words), "{unopened}");
        // With its other end held nobody waits to open it, and all the more to read it.
        let silent = waited("exec 7<> pipe; read -r line <&7", dir.path(), limit);
        assert!(silent.starts_with(&words), "{silent}");
        let of_filter = waited("cat pipe; true", dir.path(), limit);
        assert!(of_filter.starts_with(&words), "{of_filter}");
        let late = waited("sleep 20; true", dir.path(), Duration::from_millis(100));
        assert!(late.starts_with("`git x` was not done with"), "{late}");
    }
}
