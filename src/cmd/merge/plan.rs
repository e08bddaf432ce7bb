//! `wt merge --dry-run`: what would land, said line by line.

use std::collections::BTreeSet;

use crate::ctx::Ctx;
use crate::error::{counted, shown};
use crate::land::{Plan, PlannedCar, TrainPlan};

/// Says what landing one task would do.
pub(super) fn print(ctx: &Ctx, plan: &Plan) {
    ctx.ui.out(&would_land(
        &plan.car,
        &plan.target,
        "would be judged first",
    ));
    print_red(ctx, std::slice::from_ref(&plan.car), &plan.target);
    match &plan.checkout {
        Some(root) => ctx.ui.out(&format!(
            "the files of the checkout {} are updated, too",
            root.display()
        )),
        None => ctx.ui.out(&format!(
            "{} is checked out nowhere; only the branch moves",
            plan.target
        )),
    }
    for path in &plan.in_the_way {
        ctx.ui.out(&format!("in the way there: {}", shown(path)));
    }
    for path in &plan.judge_changed {
        ctx.ui.out(&format!(
            "changes the judge, wants --accept-judge-change: {}",
            shown(path)
        ));
    }
}

/// Says what landing several would do.
pub(super) fn print_train(ctx: &Ctx, plan: &TrainPlan) {
    let unjudged = if plan.each {
        "would be judged first"
    } else {
        "has none"
    };
    for car in &plan.tasks {
        ctx.ui.out(&would_land(car, &plan.target, unjudged));
    }
    print_red(ctx, &plan.tasks, &plan.target);
    let runs = match plan.runs {
        0 => "the gate need not run".to_owned(),
        1 => "the gate would run once".to_owned(),
        runs => format!("the gate would run {runs} times"),
    };
    match &plan.checkout {
        _ if plan.tasks.is_empty() => {}
        Some(root) => ctx.ui.out(&format!(
            "{runs}; the files of the checkout {} are updated, too",
            root.display()
        )),
        None => ctx.ui.out(&format!(
            "{runs}; {} is checked out nowhere, only the branch moves",
            plan.target
        )),
    }
}

/// Says which steps are known to fail on the target itself.
fn print_red(ctx: &Ctx, cars: &[PlannedCar], target: &str) {
    let steps: BTreeSet<&str> = cars
        .iter()
        .flat_map(|car| &car.target_red)
        .map(String::as_str)
        .collect();
    for step in steps {
        ctx.ui.out(&format!(
            "{target} itself is red as it stands: step {step} was seen to fail on it"
        ));
    }
}

/// `unjudged` is what is said of a tree that no receipt covers.
fn would_land(car: &PlannedCar, target: &str, unjudged: &str) -> String {
    format!(
        "would land {} on {target} ({}): {}, tree {} {}",
        car.task,
        car.strategy.word(),
        counted(car.paths.len(), "path"),
        &car.tree[..12],
        if car.judged {
            "has a receipt"
        } else {
            unjudged
        },
    )
}
