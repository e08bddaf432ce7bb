//! `wt spawn`: a worktree, a branch and a contract for a new task.

use std::path::PathBuf;

use clap::Args;
use clap::builder::NonEmptyStringValueParser;
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::facts::{self, Judges};
use crate::input;
use crate::mend::mend;
use crate::oid::Oid;
use crate::spawn::{NewTask, spawn, start};
use crate::task::{State, Task};
use crate::workspace::Workspace;

/// Make a worktree, a branch and a contract for a task; prints the worktree's path
#[derive(Args)]
pub(crate) struct Spawn {
    /// Name of the task, e.g. feature-auth
    task: String,
    /// What the task is to do
    #[arg(short = 'm', long, value_name = "BRIEF", conflicts_with = "brief")]
    message: Option<String>,
    /// File that says what the task is to do (- for standard input)
    #[arg(long, value_name = "FILE")]
    brief: Option<PathBuf>,
    /// Commit to start from [default: tip of the target]
    #[arg(long, value_name = "REF")]
    base: Option<String>,
    /// Branch to land on [default: the current branch]
    #[arg(long, value_name = "BRANCH")]
    target: Option<String>,
    /// Paths that only this task may change; !GLOB takes out (may repeat)
    #[arg(long, value_name = "GLOB", allow_hyphen_values = true)]
    owns: Vec<String>,
    /// A hard constraint for this task alone, beside those of the contract (may repeat)
    #[arg(long, value_name = "TEXT", value_parser = NonEmptyStringValueParser::new())]
    rule: Vec<String>,
    /// Check out only the folders of the scope (--owns), and what `sparse_always` in wt.toml names
    #[arg(long)]
    sparse: bool,
    /// Start only when this task has landed; the paths that it owns may be claimed as well (may repeat)
    #[arg(long, value_name = "TASK", conflicts_with = "base", add = ArgValueCandidates::new(input::live_tasks))]
    after: Vec<String>,
    /// Let it change nothing before a plan of it is approved (wt plan)
    #[arg(long)]
    plan: bool,
    /// Print the task as JSON
    #[arg(long)]
    json: bool,
}

impl Spawn {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let ws = Workspace::open(ctx)?;
        ws.repo.git.require_version()?;
        mend(&ws)?;
        if self.names_only_the_task()
            && ws
                .store
                .find_task(&self.task)?
                .is_some_and(|task| task.is_waiting())
        {
            let task = start(&ws, &self.task)?;
            return self.print(&ws, &task);
        }
        let target = self.target(&ws)?;
        let base = self.base(&ws, &target)?;
        let brief = input::text(ctx, self.message.as_deref(), self.brief.as_deref())?;
        let new = NewTask {
            name: self.task.clone(),
            brief,
            base,
            target,
            owns: self.owns.clone(),
            rules: self.rule.clone(),
            sparse: self.sparse,
            after: self.after.clone(),
            plans: self.plan,
            waiting: None,
        };
        let task = spawn(&ws, &new)?;
        self.print(&ws, &task)
    }

    /// Whether nothing is said of the task: then one that waits is meant, and started.
    fn names_only_the_task(&self) -> bool {
        let said = [&self.message, &self.base, &self.target];
        said.iter().all(|given| given.is_none())
            && self.brief.is_none()
            && !self.sparse
            && !self.plan
            && self.owns.is_empty()
            && self.rule.is_empty()
            && self.after.is_empty()
    }

    fn print(&self, ws: &Workspace, task: &Task) -> anyhow::Result<Code> {
        let ui = &ws.ctx.ui;
        let facts = facts::gather(ws, task, &Judges::default())?;
        if task.is_waiting() {
            ui.say(&format!("task `{}` is {}", task.name, facts.state_words()));
        }
        if task.state == State::Planning {
            let name = &task.name;
            ui.say(&format!(
                "task `{name}` is planning: nothing is changed before a plan of it is approved"
            ));
            ui.hint(&format!(
                "its agent submits one; then: wt plan show {name}, wt plan approve {name}"
            ));
        }
        if self.json {
            ui.json(&facts)?;
        } else if !task.is_waiting() {
            ui.out(&task.worktree.display().to_string());
        }
        Ok(Code::Ok)
    }

    /// The branch to land on: named, else the parent task's, the current one, or the base where that is a branch.
    fn target(&self, ws: &Workspace) -> anyhow::Result<String> {
        if let (Some(parent), None, []) = (&ws.here, &self.base, &self.after[..]) {
            return Err(Refusal::refused(format!(
                "this is the worktree of task `{parent}`: from where is the new task to start?"
            ))
            .hint("say it: --base main (or --base HEAD, for the tip of this task)")
            .into());
        }
        if let Some(named) = &self.target {
            return Self::plain_target(ws, named.strip_prefix("refs/heads/").unwrap_or(named));
        }
        if let Some(first) = self.after.iter().find(|name| **name != self.task) {
            return Ok(ws.store.require_task(first)?.target);
        }
        if let Some(parent) = &ws.here {
            return Ok(ws.store.require_task(parent)?.target);
        }
        let base_branch = self.base.as_deref().filter(|base| {
            ws.repo
                .read
                .tip(&format!("refs/heads/{base}"))
                .is_ok_and(|tip| tip.is_some())
        });
        match ws.branch.as_deref().or(base_branch) {
            Some(branch) => Self::plain_target(ws, branch),
            None => Err(Self::no_branch(ws)?.into()),
        }
    }

    fn no_branch(ws: &Workspace) -> anyhow::Result<Refusal> {
        let what = "there is no current branch here for the task to land on";
        if ws.checkout.is_some() {
            return Ok(Refusal::refused(what).hint("name it: --target <branch>"));
        }
        let head = ws.repo.read.symbolic_target("HEAD")?;
        let head = head
            .as_deref()
            .and_then(|head| head.strip_prefix("refs/heads/"))
            .unwrap_or("<branch>");
        let what = format!("{what}: nothing is checked out in a bare repository");
        Ok(Refusal::refused(what).hint(format!("name it: --target {head}")))
    }

    /// A target that is an alias is the branch that it stands for; a live task's own branch is none.
    fn plain_target(ws: &Workspace, name: &str) -> anyhow::Result<String> {
        let reference = format!("refs/heads/{name}");
        let name = match ws.repo.read.symbolic_target(&reference)? {
            Some(real) => real.trim_start_matches("refs/heads/").to_owned(),
            None => name.to_owned(),
        };
        for (other, task) in ws.store.tasks()? {
            if task.is_ok_and(|task| task.branch == name) {
                return Err(Refusal::refused(format!(
                    "{name} is the branch of task `{other}`; a task can't land there"
                ))
                .hint("name the branch that both are to land on: --target <branch>")
                .into());
            }
        }
        Ok(name)
    }

    fn base(&self, ws: &Workspace, target: &str) -> anyhow::Result<Oid> {
        let revision = match &self.base {
            Some(base) => from_here(ws, base)?,
            None => format!("refs/heads/{target}"),
        };
        if let Some(commit) = ws.repo.read.commit(&revision)? {
            return Ok(commit);
        }
        let refusal = if self.base.is_some() {
            Refusal::refused(format!("the base {revision:?} names no commit"))
                .hint("git log --oneline shows commits to start from")
        } else if self.target.is_some() {
            Refusal::refused(format!("the target {target:?} is no branch"))
                .hint("name the branch that the task is to land on: git branch --list")
        } else {
            Refusal::refused(format!("the branch {target} has no commit yet")).hint(
                "make a first commit, or name another start: --base <commit> --target <branch>",
            )
        };
        Err(refusal.into())
    }
}

/// `revision` with `HEAD` as that of the folder where the command was called: the repository's own HEAD is the main
/// checkout's.
fn from_here(ws: &Workspace, revision: &str) -> anyhow::Result<String> {
    let rest = ["HEAD", "@"].iter().find_map(|head| {
        revision
            .strip_prefix(head)
            .filter(|rest| rest.is_empty() || rest.starts_with(['~', '^']))
    });
    let Some(rest) = rest else {
        return Ok(revision.to_owned());
    };
    let head = match (&ws.here, &ws.checkout) {
        // The agent's own HEAD file is not asked.
        (Some(task), _) => ws
            .repo
            .read
            .tip(&ws.store.require_task(task)?.branch_ref())?,
        (None, Some(root)) => ws.repo.head_of(root)?,
        (None, None) => None,
    };
    Ok(head.map_or_else(|| revision.to_owned(), |head| format!("{head}{rest}")))
}
