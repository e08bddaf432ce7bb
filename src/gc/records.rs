//! Old runs and logs that nothing refers to. Receipts stay, all of them: by them the judged commits of a target are
//! told from the others, and they are small.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::{Act, Held, Item, Kind, Plan, own_bytes, remove, seconds_since, seconds_unchanged};
use crate::error::counted;
use crate::gate::{Flaky, Outcome};
use crate::oid::Oid;
use crate::store::{Trashed, list_dirs, read_json};
use crate::task::Task;
use crate::ui;
use crate::workspace::Workspace;

impl Plan {
    /// Runs of live tasks that are neither the last one nor one that the record names.
    pub(super) fn add_runs(&mut self, ws: &Workspace, older: i64) -> anyhow::Result<()> {
        for (name, task) in ws.store.tasks()? {
            let Ok(task) = task else { continue };
            let mut runs = Vec::new();
            let mut age = i64::MAX;
            for run in superseded(ws, &task)? {
                let unchanged = seconds_unchanged(ws, &ws.store.run_dir(&name, run));
                if unchanged >= older {
                    runs.push(run);
                    age = age.min(unchanged);
                }
            }
            if runs.is_empty() {
                continue;
            }
            let dirs: Vec<PathBuf> = runs.iter().map(|r| ws.store.run_dir(&name, *r)).collect();
            self.items.push(Item {
                kind: Kind::Runs,
                bytes: own_bytes(&dirs),
                age_seconds: age,
                why: format!("{} before its last", counted(runs.len(), "run")),
                act: Act::Runs(name.clone(), runs),
                name,
            });
        }
        Ok(())
    }

    pub(super) fn add_logs(&mut self, ws: &Workspace, older: i64) -> anyhow::Result<()> {
        let live = Live::of(ws)?;
        let root = ws.store.root();
        let outcomes = outcomes(ws, older, &live);
        self.add_paths("outcomes of steps", older, outcomes);
        let flaky = list_dirs(&ws.store.flaky_dir())?.into_iter();
        let flaky = flaky.map(|name| ws.store.flaky_dir().join(name));
        let flaky = flaky.filter(|dir| is_forgotten(ws, dir, older, &live));
        self.add_paths("logs of flaky steps", older, flaky.collect());
        let set_ups = entries(&root.join("logs")).into_iter().filter(|log| {
            let name = log.file_name().and_then(|name| name.to_str());
            let task = name.and_then(|name| name.strip_suffix(".set-up.log"));
            task.is_none_or(|task| !live.tasks.contains(task))
                && seconds_unchanged(ws, log) >= older
        });
        self.add_paths("logs of set-ups", older, set_ups.collect());
        self.add_saved(ws, older, &live)
    }

    fn add_paths(&mut self, name: &str, age: i64, paths: Vec<PathBuf>) {
        if paths.is_empty() {
            return;
        }
        self.items.push(Item {
            kind: Kind::Logs,
            name: name.to_owned(),
            bytes: own_bytes(&paths),
            age_seconds: age,
            why: format!("{} that no live task needs", counted(paths.len(), "file")),
            act: Act::Paths(paths),
        });
    }

    /// What was found in a person's checkout when a command was mended goes if the target holds it all; else a person
    /// has to look.
    fn add_saved(&mut self, ws: &Workspace, older: i64, live: &Live) -> anyhow::Result<()> {
        let saved = ws.store.root().join("saved");
        let past = ws.store.trashed()?;
        let past: Vec<Trashed> = past.into_iter().filter_map(|(_, t)| t.ok()).collect();
        let mut known = Vec::new();
        for name in list_dirs(&saved)? {
            let folder = saved.join(&name);
            let age = seconds_unchanged(ws, &folder);
            if live.tasks.contains(&name) || age < older {
                continue;
            }
            let trees = trees_of(ws, past.iter().filter(|t| t.task.name == name));
            if is_known(ws, &folder, &trees) {
                known.push(folder);
                continue;
            }
            self.held.push(Held {
                bytes: own_bytes(std::slice::from_ref(&folder)),
                why: format!("found in your checkout {} ago, and not known", ui::age(age)),
                hint: format!("look at it, then remove it: {}", folder.display()),
                name: format!("saved/{name}"),
            });
        }
        self.add_paths("files saved while mending", older, known);
        Ok(())
    }
}

/// The live tasks, and the trees that their verdicts may name.
struct Live {
    tasks: BTreeSet<String>,
    trees: BTreeSet<Oid>,
}

impl Live {
    fn of(ws: &Workspace) -> anyhow::Result<Self> {
        let (mut tasks, mut trees) = (BTreeSet::new(), BTreeSet::new());
        for (name, task) in ws.store.tasks()? {
            tasks.insert(name);
            let Ok(task) = task else { continue };
            if let Ok(Some(tip)) = ws.repo.read.tip(&task.target_ref()) {
                trees.extend(ws.repo.read.tree_of(&tip).ok());
            }
        }
        Ok(Self { tasks, trees })
    }
}

/// The runs of a task that neither it nor a verdict that is shown again refers to.
fn superseded(ws: &Workspace, task: &Task) -> anyhow::Result<Vec<u32>> {
    let named = [
        Some(task.runs),
        task.judging,
        task.rejected.as_ref().map(|rejected| rejected.run),
        task.held_back.as_ref().map(|held_back| held_back.run),
    ];
    let runs = list_dirs(&ws.store.task_dir(&task.name).join("runs"))?;
    let runs = runs.iter().filter_map(|run| run.parse().ok());
    Ok(runs
        .filter(|run: &u32| *run < task.runs && !named.contains(&Some(*run)))
        .collect())
}

pub(super) fn remove_runs(ws: &Workspace, name: &str, runs: &[u32]) -> anyhow::Result<bool> {
    let Some(_task) = ws.store.try_lock_task(name)? else {
        return Ok(false);
    };
    let Some(task) = ws.store.find_task(name)? else {
        return Ok(false);
    };
    let free = superseded(ws, &task)?;
    for run in runs.iter().filter(|run| free.contains(run)) {
        remove(&ws.store.run_dir(name, *run))?;
    }
    Ok(true)
}

/// The outcomes, each with its log, that are old and of no live task: what is forgotten is only run once more.
fn outcomes(ws: &Workspace, older: i64, live: &Live) -> Vec<PathBuf> {
    let of_none = |file: &PathBuf| match read_json::<Outcome>(&file.with_extension("json")) {
        Ok(Some(outcome)) => {
            seconds_since(ws, outcome.at) >= older
                && !live.tasks.contains(&outcome.task)
                && !live.trees.contains(&outcome.tree)
        }
        _ => seconds_unchanged(ws, file) >= older,
    };
    let all = entries(&ws.store.root().join("outcomes"));
    all.into_iter().filter(of_none).collect()
}

/// Whether what is flaky was found long ago, in runs of tasks that are no more.
fn is_forgotten(ws: &Workspace, dir: &Path, older: i64, live: &Live) -> bool {
    match read_json::<Flaky>(&dir.join("flaky.json")) {
        Ok(Some(flaky)) => {
            seconds_since(ws, flaky.at) >= older
                && !flaky.tasks.iter().any(|task| live.tasks.contains(task))
        }
        _ => seconds_unchanged(ws, dir) >= older,
    }
}

/// The trees that a task's landing was made of.
fn trees_of<'t>(ws: &Workspace, past: impl Iterator<Item = &'t Trashed>) -> Vec<Oid> {
    let mut commits = Vec::new();
    for trashed in past {
        commits.push(trashed.task.base.clone());
        let landing = trashed.task.landing.iter();
        commits
            .extend(landing.flat_map(|l| std::iter::once(l.commit.clone()).chain(l.onto.clone())));
    }
    commits
        .iter()
        .filter_map(|commit| ws.repo.read.tree_of(commit).ok())
        .collect()
}

/// Whether every file of a folder `<number>/<path>` below it is, or begins, what one of the trees has at that path.
fn is_known(ws: &Workspace, folder: &Path, trees: &[Oid]) -> bool {
    let holds = |path: &str, bytes: &[u8]| {
        let mut found = trees
            .iter()
            .filter_map(|tree| ws.repo.read.file(tree, path).ok()?);
        found.any(|content| content.starts_with(bytes))
    };
    let mut open: Vec<(PathBuf, PathBuf)> = entries(folder)
        .into_iter()
        .map(|number| (number.clone(), number))
        .collect();
    while let Some((number, path)) = open.pop() {
        if path.is_dir() && !path.is_symlink() {
            open.extend(
                entries(&path)
                    .into_iter()
                    .map(|inner| (number.clone(), inner)),
            );
            continue;
        }
        let name = path
            .strip_prefix(&number)
            .ok()
            .and_then(|name| name.to_str());
        let bytes = fs::read(&path).ok();
        if !name
            .zip(bytes)
            .is_some_and(|(name, bytes)| holds(name, &bytes))
        {
            return false;
        }
    }
    true
}

fn entries(dir: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths
}
