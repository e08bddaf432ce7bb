//! What a conversation that begins anew must know of a task: its rules, what was done so far, and what is next.

mod page;

use serde::Serialize;

use crate::copies::render_rules;
use crate::facts;
use crate::gate;
use crate::git::Change;
use crate::guard;
use crate::judge::{self, PastRun};
use crate::oid::Oid;
use crate::task::{BUDGET, State, Task};
use crate::ui::printable;
use crate::workspace::Workspace;

/// A task as it is handed over.
#[derive(Debug, Serialize)]
pub(crate) struct Handover {
    task: String,
    state: &'static str,
    attempts: u32,
    budget: u32,
    branch: String,
    target: String,
    /// Where its plan stands, and why it was rejected, where it has one or needs one.
    plan: Option<String>,
    /// The rules file, under the contract in force.
    rules: String,
    /// The task's own, oldest first.
    commits: Vec<Commit>,
    /// How many commits of the target it has not.
    behind: usize,
    /// What its commits change, each path after `A`, `M` or `D`.
    changed: Vec<String>,
    /// Paths that differ from the tip of its branch, as far as that can be told.
    uncommitted: Option<Vec<String>>,
    /// Why it can't be told.
    uncommitted_untold: Option<String>,
    /// What was judged, oldest first.
    runs: Vec<Run>,
    /// What the last failure's log says first, where the task is not past it.
    failure: Vec<String>,
    /// Where that log lies.
    log: Option<String>,
    /// What a stopped task left for a person.
    explanation: Option<String>,
    next: String,
}

#[derive(Debug, Serialize)]
struct Commit {
    commit: String,
    subject: String,
}

/// One run of the gate.
#[derive(Debug, Serialize)]
struct Run {
    run: u32,
    verdict: &'static str,
    step: Option<String>,
    first_failure: Option<String>,
    /// What was stated as the cause of the failure before it.
    cause: Option<String>,
}

impl From<PastRun> for Run {
    fn from(past: PastRun) -> Self {
        Self {
            run: past.run,
            verdict: past.report.verdict,
            step: past.report.step,
            first_failure: past.report.first_failure.map(|first| first.title),
            cause: past.cause,
        }
    }
}

/// Gathers what is known of a task, and looks into its worktree.
///
/// # Errors
/// Where its target, or the contract in force there, can't be read.
pub(crate) fn gather(ws: &Workspace, task: &Task) -> anyhow::Result<Handover> {
    let repo = ws.repo_for(task);
    let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(task)?)?;
    let work = Work::of(ws, task)?;
    let explanation = std::fs::read_to_string(ws.store.explanation_file(&task.name));
    let last = judge::last_failure(ws, task)?;
    let next = next(ws, task, last.as_ref());
    let seen = facts::look(ws, task);
    Ok(Handover {
        task: task.name.clone(),
        state: task.state.word(),
        attempts: task.attempts,
        budget: BUDGET,
        branch: task.branch.clone(),
        target: task.target.clone(),
        plan: plan(task),
        rules: render_rules(&repo, &ws.store, task, &in_force)?,
        commits: work.commits,
        behind: work.behind,
        changed: work.changed,
        uncommitted_untold: seen.as_ref().err().map(|error| format!("{error:#}")),
        uncommitted: seen.ok().map(|seen| seen.uncommitted),
        runs: judge::past_runs(ws, task)
            .into_iter()
            .map(Run::from)
            .collect(),
        failure: last
            .as_ref()
            .and_then(|report| report.first_failure.clone())
            .map(|first| first.excerpt)
            .unwrap_or_default(),
        log: last.and_then(|report| report.log),
        explanation: explanation.ok().filter(|_| task.state == State::Stopped),
        next,
    })
}

impl Handover {
    /// The page: at most 200 lines, of which the rules take what the rest leaves them.
    pub(crate) fn page(&self) -> String {
        printable(&page::of(self))
    }
}

fn plan(task: &Task) -> Option<String> {
    let stage = task.plan_stage()?;
    let proposal = task.proposal.as_ref();
    Some(
        match proposal.and_then(|proposal| proposal.rejected.as_ref()) {
            Some(rejected) => format!("{stage}: {}", rejected.because),
            None => stage.to_owned(),
        },
    )
}

/// What the task's own commits are.
#[derive(Default)]
struct Work {
    commits: Vec<Commit>,
    behind: usize,
    changed: Vec<String>,
}

impl Work {
    fn of(ws: &Workspace, task: &Task) -> anyhow::Result<Self> {
        let read = &ws.repo.read;
        let tip = read.tip(&task.branch_ref())?;
        // What has landed is there, whatever commits it became.
        let Some(tip) = tip.filter(|_| task.state != State::Landed) else {
            return Ok(Self::default());
        };
        let target = ws.target_tip(task)?;
        let commit = |oid: &Oid| -> anyhow::Result<Commit> {
            let message = read.message(oid)?;
            Ok(Commit {
                commit: oid.short().to_owned(),
                subject: message.lines().next().unwrap_or_default().to_owned(),
            })
        };
        let new = read.new_commits(&target, &tip)?;
        let base = read.merge_base_or(&tip, &target, &task.base)?;
        let changes = read.changes_between(&base, &tip)?;
        Ok(Self {
            commits: new
                .iter()
                .map(|(oid, _)| commit(oid))
                .collect::<Result<_, _>>()?,
            behind: read.ahead_behind(&tip, &target)?.1,
            changed: changes.iter().map(status_line).collect(),
        })
    }
}

/// A change as `git status` would put it in one line.
fn status_line(change: &Change) -> String {
    format!("{} {}", change.status(), change.path)
}

/// What the agent is to do, in words.
fn next(ws: &Workspace, task: &Task, last: Option<&gate::Report>) -> String {
    let owed = || guard::needs_receipt(ws, task).ok().flatten();
    match task.state {
        State::Planning => task.plan_next(),
        State::Waiting => "nothing yet: it waits for the tasks that it follows".to_owned(),
        State::Landed => "nothing: it has landed; change nothing here".to_owned(),
        State::Stopped => gate::stopped_next(task),
        _ if task.judging.is_some() => {
            "a judge is at work on it; hear its verdict: wt validate".to_owned()
        }
        State::Validated => owed().unwrap_or_else(|| {
            "it is judged and waits to be landed: change nothing more, say so in your report"
                .to_owned()
        }),
        State::Working | State::Failed => match last {
            Some(report) => report.next.clone(),
            None => owed().unwrap_or_else(|| {
                "do what the brief says, commit it, then: wt validate".to_owned()
            }),
        },
    }
}
