//! Notes in their folder: one of each life of a task, the last one.

use anyhow::Context as _;

use super::gather::{Ending, note_of, work_of};
use super::place::{Kept, keep_among};
use crate::error::{Refusal, nearest};
use crate::memory::{Block, Entry, Kind, Note, Outcome, Source};
use crate::oid::Oid;
use crate::store::{ToDisk, Trashed};
use crate::task::{Landing, Task};
use crate::workspace::{InForce, Workspace};

/// A note, and the name of its file.
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) note: Note,
}

/// Every note that can be read, in the order of their names; one that can't is said.
pub(crate) fn known(ws: &Workspace) -> anyhow::Result<Vec<Known>> {
    Ok(read_all(ws, ws.store.note_names()?))
}

pub(super) fn read_all(ws: &Workspace, names: Vec<String>) -> Vec<Known> {
    let read = |name: String| match load(ws, &name) {
        Ok(note) => Some(Known { note: note?, name }),
        Err(error) => {
            ws.ctx.ui.warn(&format!("note {name}: {error:#}"));
            None
        }
    };
    names.into_iter().filter_map(read).collect()
}

/// The notes that can't be read, each with the reason.
pub(crate) fn unreadable(ws: &Workspace) -> anyhow::Result<Vec<(String, String)>> {
    let why = |name: String| {
        let error = load(ws, &name).err()?;
        Some((name, format!("{error:#}")))
    };
    Ok(ws.store.note_names()?.into_iter().filter_map(why).collect())
}

fn load(ws: &Workspace, name: &str) -> anyhow::Result<Option<Note>> {
    let text = ws.store.find_note(name)?;
    // An empty one had not come to the disk when the power was lost.
    let text = text.filter(|text| !text.is_empty());
    Ok(text.map(|text| Note::parse(&text)).transpose()?)
}

/// The note of this name, or the last one of the task of this name.
///
/// # Errors
/// A refusal where there is none, with the nearest that there is.
pub(crate) fn find(ws: &Workspace, given: &str) -> anyhow::Result<Known> {
    let given = given.strip_suffix(".md").unwrap_or(given);
    if let Some(note) = load(ws, given).with_context(|| format!("note {given}"))? {
        let name = given.to_owned();
        return Ok(Known { name, note });
    }
    let mut names = ws.store.note_names()?;
    last_of(ws, &names, given).ok_or_else(|| {
        names.retain(|name| name != given);
        let refusal = Refusal::refused(format!("there is no note {given:?}"));
        let refusal = match nearest(given, names.iter().map(String::as_str)) {
            Some(near) => refusal.hint(format!("did you mean {near}? (all: wt memory list)")),
            None => refusal.hint("see the notes: wt memory list"),
        };
        refusal.into()
    })
}

/// The last note of the task of this name, among those of these names.
pub(crate) fn last_of(ws: &Workspace, names: &[String], task: &str) -> Option<Known> {
    let of_task = names.iter().filter(|name| may_be_of(name, task)).cloned();
    let of_task = read_all(ws, of_task.collect()).into_iter();
    of_task
        .filter(|known| known.note.task == task)
        .max_by_key(|known| (known.note.date, known.note.spawned))
}

/// Whether the file of this name may hold a note of the task: it is named after its day and its task.
pub(super) fn may_be_of(name: &str, task: &str) -> bool {
    let Some(rest) = name.get("0000-00-00-".len()..) else {
        return false;
    };
    let number = rest
        .strip_prefix(task)
        .map(|rest| rest.strip_prefix('-').unwrap_or(rest));
    number.is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()))
}

/// Whether there is a note of this life of a task, among those of these names.
pub(super) fn has_note(ws: &Workspace, names: &[String], task: &Task) -> bool {
    let names = names.iter().filter(|name| may_be_of(name, &task.name));
    let notes = read_all(ws, names.cloned().collect());
    let is_it = |note: &Note| note.task == task.name && note.spawned == task.created;
    notes.iter().any(|known| is_it(&known.note))
}

/// Keeps a note, where [`keep_among`] says.
fn keep(ws: &Workspace, note: &Note) -> anyhow::Result<Kept> {
    keep_among(ws, &ws.store.note_names()?, note, ToDisk::Now)
}

/// Keeps the note of a task that has landed: as its landing commit has it, so that whoever reads the history knows the
/// same. What has landed has landed: that its note can't be kept is said, and no more.
pub(crate) fn landed(ws: &Workspace, task: &Task) {
    tell(ws, task, keep_landing(ws, task));
}

/// As [`landed`], of a task that is stopped, and each time that more is said of it until it goes on.
pub(crate) fn stopped(ws: &Workspace, task: &Task) {
    let tip = ws.repo.read.tip(&task.branch_ref()).ok().flatten();
    let note = ended(ws, task, Outcome::Stopped, tip.as_ref());
    tell(ws, task, keep(ws, &note));
}

/// As [`landed`], of a task that is taken away before it has landed.
pub(crate) fn removed(ws: &Workspace, trashed: &Trashed) {
    let task = &trashed.task;
    // Where its state is put away already, this was done before that.
    if task.landing.is_some() || task.is_waiting() || !ws.store.task_dir(&task.name).exists() {
        return;
    }
    let mut note = ended(ws, task, Outcome::Removed, trashed.tip.as_ref());
    let is_rule = |entry: &Entry| (entry.kind, entry.source) == (Kind::Constraint, Source::Fact);
    if note.runs == 0 && note.changed == 0 && note.entries.iter().all(is_rule) {
        return;
    }
    note.date = trashed.removed.to_zoned(jiff::tz::TimeZone::UTC).date();
    tell(ws, task, keep(ws, &note));
}

fn tell(ws: &Workspace, task: &Task, kept: anyhow::Result<Kept>) {
    if let Err(error) = kept {
        let ui = &ws.ctx.ui;
        ui.warn(&format!(
            "the note of task `{}` is not kept: {error:#}",
            task.name
        ));
    }
}

/// What is to be remembered of a live task as it stands, or of one that ends without landing.
pub(crate) fn ended(ws: &Workspace, task: &Task, outcome: Outcome, tip: Option<&Oid>) -> Note {
    let in_force = in_force(ws, task);
    let changes = work_of(ws, task, tip);
    note_of(
        ws,
        task,
        &Ending {
            outcome,
            at: ws.ctx.now,
            receipt: None,
            changes: &changes,
            in_force: in_force.as_ref(),
        },
    )
}

/// The contract in force for a task, if that can be told.
fn in_force(ws: &Workspace, task: &Task) -> Option<InForce> {
    let tip = ws.target_tip(task).ok()?;
    ws.in_force(&ws.repo_for(task), &task.target, &tip).ok()
}

/// Keeps the note of a task that has landed. One that its commit carries need not wait for the disk: where it is lost
/// with the power, doctor brings it back.
pub(super) fn keep_landing(ws: &Workspace, task: &Task) -> anyhow::Result<Kept> {
    let landing = task.landing.as_ref().context("it has not landed")?;
    let message = ws.repo.read.message(&landing.commit)?;
    let (mut note, to_disk) = match Block::find(&message) {
        Ok(Some(note)) => (note, ToDisk::Later),
        _ => (note_of_landing(ws, task, landing)?, ToDisk::Now),
    };
    note.standing.commit = Some(landing.commit.to_string());
    keep_among(ws, &ws.store.note_names()?, &note, to_disk)
}

fn note_of_landing(ws: &Workspace, task: &Task, landing: &Landing) -> anyhow::Result<Note> {
    let read = &ws.repo.read;
    let onto = landing.onto.as_ref().unwrap_or(&task.base);
    let base = read.merge_base_or(onto, &landing.tip, &task.base)?;
    let changes = read.changes_between(&base, &landing.tip)?;
    let in_force = in_force(ws, task);
    let ending = Ending {
        outcome: Outcome::Landed,
        at: landing.at,
        receipt: Some(&landing.receipt),
        changes: &changes,
        in_force: in_force.as_ref(),
    };
    Ok(note_of(ws, task, &ending))
}

/// Changes a note, which must be there as it was found; nothing of it is lost where another command changes it at once.
pub(crate) fn change(ws: &Workspace, known: &Known, new: &Note) -> anyhow::Result<()> {
    // Whoever keeps a note has the lock of its task.
    let _task = ws.lock_task(&known.note.task)?;
    let _lock = ws.lock()?;
    if load(ws, &known.name)?.as_ref() != Some(&known.note) {
        let what = format!("note {} was changed meanwhile", known.name);
        return Err(Refusal::refused(what)
            .hint("look at it again, then repeat this")
            .into());
    }
    ws.store.replace_note(&known.name, &new.render())
}
