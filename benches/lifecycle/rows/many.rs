//! Many worktrees at once.

use std::process::Command;

use super::Site;
use crate::contest::Contest;
use crate::measure::{Took, run, take_together};
use crate::project::Project;
use crate::table::Report;

const AT_ONCE: usize = 16;
const ROUNDS: usize = 2;

pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = site.project()?;
    let name = "project-with-spares";
    let spared = Project::with_spares(site.ground, name, site.files, AT_ONCE)?;
    let other = format!("{AT_ONCE} git worktree add at once, again where one fails");
    let mut contest = Contest::against(&other, site.bar(20_000, 0.5));
    let mut of_spares = Contest::against(&other, site.bar(20_000, 0.5));
    for round in 0..=ROUNDS.min(site.wanted.rounds(site.files)) {
        let tasks = names("many", round);
        let plain = names("many-plain", round);
        for who in contest.turns(round) {
            if who == 0 {
                contest.note(round, who, spawn(project, &tasks)?);
                continue;
            }
            let commands = plain.iter().map(|name| add(project, name)).collect();
            let took = take_together(commands)?;
            of_spares.note(round, who, took.clone());
            contest.note(round, who, took);
        }
        spared.require_spares(AT_ONCE)?;
        of_spares.note(round, 0, spawn(&spared, &tasks)?);
        for name in &tasks {
            run(&mut project.wt(&["rm", name]))?;
            run(&mut spared.wt(&["rm", name]))?;
        }
        for name in &plain {
            let mut remove = project.git(&["worktree", "remove", "--force"]);
            run(remove.arg(project.beside(name)))?;
        }
    }
    report.times(site, &format!("{AT_ONCE} spawns at once"), &contest);
    let what = format!("{AT_ONCE} spawns at once from spares");
    report.times(site, &what, &of_spares);
    Ok(())
}

fn spawn(project: &Project, tasks: &[String]) -> anyhow::Result<Took> {
    let commands = tasks.iter().map(|name| project.wt(&["spawn", name]));
    take_together(commands.collect())
}

fn names(prefix: &str, round: usize) -> Vec<String> {
    (0..AT_ONCE)
        .map(|number| format!("{prefix}-{round}-{number}"))
        .collect()
}

/// Git's own, started at once, fail: one reads what another has made by half. Whoever calls them so tries again.
const UNTIL_IT_IS_THERE: &str = r#"
    for try in $(seq 100); do
        git worktree add -q -B "$1" "$2" && exit
        rm -rf "$2"
    done
    exit 1"#;

fn add(project: &Project, name: &str) -> Command {
    let mut add = project.command("sh", &["-c", UNTIL_IT_IS_THERE, "sh", name]);
    add.arg(project.beside(name));
    add
}
