//! What a dry run says, line by line.

use std::collections::BTreeSet;
use std::fmt;

use crate::error::{counted, shown};
use crate::weakened::lines_of;

use super::commits::PlannedCar;
use super::{Plan, TrainPlan};

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { car, target, .. } = self;
        would_land(f, car, target, "would be judged first")?;
        target_red(f, std::slice::from_ref(car), target)?;
        match &self.checkout {
            Some(root) => {
                let root = root.display();
                writeln!(f, "the files of the checkout {root} are updated, too")?;
            }
            None => writeln!(f, "{target} is checked out nowhere; only the branch moves")?,
        }
        for path in &self.in_the_way {
            writeln!(f, "in the way there: {}", shown(path))?;
        }
        for path in &self.judge_changed {
            let path = shown(path);
            writeln!(f, "changes the judge, wants --accept-judge-change: {path}")?;
        }
        weakened(f, car, if self.tests_protected { WANTS } else { "" })?;
        Ok(())
    }
}

impl fmt::Display for TrainPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = &self.target;
        let unjudged = if self.each {
            "would be judged first"
        } else {
            "has none"
        };
        for car in &self.tasks {
            would_land(f, car, target, unjudged)?;
            weakened(f, car, "")?;
        }
        target_red(f, &self.tasks, target)?;
        match self.runs {
            0 => write!(f, "the gate need not run")?,
            1 => write!(f, "the gate would run once")?,
            runs => write!(f, "the gate would run {runs} times")?,
        }
        match &self.checkout {
            Some(root) => {
                let root = root.display();
                writeln!(f, "; the files of the checkout {root} are updated, too")
            }
            None => writeln!(
                f,
                "; {target} is checked out nowhere, only the branch moves"
            ),
        }
    }
}

/// `unjudged` is what is said of a tree that no receipt covers.
fn would_land(
    f: &mut fmt::Formatter<'_>,
    car: &PlannedCar,
    target: &str,
    unjudged: &str,
) -> fmt::Result {
    let (task, strategy) = (&car.task, car.strategy.word());
    let (paths, tree) = (counted(car.paths.len(), "path"), &car.tree[..12]);
    let judged = if car.judged {
        "has a receipt"
    } else {
        unjudged
    };
    writeln!(
        f,
        "would land {task} on {target} ({strategy}): {paths}, tree {tree} {judged}"
    )
}

/// Names the steps that are known to fail on the target itself.
/// How much of it is told.
const WEAKENED_SHOWN: usize = 5;
const WANTS: &str = ", wants --accept-weakened-tests";

fn weakened(f: &mut fmt::Formatter<'_>, car: &PlannedCar, wants: &str) -> fmt::Result {
    if car.tests_weakened.is_empty() {
        return Ok(());
    }
    writeln!(f, "{} makes tests weaker{wants}:", car.task)?;
    for line in lines_of(&car.tests_weakened, WEAKENED_SHOWN) {
        writeln!(f, "{line}")?;
    }
    Ok(())
}

fn target_red(f: &mut fmt::Formatter<'_>, cars: &[PlannedCar], target: &str) -> fmt::Result {
    let steps: BTreeSet<&String> = cars.iter().flat_map(|car| &car.target_red).collect();
    for step in steps {
        writeln!(
            f,
            "{target} itself is red as it stands: step {step} was seen to fail on it"
        )?;
    }
    Ok(())
}
