//! Many claims: a new one checked against all of them, and many paths held against them.

use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::contest::Contest;
use crate::measure::{run, take};
use crate::project::Project;
use crate::rows::Site;
use crate::table::Report;

/// Makes tasks with four globs each, then measures `wt`'s two questions about claims.
pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let (tasks, paths) = (site.wanted.claims, site.files);
    let project = Project::of_names(site.ground, "project-of-claims", paths)?;
    claim(&project, tasks)?;
    let mut checked = Contest::against("git branch", None);
    let mut matched = Contest::against("git ls-tree -r", None);
    for round in site.rounds() {
        let name = format!("new-{round}");
        for who in checked.turns(round) {
            let took = if who == 0 {
                let owns = globs(tasks + round);
                let mut spawn = project.wt(&["spawn", &name, "--after", "task-0"]);
                take(spawn.args(owns.iter().flat_map(|glob| ["--owns", glob])))?
            } else {
                take(&mut project.git(&["branch", &name]))?
            };
            checked.note(round, who, took);
        }
        run(&mut project.wt(&["rm", &name]))?;
        for who in matched.turns(round) {
            let took = if who == 0 {
                let took = take(&mut project.wt(&["scope", "unowned", "--json"]))?;
                let told: Value = serde_json::from_str(&took.out)?;
                let tracked = told["tracked"].as_u64().context("a number")?;
                ensure!(tracked > paths as u64, "{tracked} paths are too few");
                took
            } else {
                take(&mut project.git(&["ls-tree", "-r", "--name-only", "HEAD"]))?
            };
            matched.note(round, who, took);
        }
    }
    report.times(site, &format!("spawn --after, {tasks} claims"), &checked);
    let what = format!("scope unowned, {tasks} claims");
    report.times(site, &what, &matched);
    report.peaks(site, &what, &matched);
    Ok(())
}

/// Tasks that wait for the first, so that there is a record of each and nothing else: made by `wt` once, then copied
/// with other names and claims.
fn claim(project: &Project, tasks: usize) -> anyhow::Result<()> {
    run(&mut project.wt(&["spawn", "task-0", "--owns", "task-0"]))?;
    run(&mut project.wt(&["spawn", "task-1", "--after", "task-0"]))?;
    let made = fs::read(project.record("task-1"))?;
    let mut record: Value = serde_json::from_slice(&made)?;
    for number in 1..tasks {
        let name = format!("task-{number}");
        record["name"] = json!(name);
        record["branch"] = json!(format!("wt/{name}"));
        record["owns"] = json!(globs(number));
        let path = project.record(&name);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        fs::write(path, serde_json::to_vec(&record)?)?;
    }
    Ok(())
}

/// Of these the first two can hold paths of the project; the last begins as that of every other task, so that only their automata tell them apart.
fn globs(number: usize) -> [String; 4] {
    [
        format!("packages/p{}/unit-{}/**", number / 8, number % 8),
        format!("!packages/p{}/unit-{}/file-*7.txt", number / 8, number % 8),
        format!("docs/{number}/*.md"),
        format!("tests/**/test_{number}_*.rs"),
    ]
}
