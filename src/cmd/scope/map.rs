//! `wt scope show` and `wt scope unowned`: the map of the repository, and what is on no part of it.

use clap::Args;
use serde_json::json;

use crate::error::{Code, shown};
use crate::scope::{Standing, by_folder};
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Show which task owns what
#[derive(Args)]
pub(crate) struct Show {
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Show {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let ui = &ws.ctx.ui;
        let mut tasks = Vec::new();
        for (_, task) in ws.store.tasks()? {
            tasks.push(task?);
        }
        tasks.retain(|task| task.state != State::Landed);
        let (claims, in_force) = ws.map()?;
        let shared = claims.shared.patterns();
        if self.json {
            let claims: Vec<_> = tasks
                .iter()
                .map(|task| {
                    json!({ "task": task.name, "state": task.state.word(), "owns": task.owns, "planned": task.planned_files(), "after": task.after })
                })
                .collect();
            let required = in_force.contract.scope.required;
            ui.json(&json!({ "claims": claims, "shared": shared, "required": required }))?;
            return Ok(Code::Ok);
        }
        let owns = |task: &Task| match (&task.plan, task.owns.as_slice()) {
            (Some(plan), []) => format!("{} (its plan)", plan.files.join(", ")),
            (None, []) => "(what nobody owns)".to_owned(),
            (_, globs) => globs.join(", "),
        };
        let mut rows: Vec<Vec<String>> = tasks
            .iter()
            .map(|task| {
                let state = task.state.word().to_owned();
                vec![task.name.clone(), state, owns(task)]
            })
            .collect();
        if !shared.is_empty() {
            rows.push(vec![
                "(all)".to_owned(),
                "shared".to_owned(),
                shared.join(", "),
            ]);
        }
        if rows.is_empty() {
            ui.say("no task claims anything; claim paths: wt spawn <task> --owns GLOB");
        } else {
            ui.table(&["TASK", "STATE", "OWNS"], &rows, &[]);
        }
        Ok(Code::Ok)
    }
}

/// List the tracked files that no task owns and that are not shared
#[derive(Args)]
pub(crate) struct Unowned {
    /// Print every path, as JSON
    #[arg(long)]
    json: bool,
}

impl Unowned {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let ui = &ws.ctx.ui;
        let (claims, _) = ws.map()?;
        let (branch, tip) = ws.target_here()?;
        let mut all = ws
            .repo
            .read
            .paths(&ws.repo.read.tree_of(&tip)?, usize::MAX)?;
        all.sort();
        let territory = claims.territory();
        let is_unowned = |path: &&String| territory.standing(path) == Standing::Unowned;
        let unowned: Vec<String> = all.iter().filter(is_unowned).cloned().collect();
        if self.json {
            ui.json(&json!({ "target": branch, "tracked": all.len(), "unowned": unowned }))?;
            return Ok(Code::Ok);
        }
        for (path, count) in by_folder(&all, &unowned) {
            let path = shown(&path);
            let files = if count == 1 { "file" } else { "files" };
            ui.out(&if path.ends_with('/') {
                format!("{path} ({count} {files})")
            } else {
                path
            });
        }
        ui.say(&format!(
            "{} of the {} tracked files on {branch} are nobody's",
            unowned.len(),
            all.len()
        ));
        Ok(Code::Ok)
    }
}
