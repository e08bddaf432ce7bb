//! A worktree of one package of many.

use anyhow::ensure;

use super::Site;
use crate::contest::Contest;
use crate::measure::{run, take};
use crate::table::Report;

pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = site.project()?;
    let mut contest = Contest::against("git worktree add", site.bar(100_000, 0.05));
    for round in site.rounds() {
        let (task, plain) = (format!("sparse-{round}"), format!("whole-{round}"));
        for who in contest.turns(round) {
            let took = if who == 0 {
                let owns = ["--sparse", "--owns", "packages/p1/**"];
                take(project.wt(&["spawn", &task]).args(owns))?
            } else {
                let mut add = project.git(&["worktree", "add", "-b", &plain]);
                take(add.arg(project.beside(&plain)))?
            };
            contest.note(round, who, took);
        }
        let packages = project.worktree(&task).join("packages");
        ensure!(packages.join("p1").is_dir(), "its own package is missing");
        ensure!(!packages.join("p2").exists(), "another package is there");
        run(&mut project.wt(&["rm", &task]))?;
        let mut remove = project.git(&["worktree", "remove", "--force"]);
        run(remove.arg(project.beside(&plain)))?;
        run(&mut project.git(&["branch", "-q", "-D", &plain]))?;
    }
    report.times(
        site,
        &format!("spawn --sparse, 1 of {} packages", project.packages()),
        &contest,
    );
    Ok(())
}
