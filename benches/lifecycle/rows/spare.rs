//! A worktree made of a checkout that was made ahead.

use super::Site;
use crate::contest::Contest;
use crate::measure::{Took, run, take};
use crate::project::Project;
use crate::table::Report;

/// With nothing in memory, a round takes long and tells as much as another.
const COLD_ROUNDS: usize = 2;

/// With everything in memory, then with nothing.
pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = Project::with_spares(site.ground, "project-with-a-spare", site.files, 1)?;
    let mut warm = contest(site);
    for round in site.rounds() {
        for who in warm.turns(round) {
            warm.note(round, who, create(&project, who, round)?);
        }
        remove(&project, round)?;
    }
    report.times(site, "spawn from a spare", &warm);
    report.peaks(site, "spawn from a spare", &warm);
    let what = "spawn from a spare, cold";
    if let Err(why) = site.ground.drop_caches() {
        report.left_out(site, what, &format!("{why:#}"));
        return Ok(());
    }
    let mut cold = contest(site);
    for round in 1..=COLD_ROUNDS {
        for who in cold.turns(round) {
            site.ground.drop_caches()?;
            cold.note(round, who, create(&project, who, round)?);
        }
        remove(&project, round)?;
    }
    report.times(site, what, &cold);
    Ok(())
}

fn contest(site: &Site) -> Contest {
    Contest::against("git worktree add", site.bar(20_000, 0.4))
}

fn create(project: &Project, who: usize, round: usize) -> anyhow::Result<Took> {
    if who == 0 {
        project.require_spares(1)?;
        return take(&mut project.wt(&["spawn", &format!("spared-{round}")]));
    }
    let mut add = project.git(&["worktree", "add", "--detach"]);
    take(add.arg(plain(project, round)))
}

fn remove(project: &Project, round: usize) -> anyhow::Result<()> {
    run(&mut project.wt(&["rm", &format!("spared-{round}")]))?;
    let mut remove = project.git(&["worktree", "remove", "--force"]);
    run(remove.arg(plain(project, round)))
}

fn plain(project: &Project, round: usize) -> std::path::PathBuf {
    project.beside(&format!("spared-plain-{round}"))
}
