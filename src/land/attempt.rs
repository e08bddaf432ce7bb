//! One try at landing a task: every check of it, on its target or on what goes before it in a train.

use super::commits::{self, Draft, Plan};
use super::history;
use super::live::{Live, Origin};
use super::moving::{Moving, keeps, move_target};
use super::proof::{Proof, prove};
use super::ready::{Member, Work, require_judged, require_landable};
use super::remote::Push;
use super::target::Place;
use super::{Outcome, Request, conclude, record_landing, require_uninterrupted};
use crate::breach::Breach;
use crate::candidate::{self, Combined, Trespass, conflict};
use crate::error::{Refusal, some_of};
use crate::git::Repo;
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::store::Lock;
use crate::task::Task;
use crate::weakened::{ACCEPT, Weakening, lines_of};
use crate::workspace::{InForce, Workspace};

/// What one try came to.
pub(super) enum Step {
    Done(Outcome),
    /// The task or its target has moved: it must be combined anew.
    Again,
    /// The remote that it is pushed to, named as people do, has something else by now.
    RemoteMoved(String),
}

/// One try at a target that stands still.
#[derive(Clone, Copy)]
pub(super) struct Attempt<'a> {
    pub(super) ws: &'a Workspace<'a>,
    /// Git in the task's captured environment.
    pub(super) repo: &'a Repo,
    pub(super) task: &'a Task,
    pub(super) request: &'a Request<'a>,
    pub(super) in_force: &'a InForce,
    pub(super) work: &'a Work,
    /// The tasks that are live besides.
    pub(super) live: &'a [Live],
    pub(super) interrupt: &'a Interrupt,
}

/// What a task's work is put upon.
pub(super) struct Base<'b> {
    /// The tip of the target.
    pub(super) target: &'b Oid,
    /// The target with what goes before.
    pub(super) onto: &'b Oid,
    /// The tasks that go before.
    pub(super) before: &'b [String],
}

/// What the checks came to.
pub(super) enum Checked<'a> {
    Sound(Box<Car<'a>>),
    /// The paths where it conflicts with what it was put upon.
    Conflict(Vec<String>),
    Trespassed(Vec<Trespass>),
    Broken(Vec<Breach>),
}

/// A task that may land, with what of it would.
pub(super) struct Car<'a> {
    pub(super) attempt: Attempt<'a>,
    pub(super) draft: Draft,
    /// The changed paths that change what the gate's words mean.
    pub(super) judge_changed: Vec<String>,
    /// What of the change makes tests weaker.
    pub(super) tests_weakened: Vec<Weakening>,
}

impl<'a> Attempt<'a> {
    pub(super) fn of(
        ws: &'a Workspace<'a>,
        member: &'a Member<'a>,
        in_force: &'a InForce,
        live: &'a [Live],
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            ws,
            repo: &member.repo,
            task: &member.task,
            request: &member.request,
            in_force,
            work: &member.work,
            live,
            interrupt,
        }
    }

    /// Lands the task alone, where it is as it must be.
    pub(super) fn run(self, target: &Oid, lock: Lock, push: Option<&Push>) -> anyhow::Result<Step> {
        let base = Base {
            target,
            onto: target,
            before: &[],
        };
        let checked = match self.check(&base) {
            Ok(checked) => checked,
            Err(error) => return self.landed_before(target)?.ok_or(error),
        };
        let car = match checked {
            Checked::Sound(car) => car,
            Checked::Conflict(paths) => return Err(conflict(self.task, &paths).into()),
            Checked::Trespassed(found) => {
                return Ok(Step::Done(Outcome::Trespassed {
                    task: Box::new(self.task.clone()),
                    found,
                }));
            }
            Checked::Broken(found) => return Ok(Step::Done(Outcome::Broken { found })),
        };
        if !self.request.dry_run {
            car.require_accepted()?;
        }
        let place = Place::find(&self, &car.draft.candidate.changes)?;
        if self.request.dry_run {
            let plan = Plan::new(&car, &place)?;
            return Ok(Step::Done(Outcome::Planned(Box::new(plan))));
        }
        place.require_free(&self)?;
        let (judged, lock) = match prove(&car, lock)? {
            Proof::Judged(judged, lock) => (judged, lock),
            Proof::Refused { task, report, code } => {
                return Ok(Step::Done(Outcome::Refused { task, report, code }));
            }
            Proof::Moved => return Ok(Step::Again),
        };
        let chain = commits::finish(&judged)?;
        let task = car.recheck()?;
        let moved = move_target(&judged, chain, vec![task], push)?;
        drop(lock);
        Ok(match moved {
            Moving::Landed(mut landed) => Step::Done(Outcome::Landed(Box::new(landed.remove(0)))),
            Moving::TargetMoved => Step::Again,
            Moving::RemoteMoved(there) => Step::RemoteMoved(there),
        })
    }

    /// Records a landing that is on the target already, with all of the task's work, and that no record tells of.
    fn landed_before(&self, target: &Oid) -> anyhow::Result<Option<Step>> {
        let (ws, tip) = (self.ws, &self.work.tip);
        let found = history::find_landing(ws, self.task, &tip.commit, target)?;
        let Some(landing) = found.filter(|_| !self.request.dry_run) else {
            return Ok(None);
        };
        let combined = candidate::combine(self.repo, self.task, tip, target)?;
        if !combined.paths.is_empty() {
            return Ok(None);
        }
        ws.ctx.ui.say(&format!(
            "task `{}` is on {} already, as {}; that is recorded now",
            self.task.name,
            self.task.target,
            landing.commit.short()
        ));
        let landed = record_landing(ws, self.task, landing)?;
        let landed = conclude(ws, landed, keeps(self))?;
        Ok(Some(Step::Done(Outcome::Landed(Box::new(landed)))))
    }

    /// Puts the task's work upon `base` and holds it against everything that can be known without judging.
    ///
    /// # Errors
    /// Refusals for what does not hold.
    pub(super) fn check(self, base: &Base) -> anyhow::Result<Checked<'a>> {
        require_uninterrupted(self.interrupt)?;
        let tip = &self.work.tip;
        let combined =
            match candidate::combine_onto(self.repo, self.task, tip, base.target, base.onto)? {
                Combined::Clean(candidate) => candidate,
                Combined::Conflict(paths) => return Ok(Checked::Conflict(paths)),
            };
        self.require_own_commits(base)?;
        if combined.paths.is_empty() {
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
        let draft = commits::draft(&self, tip, combined)?;
        // Of the draft: with the rebase strategy it may change more than the combination that was validated.
        let found = candidate::trespasses(
            self.ws,
            self.repo,
            self.task,
            self.in_force,
            &draft.candidate,
        )?;
        if !found.is_empty() {
            return Ok(Checked::Trespassed(found));
        }
        let contract = &self.in_force.contract;
        candidate::require_sizes(&self.repo.read, &draft.candidate, contract.judge.max_file)?;
        let (read, changes) = (&self.repo.read, &draft.candidate.changes);
        // No receipt tells of a rule that came since, nor of what the combination adds.
        let broken = candidate::breaches(read, contract, changes)?;
        if !broken.is_empty() {
            return Ok(Checked::Broken(broken));
        }
        Ok(Checked::Sound(Box::new(Car {
            attempt: self,
            judge_changed: candidate::judge_changed(read, contract, changes)?,
            tests_weakened: candidate::weakened(read, changes)?,
            draft,
        })))
    }

    /// A task lands no commit of another live task: reverted here, that one's work would seem to have landed.
    fn require_own_commits(&self, base: &Base) -> anyhow::Result<()> {
        let leans_on = self.leans_on(base.target)?.into_iter();
        let mut not_before = leans_on.filter(|(other, _)| !base.before.contains(&other.name));
        let Some((Live { name, origin, .. }, shared)) = not_before.next() else {
            return Ok(());
        };
        let what = format!(
            "task `{}` contains commit {}",
            self.task.name,
            shared.short()
        );
        Err(match origin {
            Origin::Base(_) => {
                Refusal::refused(format!("{what} of task `{name}`, which has not landed"))
                    .hint(format!("land that one first: wt merge {name}"))
            }
            Origin::Unread(why) => {
                Refusal::refused(format!("{what}, which may be of task `{name}`: {why}"))
                    .hint("mend that record first: wt doctor")
            }
        }
        .into())
    }

    /// The live tasks of whose work this one holds a commit that the target has not, each with that commit.
    pub(super) fn leans_on(&self, target: &Oid) -> anyhow::Result<Vec<(&'a Live, Oid)>> {
        let read = &self.repo.read;
        let mut found = Vec::new();
        for other in self.live.iter().filter(|live| live.name != self.task.name) {
            let Some(shared) = read.merge_base(&self.work.tip.commit, &other.tip)? else {
                continue;
            };
            // Where the other holds all of this one's work, nothing of its own can be meant.
            let own = shared == self.work.tip.commit
                || other.has_begun_behind(read, &shared)?
                || read.is_ancestor(&shared, target)?;
            if !own {
                found.push((other, shared));
            }
        }
        Ok(found)
    }
}

impl Car<'_> {
    pub(super) fn name(&self) -> &str {
        &self.attempt.task.name
    }

    /// What changes the meaning of the gate's words, or makes protected tests weaker, lands only with the operator's
    /// word.
    pub(super) fn require_accepted(&self) -> anyhow::Result<()> {
        let request = self.attempt.request;
        if self.tests_protected()
            && !self.tests_weakened.is_empty()
            && request.accepts_weakened_tests.is_none()
        {
            let places: Vec<String> = self
                .tests_weakened
                .iter()
                .map(Weakening::to_string)
                .collect();
            return Err(Refusal::refused(format!(
                "TESTS_WEAKENED: task `{}` makes tests weaker: {}",
                self.name(),
                some_of(&places)
            ))
            .hint(format!(
                "look at these changes; then the operator lands it: wt merge {} {ACCEPT}",
                self.name()
            ))
            .into());
        }
        if self.judge_changed.is_empty() || self.attempt.request.accepts_judge_change.is_some() {
            return Ok(());
        }
        Err(Refusal::refused(format!(
            "JUDGE_CHANGED: task `{}` changes what judges it: {}",
            self.name(),
            some_of(&self.judge_changed)
        ))
        .hint(format!(
            "look at these changes; then the operator lands it: wt merge {} --accept-judge-change",
            self.name()
        ))
        .into())
    }

    pub(super) fn tests_protected(&self) -> bool {
        self.attempt.in_force.contract.rules.protect_tests
    }

    /// Says what makes tests weaker in what is about to land.
    pub(super) fn say_weakened(&self) {
        const SHOWN: usize = 5;
        if self.tests_weakened.is_empty() {
            return;
        }
        let lines = lines_of(&self.tests_weakened, SHOWN).join("\n");
        let ui = &self.attempt.ws.ctx.ui;
        ui.warn(&format!(
            "TESTS_WEAKENED by task `{}`:\n{lines}",
            self.name()
        ));
    }

    /// Looks at the task once more, right before it lands: judging may have taken long. Its lock must be held.
    pub(super) fn recheck(&self) -> anyhow::Result<Task> {
        let Attempt { ws, work, .. } = self.attempt;
        let task = ws.store.require_task(self.name())?;
        require_landable(ws, &task)?;
        require_judged(&task, &work.tip.tree, "its work")?;
        if !work.is_at(&self.attempt.repo.tip_of(&task)?) {
            return Err(commits::branch_moved(&task).into());
        }
        Ok(task)
    }
}
