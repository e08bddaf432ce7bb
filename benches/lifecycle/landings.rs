//! Landings: validated tasks one by one and as a train, against plain merges of as many branches.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use anyhow::ensure;

use crate::measure::{run, take};
use crate::project::Project;
use crate::rows::Site;
use crate::table::Report;

/// What landing so many tasks took.
struct Landed {
    tasks: usize,
    way: &'static str,
    wall: Duration,
    /// Runs of the gate meanwhile; git has none.
    runs: Option<usize>,
}

/// The rows of the landings' own table.
#[derive(Default)]
pub(crate) struct Landings {
    rows: Vec<Landed>,
    /// How many changes were made so far: each is of another file.
    changes: usize,
}

pub(crate) fn measure(site: &Site, report: &mut Report) -> anyhow::Result<()> {
    let project = site.project()?;
    for &tasks in &site.wanted.landings {
        report.landings.measure(project, tasks)?;
    }
    Ok(())
}

impl Landings {
    /// Lands `tasks` validated tasks in each way, and merges as many branches. Every task changes one file, no two the
    /// same.
    fn measure(&mut self, project: &Project, tasks: usize) -> anyhow::Result<()> {
        let singly = self.validated(project, "one", tasks)?;
        self.wt(project, "one by one", &singly, |project| {
            singly
                .iter()
                .try_for_each(|task| run(&mut project.wt(&["merge", task])))
        })?;
        let together = self.validated(project, "train", tasks)?;
        self.wt(project, "as a train", &together, |project| {
            run(&mut project.wt(&["merge", "--all"]))
        })?;
        let branches: Vec<String> = (0..tasks)
            .map(|number| format!("plain-{tasks}-{number}"))
            .collect();
        for branch in &branches {
            self.changes += 1;
            project.commit_on(branch, self.changes)?;
        }
        let started = Instant::now();
        for branch in &branches {
            run(&mut project.git(&["merge", "--quiet", "--no-ff", "--no-edit", branch]))?;
        }
        self.rows.push(Landed {
            tasks,
            way: "git merge --no-ff",
            wall: started.elapsed(),
            runs: None,
        });
        Ok(())
    }

    /// Makes tasks with one changed file each, and has them validated.
    fn validated(
        &mut self,
        project: &Project,
        kind: &str,
        tasks: usize,
    ) -> anyhow::Result<Vec<String>> {
        let names = (0..tasks).map(|number| format!("{kind}-{tasks}-{number}"));
        let names: Vec<String> = names.collect();
        for name in &names {
            self.changes += 1;
            run(&mut project.wt(&["spawn", name]))?;
            let worktree = project.worktree(name);
            project.change(&worktree, self.changes)?;
            let mut commit = project.git(&["commit", "-qam", "a change"]);
            run(commit.current_dir(&worktree))?;
            run(&mut project.wt(&["validate", name]))?;
        }
        Ok(names)
    }

    /// Lands the tasks, and notes what it took.
    fn wt(
        &mut self,
        project: &Project,
        way: &'static str,
        tasks: &[String],
        land: impl FnOnce(&Project) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let before = runs(project)?;
        let started = Instant::now();
        land(project)?;
        let wall = started.elapsed();
        for task in tasks {
            ensure!(!project.worktree(task).exists(), "{task} has not landed");
        }
        self.rows.push(Landed {
            tasks: tasks.len(),
            way,
            wall,
            runs: Some(runs(project)? - before),
        });
        Ok(())
    }

    pub(crate) fn render(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let mut text = String::from(
            "\nlandings  way                  a minute    a task  gate runs a task  to git\n",
        );
        for row in &self.rows {
            #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
            let tasks = row.tasks as f64;
            let each = row.wall.as_secs_f64() / tasks;
            #[allow(clippy::cast_precision_loss, reason = "far below 2^53")]
            let runs = row.runs.map_or_else(
                || "-".to_owned(),
                |runs| format!("{:.2}", runs as f64 / tasks),
            );
            let plain = self
                .rows
                .iter()
                .find(|other| other.tasks == row.tasks && other.runs.is_none());
            let ratio = plain.map_or_else(String::new, |plain| {
                format!("{:.2}", row.wall.as_secs_f64() / plain.wall.as_secs_f64())
            });
            let _ = writeln!(
                text,
                "{:>8}  {:<17}  {:>10.1}  {:>8}  {runs:>16}  {ratio:>6}",
                row.tasks,
                row.way,
                60.0 / each,
                format!("{:.0} ms", each * 1e3),
            );
        }
        text
    }
}

/// How often the gate was begun so far.
fn runs(project: &Project) -> anyhow::Result<usize> {
    let told = take(&mut project.wt(&["log", "--json"]))?.out;
    Ok(told
        .lines()
        .filter(|line| line.contains(r#""event":"judging""#))
        .count())
}
