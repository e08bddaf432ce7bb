//! A train under way: who is there, in which order, what came of it, and what is left to do.

mod red;

use crate::conflicts::{self, Conflict};
use crate::error::{Code, Refusal, some_of};
use crate::landing::Order;
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::task::Task;
use crate::workspace::Workspace;

use super::couple::{Coupled, Parts};
use super::plan::TrainPlan;
use super::{LeftOut, News, TrainRequest, Wanted};
use crate::land::attempt::Car;
use crate::land::history::find_landing;
use crate::land::live::live;
use crate::land::moving::{Moving, move_target};
use crate::land::proof::{Judged, TrainProof, prove_train};
use crate::land::ready::{Member, await_judge_of_landing, landed_meanwhile, ready};
use crate::land::remote::{Push, RemoteMoves};
use crate::land::{Outcome, TRIES, commits, land_in_line, moved_too_often};

/// A train whose place at the head of the line is held.
pub(super) struct Train<'a> {
    ws: &'a Workspace<'a>,
    request: &'a TrainRequest<'a>,
    interrupt: &'a Interrupt,
    tell: &'a mut dyn FnMut(News),
    /// The tasks of which nothing was told yet.
    waiting: Vec<&'a str>,
    /// Whether conflicts and order were said.
    said: bool,
    remote_moves: RemoteMoves,
}

/// What is left to do after one train.
enum Then {
    /// Nothing: who was left out of it stays so.
    Done,
    /// The rest, which may fit together otherwise.
    Rest,
    /// All of it, on what moved meanwhile.
    Anew,
}

impl<'a> Train<'a> {
    pub(super) fn new(
        ws: &'a Workspace<'a>,
        request: &'a TrainRequest<'a>,
        interrupt: &'a Interrupt,
        tell: &'a mut dyn FnMut(News),
    ) -> Self {
        Self {
            ws,
            request,
            interrupt,
            tell,
            waiting: request.names.iter().map(String::as_str).collect(),
            said: false,
            remote_moves: RemoteMoves::default(),
        }
    }

    pub(super) fn run(&mut self) -> anyhow::Result<()> {
        let mut moves = 0;
        loop {
            let members = self.muster()?;
            match self.go(&members)? {
                Then::Done => return Ok(()),
                Then::Rest => {}
                Then::Anew => {
                    moves += 1;
                    if moves == TRIES {
                        return Err(moved_too_often(self.request.target, "these tasks were"));
                    }
                    let target = self.request.target;
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
            await_judge_of_landing(self.ws, name, self.request.options.patience, self.interrupt)?;
            let is_strict = self.request.wanted != Wanted::All && !self.said;
            match ready(self.ws, self.request.options.about(name)) {
                Ok((member, _)) => members.push(member),
                Err(error) if is_strict => return Err(error),
                Err(error) => self.leave(LeftOut::by(name, error)?),
            }
        }
        Ok(members)
    }

    fn go(&mut self, members: &[Member]) -> anyhow::Result<Then> {
        let Some(first) = members.first() else {
            return Ok(Then::Done);
        };
        let mut push = Push::begin(self.ws, self.request.target, self.request.options)?;
        if let Some(push) = &mut push {
            let name = &first.task.name;
            let _lock = self.ws.lock_task(name)?;
            push.meet(name, &self.ws.target_tip(&first.task)?)?;
        }
        let target = self.ws.target_tip(&first.task)?;
        let in_force = self
            .ws
            .in_force(&first.repo, self.request.target, &target)?;
        let live = live(self.ws)?;
        let parts = Parts {
            ws: self.ws,
            members,
            in_force: &in_force,
            live: &live,
            target: &target,
            interrupt: self.interrupt,
        };
        let (conflicts, order) = (self.conflicts(members), parts.order()?);
        self.say(&conflicts, &order);
        let combining = format!("combining {} tasks", members.len());
        let bar = self.ws.ctx.ui.progress(&combining);
        let coupled = parts.couple(&order.names, &conflicts)?;
        drop(bar);
        if self.request.options.dry_run {
            let plan = TrainPlan::new(&parts, &order, &coupled, conflicts)?;
            self.leave_all(coupled.left);
            (self.tell)(News::Planned(Box::new(plan)));
            return Ok(Then::Done);
        }
        let Coupled {
            cars,
            prefixes,
            left,
        } = coupled;
        let then = if in_force.contract.land.each {
            // Who is left out now may fit once another was found red.
            self.one_by_one(&order.names)?;
            return Ok(Then::Done);
        } else {
            match &cars[..] {
                [] => Then::Done,
                [only] if self.one_by_one(&[only.name().to_owned()])? => Then::Done,
                [_] => Then::Rest,
                cars => match prove_train(cars, &prefixes)? {
                    TrainProof::Judged { judged, run } => self.land(&judged, run, push.as_ref())?,
                    proof => self.without_proof(cars, &in_force, proof)?,
                },
            }
        };
        if let Then::Done = then {
            self.leave_unless_landed(left, members, &target)?;
        }
        Ok(then)
    }

    /// Leaves these out, but for those whose landing came back from the remote that a killed command pushed it to:
    /// it is recorded now.
    fn leave_unless_landed(
        &mut self,
        left: Vec<LeftOut>,
        members: &[Member],
        target: &Oid,
    ) -> anyhow::Result<()> {
        for left in left {
            let member = members.iter().find(|member| member.task.name == left.task);
            let landing = member
                .map(|member| find_landing(self.ws, &member.task, &member.work.tip.commit, target))
                .transpose()?;
            if landing.flatten().is_some() {
                self.one_by_one(std::slice::from_ref(&left.task))?;
            } else {
                self.leave(left);
            }
        }
        Ok(())
    }

    /// Lands what was judged together, unless somebody on it has changed meanwhile.
    fn land(
        &mut self,
        judged: &Judged,
        run: Option<u32>,
        push: Option<&Push>,
    ) -> anyhow::Result<Then> {
        let ws = self.ws;
        let names = judged.names();
        let bar = ws.ctx.ui.progress(&format!("landing {}", some_of(&names)));
        let chain = commits::finish(judged)?;
        let mut sorted = names.clone();
        sorted.sort();
        let locks = sorted.iter().map(|name| ws.lock_task(name)).collect();
        let Some(locks) = unless_refused::<Vec<_>>(locks)? else {
            return Ok(Then::Anew);
        };
        let tasks = judged.cars().iter().map(Car::recheck).collect();
        let Some(tasks) = unless_refused::<Vec<Task>>(tasks)? else {
            return Ok(Then::Anew);
        };
        let landed = match move_target(judged, chain, tasks, push)? {
            Moving::Landed(landed) => landed,
            Moving::TargetMoved => return Ok(Then::Anew),
            Moving::RemoteMoved(there) => {
                self.remote_moves.count(&there, "these tasks were")?;
                return Ok(Then::Anew);
            }
        };
        drop((locks, bar));
        if let Some(owner) = names.last() {
            let event = ws
                .event(owner, "train")
                .fact("members", names.as_slice())
                .fact("target", self.request.target)
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
        Ok(Then::Done)
    }

    /// Lands these one after another, each judged as it stands then. Answers whether one of them did.
    fn one_by_one(&mut self, names: &[String]) -> anyhow::Result<bool> {
        let mut any = false;
        for name in names {
            let request = self.request.options.about(name);
            let news = match land_in_line(self.ws, &request, self.interrupt) {
                Ok(Outcome::Landed(landed)) => {
                    any = true;
                    News::Landed(landed)
                }
                Ok(Outcome::Refused { task, report, code }) if code != Code::Interrupted => {
                    News::Red {
                        tasks: vec![name.clone()],
                        state: task.state,
                        report,
                        code,
                    }
                }
                Ok(Outcome::Trespassed { found, .. }) => {
                    News::LeftOut(LeftOut::trespassing(name, &found))
                }
                Ok(Outcome::Broken { found }) => News::LeftOut(LeftOut::breaking(name, &found)),
                Ok(Outcome::Refused { .. } | Outcome::Planned(_)) => {
                    return Err(super::interrupted(self.request));
                }
                Err(error) if error.is::<Refusal>() => News::LeftOut(LeftOut::by(name, error)?),
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
        let (target, names) = (self.request.target, order.names.join(", "));
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

/// Nothing where somebody on the train is no longer as it was; any other fault is one.
fn unless_refused<T>(result: anyhow::Result<T>) -> anyhow::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is::<Refusal>() => Ok(None),
        Err(error) => Err(error),
    }
}
