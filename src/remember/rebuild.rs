//! Memory from history: each landing commit carries its note.

use std::collections::BTreeMap;

use super::keep::{has_note, keep_landing};
use super::place::{Kept, keep_among};
use crate::error::{Refusal, shown};
use crate::memory::{Block, Note, TRAILER_NOTE};
use crate::oid::Oid;
use crate::store::ToDisk;
use crate::task::{self, Task};
use crate::workspace::Workspace;

/// What a commit that landed here has landed, and with which receipt.
pub(crate) struct Proof {
    pub(crate) task: String,
    pub(crate) receipt: String,
}

/// What a rebuild came to.
#[derive(Default)]
pub(crate) struct Rebuilt {
    /// The names of the notes that were missing.
    pub(crate) written: Vec<String>,
    /// How many were there.
    pub(crate) present: usize,
    /// Notes that are there and say something else, which are left as they are.
    pub(crate) differing: Vec<String>,
    /// Commits whose note can't be read, and why.
    pub(crate) unreadable: Vec<(Oid, String)>,
}

/// Writes the notes that the branch at `tip` has in its own commits and that are missing here, oldest first. One whose
/// commit is not in `proven`, for its task and with its receipt, is marked unverified.
pub(crate) fn rebuild(
    ws: &Workspace,
    tip: &Oid,
    proven: &BTreeMap<Oid, Proof>,
) -> anyhow::Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    let mut commits = ws.repo.read.first_parents_saying(tip, TRAILER_NOTE)?;
    commits.reverse();
    let _lock = ws.lock()?;
    let mut names = ws.store.note_names()?;
    for (commit, message) in commits {
        let found = Block::find(&message).and_then(|found| found.map(named).transpose());
        let mut note = match found {
            Ok(Some(note)) => note,
            Ok(None) => continue,
            Err(refusal) => {
                rebuilt.unreadable.push((commit, refusal.message));
                continue;
            }
        };
        let is_of = |proof: &Proof| {
            proof.task == note.task && note.receipt.as_ref() == Some(&proof.receipt)
        };
        note.standing.unverified = !proven.get(&commit).is_some_and(is_of);
        note.standing.commit = Some(commit.to_string());
        match keep_among(ws, &names, &note, ToDisk::Later)? {
            Kept::Written(name) => {
                names.push(name.clone());
                rebuilt.written.push(name);
            }
            Kept::Present => rebuilt.present += 1,
            Kept::Differs(name) => rebuilt.differing.push(name),
        }
    }
    if !rebuilt.written.is_empty() {
        ws.store.sync_notes()?;
    }
    Ok(rebuilt)
}

/// The note, whose day and task can name its file.
fn named(note: Note) -> Result<Note, Refusal> {
    if task::check_name(&note.task).is_err() || !(1970..=9999).contains(&note.date.year()) {
        let what = format!("its note is of no task: {}", shown(&note.stem()));
        return Err(Refusal::refused(what).hint("nothing of it is taken over"));
    }
    Ok(note)
}

/// The landings on record whose commits carry a note that is not here.
pub(crate) fn missing(ws: &Workspace) -> anyhow::Result<Vec<Task>> {
    let live = ws
        .store
        .tasks()?
        .into_iter()
        .filter_map(|(_, task)| task.ok());
    let past = ws
        .store
        .trashed()?
        .into_iter()
        .filter_map(|(_, past)| past.ok());
    let mut landed: Vec<Task> = live.chain(past.map(|past| past.task)).collect();
    landed.retain(|task| task.landing.is_some());
    let names = ws.store.note_names()?;
    landed.retain(|task| !has_note(ws, &names, task) && carries_note(ws, task));
    Ok(landed)
}

fn carries_note(ws: &Workspace, task: &Task) -> bool {
    let commit = task.landing.as_ref().map(|landing| &landing.commit);
    let message = commit.and_then(|commit| ws.repo.read.message(commit).ok());
    message.is_some_and(|message| matches!(Block::find(&message), Ok(Some(_))))
}

/// Writes the note of a task that has landed as its commit has it.
pub(crate) fn mend(ws: &Workspace, task: &Task) -> anyhow::Result<()> {
    keep_landing(ws, task).map(drop)
}
