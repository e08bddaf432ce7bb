//! Removed tasks: their record in the archive, their folders in the trash beside the worktrees.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Store, list_dirs, read_json, write_json};
use crate::error::Refusal;
use crate::oid::Oid;
use crate::task::Task;

/// What is kept of a past task besides its record: its folder of the state, git's of its worktree, its cage.
pub(crate) const LEFTOVERS: [&str; 3] = ["task", "admin", "cage"];

/// A task that is no longer live.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Trashed {
    /// Name of its folder in the archive: the task's name and when it went.
    pub(crate) id: String,
    pub(crate) removed: Timestamp,
    /// Tip of its branch when it went.
    pub(crate) tip: Option<Oid>,
    /// Where its worktree was moved to, if it is kept.
    pub(crate) trash: Option<PathBuf>,
    /// Whether folder and branch are kept, so that it can be brought back.
    pub(crate) kept: bool,
    /// Folders of its worktree that are not kept with the rest: a tool makes them anew.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) warm: Vec<String>,
    pub(crate) task: Task,
}

impl Trashed {
    /// The ref that keeps the branch of a removed task.
    pub(crate) fn branch_ref(&self) -> String {
        format!("refs/wt/trash/{}", self.id)
    }

    /// What is said to one who asks for it as if it were live.
    pub(super) fn refusal(&self) -> Refusal {
        let name = &self.task.name;
        match &self.task.landing {
            Some(landing) => Refusal::refused(format!(
                "task `{name}` has landed on {} as {} and is gone",
                self.task.target,
                landing.commit.short()
            ))
            .hint(format!("see what happened: wt log {name}")),
            None if self.kept => Refusal::refused(format!("task `{name}` was removed"))
                .hint(format!("bring it back: wt restore {name}")),
            None => Refusal::refused(format!("task `{name}` was removed"))
                .hint(format!("see what happened: wt log {name}")),
        }
    }

    /// The ref that keeps what git in its cage borrows of what `wt` stored.
    pub(crate) fn cage_ref(&self) -> String {
        format!("refs/wt/trash-cage/{}", self.id)
    }

    /// The ref that keeps what its worktree's index alone holds.
    pub(crate) fn index_ref(&self) -> String {
        format!("refs/wt/trash-index/{}", self.id)
    }
}

impl Store {
    pub(crate) fn archived_dir(&self, id: &str) -> PathBuf {
        self.archive_dir().join(id)
    }

    pub(crate) fn save_trashed(&self, trashed: &Trashed) -> anyhow::Result<()> {
        write_json(
            &self.archived_dir(&trashed.id).join("removed.json"),
            trashed,
        )
    }

    pub(crate) fn find_trashed(&self, id: &str) -> anyhow::Result<Option<Trashed>> {
        read_json(&self.archived_dir(id).join("removed.json"))
    }

    /// Every archived task by its id, oldest first; one that can't be read is an error of its own.
    pub(crate) fn trashed(&self) -> anyhow::Result<Vec<(String, anyhow::Result<Trashed>)>> {
        let mut all = Vec::new();
        for id in list_dirs(&self.archive_dir())? {
            if let Some(trashed) = self.find_trashed(&id).transpose() {
                all.push((id, trashed));
            }
        }
        all.sort_by_key(|(_, trashed)| trashed.as_ref().ok().map(|t| t.removed));
        Ok(all)
    }
}

/// The folder, beside the worktrees, that removed folders are moved to.
pub(crate) fn trash_dir(worktrees: &Path) -> PathBuf {
    worktrees.join("_trash")
}
