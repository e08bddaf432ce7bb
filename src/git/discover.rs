//! Which repository a folder belongs to, as git itself would say it.

use std::path::{Path, PathBuf};

use super::answer::complaint;
use super::command::Git;
use crate::error::Refusal;

/// Where a command was called.
pub(crate) struct Location {
    /// The common git directory, canonical.
    pub(crate) common: PathBuf,
    /// The root of the checkout, none in a bare repository.
    pub(crate) checkout: Option<PathBuf>,
    /// The branch that is checked out: none where HEAD is detached, and in a bare repository.
    pub(crate) branch: Option<String>,
}

/// Finds the repository that holds `dir`.
///
/// # Errors
/// A refusal where there is none, or git does not trust it.
pub(crate) fn discover(dir: &Path, git: &Git) -> anyhow::Result<Location> {
    if let Some(found) = by_libgit2(dir) {
        return Ok(found);
    }
    let ask = |args: &[&str]| git.command(args).unbound().dir(dir).output();
    let output = ask(&["rev-parse", "--path-format=absolute", "--git-common-dir"])?;
    if !output.status.success() {
        let complaint = complaint(&output);
        let refusal = if complaint.contains("not a git repository") {
            let removed = dir.iter().any(|part| part == "_trash");
            let refusal = Refusal::refused(format!("{} is in no git repository", dir.display()));
            refusal.hint(if removed {
                "this folder was removed with its task; go back to the repository"
            } else {
                "go to a repository, or name one: wt -C <folder> …"
            })
        } else {
            Refusal::refused(format!(
                "git can't use the repository at {}: {complaint}",
                dir.display()
            ))
        };
        return Err(refusal.into());
    }
    let line = |bytes: &[u8]| {
        String::from_utf8_lossy(bytes)
            .trim_end_matches('\n')
            .to_owned()
    };
    let common = PathBuf::from(line(&output.stdout));
    let checkout = ask(&["rev-parse", "--show-toplevel"])?;
    let branch = ask(&["symbolic-ref", "--quiet", "--short", "HEAD"])?;
    Ok(Location {
        common: common.canonicalize().unwrap_or(common),
        checkout: checkout
            .status
            .success()
            .then(|| PathBuf::from(line(&checkout.stdout))),
        branch: (checkout.status.success() && branch.status.success())
            .then(|| line(&branch.stdout)),
    })
}

fn by_libgit2(dir: &Path) -> Option<Location> {
    let repo = git2::Repository::discover(dir).ok()?;
    let head = repo.find_reference("HEAD").ok()?;
    let branch = (!repo.is_bare())
        .then(|| head.symbolic_target().ok().flatten())
        .flatten()
        .and_then(|name| name.strip_prefix("refs/heads/"))
        .map(str::to_owned);
    Some(Location {
        common: repo.commondir().canonicalize().ok()?,
        checkout: repo.workdir().and_then(|root| root.canonicalize().ok()),
        branch,
    })
}
