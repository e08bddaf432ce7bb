//! What is noted of a task's cage: who runs it, and what must be put back when it ends.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Store, list_dirs, read_json, write_json};
use crate::oid::Oid;
use crate::process::Identity;

/// An open cage: written before anything is changed for it, removed when all is as before.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CageNote {
    /// The `wt run` that holds it open.
    pub(crate) process: Identity,
    /// What the worktree's `.git` file held.
    pub(crate) link: String,
    /// Tip of the task's branch when it was opened.
    pub(crate) tip: Oid,
    /// The private folder of its socket and temporary files.
    pub(crate) folder: PathBuf,
}

/// The tip of the task's branch at which the private repository and the shared one last were the same.
#[derive(Serialize, Deserialize)]
struct Met {
    tip: Oid,
}

impl Store {
    /// What belongs to the cage of a task: its private repository and what is noted of it.
    pub(crate) fn cage_dir(&self, task: &str) -> PathBuf {
        self.root.join("cages").join(task)
    }

    /// The private repository of a caged task: the one folder of the state that its agent can write.
    pub(crate) fn private_git_dir(&self, task: &str) -> PathBuf {
        self.cage_dir(task).join("git")
    }

    /// The open cage of a task, if there is one; its `wt run` may have been killed.
    pub(crate) fn find_cage(&self, task: &str) -> anyhow::Result<Option<CageNote>> {
        read_json(&self.cage_dir(task).join("running.json"))
    }

    /// The tasks whose cage is open, or was when its `wt run` was killed.
    pub(crate) fn open_cages(&self) -> anyhow::Result<Vec<String>> {
        let mut names = list_dirs(&self.root.join("cages"))?;
        names.retain(|name| self.cage_dir(name).join("running.json").exists());
        Ok(names)
    }

    pub(crate) fn save_cage(&self, task: &str, note: &CageNote) -> anyhow::Result<()> {
        write_json(&self.cage_dir(task).join("running.json"), note)
    }

    /// The cage is closed, and all is as before.
    pub(crate) fn end_cage(&self, task: &str) -> anyhow::Result<()> {
        let path = self.cage_dir(task).join("running.json");
        fs::remove_file(&path).with_context(|| format!("can't remove {}", path.display()))
    }

    /// Where branch and private repository last met.
    pub(crate) fn find_met(&self, task: &str) -> anyhow::Result<Option<Oid>> {
        find_met(&self.cage_dir(task))
    }

    pub(crate) fn save_met(&self, task: &str, tip: &Oid) -> anyhow::Result<()> {
        let met = Met { tip: tip.clone() };
        write_json(&self.cage_dir(task).join("met.json"), &met)
    }
}

/// As [`Store::find_met`], of the cage in this folder, which may have been put away.
pub(crate) fn find_met(cage: &Path) -> anyhow::Result<Option<Oid>> {
    let met: Option<Met> = read_json(&cage.join("met.json"))?;
    Ok(met.map(|met| met.tip))
}
