//! What stands against judging a candidate at all, though the gate might pass it.

use crate::candidate::{self, Candidate};
use crate::git::Repo;
use crate::task::Task;
use crate::weakened::Weakening;
use crate::workspace::{InForce, Workspace};

use super::{Answer, Ask};

/// A rule that the candidate breaks by what it adds, or protected tests that it makes weaker.
/// Nothing is counted for it.
pub(super) fn objection(
    ws: &Workspace,
    repo: &Repo,
    ask: &Ask,
    task: &Task,
    in_force: &InForce,
    candidate: &Candidate,
) -> anyhow::Result<Option<Answer>> {
    let contract = &in_force.contract;
    let found = candidate::breaches(&repo.read, contract, &candidate.changes)?;
    if !found.is_empty() {
        let mut rules: Vec<String> = found.iter().map(|breach| breach.rule.clone()).collect();
        rules.dedup();
        ws.record(&ws.event(&task.name, "rule-broken").fact("rules", rules))?;
        let task = Box::new(task.clone());
        return Ok(Some(Answer::Broken { task, found }));
    }
    if !contract.rules.protect_tests {
        return Ok(None);
    }
    let found = candidate::weakened(&repo.read, &candidate.changes)?;
    if found.is_empty() {
        return Ok(None);
    }
    let event = match ask.accepts_weakened {
        Some(operator) => ws
            .event(&task.name, "weakened-tests-accepted")
            .fact("operator", operator),
        None => ws.event(&task.name, "tests-weakened"),
    };
    let places: Vec<String> = found.iter().take(20).map(Weakening::to_string).collect();
    ws.record(&event.fact("places", places))?;
    let task = Box::new(task.clone());
    let refused = ask.accepts_weakened.is_none();
    Ok(refused.then_some(Answer::Weakened { task, found }))
}
