//! Git waiting for ever in a worktree: at a pipe that lies where it looks for a file of its own.

use std::fs::{self, File};
use std::os::unix::fs::FileTypeExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use duct::Handle;
use rustix::fs::{Mode, OFlags, open};

use crate::error::{Refusal, shown};

/// After this time the worktree is looked through, and after twice of it again, and so on: git may only be at work.
const PATIENCE: Duration = Duration::from_millis(500);
/// What git reads in a worktree without looking at what it is.
const READ_BY_GIT: [&str; 3] = [".gitattributes", ".gitignore", ".gitmodules"];

/// Waits until git, at work below `root`, has ended.
///
/// # Errors
/// A refusal that names the pipe at which it waited; it is ended then.
pub(super) fn wait(running: &Handle, root: &Path) -> anyhow::Result<()> {
    let mut patience = PATIENCE;
    while running.wait_timeout(patience)?.is_none() {
        if let Some((pipe, _writer)) = awaited_pipe(root) {
            running.kill().context("can't end git")?;
            running.wait()?;
            let pipe = shown(&pipe.to_string_lossy());
            return Err(Refusal::refused(format!(
                "{pipe} is a pipe, and git waits for what will never come from it"
            ))
            .hint("remove it, or put a file in its place")
            .into());
        }
        patience *= 2;
    }
    Ok(())
}

/// A pipe of such a name at which somebody waits, and its other end: while that is held, who waits goes on waiting.
fn awaited_pipe(root: &Path) -> Option<(PathBuf, File)> {
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = entry.file_name();
            if kind.is_dir() {
                folders.push(entry.path());
            } else if kind.is_fifo() && READ_BY_GIT.iter().any(|known| name == *known) {
                // Without a reader this fails, and does not wait for one.
                let flags = OFlags::WRONLY | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
                if let Ok(writer) = open(entry.path(), flags, Mode::empty()) {
                    return Some((entry.path(), File::from(writer)));
                }
            }
        }
    }
    None
}
