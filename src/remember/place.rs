//! Where a note goes among those of the same life of a task: in the place of what it says anew, and beside what a person
//! said of an earlier one.

use super::keep::{Known, may_be_of, read_all};
use crate::memory::{Entry, Note, Outcome, Source};
use crate::store::ToDisk;
use crate::workspace::Workspace;

/// What became of a note that was to be kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Kept {
    Written(String),
    /// It was there.
    Present,
    /// Another one of the same life stands there: somebody changed its file, or it is of another landing.
    Differs(String),
}

/// Keeps a note among those of these names. It takes the place of an earlier one of the same life; one that a person
/// touched holds on beside it, until the task has landed.
pub(super) fn keep_among(
    ws: &Workspace,
    names: &[String],
    note: &Note,
    to_disk: ToDisk,
) -> anyhow::Result<Kept> {
    let names = names.iter().filter(|name| may_be_of(name, &note.task));
    let mut earlier = read_all(ws, names.cloned().collect());
    earlier.retain(|known| known.note.is_of_the_life_of(note));
    earlier.sort_by_key(|known| known.note.date);
    let has_landed = |known: &Known| known.note.outcome == Outcome::Landed;
    if let Some(at) = earlier.iter().position(has_landed) {
        return keep_again(ws, earlier.swap_remove(at), note);
    }
    let is_landing = note.outcome == Outcome::Landed;
    let (beside, old): (Vec<Known>, Vec<Known>) = earlier
        .into_iter()
        .partition(|known| holds_beside(&known.note, note));
    let mut new = note.clone();
    if !is_landing {
        // It was read and let be told, and says nothing else of its agent now.
        let mut approved = old.iter().map(|known| &known.note.standing.approved_by);
        new.standing.approved_by = approved.find_map(Clone::clone);
    }
    let name = match old.last() {
        Some(last) if last.note.date == note.date => {
            ws.store.replace_note(&last.name, &new.render())?;
            last.name.clone()
        }
        _ => ws.store.add_note(&note.stem(), &new.render(), to_disk)?,
    };
    for known in old.iter().filter(|known| known.name != name) {
        ws.store.remove_note(&known.name)?;
        rename_where_named(ws, &known.name, &name)?;
    }
    for Known { name: other, note } in beside.into_iter().filter(|_| is_landing) {
        let mut old = note;
        old.standing.superseded_by.get_or_insert(name.clone());
        ws.store.replace_note(&other, &old.render())?;
    }
    Ok(Kept::Written(name))
}

/// Has the notes that say that another one holds in their place name it anew.
fn rename_where_named(ws: &Workspace, before: &str, name: &str) -> anyhow::Result<()> {
    for mut known in read_all(ws, ws.store.note_names()?) {
        let by = &mut known.note.standing.superseded_by;
        if by.as_deref() == Some(before) {
            *by = Some(name.to_owned());
            ws.store.replace_note(&known.name, &known.note.render())?;
        }
    }
    Ok(())
}

/// Keeps the note of a landing that has one already.
fn keep_again(ws: &Workspace, there: Known, note: &Note) -> anyhow::Result<Kept> {
    let Known {
        name,
        note: mut old,
    } = there;
    if old.in_history() != note.in_history() {
        return Ok(if old.standing.edited {
            Kept::Present
        } else {
            Kept::Differs(name)
        });
    }
    // A copy of its commit, on another branch, proves no more than what it is a copy of.
    let proves = old.standing.unverified && !note.standing.unverified;
    if proves || old.standing.commit.is_none() {
        old.standing.commit.clone_from(&note.standing.commit);
        old.standing.unverified = note.standing.unverified;
        ws.store.replace_note(&name, &old.render())?;
    }
    Ok(Kept::Present)
}

/// Whether a person said something of `old` that does not hold for `new` as well.
fn holds_beside(old: &Note, new: &Note) -> bool {
    let standing = &old.standing;
    let said = |entry: &&Entry| entry.source == Source::Agent;
    let is_read = |entry: &Entry| old.entries.contains(entry);
    let is_approval_kept =
        new.outcome == Outcome::Landed || new.entries.iter().filter(said).all(is_read);
    let is_approved = standing.approved_by.is_some();
    standing.edited || standing.superseded_by.is_some() || (is_approved && !is_approval_kept)
}
