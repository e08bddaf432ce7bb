//! What of the notes that answer is told, within a budget.

use serde::Serialize;

use super::{Kind, Note, Outcome, Source};

/// What a reader may take for so much of its context: four bytes each.
const BYTES_A_TOKEN: usize = 4;
/// How many files a summary names.
const FILES_SHOWN: usize = 5;

/// What a text takes of a budget in tokens, estimated as a fourth of its bytes.
pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(BYTES_A_TOKEN)
}

/// In which order things are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// All of the best note first.
    ByNote,
    /// What went wrong first, of all notes: whoever reads only the beginning is kept from doing it again.
    ErrorsFirst,
}

/// One thing that is told of a note.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Excerpt {
    /// Which of the notes, counted from 0.
    #[serde(skip)]
    pub(crate) note: usize,
    /// None where it says what the task was.
    pub(crate) kind: Option<Kind>,
    pub(crate) source: Source,
    pub(crate) text: String,
    pub(crate) paths: Vec<String>,
}

/// What fits.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Selection {
    pub(crate) excerpts: Vec<Excerpt>,
    pub(crate) tokens: usize,
    /// How many did not fit.
    pub(crate) left_out: usize,
}

/// Whole excerpts of `notes`, best first, until the budget (tokens) is spent: one that does not fit is passed over.
/// `shown` is how an excerpt is put before its reader.
pub(crate) fn select(
    notes: &[Note],
    budget: usize,
    order: Order,
    shown: impl Fn(&Excerpt) -> String,
) -> Selection {
    let mut all: Vec<Excerpt> = Vec::new();
    for (place, note) in notes.iter().enumerate() {
        all.extend(excerpts(place, note));
    }
    if order == Order::ErrorsFirst {
        all.sort_by_key(|excerpt| urgency(excerpt.kind));
    }
    let mut selection = Selection {
        excerpts: Vec::new(),
        tokens: 0,
        left_out: 0,
    };
    for excerpt in all {
        if selection
            .excerpts
            .iter()
            .any(|told| repeats(&excerpt, told))
        {
            continue;
        }
        // Below the name of another note it would pass for a part of that.
        let is_headed = order == Order::ErrorsFirst
            || excerpt.kind.is_none()
            || selection
                .excerpts
                .iter()
                .any(|told| told.note == excerpt.note);
        let cost = tokens(&shown(&excerpt));
        if !is_headed || selection.tokens + cost > budget {
            selection.left_out += 1;
            continue;
        }
        selection.tokens += cost;
        selection.excerpts.push(excerpt);
    }
    selection
}

/// Whether an excerpt says only what one that is told says already. A cause that mended a failed attempt is told with
/// that one.
fn repeats(excerpt: &Excerpt, told: &Excerpt) -> bool {
    let kinds = (excerpt.kind, told.kind);
    let is_cause_of = kinds == (Some(Kind::Cause), Some(Kind::Rejected))
        && excerpt.note == told.note
        && told.text.ends_with(&format!(": {}", excerpt.text));
    told.kind.is_some() && (told.text == excerpt.text || is_cause_of)
}

/// All that is told of a note, what it was first.
fn excerpts(place: usize, note: &Note) -> Vec<Excerpt> {
    let summary = Excerpt {
        note: place,
        kind: None,
        source: Source::Fact,
        text: summary(note),
        paths: Vec::new(),
    };
    let rule = (Kind::Constraint, Source::Fact);
    let mut entries: Vec<Excerpt> = note
        .told()
        .filter(|entry| (entry.kind, entry.source) != rule)
        .map(|entry| Excerpt {
            note: place,
            kind: Some(entry.kind),
            source: entry.source,
            text: entry.text.clone(),
            paths: entry.paths.clone(),
        })
        .collect();
    entries.sort_by_key(|excerpt| urgency(excerpt.kind));
    [vec![summary], entries].concat()
}

fn urgency(kind: Option<Kind>) -> u8 {
    match kind {
        Some(Kind::Rejected) => 0,
        Some(Kind::Gotcha) => 1,
        Some(Kind::Cause) => 2,
        Some(Kind::Constraint) => 3,
        Some(Kind::Decision) => 4,
        None => 5,
    }
}

fn summary(note: &Note) -> String {
    let mut text = match note.outcome {
        Outcome::Landed => format!("{} (landed on {})", note.subject, note.target),
        outcome => format!("{} ({})", note.subject, outcome.word()),
    };
    let files: Vec<&str> = note.files.iter().map(|file| file.path.as_str()).collect();
    let shown = &files[..files.len().min(FILES_SHOWN)];
    if !shown.is_empty() {
        text.push_str(&format!(": {}", shown.join(", ")));
    }
    if note.changed > shown.len() {
        text.push_str(&format!(" and {} more", note.changed - shown.len()));
    }
    text
}
