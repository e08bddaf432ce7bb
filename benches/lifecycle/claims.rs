//! Many claims: a new one checked against all of them, and many paths held against them.

use std::fs;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::measure::{Pairs, Side, run, take};
use crate::project::Project;
use crate::table::Table;

/// Makes tasks with four globs each, then measures `wt`'s two questions about claims.
pub(crate) fn measure(
    project: &Project,
    tasks: usize,
    pairs: usize,
    table: &mut Table,
) -> anyhow::Result<()> {
    claim(project, tasks)?;
    let (mut checked, mut matched) = (Pairs::default(), Pairs::default());
    for round in 0..=pairs {
        let name = format!("new-{round}");
        for side in Side::order(round) {
            let took = match side {
                Side::Wt => {
                    let owns = globs(tasks + round);
                    let mut spawn = project.wt(&["spawn", &name, "--after", "task-0"]);
                    take(spawn.args(owns.iter().flat_map(|glob| ["--owns", glob])))?
                }
                Side::Git => take(&mut project.git(&["branch", &name]))?,
            };
            checked.add(round, side, took);
        }
        run(&mut project.wt(&["rm", &name]))?;
        for side in Side::order(round) {
            let took = match side {
                Side::Wt => {
                    let took = take(&mut project.wt(&["scope", "unowned", "--json"]))?;
                    let told: Value = serde_json::from_str(&took.out)?;
                    let tracked = told["tracked"].as_u64().context("a number")?;
                    ensure!(
                        tracked > project.files as u64,
                        "{tracked} paths are too few"
                    );
                    took
                }
                Side::Git => take(&mut project.git(&["ls-tree", "-r", "--name-only", "HEAD"]))?,
            };
            matched.add(round, side, took);
        }
    }
    let what = format!("spawn --after, {tasks} claims");
    table.times(&what, project.files, "git branch", &checked);
    let what = format!("scope unowned, {tasks} claims");
    table.times(&what, project.files, "git ls-tree -r", &matched);
    table.peaks("scope unowned", project.files, "git ls-tree -r", &matched);
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
        format!("part-{}/unit-{}/**", number / 20, number % 20),
        format!("!part-{}/unit-{}/file-*7.txt", number / 20, number % 20),
        format!("docs/{number}/*.md"),
        format!("tests/**/test_{number}_*.rs"),
    ]
}
