//! Locks on files, held by an open descriptor: they end with the last process that has it.

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Seek as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::error::{Code, Refusal};

/// How long a short critical section of another `wt` is waited for.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// A lock that is held until this value is dropped, and by git children that inherited its file.
#[derive(Debug)]
pub(crate) struct Lock(Arc<File>);

impl Lock {
    /// The open file, to be handed to git children.
    pub(crate) fn file(&self) -> &Arc<File> {
        &self.0
    }

    /// Waits for the lock at most `patience`.
    pub(super) fn take(path: &Path, patience: Duration) -> anyhow::Result<Self> {
        let file = open(path)?;
        let end = Instant::now() + patience;
        let mut pause = Duration::from_millis(1);
        loop {
            if let Some(lock) = attempt(&file, path)? {
                return Ok(lock);
            }
            if Instant::now() >= end {
                return Err(Refusal::new(
                    Code::Busy,
                    format!("another wt ({}) holds {}", holder(path), path.display()),
                )
                .hint("try again when it is done")
                .into());
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    /// Takes the lock if it is free.
    pub(crate) fn attempt(path: &Path) -> anyhow::Result<Option<Self>> {
        attempt(&open(path)?, path)
    }
}

fn open(path: &Path) -> anyhow::Result<File> {
    let open = || {
        if let Some(dir) = path.parent() {
            fs::create_dir_all(dir)?;
        }
        File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
    };
    open().map_err(|error| match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => shut_out(path).into(),
        _ => anyhow::Error::new(error).context(format!("can't open {}", path.display())),
    })
}

/// An agent's own sandbox holds the repository's folder shut, as Codex's does: neither git nor `wt` get anything done.
fn shut_out(path: &Path) -> Refusal {
    Refusal::refused(format!("{} can't be written from here", path.display())).hint(
        "in an agent's own sandbox nothing can be committed or judged; started by `wt run`, it can",
    )
}

fn attempt(file: &File, path: &Path) -> anyhow::Result<Option<Lock>> {
    match file.try_lock() {
        Ok(()) => {
            sign(file);
            let file = file
                .try_clone()
                .with_context(|| format!("can't keep {}", path.display()))?;
            Ok(Some(Lock(Arc::new(file))))
        }
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("can't lock {}", path.display()))
        }
    }
}

/// Writes who holds the lock, for the message of those who wait; losing it loses nothing.
fn sign(mut file: &File) {
    let _ = file.set_len(0);
    let _ = file.rewind();
    let _ = write!(file, "pid {}", std::process::id());
}

/// Who took a lock last, in words.
pub(super) fn holder(path: &Path) -> String {
    match fs::read_to_string(path) {
        Ok(text) if !text.is_empty() => text,
        _ => "pid unknown".to_owned(),
    }
}
