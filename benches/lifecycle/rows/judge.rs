//! A validation whose gate is `true`, so that all it takes is `wt`'s own; then the same again, answered from its receipt.

use std::path::Path;

use anyhow::ensure;

use super::Site;
use crate::contest::Contest;
use crate::measure::{Took, run, take};
use crate::project::Project;
use crate::table::Report;

/// The numbers of changes begin there: other rows land others in the same repository.
const CHANGES: usize = 200_000;

pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = site.project()?;
    let worktree = project.worktree("judged");
    run(&mut project.wt(&["spawn", "judged"]))?;
    let mut judged = Contest::against("git status", site.bar(20_000, 8.0));
    let mut known = Contest::against("git status", site.bar(20_000, 3.5));
    // The round that is not counted makes the slot.
    for round in site.rounds() {
        project.change(&worktree, CHANGES + round)?;
        for who in judged.turns(round) {
            judged.note(round, who, validate_or_status(project, &worktree, who, 1)?);
        }
        for who in known.turns(round) {
            known.note(round, who, validate_or_status(project, &worktree, who, 0)?);
        }
    }
    report.times(site, "validate, gate `true`", &judged);
    report.times(site, "validate, from a receipt", &known);
    report.peaks(site, "validate", &judged);
    run(&mut project.wt(&["rm", "--force", "judged"]))
}

fn validate_or_status(
    project: &Project,
    worktree: &Path,
    who: usize,
    steps: usize,
) -> anyhow::Result<Took> {
    if who > 0 {
        return take(project.git(&["status"]).current_dir(worktree));
    }
    let took = take(project.wt(&["validate"]).current_dir(worktree))?;
    let said = format!("VALIDATION_OK steps={steps} ");
    ensure!(took.out.starts_with(&said), "no {said:?} in {:?}", took.out);
    Ok(took)
}
