//! Reads of refs, objects and history: git2 where libgit2 can open the repository, else the `git` command
//! (reftable, SHA-256 and extensions that libgit2 does not know).

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use anyhow::{Context as _, bail};

use super::command::Git;
use crate::error::Refusal;
use crate::oid::Oid;

/// The reading side of a repository.
pub(crate) struct Reader {
    common: PathBuf,
    /// Once something was read, and shared by all that read this repository in one thread: opening it costs more than most
    /// reads.
    opened: Rc<OnceCell<Option<git2::Repository>>>,
    pub(super) git: Git,
}

impl Reader {
    pub(super) fn open(common: &Path, git: Git) -> Self {
        Self {
            common: common.to_owned(),
            opened: Rc::default(),
            git,
        }
    }

    /// The same, with another git for what libgit2 can't read.
    pub(super) fn with_git(&self, git: Git) -> Self {
        Self {
            common: self.common.clone(),
            opened: Rc::clone(&self.opened),
            git,
        }
    }

    /// The repository as libgit2 reads it; nothing where that can't open it.
    pub(super) fn libgit2(&self) -> Option<&git2::Repository> {
        let flags = git2::RepositoryOpenFlags::NO_SEARCH | git2::RepositoryOpenFlags::NO_DOTGIT;
        let none: [&Path; 0] = [];
        let open = || git2::Repository::open_ext(&self.common, flags, none).ok();
        self.opened.get_or_init(open).as_ref()
    }

    /// The commit that `revision` names, if it names one.
    pub(crate) fn commit(&self, revision: &str) -> anyhow::Result<Option<Oid>> {
        if let Some(repo) = self.libgit2()
            && let Ok(object) = repo.revparse_single(revision)
            && let Ok(commit) = object.peel_to_commit()
        {
            return oid(commit.id()).map(Some);
        }
        self.git
            .command(["rev-parse", "--verify", "--quiet", "--end-of-options"])
            .arg(format!("{revision}^{{commit}}"))
            .find_oid()
    }

    /// The commit at the tip of a ref, given by its full name; nothing where it does not exist.
    ///
    /// # Errors
    /// A refusal where the ref is there and names no commit that is.
    pub(crate) fn tip(&self, reference: &str) -> anyhow::Result<Option<Oid>> {
        let Some(repo) = self.libgit2() else {
            return self.commit(reference);
        };
        match repo.find_reference(reference) {
            Ok(found) => match found.peel_to_commit() {
                Ok(commit) => oid(commit.id()).map(Some),
                Err(error) => Err(Refusal::refused(format!(
                    "{reference} names no commit that can be read: {}",
                    error.message()
                ))
                .hint("bring the commit back, from a remote or a backup; what is broken besides: wt doctor, git fsck")
                .into()),
            },
            Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("can't read {reference}")),
        }
    }

    /// The ref that `reference` points at, where it is a symbolic one.
    pub(crate) fn symbolic_target(&self, reference: &str) -> anyhow::Result<Option<String>> {
        if let Some(repo) = self.libgit2() {
            return Ok(repo
                .find_reference(reference)
                .ok()
                .and_then(|found| found.symbolic_target().ok().flatten().map(str::to_owned)));
        }
        let output = self
            .git
            .command(["symbolic-ref", "--quiet", reference])
            .output()?;
        Ok(output
            .status
            .success()
            .then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned()))
    }

    pub(crate) fn tree_of(&self, commit: &Oid) -> anyhow::Result<Oid> {
        match self.libgit2() {
            Some(repo) => oid(repo.find_commit(raw(commit)?)?.tree_id()),
            None => Oid::parse(
                &self
                    .git
                    .command(["rev-parse", &format!("{commit}^{{tree}}")])
                    .text()?,
            ),
        }
    }

    /// Whether git would pass over the untracked file or folder at `path` of the checkout at `root`; no where that
    /// can't be told without a git child.
    pub(crate) fn is_ignored(&self, root: &Path, path: &str) -> bool {
        let Some(common) = self.libgit2().map(git2::Repository::commondir) else {
            return false;
        };
        let asked = || -> Result<bool, git2::Error> {
            let repo = git2::Repository::open(common)?;
            repo.set_workdir(root, false)?;
            let as_folder = root.join(path).is_dir().then(|| format!("{path}/"));
            repo.is_path_ignored(as_folder.as_deref().unwrap_or(path))
        };
        asked().unwrap_or(false)
    }

    /// A commit's message, lossy where it is no UTF-8.
    pub(crate) fn message(&self, commit: &Oid) -> anyhow::Result<String> {
        match self.libgit2() {
            Some(repo) => Ok(String::from_utf8_lossy(
                repo.find_commit(raw(commit)?)?.message_bytes(),
            )
            .into_owned()),
            None => self
                .git
                .command(["log", "-1", "--format=%B", commit.as_str()])
                .text(),
        }
    }

    pub(crate) fn is_ancestor(&self, ancestor: &Oid, descendant: &Oid) -> anyhow::Result<bool> {
        if ancestor == descendant {
            return Ok(true);
        }
        match self.libgit2() {
            Some(repo) => Ok(repo.graph_descendant_of(raw(descendant)?, raw(ancestor)?)?),
            None => self
                .git
                .command([
                    "merge-base",
                    "--is-ancestor",
                    ancestor.as_str(),
                    descendant.as_str(),
                ])
                .yes_or_no(),
        }
    }

    pub(crate) fn merge_base(&self, one: &Oid, other: &Oid) -> anyhow::Result<Option<Oid>> {
        if let Some(repo) = self.libgit2() {
            return match repo.merge_base(raw(one)?, raw(other)?) {
                Ok(base) => oid(base).map(Some),
                Err(error) if error.code() == git2::ErrorCode::NotFound => Ok(None),
                Err(error) => Err(error.into()),
            };
        }
        self.git
            .command(["merge-base", one.as_str(), other.as_str()])
            .find_oid()
    }

    /// As [`Self::merge_base`]; `otherwise` where the two have no commit in common.
    pub(crate) fn merge_base_or(
        &self,
        one: &Oid,
        other: &Oid,
        otherwise: &Oid,
    ) -> anyhow::Result<Oid> {
        let base = self.merge_base(one, other)?;
        Ok(base.unwrap_or_else(|| otherwise.clone()))
    }

    /// How many commits `one` has that `other` has not, and the other way round.
    pub(crate) fn ahead_behind(&self, one: &Oid, other: &Oid) -> anyhow::Result<(usize, usize)> {
        if let Some(repo) = self.libgit2() {
            return Ok(repo.graph_ahead_behind(raw(one)?, raw(other)?)?);
        }
        let range = format!("{one}...{other}");
        let text = self
            .git
            .command(["rev-list", "--left-right", "--count", &range])
            .text()?;
        let mut numbers = text.split_whitespace().map(str::parse::<usize>);
        match (numbers.next(), numbers.next()) {
            (Some(ahead), Some(behind)) => Ok((ahead?, behind?)),
            _ => bail!("git counted {text:?} commits"),
        }
    }

    /// The commits of `tip` that `target` has not, oldest first, each with its parents.
    pub(crate) fn new_commits(
        &self,
        target: &Oid,
        tip: &Oid,
    ) -> anyhow::Result<Vec<(Oid, Vec<Oid>)>> {
        if let Some(repo) = self.libgit2() {
            let mut walk = repo.revwalk()?;
            walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::REVERSE)?;
            walk.push(raw(tip)?)?;
            walk.hide(raw(target)?)?;
            return walk
                .map(|id| {
                    let commit = repo.find_commit(id?)?;
                    let parents = commit
                        .parent_ids()
                        .map(oid)
                        .collect::<anyhow::Result<_>>()?;
                    Ok((oid(commit.id())?, parents))
                })
                .collect();
        }
        self.git
            .command(["rev-list", "--topo-order", "--reverse", "--parents"])
            .arg(format!("{target}..{tip}"))
            .text()?
            .lines()
            .map(|line| {
                let mut ids = line.split(' ').map(Oid::parse);
                let commit = ids.next().context("an empty line from git rev-list")??;
                Ok((commit, ids.collect::<anyhow::Result<_>>()?))
            })
            .collect()
    }

    /// The bytes of the file at `path` in `tree`; nothing where there is none or it is no file.
    pub(crate) fn file(&self, tree: &Oid, path: &str) -> anyhow::Result<Option<Vec<u8>>> {
        if let Some(repo) = self.libgit2() {
            let tree = repo.find_tree(raw(tree)?)?;
            return Ok(match tree.get_path(Path::new(path)) {
                Ok(entry) if entry.kind() == Some(git2::ObjectType::Blob) => {
                    Some(self.blob(&oid(entry.id())?)?)
                }
                _ => None,
            });
        }
        let output = self
            .git
            .command(["cat-file", "blob", &format!("{tree}:{path}")])
            .output()?;
        Ok(output.status.success().then_some(output.stdout))
    }

    /// Whether `tree` holds a symbolic link at `path`.
    pub(crate) fn is_link(&self, tree: &Oid, path: &str) -> anyhow::Result<bool> {
        let Some(repo) = self.libgit2() else {
            let list = ["--literal-pathspecs", "ls-tree", tree.as_str(), "--", path];
            return Ok(self.git.command(list).text()?.starts_with("120000 "));
        };
        let entry = repo.find_tree(raw(tree)?)?;
        let entry = entry.get_path(Path::new(path));
        Ok(entry.is_ok_and(|entry| entry.filemode() == i32::from(git2::FileMode::Link)))
    }

    /// Whether `tree` holds a folder at `path`.
    pub(crate) fn is_folder(&self, tree: &Oid, path: &str) -> anyhow::Result<bool> {
        let Some(repo) = self.libgit2() else {
            let type_of = ["cat-file", "-t", &format!("{tree}:{path}")];
            let output = self.git.command(type_of).output()?;
            return Ok(output.stdout == b"tree\n");
        };
        let entry = repo.find_tree(raw(tree)?)?;
        let entry = entry.get_path(Path::new(path));
        Ok(entry.is_ok_and(|entry| entry.kind() == Some(git2::ObjectType::Tree)))
    }

    /// The bytes of a blob. One that a partial clone has not yet is fetched by git.
    pub(crate) fn blob(&self, blob: &Oid) -> anyhow::Result<Vec<u8>> {
        if let Some(repo) = self.libgit2() {
            match repo.find_blob(raw(blob)?) {
                Err(error) if error.code() == git2::ErrorCode::NotFound => {}
                found => return Ok(found?.content().to_vec()),
            }
        }
        self.git
            .command(["cat-file", "blob", blob.as_str()])
            .bytes()
    }

    /// The size of each blob, in bytes.
    pub(crate) fn sizes(&self, blobs: &[&Oid]) -> anyhow::Result<Vec<u64>> {
        if blobs.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(repo) = self.libgit2() {
            let odb = repo.odb()?;
            return blobs
                .iter()
                .map(|blob| Ok(odb.read_header(raw(blob)?)?.0 as u64))
                .collect();
        }
        let list: Vec<&str> = blobs.iter().map(|blob| blob.as_str()).collect();
        self.git
            .command(["cat-file", "--batch-check=%(objectsize)"])
            .stdin(list.join("\n") + "\n")
            .text()?
            .lines()
            .map(|line| {
                line.parse()
                    .with_context(|| format!("git gave the size of a file as {line:?}"))
            })
            .collect()
    }
}

/// The records of a list that git wrote with `-z`.
pub(super) fn records(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes
        .strip_suffix(b"\0")
        .unwrap_or(bytes)
        .split(|b| *b == 0)
        .filter(|r| !r.is_empty())
}

/// A path as text.
///
/// # Errors
/// A refusal that names it escaped where it is no UTF-8.
pub(super) fn utf8(path: &[u8]) -> anyhow::Result<String> {
    std::str::from_utf8(path).map(str::to_owned).map_err(|_| {
        Refusal::refused(format!(
            "the file name \"{}\" is not valid UTF-8, so no scope can be checked on it",
            path.escape_ascii()
        ))
        .hint("rename the file")
        .into()
    })
}

pub(super) fn oid(id: git2::Oid) -> anyhow::Result<Oid> {
    Oid::parse(&id.to_string())
}

pub(super) fn raw(oid: &Oid) -> anyhow::Result<git2::Oid> {
    Ok(git2::Oid::from_str(oid.as_str())?)
}
