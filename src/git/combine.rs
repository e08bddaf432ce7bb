//! New commits and refs, made without any checkout.

use std::path::Path;

use anyhow::{Context as _, bail};

use super::Repo;
use super::answer::complaint;
use super::main_checkout;
use super::read::{records, utf8};
use crate::oid::Oid;

/// What combining two commits gave.
pub(crate) enum Combination {
    /// The tree that holds both.
    Clean(Oid),
    /// The paths where they conflict.
    Conflict(Vec<String>),
}

/// A commit to be made.
pub(crate) struct CommitRequest<'a> {
    pub(crate) tree: &'a Oid,
    pub(crate) parents: &'a [&'a Oid],
    pub(crate) message: &'a str,
    /// Takes author name, email and date of this commit.
    pub(crate) author_of: Option<&'a Oid>,
}

/// The identity of commits that no person made: snapshots and candidates. Their dates are fixed, so that the same
/// tree on the same parents is the same commit.
const MACHINE: &[(&str, &str)] = &[
    ("GIT_AUTHOR_NAME", "wt"),
    ("GIT_AUTHOR_EMAIL", "wt@localhost"),
    ("GIT_AUTHOR_DATE", "1000000000 +0000"),
    ("GIT_COMMITTER_NAME", "wt"),
    ("GIT_COMMITTER_EMAIL", "wt@localhost"),
    ("GIT_COMMITTER_DATE", "1000000000 +0000"),
];

impl Repo {
    /// Merges two commits in memory.
    ///
    /// # Errors
    /// Where git can't merge them at all, such as commits without a common ancestor.
    pub(crate) fn combine(&self, target: &Oid, other: &Oid) -> anyhow::Result<Combination> {
        self.merge_tree(&[target.as_str(), other.as_str()])
    }

    /// Applies the change that `commit` made to its first parent onto `onto`, in memory.
    pub(crate) fn replay(
        &self,
        commit: &Oid,
        parent: &Oid,
        onto: &Oid,
    ) -> anyhow::Result<Combination> {
        self.merge_tree(&[
            &format!("--merge-base={parent}"),
            onto.as_str(),
            commit.as_str(),
        ])
    }

    fn merge_tree(&self, args: &[&str]) -> anyhow::Result<Combination> {
        let output = self
            .git
            .command([
                "merge-tree",
                "--write-tree",
                "-z",
                "--name-only",
                "--no-messages",
            ])
            .args(args)
            .output()?;
        let mut fields = records(&output.stdout);
        let tree = || -> anyhow::Result<Oid> {
            let tree = records(&output.stdout)
                .next()
                .context("git merge-tree wrote no tree")?;
            Oid::parse(std::str::from_utf8(tree)?)
        };
        match output.status.code() {
            Some(0) => Ok(Combination::Clean(tree()?)),
            Some(1) => {
                fields.next();
                let mut paths = fields.map(utf8).collect::<anyhow::Result<Vec<_>>>()?;
                paths.dedup();
                Ok(Combination::Conflict(paths))
            }
            _ => bail!("git merge-tree failed: {}", complaint(&output)),
        }
    }

    /// Makes a commit that no person signs: a snapshot or a candidate.
    pub(crate) fn commit_by_machine(
        &self,
        tree: &Oid,
        parents: &[&Oid],
        message: &str,
    ) -> anyhow::Result<Oid> {
        let mut command = self
            .git
            .command(["commit-tree", "--no-gpg-sign", tree.as_str()])
            .stdin(message);
        for (name, value) in MACHINE {
            command = command.env(name, value);
        }
        for parent in parents {
            command = command.args(["-p", parent.as_str()]);
        }
        Oid::parse(&command.text()?)
    }

    /// Makes a commit in the operator's name, signed where `commit.gpgSign` says so.
    ///
    /// # Errors
    /// Git's own words where the operator has no name or the signing fails.
    pub(crate) fn commit_by_operator(&self, request: &CommitRequest) -> anyhow::Result<Oid> {
        let mut command = self.git.command(["commit-tree", request.tree.as_str()]);
        for parent in request.parents {
            command = command.args(["-p", parent.as_str()]);
        }
        let signs = self
            .git
            .command(["config", "--type=bool", "--get", "commit.gpgSign"])
            .found()?;
        if signs.trim_ascii() == b"true" {
            // `commit-tree` alone does not read commit.gpgSign.
            command = command.arg("-S");
        }
        if let Some(original) = request.author_of {
            let author = self
                .git
                .command([
                    "log",
                    "-1",
                    "--format=%an%x00%ae%x00%ad",
                    "--date=raw",
                    original.as_str(),
                ])
                .text()?;
            let fields: Vec<&str> = author.split('\0').collect();
            let [name, email, date] = fields[..] else {
                bail!("the author of {original} is not understood");
            };
            command = command
                .env("GIT_AUTHOR_NAME", name)
                .env("GIT_AUTHOR_EMAIL", email)
                .env("GIT_AUTHOR_DATE", date);
        }
        let output = command.stdin(request.message).output()?;
        if !output.status.success() {
            return Err(crate::error::Refusal::refused(format!(
                "`git commit-tree` could not make the commit: {}",
                complaint(&output)
            ))
            .hint("check user.name, user.email and commit.gpgSign: git config --list")
            .into());
        }
        Oid::parse(&String::from_utf8_lossy(&output.stdout))
    }

    /// Moves a ref from `old` to `new` (`None`: it must not exist, or is deleted), or leaves all as it is.
    /// Answers whether the ref was still at `old`.
    pub(crate) fn move_ref(
        &self,
        reference: &str,
        old: Option<&Oid>,
        new: Option<&Oid>,
        reason: &str,
    ) -> anyhow::Result<bool> {
        let known = old
            .or(new)
            .context("a ref that moves from nothing to nothing")?;
        let zero = known.zero_like();
        let old_name = old.map_or(zero.as_str(), Oid::as_str);
        let command = self.git.command(["update-ref", "--no-deref", "-m", reason]);
        let command = match new {
            Some(new) => command.args(["--create-reflog", reference, new.as_str(), old_name]),
            None => command.args(["-d", reference, old_name]),
        };
        let output = command.output()?;
        if output.status.success() {
            return Ok(true);
        }
        if self.read.tip(reference)?.as_ref() != old {
            return Ok(false);
        }
        bail!("git could not move {reference}: {}", complaint(&output));
    }

    /// The commit that HEAD names in one of the operator's checkouts; none where there is none yet.
    pub(crate) fn head_of(&self, checkout: &Path) -> anyhow::Result<Option<Oid>> {
        self.git
            .command(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])
            .in_operators_checkout(checkout)
            .find_oid()
    }

    /// Whether git would make a branch of this short name.
    pub(crate) fn is_branch_name(&self, name: &str) -> anyhow::Result<bool> {
        Ok(name != "HEAD" && git2::Branch::name_is_valid(name)?)
    }

    /// Whether paths are compared without regard to case here.
    pub(crate) fn ignores_case(&self) -> anyhow::Result<bool> {
        self.is_set("core.ignorecase")
    }

    /// Whether a setting that is yes or no is yes.
    fn is_set(&self, name: &str) -> anyhow::Result<bool> {
        if let Some(repo) = self.read.libgit2() {
            let set = repo.config().and_then(|config| config.get_bool(name));
            return Ok(set.unwrap_or(false));
        }
        let output = self
            .git
            .command(["config", "--type=bool", "--get", name])
            .output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim() == "true")
    }

    /// Hash of the sparse-checkout patterns in force in the main checkout, if it is sparse.
    pub(crate) fn sparse_patterns(&self) -> anyhow::Result<Option<String>> {
        let name = "core.sparseCheckout";
        let near = main_checkout::setting(self.common(), |config| config.get_bool(name));
        if !near.map_or_else(|| self.is_set(name), Ok)? {
            return Ok(None);
        }
        let patterns = std::fs::read(self.common().join(Path::new("info/sparse-checkout")))
            .unwrap_or_default();
        Ok(Some(crate::digest::hex(&[&patterns])))
    }
}
