//! A scenario that meets its points one after another, and what must hold after each.

use super::checks::{Picture, left_over, on_remote, private_folders};
use super::points::{Fate, Point};
use super::rig::Rig;
use super::scenarios::{Scenario, sandbox};
use super::{FIX, say};
use crate::sandbox::Ran;

/// How a command says that a follower could not be started.
const WAITS: &str = "goes on waiting";

/// What comes after a point.
pub(super) enum Recovery {
    /// `wt doctor --fix`, twice.
    Doctor,
    /// The same verb again.
    Verb,
    /// `wt doctor --fix` that is killed at a point of its own, then as [`Self::Doctor`].
    Killed(Point),
}

/// A scenario that is ready to be run, and what it makes of what.
pub(super) struct Trial<'s> {
    scenario: &'s Scenario,
    rig: Rig,
    before: Picture,
    between: Vec<Picture>,
    after: Picture,
    remote_after: String,
    left_out: Vec<LeftOut>,
    pub(super) points: Vec<Point>,
}

/// What comes of a verb that leaves one task out for a fault of the machine's and lands the other, and says so.
struct LeftOut {
    /// How it says so.
    words: [String; 2],
    now: Picture,
    /// After the same verb again.
    end: Picture,
}

impl LeftOut {
    fn of(rig: &Rig, verb: &[&str], (task, other): (&str, &str)) -> Self {
        rig.restore();
        rig.sandbox.wt(&["merge", other]).expect(0);
        rig.wait_for_quiet();
        let now = Picture::of(rig);
        rig.sandbox.wt(verb);
        rig.wait_for_quiet();
        Self {
            words: [format!("left out {task}: "), format!("landed {other} on ")],
            now,
            end: Picture::of(rig),
        }
    }
}

impl<'s> Trial<'s> {
    pub(super) fn new(scenario: &'s Scenario) -> Self {
        let rig = Rig::new(sandbox(), scenario.prepare);
        rig.restore();
        let before = Picture::of(&rig);
        let mut between = Vec::new();
        for stage in scenario.between {
            stage(&rig.sandbox);
            between.push(Picture::of(&rig));
        }
        rig.restore();
        let (ran, mut points) = rig.record(scenario.verb);
        ran.expect(scenario.code);
        let (after, remote_after) = (Picture::of(&rig), on_remote(&rig));
        let left_out = scenario.left_out.iter();
        let left_out = left_out.map(|left| LeftOut::of(&rig, scenario.verb, *left));
        let left_out = left_out.collect();
        rig.restore();
        points.extend(rig.record_apart(scenario.verb));
        Self {
            scenario,
            rig,
            before,
            between,
            after,
            remote_after,
            left_out,
            points,
        }
    }

    /// Meets a point, recovers, and answers what is wrong then.
    fn problems(&self, point: &Point, recovery: &Recovery) -> Vec<String> {
        self.rig.restore();
        let ran = self.rig.meet(point, self.scenario.verb);
        let mut folders = private_folders(&self.rig);
        let mut problems = self.answer(point, &ran);
        self.rig.age_locks();
        // The landing itself is whole; the follower's start was not, and it is said how to start it.
        let mut waits = ran.err.contains(WAITS);
        if let Recovery::Killed(second) = recovery {
            waits |= self.rig.meet(second, FIX).err.contains(WAITS);
            folders.extend(private_folders(&self.rig));
            self.rig.age_locks();
        }
        if !matches!(recovery, Recovery::Verb) {
            problems.extend(self.heal());
            problems.extend((!waits).then(|| self.neither(&ran)).flatten());
        }
        self.rig.wait_for_quiet();
        if waits {
            let spawned = self.rig.sandbox.wt(&["spawn", "next"]);
            if spawned.code != Some(0) {
                problems.push(format!("its follower: {}{}", spawned.out, spawned.err));
            }
        }
        problems.extend(self.again(&ran));
        problems.extend(self.heal());
        for folder in folders.iter().filter(|folder| folder.exists()) {
            problems.push(format!("left over: {}", folder.display()));
        }
        if !problems.is_empty() {
            problems.push(format!(
                "it had said: {:?}\n{}{}",
                ran.code, ran.out, ran.err
            ));
        }
        problems
    }

    /// What is wrong with the state after a run that met its fate, once it is mended: it is not the one before it, one
    /// on the way, or the one after it.
    fn neither(&self, ran: &Ran) -> Option<String> {
        let now = Picture::of(&self.rig);
        if let Some(left) = self.left_out_by(ran) {
            return (now != left.now).then(|| format!("landed: {}", now.difference(&left.now)));
        }
        if self.scenario.has_many_stages {
            return None;
        }
        let is_before = (now == self.before || self.between.contains(&now))
            && (ran.code != Some(self.scenario.code) || self.leaves(ran));
        (!is_before && now != self.after).then(|| {
            let (before, after) = (now.difference(&self.before), now.difference(&self.after));
            format!("neither before: {before}\nnor after: {after}")
        })
    }

    fn left_out_by(&self, ran: &Ran) -> Option<&LeftOut> {
        let is_said = |left: &&LeftOut| left.words.iter().all(|words| ran.out.contains(words));
        self.left_out.iter().find(is_said)
    }

    /// Whether it says that it left all as it was.
    fn leaves(&self, ran: &Ran) -> bool {
        let words = self.scenario.leaves;
        words.is_some_and(|words| ran.out.contains(words) || ran.err.contains(words))
    }

    /// Tries a point and says what is wrong; answers 1 then, else 0.
    pub(super) fn try_point(&self, point: &Point, recovery: &Recovery) -> usize {
        let problems = self.problems(point, recovery);
        if problems.is_empty() {
            return 0;
        }
        let then = match recovery {
            Recovery::Doctor => "then doctor".to_owned(),
            Recovery::Verb => "then the same again".to_owned(),
            Recovery::Killed(second) => format!("then doctor, {second}"),
        };
        say(&format!(
            "{}: {point}, {then}\n  {}",
            self.scenario.name,
            problems.join("\n  ")
        ));
        1
    }

    pub(super) fn report(&self, tried: usize, wrong: usize, what: &str) {
        let (name, all) = (self.scenario.name, self.points.len());
        say(&format!(
            "{name}: {all} points, {tried} {what} tried, {wrong} wrong"
        ));
    }

    /// The points of what mends a run that met its fate at `point`.
    pub(super) fn points_of_mending(&self, point: &Point) -> Vec<Point> {
        self.rig.restore();
        self.rig.meet(point, self.scenario.verb);
        self.rig.age_locks();
        self.rig.record(FIX).1
    }

    /// What is wrong with what a command said that met its fate.
    fn answer(&self, point: &Point, ran: &Ran) -> Vec<String> {
        let mut problems = Vec::new();
        if ran.err.contains("panicked") {
            problems.push("it panicked".to_owned());
        }
        if let (Fate::Fails(_), Some(code)) = (point.fate, ran.code) {
            if code == self.scenario.code {
                // What it could do without was not done; it said so, if it is to be seen.
                let now = Picture::of(&self.rig);
                let says = ran.err.contains("warning: ") || ran.out.contains("left out ");
                let is_told = says || (self.leaves(ran) && now == self.before);
                if now != self.after && !is_told {
                    problems.push(format!("it said yes, yet: {}", now.difference(&self.after)));
                }
            } else if !["/", "git ", "standard output"]
                .iter()
                .any(|place| ran.err.contains(place) || ran.out.contains(place))
            {
                problems.push("it does not say where".to_owned());
            }
        }
        problems
    }

    /// Calls the verb again and answers what is wrong with that: it is done now, whatever `first` came to.
    fn again(&self, first: &Ran) -> Vec<String> {
        let mut problems = Vec::new();
        let (code, words) = self.scenario.again;
        let ran = self.rig.sandbox.wt(self.scenario.verb);
        let says = format!("{}{}", ran.out, ran.err).contains(words);
        let is_done = ran.code == Some(code) && says;
        if ran.code != Some(self.scenario.code) && !is_done {
            problems.push(format!("again: {:?} {}{}", ran.code, ran.out, ran.err));
        }
        self.rig.wait_for_quiet();
        let end = self
            .left_out_by(first)
            .map_or(&self.after, |left| &left.end);
        let now = Picture::of(&self.rig);
        if now != *end {
            problems.push(format!("in the end: {}", now.difference(end)));
        }
        let remote = on_remote(&self.rig);
        if remote != self.remote_after {
            problems.push(format!("in the end its remote has {remote}"));
        }
        problems
    }

    /// Lets doctor mend what there is, twice, and answers what is wrong still.
    fn heal(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for turn in 1..=2 {
            let fix = loop {
                let is_quiet = self.rig.is_quiet();
                let fix = self.rig.sandbox.wt(FIX);
                self.rig.wait_for_quiet();
                // What was still at work, or dying, could not be mended yet.
                if is_quiet || fix.code != Some(0) {
                    break fix;
                }
            };
            // The second time there is nothing left to mend.
            if fix.code != Some(0) || (turn == 2 && !fix.err.contains("all is well")) {
                problems.push(format!("doctor --fix, {turn}: {}{}", fix.out, fix.err));
            }
        }
        problems.extend(left_over(&self.rig));
        problems
    }
}
