//! What a failed command is told to have failed of.

use std::path::Path;

use super::super::slot::Slot;
use super::Judge;
use super::steps::SET_UP_LIMIT;
use crate::confine::Caged;
use crate::contract::Timeout;
use crate::ctx::find_program;
use crate::failure::{self, Failure};
use crate::gate::{Denied, Ended, StepResult};

impl Judge<'_> {
    /// The first failure in the log of a step that failed, its paths those of the repository.
    pub(super) fn first_failure(&self, slot: &Slot, step: &StepResult, log: &Path) -> Failure {
        let log = std::fs::read(log).unwrap_or_default();
        let root = slot.root().to_string_lossy();
        if step.ended == Ended::Timeout {
            let limit = self.limit_of(&step.name).to_string();
            return failure::unfinished(&log, &[&root], &limit);
        }
        let mut first = failure::first_failure(&log, &[&root]);
        if let Some(why) = self.why_not_found(step, &log) {
            first.title = why;
        }
        first
    }

    /// The write that the cage kept a step from.
    pub(super) fn denied(&self, slot: &Slot, step: &StepResult, log: &Path) -> Option<Denied> {
        let cages = self.cages.as_ref()?;
        let failed = Caged {
            cages,
            is_set_up: self.order.steps().all(|own| own.name != step.name),
            root: slot.root(),
            contract: &self.order.contract,
            captured: &self.order.captured,
            target: &self.target,
            common: self.ws.repo.common(),
        };
        failed.denied(&std::fs::read(log).ok()?)
    }

    fn limit_of(&self, step: &str) -> Timeout {
        let steps = &self.order.contract.gate;
        steps
            .iter()
            .find(|s| s.name == step)
            .map_or(SET_UP_LIMIT, |s| s.timeout)
    }

    /// A program that the step did not find, though its operator's shell may.
    fn why_not_found(&self, step: &StepResult, log: &[u8]) -> Option<String> {
        if step.ended != Ended::Exit(127) {
            return None;
        }
        let program = failure::missing_program(log)?;
        let captured = self
            .order
            .captured
            .variables
            .get("PATH")
            .map_or("", String::as_str);
        if find_program(captured.as_ref(), &program).is_some() {
            return None;
        }
        Some(match self.ws.ctx.environment.find_program(&program) {
            Some(found) => format!(
                "`{program}` is not on the PATH captured at spawn; the caller's has it: {}",
                found.display()
            ),
            None => format!("`{program}` was not found on the PATH captured at spawn: {captured}"),
        })
    }
}
