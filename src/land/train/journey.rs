//! One trip under way: who is there, in which order, what came of it, and what is left to do.

use crate::conflicts::{self, Conflict};
use crate::error::{Code, some_of};
use crate::gate::{self, Culprit, Report};
use crate::judge;
use crate::landing::Order;
use crate::process::Interrupt;
use crate::task::Task;
use crate::workspace::{InForce, Workspace};

use super::couple::{Coupled, Parts};
use super::plan::TrainPlan;
use super::{LeftOut, News, Trip, Wanted};
use crate::land::attempt::Car;
use crate::land::moving::{Moving, move_target};
use crate::land::proof::{Judged, TrainProof, prove_train};
use crate::land::ready::{Member, await_judge_of_landing, landed_meanwhile, ready};
use crate::land::{Outcome, TRIES, commits, land_in_line, moved_too_often};

/// A trip whose place at the head of the line is held.
pub(super) struct Journey<'a> {
    ws: &'a Workspace<'a>,
    trip: &'a Trip<'a>,
    interrupt: &'a Interrupt,
    tell: &'a mut dyn FnMut(News),
    /// The tasks of which nothing was told yet.
    waiting: Vec<&'a str>,
    /// Whether conflicts and order were said.
    said: bool,
}

/// What a turn leaves to do.
enum Turn {
    /// Nothing: who was left out this time stays so.
    Over,
    /// The rest, which may fit together otherwise.
    Rest,
    /// All of it, on what moved meanwhile.
    Anew,
}

impl<'a> Journey<'a> {
    pub(super) fn new(
        ws: &'a Workspace<'a>,
        trip: &'a Trip<'a>,
        interrupt: &'a Interrupt,
        tell: &'a mut dyn FnMut(News),
    ) -> Self {
        Self {
            ws,
            trip,
            interrupt,
            tell,
            waiting: trip.names.iter().map(String::as_str).collect(),
            said: false,
        }
    }

    pub(super) fn run(&mut self) -> anyhow::Result<()> {
        let mut moves = 0;
        loop {
            let members = self.muster()?;
            match self.turn(&members)? {
                Turn::Over => return Ok(()),
                Turn::Rest => {}
                Turn::Anew => {
                    moves += 1;
                    if moves == TRIES {
                        return Err(moved_too_often(self.trip.target, "these tasks were"));
                    }
                    let target = self.trip.target;
                    let what =
                        format!("{target}, or one of these, has changed meanwhile; combining anew");
                    self.ws.ctx.ui.say(&what);
                }
            }
        }
    }

    /// Those of the waiting that can land, as far as each itself goes; the others are told of.
    fn muster(&mut self) -> anyhow::Result<Vec<Member<'a>>> {
        let mut members = Vec::new();
        for name in self.waiting.clone() {
            if let Some(landed) = landed_meanwhile(self.ws, name)? {
                self.told(name, News::Landed(Box::new(landed)));
                continue;
            }
            await_judge_of_landing(self.ws, name)?;
            let is_strict = self.trip.wanted != Wanted::All && !self.said;
            match ready(self.ws, self.trip.request.about(name)) {
                Ok((member, _)) => members.push(member),
                Err(error) if is_strict => return Err(error),
                Err(error) => self.leave(LeftOut::by(name, error)?),
            }
        }
        Ok(members)
    }

    fn turn(&mut self, members: &[Member]) -> anyhow::Result<Turn> {
        let Some(first) = members.first() else {
            return Ok(Turn::Over);
        };
        let target = self.ws.target_tip(&first.task)?;
        let in_force = self.ws.in_force(&first.repo, self.trip.target, &target)?;
        let parts = Parts {
            ws: self.ws,
            members,
            in_force: &in_force,
            target: &target,
            interrupt: self.interrupt,
        };
        let (conflicts, order) = (self.conflicts(members), parts.order()?);
        self.say(&conflicts, &order);
        let coupled = parts.couple(&order.names, &conflicts)?;
        if self.trip.request.dry_run {
            let plan = TrainPlan::new(&parts, &order, &coupled, conflicts)?;
            self.leave_all(coupled.left);
            (self.tell)(News::Planned(Box::new(plan)));
            return Ok(Turn::Over);
        }
        let Coupled {
            cars,
            prefixes,
            left,
        } = coupled;
        let turn = if in_force.contract.land.each {
            // Who is left out now may fit once another was found red.
            self.one_by_one(&order.names)?;
            return Ok(Turn::Over);
        } else {
            match &cars[..] {
                [] => Turn::Over,
                [only] if self.one_by_one(&[only.name().to_owned()])? => Turn::Over,
                [_] => Turn::Rest,
                cars => match prove_train(cars, &prefixes)? {
                    TrainProof::Judged { judged, run } => self.land(&judged, run)?,
                    proof => self.without_proof(cars, &in_force, proof)?,
                },
            }
        };
        if let Turn::Over = turn {
            self.leave_all(left);
        }
        Ok(turn)
    }

    fn without_proof(
        &mut self,
        cars: &[Car],
        in_force: &InForce,
        proof: TrainProof,
    ) -> anyhow::Result<Turn> {
        match proof {
            TrainProof::Judged { .. } | TrainProof::Moved => Ok(Turn::Anew),
            TrainProof::Red {
                owner,
                run,
                culprit,
            } => {
                self.put_back(cars, &owner, run, *culprit)?;
                Ok(Turn::Rest)
            }
            TrainProof::TargetRed { step, report } => {
                self.leave_who_needs(cars, in_force, &step, &report)
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
                Ok(Turn::Rest)
            }
            TrainProof::Undecided { report, code } => {
                let title = report.first_failure.as_ref().map(|failure| &failure.title);
                for car in cars {
                    self.leave(LeftOut {
                        task: car.name().to_owned(),
                        why: title.unwrap_or(&report.verdict.to_owned()).clone(),
                        next: Some(format!("wt doctor, then wt merge {}", car.name())),
                        paths: Vec::new(),
                        code,
                    });
                }
                Ok(Turn::Over)
            }
        }
    }

    /// Lands what was judged together, unless somebody on it has changed meanwhile.
    fn land(&mut self, judged: &Judged, run: Option<u32>) -> anyhow::Result<Turn> {
        let ws = self.ws;
        let names = judged.names();
        let bar = ws.ctx.ui.progress(&format!("landing {}", names.join(", ")));
        let chain = commits::finish(judged)?;
        let mut sorted = names.clone();
        sorted.sort();
        let Ok(locks) = sorted
            .iter()
            .map(|name| ws.lock_task(name))
            .collect::<anyhow::Result<Vec<_>>>()
        else {
            return Ok(Turn::Anew);
        };
        let tasks: anyhow::Result<Vec<Task>> = judged.cars().iter().map(Car::recheck).collect();
        let Ok(tasks) = tasks else {
            return Ok(Turn::Anew);
        };
        let Moving::Landed(landed) = move_target(judged, chain, tasks)? else {
            return Ok(Turn::Anew);
        };
        drop((locks, bar));
        if let Some(owner) = names.last() {
            let event = ws
                .event(owner, "train")
                .fact("members", names.as_slice())
                .fact("target", self.trip.target)
                .fact("receipt", judged.receipt());
            ws.record(&match run {
                Some(run) => event.fact("run", run),
                None => event,
            })?;
        }
        for landed in landed {
            let name = landed.task.name.clone();
            self.told(&name, News::Landed(Box::new(landed)));
        }
        Ok(Turn::Over)
    }

    /// Gives the train's failure to the task whose failure it is.
    fn put_back(
        &mut self,
        cars: &[Car],
        owner: &str,
        run: u32,
        culprit: Culprit,
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
                task: name.clone(),
                report: Box::new(judge::put_back(ws, &mut task, owner, run)?),
                with: culprit.with,
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
        report: &Report,
    ) -> anyhow::Result<Turn> {
        let mut turn = Turn::Over;
        for car in cars {
            let selected = gate::select(&in_force.contract, &car.draft.candidate.paths)?;
            if selected.iter().any(|selected| selected.name == step) {
                turn = Turn::Rest;
                self.leave(LeftOut {
                    task: car.name().to_owned(),
                    why: format!(
                        "TARGET_RED: step {step} is red on {} itself",
                        target_of(car, report)
                    ),
                    next: Some(format!(
                        "once {} is mended: wt merge {}",
                        self.trip.target,
                        car.name()
                    )),
                    paths: Vec::new(),
                    code: Code::No,
                });
            }
        }
        Ok(turn)
    }

    /// Lands these one after another, each judged as it stands then. Answers whether one of them did.
    fn one_by_one(&mut self, names: &[String]) -> anyhow::Result<bool> {
        let mut any = false;
        for name in names {
            let request = self.trip.request.about(name);
            let news = match land_in_line(self.ws, &request, self.interrupt) {
                Ok(Outcome::Landed(landed)) => {
                    any = true;
                    News::Landed(landed)
                }
                Ok(Outcome::Refused { report, code, .. }) if code != Code::Interrupted => {
                    News::Red {
                        task: name.clone(),
                        with: Vec::new(),
                        report,
                        code,
                    }
                }
                Ok(Outcome::Trespassed { found, .. }) => {
                    News::LeftOut(LeftOut::trespassing(name, &found))
                }
                Ok(Outcome::Refused { .. } | Outcome::Planned(_)) => {
                    return Err(super::interrupted(self.trip));
                }
                Err(error) if error.is::<crate::error::Refusal>() => {
                    News::LeftOut(LeftOut::by(name, error)?)
                }
                Err(error) => return Err(error),
            };
            self.told(name, news);
        }
        Ok(any)
    }

    /// The conflicts between members, as they stand. Without knowing them a train can be made all the same.
    fn conflicts(&self, members: &[Member]) -> Vec<Conflict> {
        let tasks = self.ws.store.tasks().unwrap_or_default();
        let tasks: Vec<Task> = tasks
            .into_iter()
            .filter_map(|(_, task)| task.ok())
            .collect();
        let mut found = conflicts::find(self.ws, &tasks).unwrap_or_else(|error| {
            let what = format!("can't tell which tasks conflict: {error:#}");
            self.ws.ctx.ui.warn(&what);
            Vec::new()
        });
        let is_member = |name: &String| members.iter().any(|member| member.task.name == *name);
        found.retain(|conflict| conflict.tasks.iter().all(is_member));
        found
    }

    /// Says once which pairs conflict, and in which order the members go.
    fn say(&mut self, conflicts: &[Conflict], order: &Order) {
        if std::mem::replace(&mut self.said, true) || order.names.len() < 2 {
            return;
        }
        let ui = &self.ws.ctx.ui;
        for Conflict { tasks, paths } in conflicts {
            let [one, other] = tasks;
            ui.say(&format!(
                "{one} and {other} conflict in: {}",
                some_of(paths)
            ));
        }
        let (target, names) = (self.trip.target, order.names.join(", "));
        ui.say(&format!("order on {target}: {names} ({})", order.reason));
    }

    fn leave_all(&mut self, left: Vec<LeftOut>) {
        for left in left {
            self.leave(left);
        }
    }

    fn leave(&mut self, left: LeftOut) {
        let name = left.task.clone();
        self.told(&name, News::LeftOut(left));
    }

    fn told(&mut self, name: &str, news: News) {
        self.waiting.retain(|waiting| *waiting != name);
        (self.tell)(news);
    }
}

fn target_of(car: &Car, report: &Report) -> String {
    let target = &car.attempt.task.target;
    match &report.target {
        Some(commit) => format!("{target} at {}", commit.short()),
        None => target.clone(),
    }
}
