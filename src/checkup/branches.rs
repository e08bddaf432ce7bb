//! Branches that were made for a task which is no more.

use std::path::PathBuf;

use super::Checkup;
use crate::store::Operation;
use crate::task;

impl Checkup<'_> {
    /// Branches that look like a task's and belong to none.
    pub(super) fn branches(&mut self) -> anyhow::Result<()> {
        let ws = self.ws;
        let known: Vec<String> = ws
            .store
            .tasks()?
            .into_iter()
            .filter_map(|(_, t)| t.ok())
            .map(|t| t.branch)
            .collect();
        let pending = |branch: &str| {
            // A command that was killed halfway owns it still; it is mended by the next one.
            let entries = ws.store.intents().unwrap_or_default();
            entries
                .iter()
                .any(|e| matches!(&e.operation, Operation::Spawn { branch: b, .. } if b == branch))
        };
        let Some(template) = self.branch_template()? else {
            return Ok(());
        };
        for branch in ws.repo.branches_below("refs/heads/")? {
            if !is_named_by(&template, &branch) || known.contains(&branch) || pending(&branch) {
                continue;
            }
            let mend = match ws.repo.read.tip(&format!("refs/heads/{branch}")) {
                Ok(_) => look_at(&branch, ws.repo.checkouts_of(&branch)?.first()),
                Err(error) => format!("{error:#}: git update-ref -d refs/heads/{branch}"),
            };
            self.found(format!("the branch {branch} belongs to no task"), &mend);
        }
        Ok(())
    }

    /// How the contract at HEAD names the branches of tasks; nothing before the first commit.
    fn branch_template(&self) -> anyhow::Result<Option<String>> {
        let ws = self.ws;
        let Some(tip) = ws.repo.read.commit("HEAD")? else {
            return Ok(None);
        };
        let head = ws.repo.read.symbolic_target("HEAD")?;
        let head = head.as_deref().unwrap_or("HEAD");
        let short = head.strip_prefix("refs/heads/").unwrap_or(head);
        Ok(Some(
            ws.in_force(&ws.repo, short, &tip)?.contract.worktree.branch,
        ))
    }
}

/// What is to be done about a branch that may hold work, and its worktree as well if it has one.
fn look_at(branch: &str, worktree: Option<&PathBuf>) -> String {
    match worktree.map(|root| root.display()) {
        Some(root) => format!(
            "look at it, and at what is uncommitted in {root} (git log {branch}), \
             then: git worktree remove --force {root}; git branch -D {branch}"
        ),
        None => format!("look at it (git log {branch}), then: git branch -D {branch}"),
    }
}

/// Whether a task's branch could have this name; a template that is all name tells no branch from another.
fn is_named_by(template: &str, branch: &str) -> bool {
    let Some((before, after)) = template.split_once("{task}") else {
        return false;
    };
    let name = branch
        .strip_prefix(before)
        .and_then(|rest| rest.strip_suffix(after));
    template != "{task}" && name.is_some_and(|name| task::check_name(name).is_ok())
}
