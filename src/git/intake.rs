//! Taking objects in from a store that is not trusted: every one is named anew by what it holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;

use super::Repo;
use super::answer::complaint;
use crate::error::Refusal;
use crate::oid::Oid;

/// Far more than the objects of one task take.
const LIMIT: Duration = Duration::from_secs(600);

/// A ref of the repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ref {
    pub(crate) name: String,
    pub(crate) target: Oid,
}

/// Objects that were taken in, kept from git's garbage collection until this value is dropped: by then a ref must
/// hold them.
#[derive(Debug)]
pub(crate) struct Kept(Option<PathBuf>);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(file) = &self.0 {
            // One that stays only keeps its objects from being packed with others.
            let _ = fs::remove_file(file);
        }
    }
}

impl Repo {
    /// Takes in what `tip` needs, and what the commits `known` do not hold, from the store of objects at `from`, in
    /// which there must be plain files alone. Nothing that the store says of its objects is believed: each gets the
    /// name that its content has, and what is missing then is refused. `owner` is written beside what is kept.
    pub(crate) fn take_in(
        &self,
        from: &Path,
        tip: &Oid,
        known: &[&Oid],
        owner: &str,
    ) -> anyhow::Result<Kept> {
        if self.holds_all(tip, known)? {
            return Ok(Kept(None));
        }
        let refused = |what: &str| {
            Refusal::refused(format!(
                "the objects of {} are not whole: {what}",
                tip.short()
            ))
            .hint("look at them in the cage: git fsck; what is broken can be committed anew")
        };
        let mut wanted = format!("{tip}\n");
        for known in known {
            wanted.push_str(&format!("^{known}\n"));
        }
        let packed = self
            .git
            .command(["pack-objects", "--revs", "--quiet", "--delta-base-offset"])
            .arg(from.join("in"))
            .env("GIT_OBJECT_DIRECTORY", from)
            .stdin(wanted)
            .within(LIMIT)
            .output()?;
        if !packed.status.success() {
            return Err(refused(&complaint(&packed)).into());
        }
        let name = Oid::parse(&String::from_utf8_lossy(&packed.stdout))?;
        let indexed = self
            .git
            .command(["index-pack", "--stdin", "--strict"])
            .arg(format!("--keep={owner}"))
            .stdin_file(&from.join(format!("in-{name}.pack")))
            .within(LIMIT)
            .output()?;
        if !indexed.status.success() {
            return Err(refused(&complaint(&indexed)).into());
        }
        let kept = Kept(self.keep_file(&indexed.stdout));
        if !self.holds_all(tip, known)? {
            return Err(
                refused("some are missing, or hold something else than their name says").into(),
            );
        }
        Ok(kept)
    }

    /// Lets go of what was kept for `owner` by a command that was killed.
    pub(crate) fn release_kept(&self, owner: &str) -> anyhow::Result<()> {
        let packs = self.common().join("objects/pack");
        for entry in fs::read_dir(packs).into_iter().flatten().flatten() {
            let path = entry.path();
            let is_kept = path
                .extension()
                .is_some_and(|extension| extension == "keep");
            if is_kept && fs::read_to_string(&path).is_ok_and(|text| text.trim_end() == owner) {
                fs::remove_file(&path)
                    .with_context(|| format!("can't remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// The file by which git keeps a pack, as `index-pack` answers it: `keep`, a tab, the pack's name.
    fn keep_file(&self, answer: &[u8]) -> Option<PathBuf> {
        let answer = String::from_utf8_lossy(answer);
        let pack = answer.trim().strip_prefix("keep\t")?;
        let file = format!("objects/pack/pack-{pack}.keep");
        Some(self.common().join(file))
    }

    /// Whether the repository itself has all that `tip` needs beyond the commits `known`.
    fn holds_all(&self, tip: &Oid, known: &[&Oid]) -> anyhow::Result<bool> {
        let output = self
            .git
            .command(["rev-list", "--objects", "--quiet", tip.as_str(), "--not"])
            .args(known.iter().map(|oid| oid.as_str()))
            .within(LIMIT)
            .output()?;
        Ok(output.status.success())
    }

    /// Whether a branch, a remote branch or a tag of the repository holds this commit.
    pub(crate) fn is_kept(&self, commit: &Oid) -> anyhow::Result<bool> {
        let holders = self
            .git
            .command(["for-each-ref", "--count=1", "--format=%(refname)"])
            .arg(format!("--contains={commit}"))
            .args(["refs/heads", "refs/remotes", "refs/tags"])
            .output()?;
        Ok(holders.status.success() && !holders.stdout.is_empty())
    }

    /// The branches, tags and remote branches, by name.
    pub(crate) fn refs(&self) -> anyhow::Result<Vec<Ref>> {
        let list = self
            .git
            .command(["for-each-ref", "--format=%(objectname) %(refname)"])
            .args(["refs/heads", "refs/remotes", "refs/tags"])
            .text()?;
        let mut refs = list
            .lines()
            .map(|line| {
                let (target, name) = line.split_once(' ').context("git lists no ref")?;
                Ok(Ref {
                    name: name.to_owned(),
                    target: Oid::parse(target)?,
                })
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        refs.sort_by(|one, other| one.name.cmp(&other.name));
        Ok(refs)
    }

    /// The folders that hold this repository's objects: its own, then those that it borrows from.
    pub(crate) fn object_folders(&self) -> Vec<PathBuf> {
        let own = self.common().join("objects");
        let borrowed = fs::read_to_string(own.join("info/alternates")).unwrap_or_default();
        let borrowed = borrowed
            .lines()
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            // A relative one means something else in the list of another repository.
            .map(|line| own.join(line));
        std::iter::once(own.clone()).chain(borrowed).collect()
    }

    /// The settings of the repository that another one, which borrows its objects, must have as its own: git reads
    /// them from no included file.
    pub(crate) fn format_settings(&self) -> anyhow::Result<Vec<(&'static str, String)>> {
        let mut settings = Vec::new();
        for key in ["objectFormat", "partialClone"] {
            let output = self
                .git
                .command(["config", "--get"])
                .arg(format!("extensions.{key}"))
                .output()?;
            if output.status.success() {
                let value = String::from_utf8_lossy(&output.stdout).trim().to_owned();
                settings.push((key, value));
            }
        }
        Ok(settings)
    }
}
