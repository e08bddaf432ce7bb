//! Whose failure a failure is: the task's, or that of the target, which is red itself.

use std::path::Path;

use anyhow::bail;

use super::super::outcomes::{Known, known, target_red};
use super::super::slot::Slot;
use super::Judge;
use super::steps::{Command, SET_UP};
use crate::failure::Failure;
use crate::gate::{Denied, Order, Outcome, Phase, Purpose, StepResult, Verdict};
use crate::task::Pinned;

/// The step at which a run ended.
pub(super) struct Failed {
    pub(super) step: StepResult,
    pub(super) first: Failure,
    pub(super) denied: Option<Denied>,
}

impl Failed {
    /// It is the task's own.
    fn own(self, unsure: Option<String>) -> Verdict {
        Verdict::Failed {
            first: self.first,
            denied: self.denied,
            culprit: None,
            unsure,
        }
    }
}

/// What a step is on a tree.
pub(super) enum Colour {
    Green,
    Red(Box<Outcome>),
    /// It can't be told, for this reason.
    Unknown(String),
    Interrupted,
}

/// A step to be run where something else is judged than by the run itself.
pub(super) struct Trial<'a> {
    /// What is judged there.
    pub(super) at: &'a Order,
    pub(super) step: &'a str,
    /// What its logs are named after.
    pub(super) what: &'a str,
}

/// What came of running a step.
enum Tried {
    Ended(StepResult),
    /// What had to run before it failed, so that it was not run.
    NotReached(String),
    Interrupted,
}

impl Judge<'_> {
    /// The verdict on a candidate of which a step failed.
    pub(super) fn blame(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        failed: Failed,
    ) -> anyhow::Result<Verdict> {
        // Once a step has failed the attempt counts, whatever keeps the target from being looked at.
        let colour = self
            .colour_of_target(slot, temporary, &failed)
            .unwrap_or_else(|error| Colour::Unknown(format!("{error:#}")));
        match (colour, self.order.purpose) {
            (Colour::Red(there), _) => Ok(target_red(&self.order, *there, failed.denied)),
            (Colour::Interrupted, Purpose::Validate) => Ok(failed.own(Some(
                "it was interrupted while the step ran there".to_owned(),
            ))),
            (Colour::Interrupted, _) => Ok(Verdict::Interrupted),
            (_, Purpose::Train) => self.search(slot, temporary, failed),
            (Colour::Green, _) => Ok(failed.own(None)),
            (Colour::Unknown(why), _) => Ok(failed.own(Some(why))),
        }
    }

    fn colour_of_target(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        failed: &Failed,
    ) -> anyhow::Result<Colour> {
        let target = Pinned {
            commit: self.order.target.clone(),
            tree: self.repo.read.tree_of(&self.order.target)?,
        };
        let there = Order {
            // Nobody changes the judge there.
            judge_changed: Vec::new(),
            ..self.order.of(&target, &self.order.changed)
        };
        let step = &failed.step.name;
        // What was just run on this very tree is known, however fresh all must be.
        let same = target.tree == self.order.candidate.tree;
        if same || !self.order.fresh {
            match known(&self.ws.store, &self.order, &target.tree, step) {
                Some(Known::Green) => return Ok(Colour::Green),
                Some(Known::Red(mut there)) => {
                    // Its log is read again: what is missing on the PATH may be found by now.
                    if there.log.is_file() {
                        there.first = Some(self.first_failure(slot, &there.step, &there.log));
                    }
                    return Ok(Colour::Red(there));
                }
                None => {}
            }
        }
        self.enter(Phase::OnTarget(step.clone()))?;
        let trial = Trial {
            at: &there,
            step,
            what: "target",
        };
        self.colour(slot, temporary, &trial)
    }

    /// Runs the step of a trial, alone where it can be.
    ///
    /// A step that passed alone somewhere needs nothing of the steps before it. One that did not may only lack what
    /// they make: then it is run once more, behind them.
    pub(super) fn colour(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        trial: &Trial,
    ) -> anyhow::Result<Colour> {
        let steps = self.progress.steps.iter().map(|step| step.name.clone());
        let others: Vec<String> = steps.take_while(|name| name != trial.step).collect();
        let before: &[String] = match self.alone {
            Some(false) => &others,
            _ => &[],
        };
        let mut tried = self.try_after(slot, temporary, trial, before)?;
        if let Tried::Ended(result) = &tried
            && !others.is_empty()
            && self.alone.is_none()
        {
            if result.passed() {
                self.alone = Some(true);
            } else {
                tried = self.try_after(slot, temporary, trial, &others)?;
                if let Tried::Ended(behind) = &tried
                    && behind.passed()
                {
                    self.alone = Some(false);
                }
            }
        }
        Ok(match tried {
            Tried::Interrupted => Colour::Interrupted,
            Tried::NotReached(why) => Colour::Unknown(why),
            Tried::Ended(result) => {
                let outcome = self.keep(slot, &trial.at.candidate, &result);
                if result.passed() {
                    Colour::Green
                } else {
                    Colour::Red(Box::new(outcome))
                }
            }
        })
    }

    /// Runs the steps `others` and then that of the trial.
    fn try_after(
        &mut self,
        slot: &mut Slot,
        temporary: &Path,
        trial: &Trial,
        others: &[String],
    ) -> anyhow::Result<Tried> {
        let Trial { at, step, what } = *trial;
        let (needs_set_up, environment) = self.bring(slot, temporary, at)?;
        let mut last = None;
        let set_up = &at.contract.worktree.setup;
        let set_up = set_up.iter().map(|run| Command::of_set_up(run));
        let set_up = set_up.take(if needs_set_up || step == SET_UP {
            usize::MAX
        } else {
            0
        });
        let steps = at.contract.gate.iter();
        let steps = steps.filter(|own| own.name == step || others.contains(&own.name));
        let mut was_set_up = !needs_set_up;
        for command in set_up.chain(steps.map(Command::of_step)) {
            if !command.is_set_up && !was_set_up {
                slot.set_up(&self.repo, at)?;
                was_set_up = true;
            }
            let log = format!("{what}-{}.log", command.name);
            let Some(result) = self.execute(slot, &environment, &command, log)? else {
                return Ok(Tried::Interrupted);
            };
            if let Some(words) = self.no_room(slot, &result) {
                bail!(words);
            }
            if !result.passed() && command.name != step {
                return Ok(Tried::NotReached(format!("{} fails there", command.name)));
            }
            let passed = result.passed();
            last = Some(result);
            if !passed {
                break;
            }
        }
        Ok(match last {
            Some(result) if result.name == step => Tried::Ended(result),
            _ => Tried::NotReached(format!("there is no step {step} there")),
        })
    }
}
