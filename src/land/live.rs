//! The tasks that have not landed, whose commits no other may land for them.

use crate::git::Reader;
use crate::oid::Oid;
use crate::task::State;
use crate::workspace::Workspace;

/// A task that has not landed, and where its branch stands.
pub(super) struct Live {
    pub(super) name: String,
    pub(super) tip: Oid,
    pub(super) origin: Origin,
}

/// What is known of a live task's branch.
pub(super) enum Origin {
    /// It began at this commit.
    Base(Oid),
    /// The task's record can't be read, for this reason: the branch is any that is not known to be another's.
    Unread(String),
}

impl Live {
    /// Whether this commit was there before its branch began.
    pub(super) fn has_begun_behind(&self, read: &Reader, commit: &Oid) -> anyhow::Result<bool> {
        match &self.origin {
            Origin::Base(base) => read.is_ancestor(commit, base),
            Origin::Unread(_) => Ok(false),
        }
    }
}

/// The tasks that have not landed. Those of a train are held against them one by one: they are read once.
pub(super) fn live(ws: &Workspace) -> anyhow::Result<Vec<Live>> {
    let (mut found, mut branches, mut unread) = (Vec::new(), Vec::new(), None);
    for (name, task) in ws.store.tasks()? {
        let task = match task {
            Ok(task) => task,
            Err(error) => {
                unread = Some((name, format!("{error:#}")));
                continue;
            }
        };
        if task.state != State::Landed
            && let Ok(Some(tip)) = ws.repo.read.tip(&task.branch_ref())
        {
            let origin = Origin::Base(task.base);
            found.push(Live { name, tip, origin });
        }
        branches.push(task.branch);
    }
    let Some((name, why)) = unread else {
        return Ok(found);
    };
    for branch in ws.repo.branches_below("refs/heads/")? {
        if branches.contains(&branch) {
            continue;
        }
        if let Ok(Some(tip)) = ws.repo.read.tip(&format!("refs/heads/{branch}")) {
            found.push(Live {
                name: name.clone(),
                tip,
                origin: Origin::Unread(why.clone()),
            });
        }
    }
    Ok(found)
}
