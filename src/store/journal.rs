//! Intents: written before an effect, removed after it, so that what a killed command left can be mended.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Store, Trashed, atomic, read_json, write_json};
use crate::error::Refusal;
use crate::oid::Oid;
use crate::process::Identity;
use crate::task::{Pinned, State, Task};

/// What a command is about to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "kind")]
pub(crate) enum Operation {
    /// Make a task: its branch, its worktree, its record.
    Spawn {
        branch: String,
        base: Oid,
        worktree: PathBuf,
        owns: Vec<String>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        ports: Vec<u16>,
        /// The record of a task that was waiting to be made.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        waiting: Option<Box<Task>>,
    },
    /// Move the target from `old` to `new`, then, unless it is to be kept, take the task away.
    Land {
        old: Oid,
        new: Oid,
        /// Tip of the task's branch.
        tip: Oid,
        receipt: String,
        /// The tasks that were judged as one with it; none where it was judged alone.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        together: Vec<String>,
        keep: bool,
        /// Where it is pushed to before the target moves here.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pushed_to: Option<PushedTo>,
        /// What the target moves to, where others land behind this one in the same move.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        last: Option<Oid>,
        /// Root of the checkout whose index and files are moved along.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        checkout: Option<PathBuf>,
    },
    /// Move the branch `target` (short name), which is checked out, to what its remote has; of the task that is to
    /// land on it.
    Forward {
        target: String,
        old: Oid,
        new: Oid,
        checkout: PathBuf,
    },
    /// Move a task's branch, and the files of its worktree, from `old` to `new`.
    Sync {
        old: Oid,
        new: Oid,
        /// The task's validated snapshot once it is at `new`, where it stays validated.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        validated: Option<Pinned>,
    },
    /// Take a task's worktree, branch and record away.
    Remove { trashed: Box<Trashed> },
    /// Put a removed task back.
    Restore { id: String },
    /// Let a removed task go for good.
    Release { id: String },
}

/// A remote's branch that a landing is pushed to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct PushedTo {
    /// The ref in which git keeps what the branch was there last.
    pub(crate) tracking: String,
    /// Whether the remote has taken it, as far as this is known.
    pub(crate) taken: bool,
}

/// One open intent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) task: String,
    pub(crate) process: Identity,
    pub(crate) operation: Operation,
}

impl Operation {
    /// Whether `next` goes on where this one is over: a landed task is taken away.
    fn is_before(&self, next: &Self) -> bool {
        matches!((self, next), (Self::Land { .. }, Self::Remove { trashed }) if trashed.task.state == State::Landed)
    }
}

impl Store {
    fn journal_file(&self, task: &str) -> PathBuf {
        self.root.join("journal").join(format!("{task}.json"))
    }

    /// Writes down what is about to be done to a task; a later call for the same task replaces it.
    ///
    /// # Errors
    /// A refusal where the intent of a killed command about it is still open: what that left could not be told then.
    pub(crate) fn intend(
        &self,
        task: &str,
        process: &Identity,
        operation: Operation,
    ) -> anyhow::Result<()> {
        if let Some(open) = self.find_intent(task)?
            && open.process != *process
            && !open.operation.is_before(&operation)
        {
            let what =
                format!("a command on task `{task}` was killed halfway, which can't be mended yet");
            return Err(Refusal::refused(what)
                .hint("see what stands in the way: wt doctor --fix")
                .into());
        }
        let entry = Entry {
            task: task.to_owned(),
            process: process.clone(),
            operation,
        };
        write_json(&self.journal_file(task), &entry)
    }

    /// The intent about a task is carried out or undone. That it is gone is on the disk then: one that came back when
    /// the power is lost would undo what was finished.
    pub(crate) fn settle(&self, task: &str) -> anyhow::Result<()> {
        let path = self.journal_file(task);
        let removed = || -> std::io::Result<()> {
            match fs::remove_file(&path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
                Ok(()) => fs::File::open(self.root.join("journal"))?.sync_all(),
            }
        };
        removed().with_context(|| format!("can't remove {}", path.display()))
    }

    /// As [`Self::settle`], of a spawn that made `worktree`, without waiting for the disk where that is safe: where the
    /// file system brings what is done later to the disk later too, whatever is kept of the work in the worktree comes
    /// after this. The wait would be for all files of the worktree.
    pub(crate) fn settle_spawn(&self, task: &str, worktree: &Path) -> anyhow::Result<()> {
        let path = self.journal_file(task);
        if !atomic::keeps_order(&self.root, worktree) {
            return self.settle(task);
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The open intent about a task.
    ///
    /// # Errors
    /// Where there is one that can't be read.
    pub(crate) fn find_intent(&self, task: &str) -> anyhow::Result<Option<Entry>> {
        read_json(&self.journal_file(task))
    }

    /// Every open intent that can be read: one that can't must not stand in the way of other tasks.
    pub(crate) fn intents(&self) -> anyhow::Result<Vec<Entry>> {
        let all = self.read_intents()?.into_iter();
        Ok(all.filter_map(|(_, entry)| entry.ok().flatten()).collect())
    }

    /// The tasks with an intent that can't be read, and why.
    pub(crate) fn damaged_intents(&self) -> anyhow::Result<Vec<(String, anyhow::Error)>> {
        let all = self.read_intents()?.into_iter();
        Ok(all
            .filter_map(|(task, entry)| Some((task, entry.err()?)))
            .collect())
    }

    fn read_intents(&self) -> anyhow::Result<Vec<(String, anyhow::Result<Option<Entry>>)>> {
        let dir = self.root.join("journal");
        let context = || format!("can't list {}", dir.display());
        let entries = match fs::read_dir(&dir) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(context),
        };
        let mut intents = Vec::new();
        for file in entries {
            let path = file.with_context(context)?.path();
            if let (true, Some(task)) = (
                path.extension().is_some_and(|e| e == "json"),
                path.file_stem().and_then(|name| name.to_str()),
            ) {
                intents.push((task.to_owned(), read_json::<Entry>(&path)));
            }
        }
        Ok(intents)
    }
}
