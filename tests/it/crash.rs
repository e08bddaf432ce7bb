//! Every verb that writes, killed and failed at each of its changes to the disk: the next command finds the state before
//! it or the state after it, and nothing is lost, left or half done.

mod checks;
mod points;
mod processes;
mod rig;
mod scenarios;
mod trial;

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use points::{Point, spread};
use scenarios::{SCENARIOS, Scenario};
use trial::{Recovery, Trial};

use crate::sandbox::has_strace;

/// Of each scenario, how many points a test run tries that is not asked for all.
const SAMPLE: usize = 10;
/// The same of pairs: a point, and a point of what mends it.
const PAIRS: usize = 4;
/// Of each killed run, at how many points what mends it is killed.
const SECOND: usize = 2;
/// The scenarios of which a test run tries pairs.
const PAIRED: &[&str] = &["spawn", "rm --force", "restore", "merge into a checkout"];
const FIX: &[&str] = &["doctor", "--fix"];

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
