//! What a train that was not proven green leaves to do.

use crate::error::Code;
use crate::gate::{self, Culprit, Report};
use crate::judge;
use crate::task::State;
use crate::workspace::InForce;

use super::{Then, Train};
use crate::land::attempt::Car;
use crate::land::proof::TrainProof;
use crate::land::train::{LeftOut, News};

impl Train<'_> {
    /// Gives a failure to whom it belongs, and leaves the others on the way.
    pub(super) fn without_proof(
        &mut self,
        cars: &[Car],
        in_force: &InForce,
        proof: TrainProof,
    ) -> anyhow::Result<Then> {
        match proof {
            TrainProof::Judged { .. } | TrainProof::Moved => Ok(Then::Anew),
            TrainProof::Red {
                owner,
                run,
                culprit,
            } => {
                self.put_back(cars, &owner, run, &culprit)?;
                Ok(Then::Rest)
            }
            TrainProof::TargetRed { step, report } => {
                self.leave_who_needs(cars, in_force, &step, report)
            }
            TrainProof::Undecided {
                report,
                code: Code::No,
            } => {
                self.ws.ctx.ui.say(&format!(
                    "{} together, and it can't be told by whom; landing one by one",
                    report.verdict
                ));
                let names: Vec<String> = cars.iter().map(|car| car.name().to_owned()).collect();
                self.one_by_one(&names)?;
                Ok(Then::Rest)
            }
            TrainProof::Undecided { report, code } => {
                let names = cars.iter().map(|car| car.name().to_owned()).collect();
                self.leave_together(names, report, code);
                Ok(Then::Done)
            }
        }
    }

    /// Says of them once what holds of each; they stay as they are.
    fn leave_together(&mut self, tasks: Vec<String>, report: Box<Report>, code: Code) {
        self.waiting
            .retain(|name| !tasks.iter().any(|task| task == name));
        (self.tell)(News::Red {
            tasks,
            state: State::Validated,
            report,
            code,
        });
    }

    /// Gives the train's failure to the task whose failure it is.
    fn put_back(
        &mut self,
        cars: &[Car],
        owner: &str,
        run: u32,
        culprit: &Culprit,
    ) -> anyhow::Result<()> {
        let (ws, name) = (self.ws, &culprit.task);
        let Some(car) = cars.iter().find(|car| car.name() == name) else {
            anyhow::bail!(
                "run {run} of task `{owner}` blames `{name}`, which was not on the train"
            );
        };
        let lock = ws.lock_task(name)?;
        let news = match car.recheck() {
            Ok(mut task) => News::Red {
                report: Box::new(judge::put_back(ws, &mut task, owner, run)?),
                state: task.state,
                tasks: vec![name.clone()],
                code: Code::No,
            },
            // It is another one by now: what failed is not what is there.
            Err(error) => News::LeftOut(LeftOut::by(name, error)?),
        };
        drop(lock);
        self.told(name, news);
        Ok(())
    }

    /// Leaves out the tasks that select a step which is red on the target itself.
    fn leave_who_needs(
        &mut self,
        cars: &[Car],
        in_force: &InForce,
        step: &str,
        report: Box<Report>,
    ) -> anyhow::Result<Then> {
        let mut names = Vec::new();
        for car in cars {
            let selected = gate::select(&in_force.contract, &car.draft.candidate.paths)?;
            if selected.iter().any(|selected| selected.name == step) {
                names.push(car.name().to_owned());
            }
        }
        if names.is_empty() {
            // No task selects the set-up, and all need it.
            names.extend(cars.iter().map(|car| car.name().to_owned()));
        }
        self.leave_together(names, report, Code::No);
        Ok(Then::Rest)
    }
}
