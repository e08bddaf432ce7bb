//! One try at landing on a target that stands still: every check, the proof, then the move.

use anyhow::bail;

use super::commits::{self, Plan};
use super::history;
use super::proof::{Judged, Proof, prove};
use super::remote::{Push, Pushed};
use super::target::{Moved, Place};
use super::{Outcome, Request, Work, conclude, record_landing, require_judged, require_landable};
use crate::candidate;
use crate::error::{Refusal, some_of};
use crate::git::Repo;
use crate::oid::Oid;
use crate::process::{Identity, Interrupt};
use crate::store::{Lock, Operation};
use crate::task::{Landing, State, Task};
use crate::workspace::{InForce, Workspace};

pub(super) enum Step {
    Done(Outcome),
    Again,
    /// The remote that it is to be pushed to has something else by now.
    RemoteMoved,
}

/// One try at a target that stands still.
pub(super) struct Attempt<'a> {
    pub(super) ws: &'a Workspace<'a>,
    /// Git in the task's captured environment.
    pub(super) repo: &'a Repo,
    pub(super) task: &'a Task,
    pub(super) request: &'a Request<'a>,
    pub(super) in_force: &'a InForce,
    pub(super) work: &'a Work,
    pub(super) interrupt: &'a Interrupt,
    pub(super) push: Option<&'a Push<'a>>,
}

impl Attempt<'_> {
    pub(super) fn run(&self, target: &Oid, lock: Lock) -> anyhow::Result<Step> {
        let tip = &self.work.tip;
        let combined = candidate::combine(self.repo, self.task, tip, target)?;
        self.require_own_commits(target)?;
        if combined.paths.is_empty() {
            let found = history::find_landing(self.ws, self.task, &tip.commit, target)?;
            if let (Some(landing), false) = (found, self.request.dry_run) {
                return self.take_over(landing);
            }
            return Err(Refusal::refused(format!(
                "task `{}` changes nothing on {}",
                self.task.name, self.task.target
            ))
            .hint(format!(
                "if its work is there already: wt rm {}",
                self.task.name
            ))
            .into());
        }
        let draft = commits::draft(self, tip, combined)?;
        // Of the draft: with the rebase strategy it may change more than the combination that was validated.
        let found = candidate::trespasses(
            self.ws,
            self.repo,
            self.task,
            self.in_force,
            &draft.candidate,
        )?;
        if !found.is_empty() {
            return Ok(Step::Done(Outcome::Trespassed {
                task: Box::new(self.task.clone()),
                found,
            }));
        }
        let max_file = self.in_force.contract.judge.max_file;
        candidate::require_sizes(&self.repo.read, &draft.candidate, max_file)?;
        let accepted = self.require_accepted(&draft)?;
        let place = Place::find(self, &draft)?;
        if self.request.dry_run {
            return Ok(Step::Done(Outcome::Planned(Box::new(Plan::new(
                self, &draft, &place, accepted,
            )?))));
        }
        place.require_free(self)?;
        match prove(self, &draft, lock)? {
            Proof::Judged(judged, lock) => self.move_target(&judged, &accepted, lock),
            Proof::Refused { task, report, code } => {
                Ok(Step::Done(Outcome::Refused { task, report, code }))
            }
            Proof::Moved => Ok(Step::Again),
        }
    }

    fn keeps(&self) -> bool {
        self.request.keep || self.in_force.contract.land.keep
    }

    /// Records a landing that is there already.
    fn take_over(&self, landing: Landing) -> anyhow::Result<Step> {
        self.ws.ctx.ui.say(&format!(
            "task `{}` is on {} already, as {}; that is recorded now",
            self.task.name,
            self.task.target,
            landing.commit.short()
        ));
        let landed = record_landing(self.ws, self.task, landing)?;
        conclude(self.ws, landed, self.keeps()).map(Step::Done)
    }

    /// A task lands no commit of another live task: reverted here, that one's work would seem to have landed.
    fn require_own_commits(&self, target: &Oid) -> anyhow::Result<()> {
        let read = &self.repo.read;
        for (name, other) in self.ws.store.tasks()? {
            let other = other?;
            if name == self.task.name || other.state == State::Landed {
                continue;
            }
            let Ok(Some(theirs)) = read.tip(&other.branch_ref()) else {
                continue;
            };
            let Some(shared) = read.merge_base(&self.work.tip.commit, &theirs)? else {
                continue;
            };
            let own =
                read.is_ancestor(&shared, &other.base)? || read.is_ancestor(&shared, target)?;
            if !own {
                return Err(Refusal::refused(format!(
                    "task `{}` contains commit {} of task `{name}`, which has not landed",
                    self.task.name,
                    shared.short()
                ))
                .hint(format!("land that one first: wt merge {name}"))
                .into());
            }
        }
        Ok(())
    }

    /// The changed paths that change what the gate's words mean: they land only with the operator's word.
    fn require_accepted(&self, draft: &commits::Draft) -> anyhow::Result<Vec<String>> {
        let changed = candidate::judge_changed(
            &self.repo.read,
            &self.in_force.contract,
            &draft.candidate.changes,
        )?;
        let accepted = self.request.accepts_judge_change.is_some() || self.request.dry_run;
        if changed.is_empty() || accepted {
            return Ok(changed);
        }
        Err(Refusal::refused(format!(
            "JUDGE_CHANGED: task `{}` changes what judges it: {}",
            self.task.name,
            some_of(&changed)
        ))
        .hint("look at these changes; then the operator lands it with --accept-judge-change")
        .into())
    }

    /// Moves the target to a proven candidate; only a proof gets here.
    fn move_target(
        &self,
        judged: &Judged,
        accepted: &[String],
        lock: Lock,
    ) -> anyhow::Result<Step> {
        let (ws, name) = (self.ws, &self.task.name);
        let keep = self.keeps();
        let commit = commits::finish(self, judged)?;
        // Judging may have taken long: task, checkout and branch are looked at once more, right before they move.
        let task = ws.store.require_task(name)?;
        require_landable(ws, &task)?;
        require_judged(&task, &self.work.tip.tree, "its work")?;
        let place = Place::find(self, judged.draft())?;
        place.require_free(self)?;
        if self.interrupt.raised() {
            bail!("interrupted");
        }
        commits::publish_work(ws, self.repo, &task, self.work)?;
        if let (Some(operator), false) = (&self.request.accepts_judge_change, accepted.is_empty()) {
            let event = ws
                .event(name, "judge-change-accepted")
                .fact("operator", operator.as_str());
            ws.record(&event.fact("paths", accepted))?;
        }
        // From here on Ctrl-C comes too late: what is begun is ended.
        let operation = Operation::Land {
            old: judged.target().clone(),
            new: commit.clone(),
            tip: self.work.tip.commit.clone(),
            receipt: judged.receipt().to_owned(),
            keep,
            pushed_to: self.push.map(Push::tracking_ref),
        };
        ws.store.intend(name, &Identity::current()?, operation)?;
        if let Some(push) = self.push {
            match push.send(std::slice::from_ref(name), &commit) {
                Ok(Pushed::Done) => {}
                answer => {
                    ws.store.settle(name)?;
                    return answer.map(|_| Step::RemoteMoved);
                }
            }
        }
        match (place.move_to(self, judged, &commit), self.push) {
            (Ok(Moved::Done), _) => {}
            // The intent stays open: once the branch here has followed, the landing is recorded.
            (Ok(Moved::TargetMoved), Some(push)) => {
                return Err(push.left_behind(&commit, "it moved at that moment").into());
            }
            (Err(error), Some(push)) => {
                return Err(push.left_behind(&commit, &format!("{error:#}")).into());
            }
            (Ok(Moved::TargetMoved), None) => {
                ws.store.settle(name)?;
                drop(lock);
                return Ok(Step::Again);
            }
            (Err(error), None) => {
                // Where the target may have moved all the same, the open intent lets the next command finish.
                if ws.target_tip(&task)? == *judged.target() {
                    ws.store.settle(name)?;
                }
                return Err(error);
            }
        }
        let landing = Landing {
            commit,
            onto: Some(judged.target().clone()),
            tip: self.work.tip.commit.clone(),
            receipt: judged.receipt().to_owned(),
            at: ws.ctx.now,
        };
        let landed = record_landing(ws, &task, landing)?;
        let outcome = conclude(ws, landed, keep)?;
        drop(lock);
        Ok(Step::Done(outcome))
    }
}
