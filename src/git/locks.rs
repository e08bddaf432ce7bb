//! The locks that a killed git left: each stops every other git, until it is removed. None is that a living git could
//! hold.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Repo;
use super::move_checkout::Checkout;
use crate::error::{Code, Refusal};
use crate::process::{Gits, who_may_hold};

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
/// Those that moving any ref takes.
const OF_REFS: &[&str] = &["packed-refs.lock", "packed-refs.new", OF_REFTABLE];
/// Where refs are in a database: of all of a git directory.
const OF_REFTABLE: &str = "reftable/tables.list.lock";
/// Of one checkout, in the git directory that is its own.
const OF_CHECKOUT: &[&str] = &["index.lock", "HEAD.lock"];

/// Who could hold a lock, and how old it is when they do no more.
struct Holders {
    folders: Vec<PathBuf>,
    gits: Gits,
    age: Duration,
}

/// The lock of one checkout's index, from a time at which it may have been another's.
pub(super) struct IndexLock {
    path: PathBuf,
    before: Option<Stamp>,
    holders: Holders,
}

impl IndexLock {
    /// Removes one that was not there before and whose git is dead: `wt`'s own leaves it where the disk fails at the
    /// moment at which it is given up. The caller is as of [`Repo::remove_dead_locks`].
    ///
    /// # Errors
    /// As [`Repo::remove_stale_lock`].
    pub(super) fn remove_if_left(&self) -> anyhow::Result<()> {
        match stamp_at(&self.path) {
            Some(now) if self.before != Some(now) => outlast(&self.path, &self.holders),
            _ => Ok(()),
        }
    }
}

impl Repo {
    /// Looks at the lock of the index of `checkout`.
    pub(super) fn index_lock(&self, checkout: Checkout) -> anyhow::Result<IndexLock> {
        let path = checkout.git_dir()?.join("index.lock");
        Ok(IndexLock {
            before: stamp_at(&path),
            holders: self.holders_in(checkout)?,
            path,
        })
    }

    /// Locks of the whole repository that are older than any write of git's takes.
    pub(crate) fn stale_locks(&self) -> Vec<PathBuf> {
        let locks = SHARED.iter().map(|name| self.common().join(name));
        locks
            .filter(|path| {
                fs::symlink_metadata(path).is_ok_and(|metadata| age_of(&metadata) > STALE)
            })
            .collect()
    }

    /// Removes a lock that a killed git left.
    ///
    /// # Errors
    /// A refusal (busy) where a git that is at work in the repository may hold it.
    pub(crate) fn remove_stale_lock(&self, lock: &Path) -> anyhow::Result<()> {
        outlast(lock, &self.holders(Gits::All, STALE))
    }

    /// Removes what locks a killed command left of `references`, and of all refs together.
    ///
    /// # Errors
    /// As [`Self::remove_stale_lock`].
    pub(crate) fn remove_locks_of(&self, references: &[String]) -> anyhow::Result<()> {
        let holders = self.holders(Gits::All, ABANDONED);
        let own = references.iter().map(|reference| self.lock_of(reference));
        let shared = OF_REFS.iter().map(|name| self.common().join(name));
        own.chain(shared)
            .try_for_each(|lock| outlast(&lock, &holders))
    }

    /// Removes what locks of `reference`, and of the index and HEAD of `checkout`, a killed git left. The caller holds
    /// the lock that `wt`'s own git children there inherit: none of them is alive.
    ///
    /// # Errors
    /// As [`Self::remove_stale_lock`].
    pub(crate) fn remove_dead_locks(
        &self,
        checkout: Option<Checkout>,
        reference: &str,
    ) -> anyhow::Result<()> {
        let own = self.holders(Gits::OfOthers, ABANDONED);
        outlast(&self.lock_of(reference), &own)?;
        // Of all refs: another of `wt`'s own may be at work on another ref.
        self.remove_locks_of(&[])?;
        let Some(checkout) = checkout else {
            return Ok(());
        };
        let git_dir = checkout.git_dir()?;
        let holders = self.holders_in(checkout)?;
        OF_CHECKOUT
            .iter()
            .try_for_each(|name| outlast(&git_dir.join(name), &holders))?;
        let holders = self.holders(Gits::All, ABANDONED);
        outlast(&git_dir.join(OF_REFTABLE), &holders)
    }

    /// Removes the lock of a ref that nobody can hold.
    pub(crate) fn remove_lock(&self, reference: &str) -> anyhow::Result<()> {
        remove(&self.lock_of(reference))
    }

    /// Others' gits that may hold the index or HEAD of `checkout`: who is at work in another one has its own.
    fn holders_in(&self, checkout: Checkout) -> anyhow::Result<Holders> {
        Ok(Holders {
            folders: vec![
                self.common().to_owned(),
                checkout.root().to_owned(),
                checkout.git_dir()?,
            ],
            gits: Gits::OfOthers,
            age: ABANDONED,
        })
    }

    fn lock_of(&self, reference: &str) -> PathBuf {
        self.common().join(format!("{reference}.lock"))
    }

    /// Gits on this repository, wherever they are at work: in it, or in one of its checkouts.
    fn holders(&self, gits: Gits, age: Duration) -> Holders {
        let linked = fs::read_dir(self.common().join("worktrees"));
        let linked = linked.into_iter().flatten().flatten();
        let linked = linked.filter_map(|entry| {
            let link = fs::read_to_string(entry.path().join("gitdir")).ok()?;
            Some(Path::new(link.trim_end()).parent()?.to_owned())
        });
        let own = [self.common().to_owned()].into_iter();
        let folders = own
            .chain(self.main_checkout().map(Path::to_owned))
            .chain(linked)
            .collect();
        Holders { folders, gits, age }
    }
}

/// Waits until `lock` is gone, or old enough while nobody is at work who could hold it, and removes it then.
fn outlast(lock: &Path, holders: &Holders) -> anyhow::Result<()> {
    let begun = Instant::now();
    while let Ok(seen) = fs::symlink_metadata(lock) {
        if age_of(&seen) > holders.age {
            match who_may_hold(lock, &holders.folders, holders.gits) {
                // Whoever came while it was looked for holders may have made another one.
                None if is_still(lock, &seen) => return remove(lock),
                Some(holder) if begun.elapsed() > PATIENCE => {
                    let (lock, name, pid) = (lock.display(), holder.name, holder.pid);
                    let what =
                        format!("{lock} may belong to {name} (pid {pid}), which is at work there");
                    return Err(Refusal::new(Code::Busy, what)
                        .hint("let it end, then try again")
                        .into());
                }
                _ => {}
            }
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

fn is_still(lock: &Path, seen: &Metadata) -> bool {
    stamp_at(lock) == Some(stamp(seen))
}

/// What tells one lock from the next: its place and the time at which it was made.
type Stamp = (u64, u64, i64, i64);

fn stamp(m: &Metadata) -> Stamp {
    (m.dev(), m.ino(), m.mtime(), m.mtime_nsec())
}

fn stamp_at(lock: &Path) -> Option<Stamp> {
    fs::symlink_metadata(lock).ok().map(|found| stamp(&found))
}

/// Time since a file was written; one of the future is new.
fn age_of(file: &Metadata) -> Duration {
    let written = file.modified().ok();
    let age = written.and_then(|written| written.elapsed().ok());
    age.unwrap_or_default()
}

fn remove(lock: &Path) -> anyhow::Result<()> {
    match fs::remove_file(lock) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", lock.display()))
        }
        _ => Ok(()),
    }
}
