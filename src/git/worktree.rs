//! Linked worktrees: made, checked against forgery, moved and forgotten.

use std::fs::{self, File};
use std::io::ErrorKind::{IsADirectory, NotFound};
use std::io::{self, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{Mode, OFlags, open};

use super::Repo;
use super::read::records;
use super::slot_checkout::remove_tree;
use crate::error::Refusal;
use crate::oid::Oid;
use crate::plain::plain_bytes;
use crate::task::{FolderId, Task};

impl Repo {
    /// The administrative folder of a linked worktree.
    pub(crate) fn admin_dir(&self, admin: &str) -> PathBuf {
        self.common().join("worktrees").join(admin)
    }

    /// The checkouts in which `branch` (short name) is checked out.
    pub(crate) fn checkouts_of(&self, branch: &str) -> anyhow::Result<Vec<PathBuf>> {
        let list = self
            .git
            .command(["worktree", "list", "--porcelain", "-z"])
            .bytes()?;
        let wanted = format!("branch refs/heads/{branch}");
        let mut here: Option<PathBuf> = None;
        let mut found = Vec::new();
        for record in records(&list) {
            let record = String::from_utf8_lossy(record);
            if let Some(path) = record.strip_prefix("worktree ") {
                here = Some(PathBuf::from(path));
            } else if record == wanted {
                found.extend(here.take());
            }
        }
        // Git names the main checkout by its git directory, less a `.git` in some versions.
        let holder = self
            .common()
            .parent()
            .filter(|_| self.common().ends_with(".git"));
        let is_main = |path: &Path| path == self.common() || Some(path) == holder;
        Ok(found
            .into_iter()
            .map(|path| match self.main_checkout() {
                Some(main) if is_main(&path) => main.to_owned(),
                _ => path,
            })
            .collect())
    }

    /// Holds a task's worktree against its record: the folder, its link, which leads to `git_dir`, its administrative
    /// files, HEAD and branch. From then on `wt` looks at it through the sparse-checkout patterns that it has now.
    ///
    /// # Errors
    /// A refusal that names what differs: nothing is read or written through a worktree that was tampered with.
    pub(crate) fn verify_worktree(&self, task: &Task, git_dir: &Path) -> anyhow::Result<()> {
        let root = &task.worktree;
        require_folder(task)?;
        let admin = self.admin_dir(&task.admin);
        let link = regular_text(&root.join(".git"))?;
        let linked = link
            .strip_prefix("gitdir: ")
            .map(|path| root.join(path.trim_end()));
        if linked.as_deref().and_then(canonical) != canonical(git_dir) {
            return Err(tampered(
                task,
                &format!(
                    "{} points to {:?}",
                    root.join(".git").display(),
                    link.trim_end()
                ),
            ));
        }
        let commondir = regular_text(&admin.join("commondir"))?;
        if canonical(&admin.join(commondir.trim_end())) != canonical(self.common()) {
            return Err(tampered(
                task,
                &format!("its commondir is {:?}", commondir.trim_end()),
            ));
        }
        let back = regular_text(&admin.join("gitdir"))?;
        if canonical(Path::new(back.trim_end())) != canonical(&root.join(".git")) {
            return Err(tampered(
                task,
                &format!("its gitdir is {:?}", back.trim_end()),
            ));
        }
        self.verify_head(task, &admin)?;
        self.follow_sparse(task, git_dir)
    }

    fn verify_head(&self, task: &Task, admin: &Path) -> anyhow::Result<()> {
        let head = if self.common().join("reftable").is_dir() {
            let name = self
                .git
                .command(["symbolic-ref", "--quiet", "HEAD"])
                .env("GIT_DIR", admin)
                .output()?;
            format!("ref: {}", String::from_utf8_lossy(&name.stdout).trim_end())
        } else {
            regular_text(&admin.join("HEAD"))?
        };
        let wanted = task.branch_ref();
        if head.trim_end() != format!("ref: {wanted}") {
            let is_rebasing = ["rebase-merge", "rebase-apply"]
                .iter()
                .any(|state| admin.join(state).join("head-name").exists());
            if is_rebasing {
                let root = task.worktree.display();
                return Err(Refusal::refused(format!(
                    "a rebase is under way in the worktree of task `{}`",
                    task.name
                ))
                .hint(format!("in {root}: git rebase --continue (or: --abort)"))
                .into());
            }
            return Err(Refusal::refused(format!(
                "HEAD of the worktree of task `{}` is {:?}, not its branch {}",
                task.name,
                head.trim_end(),
                task.branch
            ))
            .hint(format!(
                "in {}: git switch {}",
                task.worktree.display(),
                task.branch
            ))
            .into());
        }
        let loose = self.common().join(&wanted);
        // A folder on the way that is a link makes another ref of it as well.
        let is_linked = loose
            .ancestors()
            .take_while(|part| *part != self.common())
            .any(Path::is_symlink);
        if is_linked || self.read.symbolic_target(&wanted)?.is_some() {
            return Err(tampered(
                task,
                &format!("its branch {} points at another ref", task.branch),
            ));
        }
        Ok(())
    }

    /// The tip of a task's branch.
    ///
    /// # Errors
    /// A refusal where the branch is gone.
    pub(crate) fn tip_of(&self, task: &Task) -> anyhow::Result<Oid> {
        self.read.tip(&task.branch_ref())?.ok_or_else(|| {
            Refusal::refused(format!(
                "the branch {} of task `{}` is gone",
                task.branch, task.name
            ))
            .hint("see: wt doctor")
            .into()
        })
    }

    /// Where a task's folder is, if not in its place: where git says (after `git worktree move`), or beside it
    /// (after `mv`).
    pub(crate) fn moved_to(&self, task: &Task) -> Option<PathBuf> {
        let is_it = |path: &Path| folder_id(path).is_ok_and(|id| id == task.folder);
        let said = regular_text(&self.admin_dir(&task.admin).join("gitdir")).unwrap_or_default();
        if let Some(path) = Path::new(said.trim_end())
            .parent()
            .filter(|path| is_it(path))
        {
            return Some(path.to_owned());
        }
        let siblings = fs::read_dir(task.worktree.parent()?).ok()?;
        siblings
            .flatten()
            .map(|entry| entry.path())
            .find(|path| is_it(path))
    }

    /// The administrative folders that name `worktree` as theirs.
    pub(crate) fn admins_of(&self, worktree: &Path) -> anyhow::Result<Vec<String>> {
        let dir = self.common().join("worktrees");
        let Ok(entries) = fs::read_dir(&dir) else {
            return Ok(Vec::new());
        };
        let link = worktree.join(".git");
        Ok(entries
            .flatten()
            .filter(|entry| {
                regular_text(&entry.path().join("gitdir"))
                    .is_ok_and(|text| Path::new(text.trim_end()) == link)
            })
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect())
    }

    /// The administrative folders that a killed git began for `worktree` and that do not name it yet: git calls them
    /// like the folder, with a number where that is taken. The lock of the state must be held.
    pub(crate) fn begun_admins_of(&self, worktree: &Path) -> Vec<String> {
        let Some(name) = worktree.file_name().map(|name| name.to_string_lossy()) else {
            return Vec::new();
        };
        let is_its = |admin: &str| {
            let number = admin.strip_prefix(&*name);
            number.is_some_and(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let entries = fs::read_dir(self.common().join("worktrees"));
        let entries = entries.into_iter().flatten().flatten();
        entries
            .filter(|entry| !fs::metadata(entry.path().join("gitdir")).is_ok_and(|m| m.len() > 0))
            .filter_map(|entry| entry.file_name().into_string().ok())
            .filter(|admin| is_its(admin))
            .collect()
    }

    /// Makes folder and administrative folder of a worktree that was moved point at each other again.
    pub(crate) fn relink(&self, task: &Task) -> anyhow::Result<()> {
        require_folder(task)?;
        self.relink_admin(task)?;
        let link = task.worktree.join(".git");
        regular_text(&link)?;
        let admin = self.admin_dir(&task.admin);
        overwrite(&link, &format!("gitdir: {}\n", admin.display()))
    }

    /// Makes the administrative folder of a worktree that is yet to be moved to its place point there.
    pub(crate) fn relink_admin(&self, task: &Task) -> anyhow::Result<()> {
        let link = task.worktree.join(".git");
        let file = self.admin_dir(&task.admin).join("gitdir");
        overwrite(&file, &format!("{}\n", link.display()))
    }

    /// Short names of the branches below a prefix of refs.
    pub(crate) fn branches_below(&self, prefix: &str) -> anyhow::Result<Vec<String>> {
        let list = self
            .git
            .command(["for-each-ref", "--format=%(refname:lstrip=2)", prefix])
            .text()?;
        Ok(list.lines().map(str::to_owned).collect())
    }

    /// Short name of a branch below a prefix of refs, if there is any.
    pub(crate) fn branch_below(&self, prefix: &str) -> anyhow::Result<Option<String>> {
        let find = |repo: &git2::Repository| -> Result<Option<String>, git2::Error> {
            let mut below = repo.references_glob(&format!("{prefix}*"))?;
            let first = below.names().next().transpose()?;
            Ok(first.map(|name| name.trim_start_matches("refs/heads/").to_owned()))
        };
        // What libgit2 can't read, git may.
        if let Some(Ok(found)) = self.read.libgit2().map(find) {
            return Ok(found);
        }
        Ok(self.branches_below(prefix)?.into_iter().next())
    }

    /// Forgets a worktree whose folder is gone or was moved away.
    pub(crate) fn forget_worktree(&self, admin: &str) -> anyhow::Result<()> {
        let dir = self.admin_dir(admin);
        // First of all: git passes over what names no worktree, and finds fault with one that lost any other file.
        let named = dir.join("gitdir");
        match fs::remove_file(&named) {
            Err(error) if !matches!(error.kind(), NotFound | IsADirectory) => {
                Err(error).with_context(|| format!("can't remove {}", named.display()))
            }
            _ => remove_tree(&dir),
        }
    }
}

fn overwrite(path: &Path, text: &str) -> anyhow::Result<()> {
    let context = || format!("can't write {}", path.display());
    // A pipe is not waited for.
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let flags = flags | OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let fd = open(path, flags, Mode::from_raw_mode(0o666)).with_context(context)?;
    let mut file = File::from(fd);
    file.write_all(text.as_bytes()).with_context(context)
}

/// The (device, inode) of a folder, which must be one and no symbolic link.
pub(crate) fn folder_id(path: &Path) -> anyhow::Result<FolderId> {
    let metadata =
        fs::symlink_metadata(path).with_context(|| format!("can't look at {}", path.display()))?;
    if !metadata.is_dir() {
        bail!("{} is no folder", path.display());
    }
    Ok(FolderId {
        device: metadata.dev(),
        inode: metadata.ino(),
    })
}

/// # Errors
/// A refusal where the root of the task's worktree is not the folder that `wt` made.
pub(crate) fn require_folder(task: &Task) -> anyhow::Result<()> {
    let root = &task.worktree;
    match folder_id(root) {
        Ok(found) if found == task.folder => Ok(()),
        Ok(_) => Err(tampered(
            task,
            &format!(
                "{} is another folder than the one that was made",
                root.display()
            ),
        )),
        Err(_) => Err(Refusal::refused(format!(
            "the worktree of task `{}` is not at {}",
            task.name,
            root.display()
        ))
        .hint("see what is left of it: wt doctor")
        .into()),
    }
}

/// What can be done with a worktree of which git's own files are gone.
const BROKEN: &str = "see: wt doctor; to take the task away as it is, so that wt restore can undo it: wt rm <task> --force";

fn tampered(task: &Task, what: &str) -> anyhow::Error {
    Refusal::refused(format!(
        "the worktree of task `{}` was tampered with: {what}",
        task.name
    ))
    .hint(format!(
        "nothing was changed; look at it, then: wt doctor (or: wt rm {} --force)",
        task.name
    ))
    .into()
}

fn canonical(path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok()
}

/// The text of a small regular file; a symbolic link is not followed, a pipe not waited for.
///
/// # Errors
/// A refusal where there is none.
fn regular_text(path: &Path) -> anyhow::Result<String> {
    let foreign =
        || Refusal::refused(format!("{} is no plain file of git's", path.display())).hint(BROKEN);
    if fs::symlink_metadata(path).is_err_and(|e| e.kind() == io::ErrorKind::NotFound) {
        return Err(Refusal::refused(format!("{} is gone", path.display()))
            .hint(BROKEN)
            .into());
    }
    let bytes = plain_bytes(path, 4096)?.ok_or_else(foreign)?;
    String::from_utf8(bytes).map_err(|_| foreign().into())
}
