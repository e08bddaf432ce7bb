//! Running commands in a slot: the set-up's and the gate's, one at a time.

use std::ffi::OsString;
use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;

use super::super::outcomes;
use super::super::slot::{Slot, steps_folder};
use super::Judge;
use crate::brim::is_full_at;
use crate::confine::{self, Cages, Doors, Workplace};
use crate::contract::{Kind, Step, Timeout};
use crate::disk::free_at;
use crate::error::{NO_SPACE, tells_of_full_disk};
use crate::failure::{self, Failure};
use crate::gate::{Ended, Order, Outcome, Phase, StepResult, Verdict};
use crate::process::{self, End, Job};
use crate::store::remove_dir;
use crate::surroundings::SET_UP_MINUTES;
use crate::task::Pinned;

/// Name of the set-up among the steps of a run.
pub(super) const SET_UP: &str = "set-up";
/// How long one command of the set-up may take.
pub(super) const SET_UP_LIMIT: Timeout = Timeout::from_minutes(SET_UP_MINUTES);

/// The variables that set-up and steps see: all of them.
pub(super) type Environment = Vec<(OsString, OsString)>;

/// What one command came to.
pub(super) enum Ran {
    Passed,
    Failed,
    Interrupted,
    /// It failed on a full disk, in these words: that is no word on what is judged.
    NoRoom(String),
}

impl Judge<'_> {
    /// Brings the slot to what `order` judges; answers whether the set-up must run, and the environment to run in.
    pub(super) fn bring(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        order: &Order,
    ) -> anyhow::Result<(bool, Environment)> {
        let prepared = slot.prepare(self.ws, &self.repo, order);
        let needs_set_up = if let Ok(needs_set_up) = prepared {
            needs_set_up
        } else {
            // What a step before left may be beyond git's cleaning; a new slot has nothing of it.
            slot.move_away()?;
            slot.prepare(self.ws, &self.repo, order)?
        };
        Ok((needs_set_up, self.confine(slot, temporary, order)?))
    }

    /// Runs the set-up's commands; the verdict that one of them is, if it is one.
    pub(super) fn set_up(
        &mut self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
    ) -> anyhow::Result<Option<Verdict>> {
        let commands = self.order.contract.worktree.setup.clone();
        for command in &commands {
            let ran = self.command(slot, environment, &Command::of_set_up(command))?;
            if let Ran::Passed = ran {
                // Only the gate's steps stand in a receipt.
                self.progress.steps.pop();
            }
            if let Some(verdict) = self.verdict_after(slot, &ran, SET_UP)? {
                return Ok(Some(verdict));
            }
        }
        Ok(None)
    }

    /// Runs one command of the run itself and writes down how it ended before anything else happens.
    pub(super) fn command(
        &mut self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
        command: &Command,
    ) -> anyhow::Result<Ran> {
        self.enter(Phase::Running(command.name.to_owned()))?;
        let log = format!("{}.log", command.name);
        let Some(result) = self.execute(slot, environment, command, log)? else {
            return Ok(Ran::Interrupted);
        };
        if let Some(words) = self.no_room(slot, &result) {
            return Ok(Ran::NoRoom(words));
        }
        self.progress.steps.push(result.clone());
        self.save()?;
        let passed = result.passed();
        // A passed set-up command leaves no log that the next one would not overwrite.
        if !(passed && command.is_set_up) {
            let candidate = self.order.candidate.clone();
            self.keep(slot, &candidate, &result);
        }
        Ok(if passed { Ran::Passed } else { Ran::Failed })
    }

    /// Keeps what a step of this run came to on a tree; answers what was kept. That it can't be kept is no part of any
    /// verdict.
    pub(super) fn keep(&mut self, slot: &Slot, judged: &Pinned, step: &StepResult) -> Outcome {
        let log = self.dir.join(&step.log);
        let first = (!step.passed()).then(|| self.first_failure(slot, step, &log));
        let outcome = self.outcome(judged, step, first);
        match outcomes::keep(self.ws, outcome.clone()) {
            Ok((kept, flaky)) => {
                self.progress.flaky.extend(flaky);
                kept
            }
            Err(error) => {
                self.ws.ctx.ui.warn(&format!("{error:#}"));
                outcome
            }
        }
    }

    /// What a step of this run came to on a tree, `first` being what its log says first.
    pub(super) fn outcome(
        &self,
        judged: &Pinned,
        step: &StepResult,
        first: Option<Failure>,
    ) -> Outcome {
        Outcome {
            tree: judged.tree.clone(),
            gate: self.order.gate.clone(),
            environment: self.order.environment.clone(),
            step: step.clone(),
            confined: self.cages.is_some(),
            first,
            log: self.dir.join(&step.log),
            task: self.order.task.clone(),
            at: self.ws.ctx.time(),
        }
    }

    /// Runs one command in the slot, with a log of this name in the run's folder; nothing where it was interrupted.
    pub(super) fn execute(
        &self,
        slot: &Slot,
        environment: &[(OsString, OsString)],
        command: &Command,
        log: String,
    ) -> anyhow::Result<Option<StepResult>> {
        let path = self.dir.join(&log);
        let outcome = process::run(&Job {
            command: command.run,
            dir: slot.root(),
            env: environment,
            log: &path,
            timeout: command.limit,
            interrupt: &self.interrupt,
            cage: self.cages.as_ref().map(|cages| {
                if command.is_set_up {
                    &cages.set_up
                } else {
                    &cages.steps
                }
            }),
        })?;
        let ended = match outcome.end {
            End::Interrupted => return Ok(None),
            End::Exited(status) => Ended::Exit(status),
            End::TimedOut => Ended::Timeout,
            End::Killed {
                out_of_memory: true,
                ..
            } => Ended::OutOfMemory,
            End::Killed { signal, .. } => Ended::Signal(signal),
        };
        let no_tests = command.must_run_tests
            && matches!(ended, Ended::Exit(_))
            && failure::no_tests(&std::fs::read(&path)?);
        Ok(Some(StepResult {
            name: command.name.to_owned(),
            kind: command.kind,
            ended,
            milliseconds: u64::try_from(outcome.took.as_millis()).unwrap_or(u64::MAX),
            log,
            log_lines: outcome.log_lines,
            no_tests,
        }))
    }

    /// What is said of a step that failed while the disk that it writes to is full. The disk itself is asked, at once:
    /// the words alone an agent could print. Where the step's log has them, less than what is to stay free is full as
    /// well: some tools take away what they could not finish. What the step left is taken away then.
    pub(super) fn no_room(&self, slot: &Slot, step: &StepResult) -> Option<String> {
        if step.passed() {
            return None;
        }
        let log = self.dir.join(&step.log);
        let is_told = || {
            let log = std::fs::read(&log).unwrap_or_default();
            tells_of_full_disk(&String::from_utf8_lossy(&log))
        };
        let reserve = &self.order.contract.disk.reserve;
        let is_low =
            |place: &Path| free_at(place).is_some_and(|free| free.bytes < reserve.of(free.of));
        // The reserve is of the disk that the worktrees are on.
        let is_full = |place: &&Path| {
            is_full_at(place) || (*place == slot.root() && is_low(place) && is_told())
        };
        let places = [Some(slot.root()), self.progress.temporary.as_deref()];
        let place = places.into_iter().flatten().find(is_full)?;
        slot.clear(&self.repo, &self.order);
        Some(format!(
            "{NO_SPACE}: step {} failed for want of room at {}; its log: {}",
            step.name,
            place.display(),
            log.display()
        ))
    }

    /// Makes ready what set-up and steps run in; answers their environment.
    fn confine(
        &mut self,
        slot: &Slot,
        temporary: &Path,
        at: &Order,
    ) -> anyhow::Result<Environment> {
        let changed = temporary.join("changed");
        let list: String = at.changed.iter().map(|p| format!("{p}\n")).collect();
        std::fs::write(&changed, list)
            .with_context(|| format!("can't write {}", changed.display()))?;
        let tmp = steps_folder(temporary);
        // Of what ran here before nothing is found.
        remove_dir(&tmp)?;
        std::fs::create_dir(&tmp).with_context(|| format!("can't make {}", tmp.display()))?;
        let place = Workplace {
            root: slot.root(),
            temporary: &tmp,
            caches: &slot.caches(),
        };
        let Order {
            contract, captured, ..
        } = &self.order;
        let doors = if at.judge_changed.is_empty() {
            Doors::Open
        } else {
            Doors::Shut
        };
        self.cages = Cages::around(&place, contract, captured, doors)?;
        self.progress.confined = Some(self.cages.is_some());
        let mut environment = confine::environment(&place, contract, captured, self.cages.as_ref());
        environment.extend(slot.variables(self.ws));
        environment.push(("WT_TASK".into(), self.order.task.clone().into()));
        environment.push(("WT_BASE".into(), self.order.target.as_str().into()));
        environment.push(("WT_CHANGED".into(), changed.into()));
        Ok(environment)
    }
}

/// A command of a step or of the set-up.
pub(super) struct Command<'a> {
    pub(super) name: &'a str,
    kind: Kind,
    run: &'a str,
    limit: Duration,
    must_run_tests: bool,
    pub(super) is_set_up: bool,
}

impl<'a> Command<'a> {
    pub(super) fn of_step(step: &'a Step) -> Self {
        Self {
            name: &step.name,
            kind: step.kind,
            run: &step.run,
            limit: step.timeout.duration(),
            must_run_tests: step.kind == Kind::Test && !step.allow_empty,
            is_set_up: false,
        }
    }

    pub(super) fn of_set_up(run: &'a str) -> Self {
        Self {
            name: SET_UP,
            kind: Kind::Build,
            run,
            limit: SET_UP_LIMIT.duration(),
            must_run_tests: false,
            is_set_up: true,
        }
    }
}
