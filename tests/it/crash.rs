//! Every verb that writes, killed and failed at each of its changes to the disk: the next command finds the state before
//! it or the state after it, and nothing is lost, left or half done.

mod checks;
mod points;
mod rig;
mod scenarios;

use std::io::Write as _;
use std::sync::Mutex;

use checks::{Picture, left_over, private_folders};
use points::{Fate, Point, spread};
use rig::{Rig, has_strace};
use scenarios::{SCENARIOS, Scenario, sandbox};

use crate::sandbox::Ran;

/// Of each scenario, how many points a test run tries that is not asked for all.
const SAMPLE: usize = 12;

/// A scenario that is ready to be run, and what it makes of what.
struct Trial<'s> {
    scenario: &'s Scenario,
    rig: Rig,
    before: Picture,
    after: Picture,
    points: Vec<Point>,
}

impl<'s> Trial<'s> {
    fn new(scenario: &'s Scenario) -> Self {
        let rig = Rig::new(sandbox(), scenario.prepare);
        rig.restore();
        let before = Picture::of(&rig);
        let (ran, mut points) = rig.record(scenario.verb);
        ran.expect(scenario.code);
        let after = Picture::of(&rig);
        rig.restore();
        points.extend(rig.record_apart(scenario.verb));
        Self {
            scenario,
            rig,
            before,
            after,
            points,
        }
    }

    /// Meets a point, recovers, and answers what is wrong then.
    fn problems(&self, point: &Point, recovery: Recovery) -> Vec<String> {
        self.rig.restore();
        let verb = self.scenario.verb;
        let ran = self.rig.meet(point, verb);
        let folders = private_folders(&self.rig);
        let mut problems = self.answer(point, &ran);
        self.rig.age_locks();
        if recovery == Recovery::Doctor {
            problems.extend(self.heal());
            let now = Picture::of(&self.rig);
            let is_before = now == self.before && ran.code != Some(self.scenario.code);
            if !is_before && now != self.after {
                problems.push(format!(
                    "neither before: {}\nnor after: {}",
                    now.difference(&self.before),
                    now.difference(&self.after)
                ));
            }
        }
        self.rig.wait_for_quiet();
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
                if now != self.after && !ran.err.contains("warning: ") {
                    problems.push(format!("it said yes, yet: {}", now.difference(&self.after)));
                }
            } else if !["/", "`git ", "standard output"]
                .iter()
                .any(|place| ran.err.contains(place))
            {
                problems.push(format!("it does not say where: {}", ran.err));
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
            let fix = self.rig.sandbox.wt(&["doctor", "--fix"]);
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
#[derive(Clone, Copy, PartialEq, Eq)]
enum Recovery {
    /// `wt doctor --fix`, twice.
    Doctor,
    /// The same verb again.
    Verb,
}

/// Tries at most `most` points of a scenario; answers what was wrong, a text for each point.
fn run(scenario: &Scenario, most: usize) -> Vec<String> {
    let mut trial = Trial::new(scenario);
    let all = trial.points.len();
    let points = spread(std::mem::take(&mut trial.points), most);
    let mut wrong = Vec::new();
    let mut recovery = Recovery::Verb;
    for point in &points {
        recovery = match recovery {
            Recovery::Doctor => Recovery::Verb,
            Recovery::Verb => Recovery::Doctor,
        };
        let problems = trial.problems(point, recovery);
        if !problems.is_empty() {
            let text = format!("{}: {point}\n  {}", scenario.name, problems.join("\n  "));
            say(&text);
            wrong.push(text);
        }
    }
    say(&format!(
        "{}: {} of {all} points, {} wrong",
        scenario.name,
        points.len(),
        wrong.len()
    ));
    wrong
}

/// Not by `eprintln!`, which is shown for tests that fail alone.
fn say(line: &str) {
    writeln!(std::io::stderr(), "{line}").expect("written");
}

/// Tries at most `most` points of each of these scenarios, as many scenarios at once as there are cores.
#[track_caller]
fn crash(scenarios: &[&Scenario], most: usize) {
    if !has_strace() {
        return;
    }
    let (waiting, wrong) = (Mutex::new(scenarios.to_vec()), Mutex::new(Vec::new()));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let next = waiting.lock().expect("unpoisoned").pop();
                    let Some(scenario) = next else { break };
                    let found = run(scenario, most);
                    wrong.lock().expect("unpoisoned").extend(found);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("unpoisoned");
    assert!(
        wrong.is_empty(),
        "{} points are wrong, as said above",
        wrong.len()
    );
}

#[test]
fn a_sample_of_all_points_ends_before_or_after() {
    let scenarios: Vec<&Scenario> = SCENARIOS.iter().collect();
    crash(&scenarios, SAMPLE);
}

#[test]
#[ignore = "takes an hour: cargo test --release -- --ignored crash_all"]
fn crash_all() {
    let only = std::env::var("WT_CRASH").unwrap_or_default();
    let scenarios = SCENARIOS.iter().filter(|s| s.name.contains(&only));
    let most = std::env::var("WT_CRASH_MOST")
        .ok()
        .and_then(|most| most.parse().ok());
    crash(&scenarios.collect::<Vec<_>>(), most.unwrap_or(usize::MAX));
}
