//! Finding what is remembered: every note is weighed, the best are read.

use crate::memory::{
    Candidate, Document, Excerpt, Index, Note, Order, Question, Ranked, Stamp, quote, rank, select,
};
use crate::store::{Store, write_shown};
use crate::threads;
use crate::workspace::Workspace;

/// With fewer notes an index is not worth its file.
const FEW: usize = 256;
/// With so many notes that an index does not have as they are, it is made anew.
const STALE: usize = 128;
/// How many notes a new task is told of at most.
const TOLD: usize = 8;
/// A note that no path speaks for is told to a new task if its words weigh this part of the best one's.
const WORTH: f64 = 1.0 / 3.0;

/// A note that answers.
pub(crate) struct Found {
    pub(crate) ranked: Ranked,
    pub(crate) note: Note,
}

/// The notes that answer a question.
pub(crate) struct Recalled {
    /// The best ones, in order.
    pub(crate) found: Vec<Found>,
    /// How many there are.
    pub(crate) answering: usize,
    /// How many notes could not be read.
    pub(crate) unread: usize,
}

/// The best `most` notes that answer.
pub(crate) fn recall(store: &Store, question: &Question, most: usize) -> anyhow::Result<Recalled> {
    let mut files = store.note_files()?;
    // An empty one had not come to the disk when the power was lost.
    files.retain(|file| file.size > 0);
    let (ranked, unread) = rank_all(store, question, &files);
    let answering = ranked.len();
    let found = ranked.into_iter().filter_map(|ranked| {
        let note = load(store, &ranked.name)?;
        Some(Found { ranked, note })
    });
    Ok(Recalled {
        found: found.take(most).collect(),
        answering,
        unread,
    })
}

fn load(store: &Store, name: &str) -> Option<Note> {
    let text = store.find_note(name).ok()??;
    Note::parse(&text).ok()
}

/// The notes that answer, best first, and how many could not be read.
fn rank_all(store: &Store, question: &Question, files: &[Stamp]) -> (Vec<Ranked>, usize) {
    let bytes = (files.len() >= FEW).then(|| store.note_index()).flatten();
    let index = bytes.as_deref().and_then(Index::read);
    let known = index
        .as_ref()
        .map(|index| index.known(files))
        .unwrap_or_default();
    let mut is_known = vec![false; files.len()];
    known.iter().flatten().for_each(|at| is_known[*at] = true);
    let others = files.iter().zip(is_known).filter(|(_, known)| !known);
    let others: Vec<&Stamp> = others.map(|(file, _)| file).collect();
    if files.len() >= FEW && others.len() >= STALE {
        let all: Vec<&Stamp> = files.iter().collect();
        let documents = documents(store, &all);
        // Without it the next question takes as long.
        let _ = store.keep_note_index(&Index::write(&documents));
        let ranked = rank(question, &candidates(&documents, question));
        return (ranked, all.len() - documents.len());
    }
    let documents = documents(store, &others);
    let mut all = match &index {
        Some(index) => index.candidates(question, &known),
        None => Vec::new(),
    };
    all.extend(candidates(&documents, question));
    (rank(question, &all), others.len() - documents.len())
}

fn documents(store: &Store, files: &[&Stamp]) -> Vec<(Stamp, Document)> {
    let read = |file: &&Stamp| {
        let note = load(store, &file.name)?;
        Some(((*file).clone(), Document::of(&file.name, &note)))
    };
    threads::map(files, read).into_iter().flatten().collect()
}

fn candidates<'d>(documents: &'d [(Stamp, Document)], question: &Question) -> Vec<Candidate<'d>> {
    let candidate = |(_, document): &'d (Stamp, Document)| document.candidate(question);
    documents.iter().map(candidate).collect()
}

/// What a new task is about.
pub(crate) struct About<'a> {
    pub(crate) task: &'a str,
    pub(crate) brief: Option<&'a str>,
    pub(crate) owns: &'a [String],
}

/// Chooses what a new task is told of earlier ones, within a budget in tokens, and keeps it beside the record: its
/// rules are the same as long as it lives. The folder of the task must be there.
pub(crate) fn pin(ws: &Workspace, about: &About, budget: usize) {
    if let Err(error) = choose(ws, about, budget) {
        let ui = &ws.ctx.ui;
        ui.warn(&format!(
            "what earlier tasks left can't be told to this one: {error:#}"
        ));
    }
}

fn choose(ws: &Workspace, about: &About, budget: usize) -> anyhow::Result<()> {
    let file = ws.store.task_dir(about.task).join("memory.md");
    if budget == 0 {
        return Ok(());
    }
    let text = format!("{} {}", about.task, about.brief.unwrap_or_default());
    let question = Question::new(&text, about.owns)?;
    let mut found = recall(&ws.store, &question, TOLD)?.found;
    let best = found
        .iter()
        .map(|found| found.ranked.score)
        .fold(0.0, f64::max);
    // What no longer holds would only mislead whoever reads it first.
    found.retain(|found| !found.ranked.superseded);
    found.retain(|found| found.ranked.overlap > 0 || found.ranked.score >= best * WORTH);
    let (names, notes): (Vec<String>, Vec<Note>) = found
        .into_iter()
        .map(|found| (found.ranked.name, found.note))
        .unzip();
    let shown = |excerpt: &Excerpt| quote(&names[excerpt.note], &notes[excerpt.note], excerpt);
    let told = select(&notes, budget, Order::ErrorsFirst, shown).excerpts;
    let text: String = told.iter().map(shown).collect();
    if !text.is_empty() {
        write_shown(&file, text.as_bytes())?;
    }
    Ok(())
}
