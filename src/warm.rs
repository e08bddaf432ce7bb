//! Warm folders: what was built beside a checkout, brought along with the files that were cloned from it.
//!
//! They share their blocks with the donor's where the file system can; else they are copied or left out. Times are kept,
//! so that what a tool built there is as fresh here. Never anything that is linked to the donor: a hard link or a
//! symbolic one would let one task write into another.

mod clone;
mod survey;

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::contract::{WarmCopy, Worktree};
use crate::disk::bytes_up_to;
use crate::git::Repo;
use crate::oid::Oid;
use crate::store::{Beneath, remove_dir};
use crate::ui::{self, Ui};

use clone::{Fate, Sharing};
use survey::Survey;

/// What is copied where blocks can't be shared and the contract does not say, in bytes.
const MOST_COPIED: u64 = 256_000_000;

/// A checkout that warm folders are brought into.
pub(crate) struct Warming<'a> {
    pub(crate) root: &'a Path,
    /// What is checked out there.
    pub(crate) tree: &'a Oid,
    pub(crate) contract: &'a Worktree,
    /// Whether the operator wants it to end.
    pub(crate) stop: &'a (dyn Fn() -> bool + Sync),
}

/// Brings the warm folders of `donor` along that git ignores in `to`; answers those that came. What stands against one
/// is said, and it is left out: whatever was built there can be built again.
///
/// # Errors
/// Where git can't tell what it ignores.
pub(crate) fn bring(
    repo: &Repo,
    ui: &Ui,
    donor: &Path,
    to: &Warming,
) -> anyhow::Result<Vec<String>> {
    let mut brought = Vec::new();
    let ignored = repo.ignored_folders(to.root, to.tree, &to.contract.warm)?;
    for folder in &to.contract.warm {
        if let Some(why) = why_not(repo, donor, to, &ignored, folder)? {
            ui.warn(&format!("the warm folder {folder} is left out: {why}"));
        }
    }
    for folder in ignored {
        // It is a part of a folder that is not checked out here.
        let is_apart = to
            .root
            .join(&folder)
            .parent()
            .is_none_or(|above| !above.is_dir());
        if is_apart || (to.stop)() {
            continue;
        }
        if fs::symlink_metadata(to.root.join(&folder)).is_ok() {
            ui.warn(&format!(
                "the warm folder {folder} is left out: something of that name stands in the new checkout"
            ));
            continue;
        }
        match bring_one(donor, to, &folder) {
            Ok(Fate::Whole) => brought.push(folder),
            Ok(Fate::Nothing) => {}
            Ok(Fate::Changed) if (to.stop)() => {}
            Ok(Fate::Changed) => {
                ui.warn(&format!(
                    "{folder} changed while it was cloned: it is left out"
                ));
                ui.hint("a build is at work there; what is needed is built anew");
            }
            Ok(Fate::TooLarge(bytes)) => say_too_large(ui, &folder, bytes, to.contract.warm_copy),
            Err(error) => {
                ui.warn(&format!("the warm folder {folder} is left out: {error:#}"));
            }
        }
    }
    Ok(brought)
}

/// Why something in the donor that the contract names is no warm folder; nothing where it is one, or is not there.
fn why_not(
    repo: &Repo,
    donor: &Path,
    to: &Warming,
    ignored: &[String],
    folder: &String,
) -> anyhow::Result<Option<&'static str>> {
    let Ok(found) = fs::symlink_metadata(donor.join(folder)) else {
        return Ok(None);
    };
    Ok(if !found.is_dir() {
        Some("it is no folder")
    } else if ignored.contains(folder) {
        None
    } else if repo.read.is_folder(to.tree, folder)? {
        Some("something in it is tracked")
    } else {
        Some("git does not ignore it; name it in .gitignore")
    })
}

/// Brings one folder, or leaves nothing of it.
fn bring_one(donor: &Path, to: &Warming, folder: &str) -> anyhow::Result<Fate> {
    let from = Beneath::open(donor)?;
    let Some(survey) = Survey::take(&from, folder)? else {
        return Ok(Fate::Nothing);
    };
    if survey.is_at_work() {
        return Ok(Fate::Changed);
    }
    let root = Beneath::open(to.root)?;
    let sharing = Sharing::between(&from, &root, &survey);
    let may_copy = match to.contract.warm_copy {
        Some(WarmCopy::Copy) => true,
        Some(WarmCopy::Skip) => false,
        None => survey.bytes() <= MOST_COPIED,
    };
    if sharing == Sharing::No && !may_copy {
        return Ok(Fate::TooLarge(survey.bytes()));
    }
    let places = clone::Places {
        donor,
        from: &from,
        root: to.root,
        to: &root,
    };
    let cloned = clone::clone(&places, &survey, sharing, to.stop);
    if !matches!(cloned, Ok(Fate::Whole)) {
        // Nothing stood there before, and nobody has seen the new checkout yet: all of it is of this cloning.
        let path = to.root.join(folder);
        remove_dir(&path).with_context(|| format!("can't remove {}", path.display()))?;
    }
    cloned
}

fn say_too_large(ui: &Ui, folder: &str, bytes: u64, wish: Option<WarmCopy>) {
    let size = ui::size(bytes);
    let why = "this file system can't share its blocks";
    ui.say(&format!(
        "the warm folder {folder} ({size}) is left out: {why}"
    ));
    if wish.is_none() {
        ui.hint("copy it all the same: warm_copy = \"copy\" under [worktree] in wt.toml; \"skip\" leaves all out");
    }
}

/// What copying the warm folders of `donor` takes on the disk where blocks can't be shared, in bytes.
pub(crate) fn copied_bytes(donor: &Path, contract: &Worktree) -> u64 {
    let most = match contract.warm_copy {
        Some(WarmCopy::Copy) => u64::MAX,
        Some(WarmCopy::Skip) => return 0,
        None => MOST_COPIED,
    };
    let folders = contract.warm.iter().map(|folder| donor.join(folder));
    folders
        .filter_map(|folder| bytes_up_to(&folder, most))
        .sum()
}
