//! Making checkouts ahead, in the background, for the tasks to come.

use std::ffi::OsStr;
use std::path::Path;
use std::thread;
use std::time::Duration;

use super::room::{self, being_made};
use crate::contract::Worktree;
use crate::ctx::Ctx;
use crate::donor::{self, MainIndex};
use crate::error::Refusal;
use crate::oid::Oid;
use crate::process;
use crate::spares::{self, Spare};
use crate::store::remove_dir;
use crate::workspace::{InForce, Workspace, write_marker};

/// How long it is waited before it is looked again whether others are making worktrees.
const PAUSE: Duration = Duration::from_millis(200);
/// Niceness: whoever waits for something goes first.
const LAST: i32 = 19;

/// After a worktree was made, has the checkouts made ahead that are missing of `wanted`, of what is on the branch `target`,
/// and those removed that did not fit, or are too many, while nobody waits. Without them the next worktree is made as any
/// other.
pub(super) fn start(ws: &Workspace, wanted: usize, worktrees: &Path, target: &str) {
    let is_none = || spares::places(&ws.store).is_empty() && spares::lying(worktrees).is_empty();
    if wanted == 0 && is_none() {
        return;
    }
    let common = ws.repo.common().as_os_str();
    let args = [OsStr::new("_spare"), common, OsStr::new(target)];
    // The next spawn starts it again.
    let _ = process::detach(&args, &spares::log(&ws.store));
}

/// Makes what is missing, in the repository at `common`, once nobody is making a worktree. Nobody but [`start`] calls
/// this.
///
/// # Errors
/// Where one can't be made; there may be less room than it takes.
pub(crate) fn make_ahead(ctx: &Ctx, common: &Path, target: &str) -> anyhow::Result<()> {
    if !common.join("HEAD").exists() {
        // The repository was removed meanwhile.
        return Ok(());
    }
    let ws = Workspace::at(ctx, common)?;
    let Some(_lock) = spares::hold_all(&ws.store)? else {
        return Ok(());
    };
    let _ = rustix::process::nice(LAST);
    // What was said before is over.
    spares::forget_failure(&ws.store)?;
    loop {
        while being_made(&ws)? > 0 {
            thread::sleep(PAUSE);
        }
        // What they say may be another thing each time.
        let Some(tip) = ws.repo.read.tip(&format!("refs/heads/{target}"))? else {
            return Ok(());
        };
        let in_force = ws.in_force(&ws.repo, target, &tip)?;
        let ahead = Ahead {
            ws: &ws,
            in_force: &in_force,
            worktrees: &ws.worktrees_dir(&in_force),
            base: &tip,
            tree: &ws.repo.read.tree_of(&tip)?,
        };
        ahead.remove_unfit()?;
        if !ahead.make_one()? {
            return Ok(());
        }
    }
}

/// The checkouts that are to be made ahead.
struct Ahead<'a> {
    ws: &'a Workspace<'a>,
    in_force: &'a InForce,
    worktrees: &'a Path,
    base: &'a Oid,
    tree: &'a Oid,
}

impl Ahead<'_> {
    /// Removes those that are too many, that were never whole, or that are far from what is wanted now.
    fn remove_unfit(&self) -> anyhow::Result<()> {
        let mut numbers = spares::numbers(&self.ws.store);
        // What no note tells of.
        numbers.extend(spares::lying(self.worktrees));
        let mut removed = Ok(());
        for number in numbers {
            let Some(spare) = Spare::hold(&self.ws.store, number) else {
                continue;
            };
            let is_wanted = number < self.in_force.contract.worktree.spare;
            let fits = || donor::is_near(&self.ws.repo, &spare, self.worktrees, self.tree);
            if !is_wanted || !fits()? {
                removed = removed.and(self.remove(&spare));
            }
        }
        removed
    }

    fn remove(&self, spare: &Spare) -> anyhow::Result<()> {
        spare.clear()?;
        remove_dir(&spare.root(self.worktrees))
    }

    /// Makes the first that is missing; answers whether there was one.
    fn make_one(&self) -> anyhow::Result<bool> {
        for number in 0..self.in_force.contract.worktree.spare {
            let Some(spare) = Spare::hold(&self.ws.store, number) else {
                continue;
            };
            if spare.index().is_file() {
                continue;
            }
            let made = self.make(&spare);
            if made.is_err() {
                spare.clear()?;
            }
            return made.map(|()| true);
        }
        Ok(false)
    }

    fn make(&self, spare: &Spare) -> anyhow::Result<()> {
        let (ws, main) = (self.ws, MainIndex::new(&self.ws.repo, self.base));
        // Warm folders come along when it is taken.
        let contract = Worktree {
            warm: Vec::new(),
            ..self.in_force.contract.worktree.clone()
        };
        let wanted = room::Wanted {
            worktrees: self.worktrees,
            base: self.base,
            main: &main,
            folders: None,
            carried: 0,
            contract: &contract,
            spares: 0,
        };
        room::require(ws, &self.in_force.contract.disk, &wanted)?;
        let Some(donor) = donor::choose(main, &ws.store, self.worktrees, self.tree)? else {
            return Err(Refusal::refused("there is no checkout to clone from").into());
        };
        write_marker(self.worktrees, ws.repo.common())?;
        let place = (spare, self.worktrees, ws.ctx.now);
        donor.make_spare(&ws.repo, self.tree, place)
    }
}
