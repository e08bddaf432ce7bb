//! What can be said of a task without looking into its worktree, and what was last seen there.

mod judges;
mod planned;
mod put_back;
mod stale;

use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::some_of;
use crate::gate::Receipt;
use crate::git::Reader;
use crate::oid::Oid;
use crate::quarantine;
use crate::store::{Operation, read_json, write_json_shown};
use crate::task::{BUDGET, Task};
use crate::threads;
use crate::workspace::Workspace;

pub(crate) use judges::{AtWork, Judges};
pub(crate) use planned::{PlanFacts, beside_plan};

/// What was last seen in a worktree.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) at: Timestamp,
    /// Paths that differ from the tip of the branch.
    pub(crate) uncommitted: Vec<String>,
}

/// How far the making of a task is that is not made yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Making {
    UnderWay,
    /// Its process was killed; the next command undoes it.
    Killed,
}

/// One task, for people and programs.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Facts {
    pub(crate) task: String,
    pub(crate) state: &'static str,
    /// Whether it is not made yet, set-up included.
    pub(crate) making: Option<Making>,
    /// Whether a judge is at work on it, alone or in a train, or waits for a slot to be.
    pub(crate) judging: bool,
    /// That judge.
    pub(crate) judge: Option<AtWork>,
    /// Of one whose combination was red: what it is red with, other tasks or its target.
    pub(crate) put_back: Option<Vec<String>>,
    /// The process of the `wt run` at work in its cage.
    pub(crate) run: Option<u32>,
    pub(crate) attempts: u32,
    pub(crate) budget: u32,
    pub(crate) branch: String,
    pub(crate) path: String,
    pub(crate) target: String,
    pub(crate) base: String,
    pub(crate) tip: Option<String>,
    /// Commits of the task that the target has not.
    pub(crate) ahead: usize,
    /// Commits of the target that the task has not.
    pub(crate) behind: usize,
    /// Paths that the task's commits change.
    pub(crate) changed: usize,
    pub(crate) receipt: Option<String>,
    /// Whether the steps that the receipt names ran in a cage.
    pub(crate) confined: Option<bool>,
    /// Whether the target moved since the receipt was made, and `wt sync` has not brought in all of it.
    pub(crate) target_moved: bool,
    /// Whether contract and files of rules say something else now than the copies in the worktree.
    pub(crate) rules_stale: bool,
    pub(crate) created: Timestamp,
    pub(crate) age_seconds: i64,
    pub(crate) brief: Option<String>,
    pub(crate) owns: Vec<String>,
    /// Where its plan stands, if it has one or needs one.
    pub(crate) plan: Option<PlanFacts>,
    /// The folders that its worktree was made with, where it does not hold all.
    pub(crate) folders: Option<Vec<String>>,
    /// Its ports, for servers.
    pub(crate) ports: Vec<u16>,
    /// The tasks that had to land before this one starts.
    pub(crate) after: Vec<String>,
    /// Those of them that it still waits for.
    pub(crate) waits_for: Vec<String>,
    pub(crate) landed: Option<String>,
    pub(crate) seen: Option<Seen>,
}

impl Facts {
    /// The state, with what a waiting task waits for.
    pub(crate) fn state_words(&self) -> String {
        match self.making {
            Some(Making::UnderWay) => return "being made".to_owned(),
            Some(Making::Killed) => return "killed halfway (wt doctor)".to_owned(),
            None => {}
        }
        match (self.state, &self.waits_for[..]) {
            ("waiting", []) => format!("waiting, may start: wt spawn {}", self.task),
            ("waiting", names) => format!("waiting for {}", names.join(", ")),
            (state, _) => {
                let mut words = state.to_owned();
                if let Some(with) = &self.put_back {
                    words.push_str(&format!(", put back (red with {})", some_of(with)));
                }
                if let Some(waits) = self.plan.as_ref().and_then(PlanFacts::waits) {
                    words.push_str(&format!(", {waits}"));
                }
                words
            }
        }
    }
}

/// How far a task's branch is from its target.
#[derive(Default)]
struct Distance {
    ahead: usize,
    behind: usize,
    /// How many paths its own commits change.
    changed: usize,
}

fn distance(read: &Reader, task: &Task, tip: &Oid, target: &Oid) -> anyhow::Result<Distance> {
    let landed = task.landing.as_ref();
    // What has landed is there, whatever commits it became by squash or rebase.
    if landed.is_some_and(|landing| landing.tip == *tip) {
        return Ok(Distance::default());
    }
    let (ahead, behind) = read.ahead_behind(tip, target)?;
    let mut changed = 0;
    if ahead > 0 {
        let base = read.merge_base_or(tip, target, &task.base)?;
        changed = read.changes_between(&base, tip)?.len();
    }
    Ok(Distance {
        ahead,
        behind,
        changed,
    })
}

/// Gathers the facts of a task from its record, the commits, and the judges at work.
pub(crate) fn gather(ws: &Workspace, task: &Task, judges: &Judges) -> anyhow::Result<Facts> {
    let read = &ws.repo.read;
    let tip = read.tip(&task.branch_ref())?;
    let target = read.tip(&task.target_ref())?;
    let Distance {
        ahead,
        behind,
        changed,
    } = match (&tip, &target) {
        (Some(tip), Some(target)) => distance(read, task, tip, target)?,
        _ => Distance::default(),
    };
    let judge = judges.find(&task.name);
    let target_moved = task.validated.as_ref().is_some_and(|validated| {
        let has_all = validated.synced && behind == 0;
        target.as_ref() != Some(&validated.target) && !has_all
    });
    let receipt = task.validated.as_ref();
    let receipt = receipt.and_then(|validated| find_receipt(ws, &validated.receipt));
    Ok(Facts {
        task: task.name.clone(),
        state: task.state.word(),
        run: ws
            .store
            .find_cage(&task.name)?
            .filter(|note| note.process.is_alive())
            .map(|note| note.process.pid()),
        making: making(ws, &task.name),
        put_back: put_back::red_with(ws, task)?,
        judging: judge.is_some(),
        judge,
        attempts: task.attempts,
        budget: BUDGET,
        branch: task.branch.clone(),
        path: task.worktree.display().to_string(),
        target: task.target.clone(),
        base: task.base.to_string(),
        tip: tip.map(String::from),
        ahead,
        behind,
        changed,
        receipt: task.validated.as_ref().map(|v| v.receipt.clone()),
        confined: receipt.as_ref().map(|receipt| receipt.confined),
        target_moved: target_moved && task.landing.is_none(),
        rules_stale: target.is_some_and(|tip| stale::are_stale(ws, task, &tip)),
        created: task.created,
        age_seconds: ws.ctx.now.as_second() - task.created.as_second(),
        brief: task.brief.clone(),
        owns: task.owns.clone(),
        plan: PlanFacts::of(task, receipt.as_ref()),
        folders: task.folders.clone(),
        ports: task.ports.clone(),
        after: task.after.clone(),
        waits_for: if task.is_waiting() {
            ws.waits_for(task)
        } else {
            Vec::new()
        },
        landed: task.landing.as_ref().map(|l| l.commit.to_string()),
        seen: last_seen(ws, &task.name),
    })
}

/// By its open intent, if there is one; one that can't be read is doctor's.
fn making(ws: &Workspace, name: &str) -> Option<Making> {
    let intent = ws.store.find_intent(name).ok()??;
    match intent.operation {
        Operation::Spawn { .. } if intent.process.is_alive() => Some(Making::UnderWay),
        Operation::Spawn { .. } => Some(Making::Killed),
        _ => None,
    }
}

/// A receipt that can't be read is none.
fn find_receipt(ws: &Workspace, key: &str) -> Option<Receipt> {
    read_json(&ws.store.receipt_file(key)).ok()?
}

/// What was last seen in a task's worktree, if it was ever looked at. A file that can't be read is only a cache.
fn last_seen(ws: &Workspace, name: &str) -> Option<Seen> {
    read_json(&ws.store.task_dir(name).join("seen.json")).ok()?
}

/// Looks into a task's worktree now.
///
/// # Errors
/// A refusal where the worktree is gone or was tampered with.
pub(crate) fn look(ws: &Workspace, task: &Task) -> anyhow::Result<Seen> {
    ws.require_started(task)?;
    let _lock = ws.lock_task(&task.name)?;
    let repo = ws.repo_for(task);
    // What is committed in a cage is no longer uncommitted; what can't be brought in is said when it is judged.
    let _ = quarantine::bring_in(ws, &repo, task);
    repo.verify_worktree(task, &ws.git_dir_of(task)?)?;
    let tip = repo.tip_of(task)?;
    let index = ws.store.task_index(&task.name);
    let uncommitted = repo.uncommitted_paths(&task.worktree, &index, &tip)?;
    note_seen(ws, &task.name, uncommitted)
}

/// Looks into the worktrees of several tasks at once; answers the errors in the order of the tasks, and what was seen
/// is kept.
pub(crate) fn look_all(ws: &Workspace, tasks: &[&Task]) -> Vec<Option<anyhow::Error>> {
    let next = AtomicUsize::new(0);
    let (ctx, common) = (ws.ctx, ws.repo.common());
    let work = || {
        let mut failed = Vec::new();
        // Each has a repository of its own: libgit2's are for one thread.
        let own = Workspace::at(ctx, common);
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(task) = tasks.get(at) else {
                return failed;
            };
            let looked = match &own {
                Ok(own) => look(own, task),
                Err(error) => Err(anyhow::anyhow!("{error:#}")),
            };
            failed.extend(looked.err().map(|error| (at, error)));
        }
    };
    let mut errors: Vec<Option<anyhow::Error>> = tasks.iter().map(|_| None).collect();
    let failed = threads::at_once(threads::processors().min(tasks.len()), work);
    for (at, error) in failed.into_iter().flatten() {
        errors[at] = Some(error);
    }
    errors
}

/// Keeps what was seen, for those who do not want to look themselves.
pub(crate) fn note_seen(
    ws: &Workspace,
    name: &str,
    uncommitted: Vec<String>,
) -> anyhow::Result<Seen> {
    let seen = Seen {
        at: ws.ctx.now,
        uncommitted,
    };
    write_json_shown(&ws.store.task_dir(name).join("seen.json"), &seen)?;
    Ok(seen)
}
