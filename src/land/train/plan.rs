//! What a train would do, for a dry run.

use std::path::PathBuf;

use serde::Serialize;

use crate::candidate::Candidate;
use crate::conflicts::Conflict;
use crate::landing::Order;

use super::couple::{Coupled, Parts};
use crate::land::attempt::Car;
use crate::land::commits::PlannedCar;
use crate::land::proof::outlook;
use crate::land::target::Place;

/// A train that would go.
#[derive(Debug, Serialize)]
pub(crate) struct TrainPlan {
    pub(crate) target: String,
    pub(crate) target_commit: String,
    /// What the order goes by.
    pub(crate) reason: String,
    /// Those that would land, in their order.
    pub(crate) tasks: Vec<PlannedCar>,
    /// The pairs that can't both land as they stand.
    pub(crate) conflicts: Vec<Conflict>,
    /// Whether each combination is judged, not the last alone.
    pub(crate) each: bool,
    /// How many runs of the gate it takes where all of them are green.
    pub(crate) runs: usize,
    /// The checkout whose files are moved along.
    pub(crate) checkout: Option<PathBuf>,
}

impl TrainPlan {
    pub(super) fn new(
        parts: &Parts,
        order: &Order,
        coupled: &Coupled,
        conflicts: Vec<Conflict>,
    ) -> anyhow::Result<Self> {
        let each = parts.in_force.contract.land.each;
        let planned = |(car, prefix): (&Car, &Candidate)| -> anyhow::Result<PlannedCar> {
            let judged_up_to = if each { &car.draft.candidate } else { prefix };
            Ok(PlannedCar::new(car, prefix, outlook(car, judged_up_to)?))
        };
        let tasks = coupled.cars.iter().zip(&coupled.prefixes).map(planned);
        let tasks = tasks.collect::<anyhow::Result<Vec<_>>>()?;
        let place = match coupled.cars.last() {
            Some(car) => Place::find(&car.attempt, &[])?,
            None => Place::RefAlone,
        };
        let open = |car: &&PlannedCar| !car.judged;
        let runs = if each {
            tasks.iter().filter(open).count()
        } else {
            tasks.last().iter().filter(|car| open(car)).count()
        };
        Ok(Self {
            target: parts
                .members
                .first()
                .map(|m| m.task.target.clone())
                .unwrap_or_default(),
            target_commit: parts.target.to_string(),
            reason: order.reason.clone(),
            tasks,
            conflicts,
            each,
            runs,
            checkout: place.checkout().cloned(),
        })
    }
}
