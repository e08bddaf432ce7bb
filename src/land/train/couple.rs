//! The cars of a train: each task's work upon the one before it, and who stays behind for what.

use crate::candidate::{Candidate, between, solve};
use crate::conflicts::Conflict;
use crate::error::{Code, some_of};
use crate::landing::{Order, Rider, order};
use crate::oid::Oid;
use crate::process::Interrupt;
use crate::task::Task;
use crate::workspace::{InForce, Workspace};

use super::LeftOut;
use crate::land::attempt::{Attempt, Base, Car, Checked};
use crate::land::live::Live;
use crate::land::ready::Member;
use crate::land::target::Place;

/// What a train is made of.
pub(super) struct Parts<'a> {
    pub(super) ws: &'a Workspace<'a>,
    pub(super) members: &'a [Member<'a>],
    pub(super) in_force: &'a InForce,
    pub(super) live: &'a [Live],
    /// The tip of the target.
    pub(super) target: &'a Oid,
    pub(super) interrupt: &'a Interrupt,
}

/// The tasks that fit together, in their order.
pub(super) struct Coupled<'a> {
    pub(super) cars: Vec<Car<'a>>,
    /// What each car, with those before it, makes of the target.
    pub(super) prefixes: Vec<Candidate>,
    pub(super) left: Vec<LeftOut>,
}

impl<'a> Parts<'a> {
    fn attempt(&self, member: &'a Member<'a>) -> Attempt<'a> {
        Attempt::of(self.ws, member, self.in_force, self.live, self.interrupt)
    }

    fn named(&self, name: &str) -> Option<&'a Member<'a>> {
        self.members.iter().find(|member| member.task.name == name)
    }

    /// The order in which the members are to land: whoever holds another's commits goes after it, too.
    pub(super) fn order(&self) -> anyhow::Result<Order> {
        let rider = |member: &'a Member<'a>| {
            let leans_on = self.attempt(member).leans_on(self.target)?.into_iter();
            let mut after = member.task.after.clone();
            after.extend(leans_on.map(|(other, _)| other.name.clone()));
            Ok(Rider {
                name: &member.task.name,
                after,
                created: member.task.created,
                size: size(member, self.target)?,
            })
        };
        let riders = self.members.iter().map(rider);
        Ok(order(&riders.collect::<anyhow::Result<Vec<_>>>()?))
    }

    /// Couples the members in this order. Who conflicts with what goes before it, or is refused for itself, stays
    /// behind.
    ///
    /// # Errors
    /// Where the target can't be moved at all as it is.
    pub(super) fn couple(
        &self,
        names: &[String],
        conflicts: &[Conflict],
    ) -> anyhow::Result<Coupled<'a>> {
        let mut names = names.to_vec();
        let mut barred = Vec::new();
        loop {
            let mut coupled = self.couple_once(&names, conflicts)?;
            let Some((last, whole)) = coupled.cars.last().zip(coupled.prefixes.last()) else {
                coupled.left.extend(barred);
                return Ok(coupled);
            };
            let place = Place::find(&last.attempt, &whole.changes)?;
            let in_the_way = place.in_the_way();
            let stopped = |car: &&Car| {
                let paths = &car.draft.candidate.paths;
                in_the_way.iter().any(|path| paths.contains(path))
            };
            let stopped: Vec<&Car> = coupled.cars.iter().filter(stopped).collect();
            if stopped.is_empty() {
                coupled.left.extend(barred);
                return Ok(coupled);
            }
            for car in stopped {
                names.retain(|name| name != car.name());
                let place = Place::find(&car.attempt, &car.draft.candidate.changes)?;
                if let Err(error) = place.require_free(&car.attempt) {
                    barred.push(LeftOut::by(car.name(), error)?);
                }
            }
        }
    }

    fn couple_once(&self, names: &[String], conflicts: &[Conflict]) -> anyhow::Result<Coupled<'a>> {
        let mut coupled = Coupled {
            cars: Vec::new(),
            prefixes: Vec::new(),
            left: Vec::new(),
        };
        let mut before: Vec<String> = Vec::new();
        for member in names.iter().filter_map(|name| self.named(name)) {
            let onto = coupled
                .cars
                .last()
                .map(|car: &Car| &car.draft.candidate.pinned.commit);
            let base = Base {
                target: self.target,
                onto: onto.unwrap_or(self.target),
                before: &before,
            };
            let name = &member.task.name;
            match self.checked(member, &base) {
                Ok(Checked::Sound(car)) => {
                    let pinned = car.draft.candidate.pinned.clone();
                    let prefix = between(&member.repo.read, self.target, pinned)?;
                    coupled.prefixes.push(prefix);
                    coupled.cars.push(*car);
                    before.push(name.clone());
                }
                Ok(Checked::Conflict(paths)) => {
                    let left = conflicting(&member.task, &before, conflicts, paths);
                    coupled.left.push(left);
                }
                Ok(Checked::Trespassed(found)) => {
                    coupled.left.push(LeftOut::trespassing(name, &found));
                }
                Ok(Checked::Broken(found)) => {
                    coupled.left.push(LeftOut::breaking(name, &found));
                }
                Err(error) => coupled.left.push(LeftOut::by(name, error)?),
            }
        }
        Ok(coupled)
    }

    fn checked(&self, member: &'a Member<'a>, base: &Base) -> anyhow::Result<Checked<'a>> {
        let checked = self.attempt(member).check(base)?;
        if let Checked::Sound(car) = &checked {
            // Others must not be judged by what it makes of the judge.
            car.require_accepted()?;
        }
        Ok(checked)
    }
}

/// How many paths a member's own work changes.
fn size(member: &Member, target: &Oid) -> anyhow::Result<usize> {
    let (read, tip) = (&member.repo.read, &member.work.tip);
    let base = read.merge_base(target, &tip.commit)?;
    let base = base.as_ref().unwrap_or(target);
    Ok(read.changes(&read.tree_of(base)?, &tip.tree)?.len())
}

/// Who conflicts with all that goes before it: with whom of that, as far as the pairs tell.
fn conflicting(
    task: &Task,
    before: &[String],
    conflicts: &[Conflict],
    paths: Vec<String>,
) -> LeftOut {
    let meets = |other: &&String| {
        let pair = |tasks: &[String; 2]| tasks.contains(&task.name) && tasks.contains(other);
        conflicts.iter().any(|conflict| pair(&conflict.tasks))
    };
    let with: Vec<&str> = before.iter().filter(meets).map(String::as_str).collect();
    let (target, solve) = (&task.target, solve(task));
    let (whom, next) = match (&with[..], before) {
        ([], []) => (target.clone(), solve),
        ([], [only]) => (format!("{target} as {only} leaves it"), solve),
        ([], _) => (format!("{target} as {} leave it", some_of(before)), solve),
        _ => {
            let with = with.join(" and ");
            let next = format!("with {with} on {target}, {solve}");
            (with, next)
        }
    };
    LeftOut {
        task: task.name.clone(),
        why: format!("conflicts with {whom} in: {}", some_of(&paths)),
        next: Some(next),
        paths,
        code: Code::Conflict,
    }
}
