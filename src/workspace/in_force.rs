//! The contract in force: `wt.toml` as it stands on the target, or what is detected from the target's tree.

use super::Workspace;
use super::commit_files::CommitFiles;
use crate::contract::{Contract, detect};
use crate::error::Refusal;
use crate::git::{Reader, Repo};
use crate::oid::Oid;
use crate::task::Task;

/// Name of the contract file at the repository's root.
pub(crate) const FILE: &str = "wt.toml";

/// A contract, with where it comes from.
pub(crate) struct InForce {
    pub(crate) contract: Contract,
    /// What was detected because there is no file, one line each.
    pub(crate) assumptions: Vec<String>,
    pub(crate) gate: String,
    /// Hash of what the contract itself says to agents; a task's rules are those of its [`super::Rulebook`].
    pub(crate) rules: String,
    /// The tree that it was read from.
    pub(crate) tree: Oid,
    /// Where it is written, for people.
    pub(crate) written_in: &'static str,
}

/// Reads the contract at `commit`.
///
/// # Errors
/// A refusal (usage) that names line and key where the file is wrong.
pub(super) fn contract_at(read: &Reader, commit: &Oid, branch: &str) -> anyhow::Result<InForce> {
    let files = CommitFiles::new(read, commit)?;
    let tree = files.tree().clone();
    let detected = detect(&files);
    files.require_read()?;
    let mut written_in = FILE;
    let (contract, assumptions) = match read.file(&tree, FILE)? {
        None => {
            written_in = "detected";
            (detected.contract, detected.assumptions)
        }
        Some(bytes) => (parse(bytes, branch, detected.contract)?, Vec::new()),
    };
    Ok(InForce {
        gate: contract.gate_hash(),
        rules: contract.rules_hash(),
        assumptions,
        contract,
        tree,
        written_in,
    })
}

/// The paths that all tasks may change, by the contract at `commit`; without one there are none.
///
/// # Errors
/// As [`contract_at`].
pub(crate) fn shared_paths(
    read: &Reader,
    commit: &Oid,
    branch: &str,
) -> anyhow::Result<Vec<String>> {
    let Some(bytes) = read.file(&read.tree_of(commit)?, FILE)? else {
        return Ok(Vec::new());
    };
    let contract = parse(bytes, branch, Contract::default())?;
    Ok(contract.scope.shared)
}

fn parse(bytes: Vec<u8>, branch: &str, default: Contract) -> anyhow::Result<Contract> {
    let text = String::from_utf8(bytes)
        .map_err(|_| Refusal::usage(format!("{FILE} on {branch} is not valid UTF-8")))?;
    Ok(Contract::parse(
        &text,
        &format!("{FILE} on {branch}"),
        default,
    )?)
}

impl Workspace<'_> {
    /// Largest changed file that is taken from a task's worktree, in bytes, by the contract in force. Said of it is
    /// nothing: for whoever needs the limit alone.
    pub(crate) fn max_file(&self, repo: &Repo, task: &Task) -> anyhow::Result<u64> {
        let tip = self.target_tip(task)?;
        let in_force = contract_at(&repo.read, &tip, &task.target)?;
        Ok(in_force.contract.judge.max_file)
    }

    /// The contract in force for work that lands on `branch`, whose tip is `tip`; a `wt.toml` in the main checkout
    /// that is not that of the target is said aloud. For a task `repo` is [`Self::repo_for`] it: what judges must
    /// not be read by the git of whoever calls.
    pub(crate) fn in_force(&self, repo: &Repo, branch: &str, tip: &Oid) -> anyhow::Result<InForce> {
        // Said first: who has just mended a malformed one must learn that it is not in force yet.
        self.say_if_not_committed(repo, branch, tip)?;
        contract_at(&repo.read, tip, branch)
    }

    /// Says once that the `wt.toml` of the main checkout is not that of `branch`, on which it stands.
    fn say_if_not_committed(&self, repo: &Repo, branch: &str, tip: &Oid) -> anyhow::Result<()> {
        let head = self.repo.read.symbolic_target("HEAD")?;
        let stands_there = head
            .as_deref()
            .and_then(|head| head.strip_prefix("refs/heads/"))
            == Some(branch);
        let Some(root) = self.repo.main_checkout().filter(|_| stands_there) else {
            return Ok(());
        };
        let Ok(here) = std::fs::read(root.join(FILE)) else {
            return Ok(());
        };
        let tree = repo.read.tree_of(tip)?;
        let differs = repo.read.file(&tree, FILE)?.as_deref() != Some(here.as_slice());
        if differs && !self.said_uncommitted.replace(true) {
            self.ctx.ui.warn(&format!(
                "{FILE} in {} is not as committed on {branch}; the committed one is in force",
                root.display()
            ));
        }
        Ok(())
    }
}
