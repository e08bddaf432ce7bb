//! A checkout that a killed git left half moved: every changed path is brought to what the index holds of it.
//!
//! Git replaces an index whole, after it has written the files. So of each changed path the index holds the old or the
//! new entry, and the folder one of both, nothing yet, or the beginning of one that was being written. Whatever else is
//! there is a person's, and stays.

mod held;

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::Repo;
use super::answer::complaint;
use super::changes::{Change, Entry};
use super::empty_folders::prune_above;
use super::indexed::{Indexed, Side};
use super::move_checkout::CheckoutMove;
use held::{Held, Likeness};

/// Saves the bytes of a path, and answers where.
type Save<'s> = dyn FnMut(&str, &[u8]) -> anyhow::Result<PathBuf> + 's;

/// What settling a checkout gave.
#[derive(Debug)]
pub(crate) enum Settled {
    /// Index and files hold the same of every changed path.
    Whole {
        at: Side,
        /// Where files that had been cut off were saved before they were written anew.
        saved: Vec<PathBuf>,
    },
    /// These paths hold what neither commit does: nothing was changed.
    Foreign(Vec<String>),
}

/// What is to be done to one path.
enum Step {
    Leave,
    /// Bring it to what the index holds; `cut` is what is saved first.
    Renew {
        cut: Option<Vec<u8>>,
        seen: Option<Metadata>,
    },
    Foreign,
}

impl Repo {
    /// Brings the changed paths of a killed move to what the index holds of them; a file that was cut off is handed
    /// to `save` first. Safe to repeat, also after it was killed itself.
    ///
    /// # Errors
    /// Where the index can't be read, or files can't be written.
    pub(crate) fn settle_checkout(
        &self,
        step: &CheckoutMove,
        save: &mut Save,
    ) -> anyhow::Result<Settled> {
        let changes = self.read.changes_between(step.old, step.new)?;
        let indexed = Indexed::read(self, step.checkout, &changes)?;
        let settling = Settling {
            repo: self,
            step,
            changes: &changes,
            indexed: &indexed,
        };
        let mut foreign = indexed.foreign.clone();
        let mut todo = Vec::new();
        for change in &changes {
            match settling.plan(change)? {
                Step::Leave => {}
                Step::Renew { cut, seen } => todo.push((change, cut, seen)),
                Step::Foreign => foreign.push(change.path.clone()),
            }
        }
        if !foreign.is_empty() {
            foreign.sort();
            foreign.dedup();
            return Ok(Settled::Foreign(foreign));
        }
        let mut saved = Vec::new();
        for (change, cut, _) in &todo {
            if let Some(cut) = cut {
                saved.push(save(&change.path, cut)?);
            }
        }
        settling.renew(&todo)?;
        Ok(Settled::Whole {
            at: indexed.side(),
            saved,
        })
    }

    /// Takes back what the index of a checkout holds of a move whose branch stayed where it was, or went elsewhere.
    ///
    /// # Errors
    /// Git's own words where something stands against it; nothing is changed then.
    pub(crate) fn undo_checkout(&self, step: &CheckoutMove) -> anyhow::Result<()> {
        let back = CheckoutMove {
            old: step.new,
            new: step.old,
            ..*step
        };
        let output = self.write_files(&back)?;
        if !output.status.success() {
            bail!("git could not take it back: {}", complaint(&output));
        }
        Ok(())
    }
}

struct Settling<'a> {
    repo: &'a Repo,
    step: &'a CheckoutMove<'a>,
    changes: &'a [Change],
    indexed: &'a Indexed,
}

type Todo<'c> = (&'c Change, Option<Vec<u8>>, Option<Metadata>);

impl Settling<'_> {
    fn root(&self) -> &Path {
        self.step.checkout.root()
    }

    fn plan(&self, change: &Change) -> anyhow::Result<Step> {
        let wanted = match self.indexed.of(&change.path) {
            // Git writes no such file; one that is there is the person's own.
            Some(entry) if entry.skipped => return Ok(Step::Leave),
            Some(entry) => Some(&entry.entry),
            None => None,
        };
        if wanted.is_some_and(Entry::is_submodule) {
            return Ok(Step::Leave);
        }
        let (bytes, seen) = match self.held(&change.path)? {
            None | Some(Held::Other) => return Ok(Step::Foreign),
            Some(Held::Folder) if wanted.is_some() && self.holds_foreign(&change.path)? => {
                return Ok(Step::Foreign);
            }
            Some(Held::Folder | Held::Nothing) => {
                return Ok(match wanted {
                    None => Step::Leave,
                    Some(_) => Step::Renew {
                        cut: None,
                        seen: None,
                    },
                });
            }
            Some(Held::Bytes(bytes, seen)) => (bytes, seen),
        };
        let sides = [
            (&change.before, self.step.old),
            (&change.after, self.step.new),
        ];
        let (mut cut, mut known) = (false, false);
        for (side, commit) in sides {
            let Some(side) = side else { continue };
            match self.compare(change, side, commit, &bytes, &seen)? {
                Likeness::Equal if Some(side) == wanted => return Ok(Step::Leave),
                Likeness::Equal => known = true,
                Likeness::Beginning => cut = true,
                Likeness::Other => {}
            }
        }
        if !known && !cut {
            return Ok(Step::Foreign);
        }
        Ok(Step::Renew {
            cut: (!known && !bytes.is_empty()).then_some(bytes),
            seen: Some(seen),
        })
    }

    /// Removes what is not as the index has it, and the folders that are empty without what it has not, then has git
    /// write it.
    fn renew(&self, todo: &[Todo]) -> anyhow::Result<()> {
        for (change, _, seen) in todo {
            if let Some(seen) = seen {
                self.take_away(&change.path, seen)?;
            }
        }
        for change in self.changes {
            if self.indexed.of(&change.path).is_none() {
                prune_above(self.root(), &change.path);
            }
        }
        let mut wanted = Vec::new();
        for (change, _, _) in todo {
            if self.indexed.of(&change.path).is_none() {
                continue;
            }
            self.make_room(&change.path)?;
            wanted.extend_from_slice(change.path.as_bytes());
            wanted.push(0);
        }
        if wanted.is_empty() {
            return Ok(());
        }
        // Without force: what came there meanwhile is a person's.
        self.repo
            .in_checkout(
                self.step.checkout,
                &["checkout-index", "--index", "-z", "--stdin"],
            )
            .stdin(wanted)
            .run()
    }

    /// Removes a file that is still the one that was looked at.
    fn take_away(&self, path: &str, seen: &Metadata) -> anyhow::Result<()> {
        let full = self.root().join(path);
        let context = || format!("can't remove {}", full.display());
        let now = fs::symlink_metadata(&full).with_context(context)?;
        let stamp = |m: &Metadata| (m.dev(), m.ino(), m.size(), m.mtime(), m.mtime_nsec());
        if stamp(&now) != stamp(seen) {
            bail!("{} changed while it was looked at", full.display());
        }
        fs::remove_file(&full).with_context(context)
    }

    /// An empty folder goes where a file is to come; one with a person's files in it does not.
    fn make_room(&self, path: &str) -> anyhow::Result<()> {
        let full = self.root().join(path);
        if fs::symlink_metadata(&full).is_ok_and(|there| there.is_dir()) {
            fs::remove_dir(&full).with_context(|| {
                format!("{} is in the way of the file of that name", full.display())
            })?;
        }
        Ok(())
    }
}
