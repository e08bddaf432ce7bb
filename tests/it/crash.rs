//! Every verb that writes, killed and failed at each of its changes to the disk: the next command finds the state before
//! it or the state after it, and nothing is lost, left or half done.

mod checks;
mod points;
mod rig;
mod scenarios;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use checks::{Picture, left_over, private_folders};
use points::{Fate, Point, spread};
use rig::{Rig, has_strace};
use scenarios::{SCENARIOS, Scenario, sandbox};

use crate::sandbox::Ran;

/// Of each scenario, how many points a test run tries that is not asked for all.
const SAMPLE: usize = 10;
/// The same of pairs: a point, and a point of what mends it.
const PAIRS: usize = 4;
/// Of each killed run, at how many points what mends it is killed.
const SECOND: usize = 2;
/// The scenarios of which a test run tries pairs.
const PAIRED: &[&str] = &["spawn", "rm --force", "restore", "merge into a checkout"];
const FIX: &[&str] = &["doctor", "--fix"];

/// A scenario that is ready to be run, and what it makes of what.
struct Trial<'s> {
    scenario: &'s Scenario,
    rig: Rig,
    before: Picture,
    between: Vec<Picture>,
    after: Picture,
    points: Vec<Point>,
}

impl<'s> Trial<'s> {
    fn new(scenario: &'s Scenario) -> Self {
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
        let after = Picture::of(&rig);
        rig.restore();
        points.extend(rig.record_apart(scenario.verb));
        Self {
            scenario,
            rig,
            before,
            between,
            after,
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
        if let Recovery::Killed(second) = recovery {
            self.rig.meet(second, FIX);
            folders.extend(private_folders(&self.rig));
            self.rig.age_locks();
        }
        if !matches!(recovery, Recovery::Verb) {
            problems.extend(self.heal());
            let now = Picture::of(&self.rig);
            let is_before = (now == self.before || self.between.contains(&now))
                && ran.code != Some(self.scenario.code);
            // The landing itself is whole; the follower's start was not, and it is said how to start it.
            let waits = ran.err.contains("goes on waiting");
            if !is_before && now != self.after && !waits && !self.scenario.has_many_stages {
                problems.push(format!(
                    "neither before: {}\nnor after: {}",
                    now.difference(&self.before),
                    now.difference(&self.after)
                ));
            }
        }
        self.rig.wait_for_quiet();
        if ran.err.contains("goes on waiting") {
            self.rig.sandbox.wt(&["spawn", "next"]).expect(0);
        }
        problems.extend(self.again());
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

    /// Tries a point and says what is wrong; answers 1 then, else 0.
    fn try_point(&self, point: &Point, recovery: &Recovery) -> usize {
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

    fn report(&self, tried: usize, wrong: usize, what: &str) {
        let (name, all) = (self.scenario.name, self.points.len());
        say(&format!(
            "{name}: {all} points, {tried} {what} tried, {wrong} wrong"
        ));
    }

    /// The points of what mends a run that met its fate at `point`.
    fn points_of_mending(&self, point: &Point) -> Vec<Point> {
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
                if now != self.after && !says {
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

    /// Calls the verb again and answers what is wrong with that: it is done now, whatever came before.
    fn again(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let (code, words) = self.scenario.again;
        let ran = self.rig.sandbox.wt(self.scenario.verb);
        let says = format!("{}{}", ran.out, ran.err).contains(words);
        let is_done = ran.code == Some(code) && says;
        if ran.code != Some(self.scenario.code) && !is_done {
            problems.push(format!("again: {:?} {}{}", ran.code, ran.out, ran.err));
        }
        self.rig.wait_for_quiet();
        let now = Picture::of(&self.rig);
        if now != self.after {
            problems.push(format!("in the end: {}", now.difference(&self.after)));
        }
        problems
    }

    /// Lets doctor mend what there is, twice, and answers what is wrong still.
    fn heal(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for turn in 1..=2 {
            let fix = self.rig.sandbox.wt(FIX);
            // The second time there is nothing left to mend.
            if fix.code != Some(0) || (turn == 2 && !fix.err.contains("all is well")) {
                problems.push(format!("doctor --fix, {turn}: {}{}", fix.out, fix.err));
            }
            self.rig.wait_for_quiet();
        }
        problems.extend(left_over(&self.rig));
        problems
    }
}

/// What comes after a point.
enum Recovery {
    /// `wt doctor --fix`, twice.
    Doctor,
    /// The same verb again.
    Verb,
    /// `wt doctor --fix` that is killed at a point of its own, then as [`Self::Doctor`].
    Killed(Point),
}

/// Tries at most `most` points of a scenario; answers how many were wrong.
fn run(scenario: &Scenario, most: usize) -> usize {
    let trial = Trial::new(scenario);
    let points = spread(&trial.points, most);
    let mut wrong = 0;
    for (place, point) in points.iter().enumerate() {
        let recovery = if place % 2 == 0 {
            Recovery::Doctor
        } else {
            Recovery::Verb
        };
        wrong += trial.try_point(point, &recovery);
    }
    trial.report(points.len(), wrong, "points");
    wrong
}

/// Kills a scenario at some of its points, and what mends it then at some of its own; as many pairs as `most`.
fn run_twice(scenario: &Scenario, most: usize) -> usize {
    let trial = Trial::new(scenario);
    let deaths: Vec<Point> = trial
        .points
        .iter()
        .filter(|p| p.is_death())
        .cloned()
        .collect();
    let (mut tried, mut wrong) = (0, 0);
    for first in spread(&deaths, most.div_ceil(SECOND)) {
        let seconds: Vec<Point> = trial.points_of_mending(&first);
        let seconds: Vec<Point> = seconds.into_iter().filter(Point::is_death).collect();
        for second in spread(&seconds, SECOND) {
            tried += 1;
            wrong += trial.try_point(&first, &Recovery::Killed(second));
        }
    }
    trial.report(tried, wrong, "pairs");
    wrong
}

/// Not by `eprintln!`, which is shown for tests that fail alone.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("written");
}

/// Has each of these scenarios tried by `try_it`, as many at once as there are cores; none may be wrong anywhere.
#[track_caller]
fn crash(scenarios: &[&Scenario], try_it: impl Fn(&Scenario) -> usize + Sync) {
    if !has_strace() {
        return;
    }
    let (waiting, wrong) = (Mutex::new(scenarios.to_vec()), AtomicUsize::new(0));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("unpoisoned").pop();
                    let Some(scenario) = next else { break };
                    wrong.fetch_add(try_it(scenario), Ordering::Relaxed);
                }
            });
        }
    });
    let wrong = wrong.into_inner();
    assert!(wrong == 0, "{wrong} points are wrong, as said above");
}

/// The scenarios whose name holds what `WT_CRASH` says, or all.
fn asked_for() -> Vec<&'static Scenario> {
    let only = std::env::var("WT_CRASH").unwrap_or_default();
    SCENARIOS
        .iter()
        .filter(|s| s.name.contains(&only))
        .collect()
}

/// How many points of each scenario `WT_CRASH_MOST` asks for.
fn most(usual: usize) -> usize {
    let asked = std::env::var("WT_CRASH_MOST").ok();
    asked.and_then(|most| most.parse().ok()).unwrap_or(usual)
}

#[test]
fn a_sample_of_all_points_ends_before_or_after() {
    crash(&asked_for(), |scenario| run(scenario, most(SAMPLE)));
}

#[test]
fn a_sample_of_killed_recoveries_ends_before_or_after() {
    let scenarios = asked_for().into_iter().filter(|s| PAIRED.contains(&s.name));
    crash(&scenarios.collect::<Vec<_>>(), |scenario| {
        run_twice(scenario, most(PAIRS))
    });
}

#[test]
#[ignore = "takes an hour: cargo test --release -- --ignored crash_all"]
fn crash_all() {
    crash(&asked_for(), |scenario| run(scenario, most(usize::MAX)));
}

#[test]
#[ignore = "takes half an hour: cargo test --release -- --ignored crash_all"]
fn crash_all_recoveries() {
    crash(&asked_for(), |scenario| run_twice(scenario, most(100)));
}
