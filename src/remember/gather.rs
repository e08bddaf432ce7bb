//! What there is to remember of a task: from its record, its runs and what its agent said.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::gate::{Order, Progress, Purpose, Receipt, StepResult, Verdict};
use crate::git::Change;
use crate::memory::{
    Entry, File, Kind, Note, Outcome, Source, Standing, Step, beginning, line, take_in,
};
use crate::oid::Oid;
use crate::plan;
use crate::rules::Rule;
use crate::store::{Said, read_json};
use crate::task::Task;
use crate::workspace::{InForce, Workspace, rulebook};

/// How many changed files a note names.
const FILES: usize = 500;
/// How many paths a failed attempt names.
const PATHS: usize = 10;
/// How much of a brief a note keeps, in bytes: it is no archive.
const BRIEF: usize = 1 << 16;
/// How much of a subject, in characters.
const SUBJECT: usize = 120;

/// How a task ends.
pub(crate) struct Ending<'a> {
    pub(crate) outcome: Outcome,
    pub(crate) at: Timestamp,
    /// Key of the receipt that it lands with.
    pub(crate) receipt: Option<&'a str>,
    pub(crate) changes: &'a [Change],
    /// The contract in force, if that can be told.
    pub(crate) in_force: Option<&'a InForce>,
}

/// One run of the gate.
struct Run {
    order: Order,
    progress: Progress,
}

/// What is to be remembered of a task that ends so.
pub(crate) fn note_of(ws: &Workspace, task: &Task, ending: &Ending) -> Note {
    let runs = runs(ws, task);
    let receipt = ending.receipt.and_then(|key| find_receipt(ws, key));
    let steps = match (&receipt, runs.last()) {
        (Some(receipt), _) => &receipt.steps[..],
        (None, Some(last)) => &last.progress.steps[..],
        (None, None) => &[],
    };
    let mut entries = rules(ws, task, ending.in_force);
    entries.extend(planned(ws, task));
    entries.extend(attempts(task, &runs));
    entries.extend(explanations(ws, task));
    entries.extend(said(ws, task));
    entries.sort_by_key(|entry| entry.kind);
    Note {
        task: line(task.name.as_bytes()),
        spawned: task.created,
        date: ending.at.to_zoned(TimeZone::UTC).date(),
        outcome: ending.outcome,
        target: line(task.target.as_bytes()),
        receipt: ending.receipt.map(|key| line(key.as_bytes())),
        runs: task.runs,
        subject: subject(task),
        brief: task.brief.as_deref().and_then(brief),
        changed: ending.changes.len(),
        files: ending.changes.iter().take(FILES).map(file).collect(),
        steps: steps.iter().map(step).collect(),
        entries,
        standing: Standing::default(),
    }
}

fn find_receipt(ws: &Workspace, key: &str) -> Option<Receipt> {
    if !key.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    read_json(&ws.store.receipt_file(key)).ok().flatten()
}

/// The runs of a task's gate whose records are there, in order.
fn runs(ws: &Workspace, task: &Task) -> Vec<Run> {
    let run = |run: u32| ws.store.find_run(&task.name, run).ok().flatten();
    let runs = (1..=task.runs).filter_map(run);
    runs.map(|(order, progress)| Run { order, progress })
        .collect()
}

fn subject(task: &Task) -> String {
    let brief = task.brief.as_deref().unwrap_or_default();
    let first = brief.lines().map(|text| line(text.as_bytes()));
    let mut first = first.map(|text| text.trim_start_matches(['#', ' ']).to_owned());
    match first.find(|text| !text.is_empty()) {
        Some(text) => line(text.chars().take(SUBJECT).collect::<String>().as_bytes()),
        None => line(task.name.as_bytes()),
    }
}

fn brief(brief: &str) -> Option<String> {
    let text = take_in(brief.trim().as_bytes());
    if text.is_empty() {
        return None;
    }
    let mut kept = beginning(&text, BRIEF).to_owned();
    if kept.len() < text.len() {
        kept.push_str(&format!("\n… {} more bytes", text.len() - kept.len()));
    }
    Some(kept)
}

fn file(change: &Change) -> File {
    File {
        status: change.status(),
        path: line(change.path.as_bytes()),
    }
}

fn step(result: &StepResult) -> Step {
    Step {
        name: line(result.name.as_bytes()),
        failure: (!result.passed()).then(|| result.token().to_owned()),
        milliseconds: result.milliseconds,
    }
}

fn entry(kind: Kind, source: Source, text: String) -> Entry {
    Entry {
        kind,
        source,
        text,
        paths: Vec::new(),
    }
}

/// The hard constraints in force. A note without them is better than none.
fn rules(ws: &Workspace, task: &Task, in_force: Option<&InForce>) -> Vec<Entry> {
    let book = in_force.and_then(|in_force| rulebook(&ws.repo.read, in_force, task).ok());
    let rules = book.map_or_else(Vec::new, |book| book.constraints);
    let rule = |rule: Rule| Entry {
        paths: rule
            .folder
            .iter()
            .map(|folder| line(folder.as_bytes()))
            .collect(),
        ..entry(
            Kind::Constraint,
            Source::Fact,
            take_in(rule.text.trim().as_bytes()),
        )
    };
    rules.into_iter().map(rule).collect()
}

/// What the approved plan says of the cause, and of what must not change.
fn planned(ws: &Workspace, task: &Task) -> Vec<Entry> {
    let text = task
        .plan
        .as_ref()
        .map(|plan| ws.store.plan_text(&task.name, &plan.hash));
    let text = text.and_then(|text| text.ok().flatten());
    let Some(Ok(read)) = text.map(|text| plan::read(&text, &[])) else {
        return Vec::new();
    };
    let said = |kind: Kind, text: &str| entry(kind, Source::Agent, take_in(text.trim().as_bytes()));
    let invariants = read.plan.invariants.iter();
    let mut found: Vec<Entry> = invariants
        .map(|text| said(Kind::Constraint, text))
        .collect();
    found.push(said(Kind::Cause, &read.plan.cause));
    found.retain(|entry| !entry.text.is_empty());
    found
}

/// The failed attempts, each with what its agent said was wrong with it; of what was mended so, that is the root cause.
fn attempts(task: &Task, runs: &[Run]) -> Vec<Entry> {
    let mut found = Vec::new();
    let mut failed: Option<u32> = None;
    for run in runs {
        let cause = run
            .order
            .cause
            .as_deref()
            .map(|cause| take_in(cause.trim().as_bytes()));
        let cause = cause.filter(|cause| !cause.is_empty());
        if let (Some(cause), Some(failed)) = (cause, failed) {
            let text = format!("run {failed} failed because: {cause}");
            found.push(entry(Kind::Rejected, Source::Agent, text));
            if matches!(run.progress.verdict, Some(Verdict::Passed { .. })) {
                found.push(entry(Kind::Cause, Source::Agent, cause));
            }
        }
        let failure = failure(task, run);
        failed = failure.is_some().then_some(run.order.run);
        found.extend(failure);
    }
    found
}

/// What a run failed with, where it was the task's own work.
fn failure(task: &Task, run: &Run) -> Option<Entry> {
    let Run { order, progress } = run;
    let (what, title) = match progress.verdict.as_ref()? {
        Verdict::Failed { first, culprit, .. } => {
            let step = match (culprit, order.purpose) {
                (Some(culprit), _) if culprit.task == task.name => &culprit.step,
                (None, Purpose::Validate | Purpose::Land) => progress.failed_step()?,
                _ => return None,
            };
            (
                format!("{} in step {}", step.token(), step.name),
                first.title.clone(),
            )
        }
        Verdict::Unstable { step, paths } => {
            let title = format!("it changed {}", crate::error::some_of(paths));
            (format!("UNSTABLE_TREE in step {step}"), title)
        }
        _ => return None,
    };
    let when = match order.purpose {
        Purpose::Validate => format!("run {}", order.run),
        _ => format!("run {}, combined with {}", order.run, task.target),
    };
    let text = take_in(format!("{when}: {what}: {title}").trim().as_bytes());
    let paths = order.changed.iter().take(PATHS);
    Some(Entry {
        paths: paths.map(|path| line(path.as_bytes())).collect(),
        ..entry(Kind::Rejected, Source::Fact, text)
    })
}

/// What an agent explained when its task was stopped, oldest first.
fn explanations(ws: &Workspace, task: &Task) -> Vec<Entry> {
    let past = (1..=task.runs).map(|run| ws.store.past_explanation_file(&task.name, run));
    let files = past.chain([ws.store.explanation_file(&task.name)]);
    let texts = files.filter_map(|file| std::fs::read(file).ok());
    let texts = texts.map(|bytes| take_in(bytes.trim_ascii()));
    let filled = texts.filter(|text| !text.is_empty());
    filled
        .map(|text| entry(Kind::Cause, Source::Agent, text))
        .collect()
}

/// What was said of the task while it was live. A note without it is better than none.
fn said(ws: &Workspace, task: &Task) -> Vec<Entry> {
    let said = ws.store.said(&task.name).unwrap_or_else(|error| {
        ws.ctx.ui.warn(&format!("{error:#}"));
        Vec::new()
    });
    let entry = |said: Said| Entry {
        paths: said
            .paths
            .iter()
            .map(|path| line(path.as_bytes()))
            .collect(),
        // It was taken in when it was said; what lies in the state can have been written by hand since.
        ..entry(said.kind, Source::Agent, take_in(said.text.as_bytes()))
    };
    said.into_iter().map(entry).collect()
}

/// What a task changed: up to `tip`, or, where nothing of it is committed, as it was judged last. What can't be told
/// any more is left out.
pub(super) fn work_of(ws: &Workspace, task: &Task, tip: Option<&Oid>) -> Vec<Change> {
    let read = &ws.repo.read;
    let committed = |tip: &Oid| -> anyhow::Result<Vec<Change>> {
        let target = read.tip(&task.target_ref())?;
        let base = match target {
            Some(target) => read.merge_base_or(&target, tip, &task.base)?,
            None => task.base.clone(),
        };
        read.changes_between(&base, tip)
    };
    let judged = |run: Run| {
        let order = run.order;
        read.changes(&read.tree_of(&order.target)?, &order.candidate.tree)
    };
    let committed = tip.and_then(|tip| committed(tip).ok());
    let committed = committed.filter(|changes| !changes.is_empty());
    let judged = || runs(ws, task).pop().and_then(|run| judged(run).ok());
    committed.or_else(judged).unwrap_or_default()
}
