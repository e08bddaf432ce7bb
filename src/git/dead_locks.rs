//! The locks that a killed git left on a checkout and its branch: removed once nobody can hold them any more.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context as _;

use super::Repo;
use super::move_checkout::Checkout;
use crate::error::{Code, Refusal};
use crate::process::who_may_hold;

/// How long a git that is at work there is waited for.
const PATIENCE: Duration = Duration::from_secs(2);

impl Repo {
    /// Removes what locks of `reference`, and of the index and HEAD of `checkout`, a killed git left. The caller holds
    /// the lock that `wt`'s own git children there inherit: none of them is alive.
    ///
    /// # Errors
    /// A refusal (busy) that names a lock which another program's git may hold; it is left.
    pub(crate) fn remove_dead_locks(
        &self,
        checkout: Option<Checkout>,
        reference: &str,
    ) -> anyhow::Result<()> {
        let mut locks = vec![
            self.common().join(format!("{reference}.lock")),
            self.common().join("reftable/tables.list.lock"),
        ];
        let mut folders = vec![self.common().to_owned()];
        if let Some(checkout) = checkout {
            let git_dir = checkout.git_dir()?;
            locks.extend(
                ["index.lock", "HEAD.lock", "reftable/tables.list.lock"].map(|l| git_dir.join(l)),
            );
            folders.extend([checkout.root().to_owned(), git_dir]);
        }
        for lock in locks {
            let begun = Instant::now();
            while fs::symlink_metadata(&lock).is_ok() {
                let Some(holder) = who_may_hold(&lock, &folders) else {
                    remove(&lock)?;
                    break;
                };
                if begun.elapsed() >= PATIENCE {
                    return Err(Refusal::new(
                        Code::Busy,
                        format!(
                            "{} may belong to {} (pid {}), which is at work there",
                            lock.display(),
                            holder.name,
                            holder.pid
                        ),
                    )
                    .hint("let it end, then try again")
                    .into());
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        Ok(())
    }
}

fn remove(lock: &PathBuf) -> anyhow::Result<()> {
    match fs::remove_file(lock) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("can't remove {}", lock.display()))
        }
        _ => Ok(()),
    }
}
