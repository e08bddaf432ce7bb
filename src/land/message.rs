//! The words of a landing commit.

use crate::contract::Strategy;
use crate::error::{counted, shown};
use crate::git::{Change, Repo};
use crate::memory::{Block, TRAILER_NOTE};
use crate::task::Task;

use super::attempt::Attempt;
use super::commits::Draft;

/// Names the task that a commit landed.
pub(super) const TRAILER_TASK: &str = "Wt-Task";
/// Names the receipt of a landing commit's tree.
pub(super) const TRAILER_RECEIPT: &str = "Wt-Receipt";

/// What a landing commit says of its proof, and of what is to be remembered.
pub(super) struct Trailers<'a> {
    pub(super) task: &'a str,
    pub(super) receipt: &'a str,
    /// The note of the task, if it goes into history.
    pub(super) note: Option<Block>,
}

/// The message of a merge or squash commit.
pub(super) fn of_landing(attempt: &Attempt, draft: &Draft) -> anyhow::Result<String> {
    let strategy = draft.strategy;
    if let Some(message) = attempt.request.message {
        return Ok(message.to_owned());
    }
    let read = &attempt.repo.read;
    let commits = read.new_commits(&draft.candidate.target, &attempt.work.tip.commit)?;
    if let (Strategy::Squash, [(only, _)]) = (strategy, &commits[..]) {
        return read.message(only);
    }
    let mut text = subject(attempt.task);
    if strategy == Strategy::Squash && !commits.is_empty() {
        text.push_str("\n\n");
        for (commit, _) in &commits {
            let message = read.message(commit)?;
            text.push_str(&format!(
                "- {}\n",
                message.lines().next().unwrap_or_default()
            ));
        }
    }
    Ok(text)
}

/// The first line that says what a task is about.
fn subject(task: &Task) -> String {
    of_brief(task).unwrap_or_else(|| format!("Land {}", task.name))
}

/// As [`subject`], of a commit of the task's own, with these changes: it lands nothing itself.
pub(super) fn subject_of_work(task: &Task, changes: &[Change]) -> String {
    of_brief(task).unwrap_or_else(|| {
        let mut paths: Vec<&str> = changes.iter().map(|change| change.path.as_str()).collect();
        paths.dedup();
        let what = match &paths[..] {
            [path] => shown(path),
            _ => counted(paths.len(), "path"),
        };
        format!("{}: change {what}", task.name)
    })
}

fn of_brief(task: &Task) -> Option<String> {
    let lines = task.brief.as_deref()?.lines();
    let line = lines.map(str::trim).find(|line| !line.is_empty())?;
    let short: String = line.chars().take(60).collect();
    Some(format!("{}: {}", task.name, short.trim_end()))
}

/// `text` with the trailers, in git's own form, and the note. Every line that passes for one of them is taken out first,
/// wherever it stands: git itself replaces a single one, and reads none above a line `---`.
pub(super) fn with_trailers(
    repo: &Repo,
    text: &str,
    trailers: &Trailers,
) -> anyhow::Result<String> {
    let mut body = without_trailers(text);
    if body.trim().is_empty() {
        body = format!("Land {}", trailers.task);
    }
    body.push('\n');
    let note = trailers.note.as_ref();
    let of_note = note.map(|block| format!("--trailer={TRAILER_NOTE}: {}", block.trailer()));
    let text = repo
        .git
        .command(["interpret-trailers", "--no-divider", "--if-exists=add"])
        .arg(format!("--trailer={TRAILER_TASK}: {}", trailers.task))
        .arg(format!("--trailer={TRAILER_RECEIPT}: {}", trailers.receipt))
        .args(of_note)
        .unbound()
        .stdin(body)
        .text()?;
    Ok(match note {
        Some(block) => block.put_into(&text),
        None => format!("{}\n", text.trim_end()),
    })
}

/// `text` without the lines that pass for what only a landing writes.
pub(super) fn without_trailers(text: &str) -> String {
    let own: Vec<&str> = text.lines().filter(|line| !is_trailer(line)).collect();
    own.join("\n").trim_end().to_owned()
}

/// Whether a line reads like a trailer that only a landing writes.
fn is_trailer(line: &str) -> bool {
    let line = line.trim_start().to_lowercase();
    [TRAILER_TASK, TRAILER_RECEIPT, TRAILER_NOTE]
        .iter()
        .any(|name| {
            line.strip_prefix(&name.to_lowercase())
                .is_some_and(|rest| rest.trim_start().starts_with([':', '=']))
        })
}
