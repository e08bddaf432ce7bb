//! A slot: a checkout of `wt`'s own in which candidates are judged, kept warm from one to the next.

mod acquire;
mod clear;
mod drop;
mod record;
mod set_up;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use jiff::Timestamp;

use super::made;
use crate::carry;
use crate::donor::{self, Filling, MainIndex, Purpose};
use crate::gate::Order;
use crate::git::{NewWorktree, Repo, SlotCheckout, WorktreeBranch};
use crate::oid::Oid;
use crate::process;
use crate::store::{
    Lock, Store, list_dirs, read_json, remove_dir, trash_dir, write_json, write_json_shown,
};
use crate::warm::{self, Warming};
use crate::workspace::{MARKER, SLOTS, Workspace};

pub(crate) use acquire::slot_is_free;
pub(super) use acquire::{Wanted, acquire};
pub(crate) use drop::{drop_slot, slot_is_taken};
pub(super) use record::{Record, Tenant};

/// A slot that this process holds.
pub(super) struct Slot {
    _lock: Lock,
    number: usize,
    file: PathBuf,
    index: PathBuf,
    record: Record,
    /// Paths that were carried along for this judging.
    carried: Vec<String>,
}

impl Slot {
    fn open(store: &Store, worktrees: &Path, number: usize, lock: Lock) -> Self {
        let root = worktrees.join(SLOTS).join(number.to_string());
        // A record that can't be read only means that the slot is made anew.
        let mut record = Record::find(store, number).unwrap_or_default();
        if record.root != root {
            record = Record {
                root,
                ..Record::default()
            };
        }
        Self::of(store, number, lock, record)
    }

    fn of(store: &Store, number: usize, lock: Lock, record: Record) -> Self {
        let dir = store.slot_dir(number);
        Self {
            _lock: lock,
            number,
            file: dir.join("slot.json"),
            index: dir.join("index"),
            record,
            carried: Vec::new(),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.record.root
    }

    /// What tools keep of the judgings here, beside it.
    pub(super) fn caches(&self) -> PathBuf {
        self.record.caches()
    }

    /// Whether its folder is one: a step may have put a link or nothing in its place.
    pub(super) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.record.root).is_ok_and(|m| m.is_dir())
    }

    fn checkout(&self) -> SlotCheckout<'_> {
        SlotCheckout {
            root: &self.record.root,
            index: &self.index,
            admin: &self.record.admin,
        }
    }

    /// Notes who judges here from now on. Where the one before never left, what it left running is ended, and the slot
    /// is made anew: no process of another judging may write into a slot.
    pub(super) fn occupy(
        &mut self,
        temporary: &Path,
        tenant: Tenant,
        now: Timestamp,
    ) -> anyhow::Result<()> {
        if let Some(left) = self.record.occupant.take() {
            end_leftovers(&left)?;
            self.move_away()?;
        }
        self.record.occupant = Some(temporary.to_owned());
        self.record.tenant = Some(tenant);
        self.record.used = Some(now);
        write_json(&self.file, &self.record)
    }

    /// Puts the slot's folders aside, so that new ones take their places: what may still run in them, because it hid
    /// from being ended, has a cage around these and can't write to others of the same name.
    pub(super) fn move_away(&self) -> anyhow::Result<()> {
        let trash = self
            .record
            .root
            .parent()
            .and_then(Path::parent)
            .map(trash_dir);
        let trash = trash.context("a slot lies beside the worktrees")?;
        fs::create_dir_all(&trash).with_context(|| format!("can't make {}", trash.display()))?;
        let aside = tempfile::Builder::new()
            .prefix("slot-")
            .suffix(".gone")
            .tempdir_in(&trash)
            .with_context(|| format!("can't make a folder in {}", trash.display()))?
            .keep();
        for folder in [self.record.root.clone(), self.caches()] {
            let name = folder.file_name().unwrap_or_default();
            match fs::rename(&folder, aside.join(name)) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(error).with_context(|| format!("can't move {}", folder.display()));
                }
                _ => {}
            }
        }
        // Whoever writes there may keep it from being deleted; then the next sweep of the trash does it.
        let _ = remove_dir(&aside);
        Ok(())
    }

    /// Nothing of the judging is left here.
    pub(super) fn leave(&mut self, now: Timestamp) -> anyhow::Result<()> {
        self.record.occupant = None;
        self.record.tenant = None;
        self.record.used = Some(now);
        // Where the power is lost before this is on the disk, the slot is made anew.
        write_json_shown(&self.file, &self.record)
    }

    /// Brings the slot to the order's candidate; answers whether the set-up must run.
    pub(super) fn prepare(
        &mut self,
        ws: &Workspace,
        repo: &Repo,
        order: &Order,
    ) -> anyhow::Result<bool> {
        self.make(ws, repo, order)?;
        self.reserve_ports(ws, order)?;
        let wanted = self.setup_hash(repo, order)?;
        let contract = &order.contract.worktree;
        let set_up = wanted.is_some()
            && wanted == self.record.setup
            && made::stamp(self.root(), &self.record.made)? == self.record.stamp;
        let mut keep = contract.warm.clone();
        if set_up {
            keep.extend(self.record.made.iter().cloned());
        }
        // Until the set-up has run again, nothing vouches for what it once made.
        let vouched = if set_up { wanted } else { None };
        if self.record.setup != vouched {
            self.record.setup = vouched;
            write_json(&self.file, &self.record)?;
        }
        repo.reset_slot(self.checkout(), &order.candidate.commit, &keep)
            .with_context(|| {
                format!(
                    "can't bring the slot {} to the candidate",
                    self.root().display()
                )
            })?;
        repo.show_changed(self.checkout(), &order.changed)?;
        repo.fill_submodules(self.root())?;
        // The candidate may hold a file where the main checkout has a folder: the candidate is what is judged.
        let tree = &order.candidate.tree;
        let paths = carry::candidates(repo, &contract.carry)?;
        self.carried = carry::bring(repo, paths, self.root(), tree, &[], |refusal| {
            ws.ctx.ui.warn(&refusal.message);
            Ok(())
        })?;
        Ok(!set_up && !contract.setup.is_empty())
    }

    /// Makes the slot's folder and administrative folder where they are missing, or all anew if that was asked for.
    fn make(&mut self, ws: &Workspace, repo: &Repo, order: &Order) -> anyhow::Result<()> {
        let known = !self.record.admin.is_empty() && self.is_there();
        if known && !order.fresh {
            return Ok(());
        }
        // What is no folder is removed here, a link without what it names.
        let _ = fs::remove_file(&self.record.root);
        remove_dir(&self.record.root)?;
        remove_dir(&self.caches())?;
        // Also those that no record names: of a slot that was lost, or whose folder served under another contract.
        let admins = repo.admins_of(&self.record.root)?.into_iter();
        for admin in admins.chain(repo.begun_admins_of(&self.record.root)) {
            repo.forget_worktree(&admin)?;
        }
        let _ = fs::remove_file(&self.index);
        let new = NewWorktree {
            path: &self.record.root,
            branch: WorktreeBranch::Detached,
            base: &order.candidate.commit,
        };
        self.record.admin = ws.add_worktree(repo, &new)?;
        self.record.created = Some(ws.ctx.time());
        self.record.setup = None;
        self.record.made.clear();
        write_json(&self.file, &self.record)?;
        let worktrees = self.record.root.parent().and_then(Path::parent);
        let worktrees = worktrees.context("a slot lies beside the worktrees")?;
        let filling = Filling {
            root: &self.record.root,
            index: &self.index,
            tree: &order.candidate.tree,
            purpose: Purpose::Judging,
        };
        if order.fresh {
            // It owes nothing to any other checkout.
            return Ok(());
        }
        // What is missing is written when the slot is brought to the candidate.
        let main = MainIndex::new(repo, filling.tree);
        if let Some(donor) = donor::choose(main, &ws.store, worktrees, filling.tree)? {
            donor.clone_into(repo, filling)?;
            if let Some(from) = donor.warm_root() {
                let to = Warming {
                    root: &self.record.root,
                    tree: filling.tree,
                    contract: &order.contract.worktree,
                    stop: &|| false,
                };
                warm::bring(repo, &ws.ctx.ui, from, &to)?;
            }
        }
        Ok(())
    }

    /// Notes what the set-up made, so that it is kept until its inputs change.
    pub(super) fn set_up(&mut self, repo: &Repo, order: &Order) -> anyhow::Result<()> {
        self.record.setup = self.setup_hash(repo, order)?;
        self.record.made = repo.untracked_in_slot(self.checkout())?;
        let warm = &order.contract.worktree.warm;
        // Carried files come anew each time, or not at all; warm folders are for steps to write into.
        self.record.made.retain(|path| {
            !self.carried.contains(path) && !warm.iter().any(|w| w == path.trim_end_matches('/'))
        });
        self.record.stamp = made::stamp(self.root(), &self.record.made)?;
        write_json(&self.file, &self.record)
    }

    /// Tracked files that are no longer as checked out from `commit`.
    pub(super) fn changed(&self, repo: &Repo, commit: &Oid) -> anyhow::Result<Vec<String>> {
        repo.changed_in_slot(self.checkout(), commit)
    }
}

/// Forgets the administrative folders of slots beside `worktree` that a killed judge left half made, or in which it died:
/// git would stumble over them until the slot is made anew.
pub(super) fn forget_half_made(ws: &Workspace, worktree: &Path) -> anyhow::Result<()> {
    let worktrees = worktrees_of(worktree)?;
    for name in list_dirs(&ws.store.root().join("slots"))? {
        let dir = ws.store.root().join("slots").join(&name);
        let Some(_slot) = Lock::attempt(&dir.join("lock"))? else {
            continue;
        };
        let record: Option<Record> = read_json(&dir.join("slot.json")).ok().flatten();
        let record = record.unwrap_or_default();
        let root = worktrees.join(SLOTS).join(&name);
        let _lock = ws.lock()?;
        let mut admins = ws.repo.begun_admins_of(&root);
        if record.occupant.is_some() {
            admins.extend(ws.repo.admins_of(&root)?);
        } else {
            admins.retain(|admin| *admin != record.admin);
        }
        for admin in admins {
            ws.repo.forget_worktree(&admin)?;
        }
    }
    Ok(())
}

/// The `TMPDIR` of the steps of one judging, which tells them from all other processes.
pub(super) fn steps_folder(temporary: &Path) -> PathBuf {
    temporary.join("tmp")
}

/// Ends what a judge that was killed left running, and removes its private folder.
pub(super) fn end_leftovers(temporary: &Path) -> anyhow::Result<()> {
    process::kill_marked(&format!("TMPDIR={}", steps_folder(temporary).display()))?;
    remove_dir(temporary)
}

/// The folder that holds the worktrees, told from one of them.
pub(super) fn worktrees_of(worktree: &Path) -> anyhow::Result<PathBuf> {
    let dir = worktree
        .parent()
        .with_context(|| format!("{} has no parent", worktree.display()))?;
    if !dir.join(MARKER).is_file() {
        anyhow::bail!("{} holds no worktrees of wt", dir.display());
    }
    Ok(dir.to_owned())
}
