//! The locks that a killed git left: each stops every other git, until it is removed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Repo;
use crate::error::{Code, Refusal};
use crate::process::git_at_work;

/// How old a lock of git's is when nobody can hold it any more of whom nothing is to be seen.
const STALE: Duration = Duration::from_secs(10);
/// The same, of a lock that a command which was killed here may have left.
const ABANDONED: Duration = Duration::from_secs(1);
/// How long a git is waited for that is at work in the repository.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(20);

/// Of the whole repository. The last is no lock, but no git goes on where another left one.
const SHARED: &[&str] = &[
    "packed-refs.lock",
    "config.lock",
    "HEAD.lock",
    "index.lock",
    "shallow.lock",
    "packed-refs.new",
];
/// Those of them that moving a ref takes.
const OF_REFS: &[&str] = &["packed-refs.lock", "packed-refs.new"];

impl Repo {
    /// Locks of the whole repository that are older than any write of git's takes.
    pub(crate) fn stale_locks(&self) -> Vec<PathBuf> {
        let locks = SHARED.iter().map(|name| self.common().join(name));
        locks
            .filter(|path| age_of(path).is_some_and(|age| age > STALE))
            .collect()
    }

    /// Removes a lock that a killed git left.
    ///
    /// # Errors
    /// A refusal (busy) where a git that is at work in the repository may hold it.
    pub(crate) fn remove_stale_lock(&self, lock: &Path) -> anyhow::Result<()> {
        self.outlast(lock, STALE)
    }

    /// Removes what locks a killed command left of `references`, and of all refs together. The caller holds the locks
    /// that all of `wt`'s git children on these inherit.
    ///
    /// # Errors
    /// As [`Self::remove_stale_lock`].
    pub(crate) fn remove_locks_of(&self, references: &[String]) -> anyhow::Result<()> {
        let own = references
            .iter()
            .map(|reference| self.common().join(format!("{reference}.lock")));
        let shared = OF_REFS.iter().map(|name| self.common().join(name));
        for lock in own.chain(shared) {
            self.outlast(&lock, ABANDONED)?;
        }
        Ok(())
    }

    /// Removes the lock of a ref that nobody can hold.
    pub(crate) fn remove_lock(&self, reference: &str) -> anyhow::Result<()> {
        remove(&self.common().join(format!("{reference}.lock")))
    }

    /// Waits until `lock` is gone, or is of this age while no git is at work that could hold it, and removes it then.
    fn outlast(&self, lock: &Path, enough: Duration) -> anyhow::Result<()> {
        let begun = Instant::now();
        while let Ok(metadata) = fs::symlink_metadata(lock) {
            if age_of(lock).is_some_and(|age| age > enough) {
                let Some(pid) = git_at_work(&self.folders(), metadata.uid()) else {
                    return remove(lock);
                };
                if begun.elapsed() > PATIENCE {
                    let what = format!("git (pid {pid}) may hold {}", lock.display());
                    return Err(Refusal::new(Code::Busy, what)
                        .hint("let it end, then try again")
                        .into());
                }
            }
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }

    /// Where a git on this repository is at work: in it, or in one of its checkouts.
    fn folders(&self) -> Vec<PathBuf> {
        let linked = fs::read_dir(self.common().join("worktrees"));
        let linked = linked.into_iter().flatten().flatten();
        let linked = linked.filter_map(|entry| {
            let link = fs::read_to_string(entry.path().join("gitdir")).ok()?;
            Some(Path::new(link.trim_end()).parent()?.to_owned())
        });
        let own = [self.common().to_owned()].into_iter();
        own.chain(self.main_checkout().map(Path::to_owned))
            .chain(linked)
            .collect()
    }
}

/// Time since a file was written; none where there is no such file.
fn age_of(path: &Path) -> Option<Duration> {
    let written = fs::symlink_metadata(path).ok()?.modified().ok()?;
    // One of the future is new.
    Some(written.elapsed().unwrap_or_default())
}

fn remove(lock: &Path) -> anyhow::Result<()> {
    match fs::remove_file(lock) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", lock.display()))
        }
        _ => Ok(()),
    }
}
