//! A note that a person wrote anew: what was learnt is theirs to say, what `wt` recorded is not.

use super::{Entry, Note, Source, Standing};
use crate::error::Refusal;
use crate::unseen::is_unseen;

impl Note {
    /// The same note with what `new`, a text of it that a person changed, says was learnt.
    ///
    /// # Errors
    /// A refusal where `new` is of another life of a task, or has for a fact what was not recorded.
    pub(crate) fn edited(&self, new: Self) -> Result<Self, Refusal> {
        if !new.is_of_the_life_of(self) {
            let what = format!("that is no note of task `{}`", self.task);
            return Err(Refusal::refused(what).hint("leave `task` and `spawned` as they are"));
        }
        let head = |note: &Self| {
            let (outcome, date, runs, changed) = (note.outcome, note.date, note.runs, note.changed);
            (
                outcome,
                date,
                runs,
                changed,
                note.target.clone(),
                note.receipt.clone(),
            )
        };
        if head(&new) != head(self) {
            let what = "how a task ended is not to be edited";
            let hint = "leave what stands above the subject as it is";
            return Err(Refusal::refused(what).hint(hint));
        }
        let is_same = |old: &Entry, new: &Entry| {
            (old.kind, old.source) == (new.kind, new.source) && seen(&old.text) == seen(&new.text)
        };
        let is_kept = |new: &&Entry| {
            new.source == Source::Agent || self.entries.iter().any(|old| is_same(old, new))
        };
        if let Some(entry) = new.entries.iter().find(|entry| !is_kept(entry)) {
            let said: String = entry.text.chars().take(60).collect();
            let what = format!("{said:?} was not recorded as a fact");
            return Err(Refusal::refused(what).hint("begin it with `- (agent)`"));
        }
        let is_recorded = new.files.iter().all(|file| {
            let mut old = self.files.iter();
            old.any(|old| seen(&old.path) == seen(&file.path) && old.status == file.status)
        });
        if !is_recorded || new.steps.iter().any(|step| !self.steps.contains(step)) {
            let what = "files and steps are what was recorded";
            return Err(Refusal::refused(what).hint("take lines away, and change none"));
        }
        if seen(&new.in_history().render()) == seen(&self.in_history().render()) {
            return Ok(self.clone());
        }
        // Who approved it is not for a text to say, nor which commit it is of.
        let standing = Standing {
            edited: true,
            ..self.standing.clone()
        };
        Ok(Self { standing, ..new })
    }
}

/// A text as far as it is printed.
fn seen(text: &str) -> String {
    let text = text.replace('\t', "    ");
    text.chars().filter(|c| !is_unseen(*c)).collect()
}
