//! Making a private repository: what the shared one and the worktree's own folder of git's hold, for one task alone.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::refs::{parse, written};
use crate::git::Repo;
use crate::oid::Oid;
use crate::store::{Beneath, remove_dir, write_atomic};
use crate::task::Task;
use crate::workspace::Workspace;

/// Largest file that is taken over from the worktree's own folder of git's, in bytes: an index of millions of files.
const MOST: u64 = 2 << 30;
/// What a worktree has of its own that a private repository takes over, where it is there.
const TAKEN_OVER: [&str; 11] = [
    "index",
    "logs/HEAD",
    "info/sparse-checkout",
    "ORIG_HEAD",
    "MERGE_HEAD",
    "MERGE_MODE",
    "MERGE_MSG",
    "AUTO_MERGE",
    "CHERRY_PICK_HEAD",
    "REVERT_HEAD",
    "SQUASH_MSG",
];
/// What all worktrees share, and a cage may read.
const SHARED: [&str; 3] = ["hooks", "info/exclude", "info/attributes"];

/// Name of the file that holds the shared refs as a cage was last given them, out of its agent's reach.
const GIVEN: &str = "packed-refs";

pub(super) fn given_file(ws: &Workspace, task: &str) -> PathBuf {
    ws.store.cage_dir(task).join(GIVEN)
}

/// The shared refs as the cage in this folder, which may have been put away, was last given them.
pub(super) fn given(cage: &Path) -> BTreeMap<String, Oid> {
    parse(&fs::read(cage.join(GIVEN)).unwrap_or_default())
}

/// Makes the private repository of a task, or leaves none.
pub(super) fn make(ws: &Workspace, repo: &Repo, task: &Task, git: &Path) -> anyhow::Result<()> {
    let new = git.with_extension("new");
    remove_dir(&new)?;
    fill(ws, repo, task, &new)
        .with_context(|| format!("can't make the cage's repository {}", git.display()))?;
    fs::rename(&new, git).with_context(|| format!("can't make {}", git.display()))
}

fn fill(ws: &Workspace, repo: &Repo, task: &Task, new: &Path) -> anyhow::Result<()> {
    for folder in [
        "objects/info",
        "objects/pack",
        "refs/heads",
        "refs/tags",
        "info",
        "logs",
    ] {
        fs::create_dir_all(new.join(folder))?;
    }
    fs::write(new.join("HEAD"), format!("ref: {}\n", task.branch_ref()))?;
    fs::write(new.join("config"), config(repo, task)?)?;
    let lines = object_folders(repo)?.join("\n") + "\n";
    fs::write(new.join("objects/info/alternates"), lines)?;
    let refs = written(&repo.refs()?);
    fs::write(new.join("packed-refs"), &refs)?;
    write_atomic(&given_file(ws, &task.name), &refs)?;
    let admin = repo.admin_dir(&task.admin);
    for name in SHARED {
        symlink(repo.common().join(name), new.join(name))?;
    }
    let modules = admin.join("modules");
    if modules.is_dir() {
        symlink(modules, new.join("modules"))?;
    }
    if let Ok(shallow) = fs::read(repo.common().join("shallow")) {
        fs::write(new.join("shallow"), shallow)?;
    }
    take_over(&admin, new)
}

/// What the worktree's own folder of git's holds; an agent outside of a cage can have written to it.
fn take_over(admin: &Path, new: &Path) -> anyhow::Result<()> {
    let own = Beneath::open(admin)?;
    let mut names: Vec<String> = TAKEN_OVER.map(str::to_owned).to_vec();
    let split = own.list("")?.into_iter().map(|(name, _)| name);
    names.extend(split.filter(|name| name.starts_with("sharedindex.")));
    for name in names {
        if let Some(bytes) = own.read(&name, MOST)? {
            fs::write(new.join(&name), bytes)?;
            keep_time(&admin.join(&name), &new.join(&name))?;
        }
    }
    Ok(())
}

/// Takes the worktree's own index over once more, after its branch has moved outside of the cage.
pub(super) fn take_index(admin: &Path, private: &Beneath) -> anyhow::Result<()> {
    if let Some(bytes) = Beneath::open(admin)?.read("index", MOST)? {
        private.write("index", &bytes, 0o644)?;
    }
    Ok(())
}

/// By the time of its index git tells which files may have changed right after it was written.
fn keep_time(from: &Path, to: &Path) -> anyhow::Result<()> {
    let written = fs::symlink_metadata(from)?.modified()?;
    Ok(fs::File::options()
        .write(true)
        .open(to)?
        .set_modified(written)?)
}

/// The settings: those of the shared repository and of the worktree, and what must be its own.
fn config(repo: &Repo, task: &Task) -> anyhow::Result<String> {
    let settings = repo.format_settings()?;
    let mut text = String::new();
    let included = [
        repo.common().join("config"),
        repo.admin_dir(&task.admin).join("config.worktree"),
    ];
    for path in included {
        text.push_str(&format!("[include]\n\tpath = {}\n", quoted(&path)?));
    }
    let version = u32::from(!settings.is_empty());
    text.push_str(&format!(
        "[core]\n\trepositoryformatversion = {version}\n\tbare = false\n\tlogAllRefUpdates = true\n"
    ));
    // What git does in the background would outlive the command that began it.
    text.push_str("[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n");
    if version > 0 {
        text.push_str("[extensions]\n");
        for (key, value) in settings {
            text.push_str(&format!("\t{key} = {value}\n"));
        }
    }
    Ok(text)
}

/// A path as a value of git's settings.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let text = text_of(path)?;
    Ok(format!(
        "\"{}\"",
        text.replace('\\', "\\\\").replace('"', "\\\"")
    ))
}

/// The folders from which a private repository borrows, as lines.
pub(super) fn object_folders(repo: &Repo) -> anyhow::Result<Vec<String>> {
    let folders: Vec<PathBuf> = repo.object_folders();
    folders
        .iter()
        .map(|folder| text_of(folder).map(str::to_owned))
        .collect()
}

fn text_of(path: &Path) -> anyhow::Result<&str> {
    path.to_str()
        .with_context(|| format!("{} is not valid UTF-8", path.display()))
}
