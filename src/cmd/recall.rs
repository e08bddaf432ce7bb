//! `wt recall`: what earlier tasks left that bears on a question.

use std::fmt::Write as _;

use clap::Args;
use serde_json::{Value, json};

use crate::ctx::Ctx;
use crate::error::{Code, counted};
use crate::memory::{Excerpt, Note, Order, Question, Ranked, Selection, select};
use crate::remember::{Recalled, recall};
use crate::ui;
use crate::workspace::Workspace;

/// How much is told unless said otherwise, in tokens.
const BUDGET: usize = 1_500;
/// How many notes are looked into.
const MOST: usize = 20;

/// Find what earlier tasks left: by the paths in question, then by words, then the newest
#[derive(Args)]
pub(crate) struct Recall {
    /// What it is about [default: the brief and the scope of the task whose worktree this is]
    query: Vec<String>,
    /// A path in question, or a glob of paths from the root; may be given more than once
    #[arg(long = "path", value_name = "P")]
    paths: Vec<String>,
    /// The most that is told, in tokens of four bytes; what does not fit as a whole is left out
    #[arg(long, value_name = "TOKENS", default_value_t = BUDGET)]
    budget: usize,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Recall {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        let (words, paths) = self.asked(&ws)?;
        let question = Question::new(&words, &paths)?;
        let Recalled {
            found,
            answering,
            unread,
        } = recall(&ws.store, &question, MOST)?;
        if unread > 0 {
            let notes = counted(unread, "note");
            ctx.ui.warn(&format!("{notes} can't be read: wt doctor"));
        }
        let (ranked, notes): (Vec<Ranked>, Vec<Note>) = found
            .into_iter()
            .map(|found| (found.ranked, found.note))
            .unzip();
        let shown = |excerpt: &Excerpt| show(&ranked[excerpt.note], &notes[excerpt.note], excerpt);
        let told = select(&notes, self.budget, Order::ByNote, shown);
        if self.json {
            let list = list(&ranked, &notes, &told);
            ctx.ui.json(&json!({
                "query": words, "paths": paths, "budget": self.budget, "tokens": told.tokens,
                "answering": answering, "left_out": told.left_out, "notes": list,
            }))?;
            return Ok(Code::Ok);
        }
        let text: String = told.excerpts.iter().map(shown).collect();
        if text.is_empty() {
            ctx.ui.say(match answering {
                0 => "nothing that is remembered bears on that",
                _ => "what is remembered of that does not fit: give it a larger --budget",
            });
            return Ok(Code::Ok);
        }
        ctx.ui.out(ui::printable(&text).trim_end());
        if told.left_out > 0 {
            let (left_out, budget) = (told.left_out, self.budget);
            ctx.ui.say(&format!(
                "{left_out} more did not fit into {budget} tokens; all of a note: wt note show <note>"
            ));
        }
        Ok(Code::Ok)
    }

    /// The words and paths in question: where none are given, those of the task here.
    fn asked(&self, ws: &Workspace) -> anyhow::Result<(String, Vec<String>)> {
        let words = self.query.join(" ");
        if !words.trim().is_empty() || !self.paths.is_empty() {
            let paths = self.paths.iter().map(|path| from_root(ws, path));
            return Ok((words, paths.collect()));
        }
        let Some(name) = &ws.here else {
            return Ok((words, Vec::new()));
        };
        let task = ws.store.require_task(name)?;
        let words = format!("{name} {}", task.brief.unwrap_or_default());
        Ok((words, task.owns))
    }
}

/// A path as notes name it: from the root, where it is there in the current folder; else as it was given.
fn from_root(ws: &Workspace, path: &str) -> String {
    let is_there = ws.ctx.cwd.join(path).exists();
    let found = is_there.then(|| ws.path_from_root(path).ok()).flatten();
    found.unwrap_or_else(|| path.to_owned())
}

/// An excerpt as a person reads it, ending its last line.
fn show(ranked: &Ranked, note: &Note, excerpt: &Excerpt) -> String {
    let mut text = String::new();
    let Some(kind) = excerpt.kind else {
        let mut marks = String::new();
        if note.standing.unverified {
            marks.push_str(", unverified");
        }
        if let Some(by) = &note.standing.superseded_by {
            let _ = write!(marks, ", superseded: {by}");
        }
        let _ = writeln!(text, "{}{marks}  {}", ranked.name, excerpt.text);
        return text;
    };
    let mut begin = format!("  {} ({}): ", kind.word(), excerpt.source.word());
    for line in excerpt.text.lines() {
        let _ = writeln!(text, "{begin}{line}");
        "    ".clone_into(&mut begin);
    }
    if !excerpt.paths.is_empty() {
        let _ = writeln!(text, "    paths: {}", excerpt.paths.join(", "));
    }
    text
}

/// The notes of which something is told, in order, each with what is told of it.
fn list(ranked: &[Ranked], notes: &[Note], told: &Selection) -> Vec<Value> {
    let of_note = |(place, (ranked, note)): (usize, (&Ranked, &Note))| {
        let excerpts = told.excerpts.iter().filter(|excerpt| excerpt.note == place);
        let entries: Vec<&Excerpt> = excerpts.collect();
        (!entries.is_empty()).then(|| {
            json!({
                "note": ranked.name, "task": note.task, "date": note.date, "outcome": note.outcome,
                "subject": note.subject, "overlap": ranked.overlap, "score": ranked.score,
                "superseded": ranked.superseded, "unverified": note.standing.unverified,
                "commit": note.standing.commit, "entries": entries,
            })
        })
    };
    let all = ranked.iter().zip(notes).enumerate();
    all.filter_map(of_note).collect()
}
