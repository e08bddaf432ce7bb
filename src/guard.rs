//! What an agent's hook is answered: whose worktree it is asked in, and what it may do there.
//!
//! It runs at every tool call. Outside a task's worktree it answers at once; inside it reads records, and the
//! repository only where something would be written. It starts no git before a tool is used.

mod ground;
mod place;
mod stop;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::ctx::{Ctx, Environment};
use crate::forward;
use crate::hook::{Agent, Decision, Denial, Input, Moment};
use crate::store::Event;
use crate::task::{State, Task};
use crate::workspace::Workspace;

use ground::Ground;
pub(crate) use stop::{VERB as OWED, needs_receipt};

/// A question of an agent, in a task's worktree.
pub(crate) struct Asked<'c> {
    ws: Workspace<'c>,
    task: Task,
    agent: &'static Agent,
    /// What it says, or why that can't be read.
    input: Result<Input, String>,
    /// The folder that relative paths are from.
    cwd: PathBuf,
}

/// The task that an agent is at work on: that in whose worktree its session was begun, else that where its hook is
/// called, else that of the folder which it says it works in. Nothing outside the worktrees of tasks.
pub(crate) fn find<'c>(
    ctx: &'c Ctx,
    agent: Option<&Agent>,
    cwd: Option<&str>,
) -> anyhow::Result<Option<(Workspace<'c>, Task)>> {
    let begun = agent
        .and_then(|agent| agent.project_variable)
        .and_then(|name| ctx.environment.text(name));
    // The question's own folder comes last: a model chooses it, and must not choose whose rules it is under.
    for dir in [begun.map(Path::new), Some(&ctx.cwd), cwd.map(Path::new)] {
        if let Some(found) = find_at(ctx, dir)? {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The task in whose worktree `dir` lies, which need not be there any more.
pub(crate) fn find_at<'c>(
    ctx: &'c Ctx,
    dir: Option<&Path>,
) -> anyhow::Result<Option<(Workspace<'c>, Task)>> {
    let Some(dir) = dir.filter(|dir| dir.is_absolute()) else {
        return Ok(None);
    };
    let dir = place::resolve(dir, place::Last::Followed);
    let Some((ws, name)) = Workspace::find_task_at(ctx, &dir)? else {
        return Ok(None);
    };
    let task = ws.store.find_task(&name)?;
    Ok(task.map(|task| (ws, task)))
}

impl<'c> Asked<'c> {
    pub(crate) fn new(
        (ws, task): (Workspace<'c>, Task),
        agent: &'static Agent,
        input: Result<Input, String>,
    ) -> Self {
        let cwd = input.as_ref().ok().and_then(|input| input.cwd.as_deref());
        let cwd = ws.ctx.cwd.join(cwd.unwrap_or_default());
        Self {
            ws,
            task,
            agent,
            input,
            cwd,
        }
    }

    /// What the agent is answered.
    pub(crate) fn decide(&self) -> anyhow::Result<Decision> {
        let input = match &self.input {
            Ok(input) => input,
            Err(why) => return Ok(Decision::Deny(unreadable(why))),
        };
        Ok(match input.moment {
            Moment::BeforeTool => self.denial(input)?.map_or(Decision::Allow, Decision::Deny),
            Moment::Start => Decision::Tell(introduction(&self.task)),
            Moment::Stop if input.held_before => Decision::Allow,
            Moment::Stop => match needs_receipt(&self.ws, &self.task)? {
                Some(next) => {
                    let name = &self.task.name;
                    let what = match self.task.state {
                        State::Planning => "is planning, and no plan of it waits for approval",
                        _ => "has changes without a receipt",
                    };
                    Decision::Hold(format!("task `{name}` {what}\nnext: {next}"))
                }
                None => Decision::Allow,
            },
            Moment::Other => Decision::Allow,
        })
    }

    /// The task, where the agent's session goes on with work that another conversation knew of.
    pub(crate) fn gone_on_with(&self) -> Option<(&Workspace<'c>, &Task)> {
        let input = self.input.as_ref().ok()?;
        (input.moment == Moment::Start && input.goes_on).then_some((&self.ws, &self.task))
    }

    /// Why the tool is not to be used, if it is not.
    fn denial(&self, input: &Input) -> anyhow::Result<Option<Denial>> {
        let known = known_variables(&self.ws.ctx.environment);
        let wishes = match input.wishes(self.agent, &known) {
            Ok(wishes) => wishes,
            Err(why) => return Ok(Some(unreadable(&why))),
        };
        if wishes.is_empty() {
            return Ok(None);
        }
        let ground = Ground::new(&self.ws, &self.task, self.agent, &self.cwd);
        for wish in &wishes {
            if let Some(denial) = ground.judge(wish)? {
                return Ok(Some(denial));
            }
        }
        Ok(None)
    }

    /// Writes down what was denied or held back.
    pub(crate) fn note(&self, decision: &Decision) {
        let Some(word) = decision.event() else {
            return;
        };
        let event = self.ws.event(&self.task.name, word);
        let mut event = event.fact("agent", self.agent.name);
        if let Decision::Deny(denial) = decision {
            let tool = self.input.as_ref().map_or("", |input| &input.tool);
            event = event.fact("tool", tool);
            if let Some(path) = &denial.path {
                event = event.fact("path", path.as_str());
            }
            event = event.fact("reason", denial.reason.as_str());
        }
        note(&self.ws, &event);
    }
}

/// The denial of what can't be read.
fn unreadable(why: &str) -> Denial {
    Denial::new(
        format!("what the agent told its hook can't be read: {why}"),
        "end your turn, and say in your report that wt hook does not understand this agent's version",
    )
}

/// Adds an event of a hook. A lost one is no fault: what was decided holds without it.
fn note(ws: &Workspace, event: &Event) {
    let _ = match ws.ctx.cage_of(&event.task) {
        Some(inside) => forward::note(&inside, event),
        None => ws.record(event),
    };
}

/// The variables of a shell that mean the same to it and to `wt`.
fn known_variables(environment: &Environment) -> BTreeMap<&'static str, String> {
    ["HOME", "TMPDIR"]
        .into_iter()
        .filter_map(|name| Some((name, environment.text(name)?.to_owned())))
        .collect()
}

/// What an agent is to know when it begins, in one line.
fn introduction(task: &Task) -> String {
    let name = &task.name;
    let scope = if let Some(plan) = &task.plan {
        format!("change only {}", plan.files.join(", "))
    } else if task.owns.is_empty() {
        "change only what no other task owns".to_owned()
    } else {
        format!("change only {}", task.owns.join(", "))
    };
    let next = match task.state {
        State::Planning => {
            return format!(
                "This is the worktree of task `{name}` of wt. Rules: .wt/RULES.md; no plan is approved yet, so change nothing here: {}",
                task.plan_next()
            );
        }
        State::Waiting | State::Working | State::Validated => {
            "when done, commit and run: wt validate"
        }
        State::Failed => {
            "the last attempt failed (.wt/last/verdict.txt); one is left: wt validate --cause \"<why it failed>\""
        }
        State::Stopped => "it is stopped; change nothing, say what is needed: wt explain",
        State::Landed => "it has landed; change nothing here",
    };
    let so_far = if task.runs > 0 {
        "; what was done so far: wt brief"
    } else {
        ""
    };
    format!(
        "This is the worktree of task `{name}` of wt. Rules: .wt/RULES.md; {scope}; {next}{so_far}"
    )
}
