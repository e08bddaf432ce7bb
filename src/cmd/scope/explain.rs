//! `wt scope explain`: who owns a path, and by which glob.

use std::fmt::Write as _;

use clap::Args;
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};

use crate::candidate::trespass_of;
use crate::error::{Code, shown};
use crate::input;
use crate::scope::{Standing, Territory, Whose};
use crate::task::Task;
use crate::workspace::{Claimant, Workspace};

/// Say who owns a path, by which glob, and whether the task may change it
#[derive(Args)]
pub(crate) struct Explain {
    /// The paths; they need not exist
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// As this task sees it [default: the one whose worktree this is, if any]
    #[arg(long, value_name = "TASK", add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

impl Explain {
    pub(crate) fn run(self, ws: &Workspace) -> anyhow::Result<Code> {
        let named = self.task.is_some() || ws.here.is_some();
        let task = named
            .then(|| ws.store.require_task(&ws.task_name(self.task.as_deref())?))
            .transpose()?;
        let (claims, _) = match &task {
            Some(task) => ws.map_for(&Claimant::from(task), Some(task))?,
            None => ws.map()?,
        };
        let territory = claims.territory();
        let mut values = Vec::new();
        let mut text = String::new();
        for path in &self.paths {
            let path = ws.path_from_root(path)?;
            values.push(explain(&territory, task.as_ref(), &path, &mut text));
        }
        if self.json {
            ws.ctx.ui.json(&json!({ "paths": values }))?;
        } else {
            ws.ctx.ui.out(&text);
        }
        Ok(Code::Ok)
    }
}

/// Adds what is to be said of a path to `text`; answers the same as JSON.
fn explain(territory: &Territory, task: Option<&Task>, path: &str, text: &mut String) -> Value {
    let told = territory.explain(path);
    let owner = match &told.standing {
        Standing::Own => task.map(|task| task.name.clone()),
        Standing::OwnedBy { task, .. } => Some(task.clone()),
        _ => None,
    };
    let words = match (&told.standing, &told.glob, task) {
        (Standing::Own, Some(glob), Some(task)) => {
            format!("owned by task `{}` ({glob})", task.name)
        }
        (Standing::Shared, Some(glob), _) => format!("shared by all tasks ({glob})"),
        // Of the path itself, whoever asks.
        (Standing::OutsideClaim, ..) => Standing::Unowned.words(),
        (standing, ..) => standing.words(),
    };
    let _ = writeln!(text, "{}: {words}", shown(path));
    let mut taken_out = Vec::new();
    for out in told.taken_out {
        let (from, claim) = match &out.from {
            Whose::Shared => ("the shared paths".to_owned(), None),
            Whose::Own => (
                "this task's claim".to_owned(),
                task.map(|task| task.name.clone()),
            ),
            Whose::Task(name) => (format!("the claim of task `{name}`"), Some(name.clone())),
        };
        let _ = writeln!(
            text,
            "  `!{}` takes it out of {from} ({})",
            out.by, out.glob
        );
        taken_out.push(json!({ "task": claim, "glob": out.glob, "by": format!("!{}", out.by) }));
    }
    let trespass = task.map(|task| (task, trespass_of(territory, task, path)));
    if let Some((task, trespass)) = &trespass {
        let verdict = match trespass {
            None => "may change it".to_owned(),
            Some(trespass) => format!(
                "may not change it: {}; {}",
                trespass.standing, trespass.advice
            ),
        };
        let _ = writeln!(text, "  task `{}` {verdict}", task.name);
    }
    json!({
        "path": path, "standing": words, "owner": owner, "glob": told.glob, "taken_out": taken_out,
        "task": task.map(|task| &task.name),
        "may_change": trespass.as_ref().map(|(_, trespass)| trespass.is_none()),
    })
}
