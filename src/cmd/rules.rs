//! `wt rules`: the rules of a task, rendered, explained and checked.

use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;
use serde_json::{Value, json};

use crate::copies::with_source;
use crate::ctx::Ctx;
use crate::error::Code;
use crate::input;
use crate::rules::{self, Finding, LINES, Size};
use crate::task::Task;
use crate::workspace::{InForce, Rulebook, Workspace, rulebook};

/// Render or check the rules of a task
#[derive(Args)]
pub(crate) struct Rules {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Print the rules under the contract in force
    Render(Render),
    /// Look for rules that contradict, repeat or run long, stand out of order, or are held by no check
    Lint(Lint),
}

#[derive(Args)]
struct Render {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Name the layer and the source of each line
    #[arg(long)]
    explain: bool,
    /// Print as JSON, layer and source of each line included
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct Lint {
    /// The task [default: the one whose worktree this is]
    #[arg(add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
    /// Print as JSON
    #[arg(long)]
    json: bool,
}

/// A task with the rules that hold for it now.
struct Ruled<'w> {
    ws: Workspace<'w>,
    task: Task,
    in_force: InForce,
    book: Rulebook,
}

impl Rules {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        match self.action {
            Action::Render(render) => render.run(ctx),
            Action::Lint(lint) => lint.run(ctx),
        }
    }
}

impl<'w> Ruled<'w> {
    fn load(ctx: &'w Ctx, given: Option<&str>) -> anyhow::Result<Self> {
        let ws = Workspace::open(ctx)?;
        let name = ws.task_name(given)?;
        let task = ws.store.require_task(&name)?;
        let repo = ws.repo_for(&task);
        let in_force = ws.in_force(&repo, &task.target, &ws.target_tip(&task)?)?;
        let book = rulebook(&repo.read, &in_force, &task)?;
        Ok(Self {
            ws,
            task,
            in_force,
            book,
        })
    }

    fn with_source<T>(&self, use_source: impl FnOnce(&rules::Source) -> T) -> anyhow::Result<T> {
        let store = &self.ws.store;
        with_source(store, &self.task, &self.in_force, &self.book, use_source)
    }
}

impl Render {
    fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ruled = Ruled::load(ctx, self.task.as_deref())?;
        if !self.explain && !self.json {
            ctx.ui.out(&ruled.with_source(rules::render)?);
            return Ok(Code::Ok);
        }
        let lines = ruled.with_source(rules::explain)?;
        if !self.json {
            ctx.ui.out(&rules::table(&lines));
            return Ok(Code::Ok);
        }
        let shown = (1..).zip(&lines).map(|(number, line): (usize, _)| {
            let layer = line.layer.map(rules::Layer::word);
            json!({ "line": number, "layer": layer, "source": line.source, "text": line.text })
        });
        let shown: Vec<Value> = shown.collect();
        let layers = sizes_json(&rules::sizes(&lines));
        ctx.ui
            .json(&json!({ "task": ruled.task.name, "lines": shown, "layers": layers }))?;
        Ok(Code::Ok)
    }
}

impl Lint {
    fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ruled = Ruled::load(ctx, self.task.as_deref())?;
        let (found, lines) =
            ruled.with_source(|source| (rules::lint(source), rules::explain(source)))?;
        let findings: Vec<&Finding> = ruled.book.findings.iter().chain(&found).collect();
        let sizes = rules::sizes(&lines);
        if self.json {
            let list: Vec<Value> = findings.iter().map(|f| finding_json(f)).collect();
            let layers = sizes_json(&sizes);
            let budget = json!({ "lines": LINES });
            ctx.ui.json(
                &json!({ "task": ruled.task.name, "findings": list, "layers": layers, "budget": budget }),
            )?;
        } else {
            for finding in &findings {
                let place = format!("{}:{}", finding.file, finding.line);
                let (message, hint) = (&finding.message, &finding.hint);
                ctx.ui.out(&format!("{place}: {message} ({hint})"));
            }
            print_sizes(ctx, &sizes);
        }
        let faulty = findings.iter().any(|finding| finding.kind.is_fault());
        Ok(if faulty { Code::No } else { Code::Ok })
    }
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "file": finding.file,
        "line": finding.line,
        "kind": finding.kind.word(),
        "fault": finding.kind.is_fault(),
        "message": finding.message,
        "hint": finding.hint,
    })
}

fn sizes_json(sizes: &[Size]) -> Vec<Value> {
    let size = |size: &Size| json!({ "layer": size.layer.word(), "lines": size.lines, "tokens": size.tokens });
    sizes.iter().map(size).collect()
}

/// What each layer takes, and all of them, of the lines that an agent keeps in mind.
fn print_sizes(ctx: &Ctx, sizes: &[Size]) {
    let mut rows: Vec<Vec<String>> = sizes
        .iter()
        .map(|size| {
            vec![
                size.layer.word().to_owned(),
                size.lines.to_string(),
                format!("~{}", size.tokens),
            ]
        })
        .collect();
    let lines: usize = sizes.iter().map(|size| size.lines).sum();
    let tokens: usize = sizes.iter().map(|size| size.tokens).sum();
    rows.push(vec![
        "all".to_owned(),
        format!("{lines} of {LINES}"),
        format!("~{tokens}"),
    ]);
    ctx.ui.table(&["LAYER", "LINES", "TOKENS"], &rows, &[]);
}
