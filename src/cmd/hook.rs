//! `wt hook`: answers an agent's question before it uses a tool, and tells agents to ask.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Args, Subcommand};
use clap_complete::ArgValueCandidates;

use crate::ctx::Ctx;
use crate::error::{Code, Refusal, nearest};
use crate::forward;
use crate::guard::{Asked, find, find_at};
use crate::handover;
use crate::hook::{AGENTS, Agent, Decision, Input, WithoutWt, with_hooks, without_hooks};
use crate::hook_file::{HookFile, executable, user_file};
use crate::input;
use crate::task::Task;
use crate::workspace::Workspace;

/// Answer an agent's hook, or tell agents to ask it
#[derive(Args)]
#[command(
    after_help = "wt hook <AGENT> (claude, codex, gemini or cursor) reads the agent's question from standard input \
                  and denies what the task must not do. Outside a task's worktree it says nothing.",
    override_usage = "wt hook <AGENT> < QUESTION\n       wt hook install <AGENT> [--user] [--remove]\n       wt hook test <FILE> [--agent <AGENT>] [--task <TASK>]"
)]
pub(crate) struct Hook {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    Install(Install),
    Test(Test),
    // Whatever else stands there: a word that is not understood must deny, and not pass for want of a usage.
    #[command(external_subcommand)]
    Answer(Vec<String>),
}

impl Hook {
    /// As `wt hook <agent>` on the command line; nothing where no agent has that name.
    pub(crate) fn of_agent(name: &str) -> Option<Self> {
        let agent = Agent::find(name)?;
        Some(Self {
            part: Part::Answer(vec![agent.name.to_owned()]),
        })
    }

    #[cfg(test)]
    pub(crate) fn agent(&self) -> Option<&str> {
        match &self.part {
            Part::Answer(words) => words.first().map(String::as_str),
            _ => None,
        }
    }

    pub(crate) fn answers_an_agent(&self) -> bool {
        matches!(self.part, Part::Answer(_))
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        match self.part {
            Part::Install(verb) => verb.run(ctx),
            Part::Test(verb) => verb.run(ctx),
            Part::Answer(words) => {
                // A panic would end with a status that lets the call pass.
                catch_unwind(AssertUnwindSafe(|| answer(ctx, &words))).unwrap_or_else(|_| {
                    Err(anyhow::anyhow!("wt hook panicked; this is a fault of wt"))
                })
            }
        }
    }
}

/// The agent of this name.
///
/// # Errors
/// A refusal (usage) with the nearest that is known.
fn require_agent(name: &str) -> Result<&'static Agent, Refusal> {
    Agent::find(name).ok_or_else(|| {
        let names = || AGENTS.iter().map(|agent| agent.name);
        let refusal = Refusal::usage(format!("wt knows no agent {name:?}"));
        if let Some(near) = nearest(name, names()) {
            return refusal.hint(format!("did you mean `{near}`?"));
        }
        let names: Vec<&str> = names().collect();
        refusal.hint(format!("it knows: {}", names.join(", ")))
    })
}

/// The longest question, in bytes: far more than the file that a tool writes.
const LONGEST: u64 = 256 << 20;

fn answer(ctx: &Ctx, words: &[String]) -> anyhow::Result<Code> {
    let agent = match require_agent(words.first().map_or("", String::as_str)) {
        Ok(agent) => agent,
        // Elsewhere it is none of `wt`'s business.
        Err(_) if find(ctx, None, None)?.is_none() => return Ok(Code::Ok),
        Err(refusal) => return Err(refusal.into()),
    };
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        // One that is longer is cut off, so that it can't be read, and is denied.
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .context("can't read the agent's question")?;
    let input = Input::parse(agent, &bytes);
    let cwd = input.as_ref().ok().and_then(|input| input.cwd.as_deref());
    let Some(found) = find(ctx, Some(agent), cwd)? else {
        return Ok(Code::Ok);
    };
    let asked = Asked::new(found, agent, input);
    let decision = decide(&asked)?;
    asked.note(&decision);
    let said = agent.say(&decision);
    if let Some(out) = said.out {
        ctx.ui.out(&out);
    }
    if let Some(err) = said.err {
        ctx.ui.say(&err);
    }
    Ok(if said.denied { Code::Denied } else { Code::Ok })
}

/// What the agent is answered; one whose conversation was shortened or is new gets the task handed over.
fn decide(asked: &Asked) -> anyhow::Result<Decision> {
    let decision = asked.decide()?;
    let (Decision::Tell(line), Some((ws, task))) = (&decision, asked.gone_on_with()) else {
        return Ok(decision);
    };
    // Without the page the agent still knows where to look.
    Ok(match page(ws, task) {
        Ok(page) => Decision::Tell(format!("{line}\n\n{page}")),
        Err(_) => decision,
    })
}

fn page(ws: &Workspace, task: &Task) -> anyhow::Result<String> {
    match ws.ctx.cage_of(&task.name) {
        Some(inside) => forward::ask(&inside, &task.worktree, &["brief"]),
        None => Ok(handover::gather(ws, task)?.page()),
    }
}

/// Tell an agent to ask wt before it uses a tool
#[derive(Args)]
struct Install {
    /// claude, codex, gemini or cursor
    agent: String,
    /// In your own settings, for every folder; outside tasks it is silent
    #[arg(long)]
    user: bool,
    /// Take it out again
    #[arg(long)]
    remove: bool,
}

impl Install {
    fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let agent = require_agent(&self.agent)?;
        let path = if self.user {
            user_file(&ctx.environment, agent)?
        } else {
            project_file(ctx, agent)?
        };
        let file = HookFile::load(&path)?;
        let shown = file.path().display().to_string();
        let settings = if self.remove {
            without_hooks(agent, &file.settings)
        } else {
            let wt = executable(ctx.environment.text("PATH"))?;
            with_hooks(agent, &file.settings, &wt, WithoutWt::Passes).map_err(|why| {
                Refusal::refused(format!("{shown}: {why}; it is left as it is"))
                    .hint("mend it, then call again")
            })?
        };
        let changed = file.save(settings)?;
        let title = agent.title;
        ctx.ui.say(&match (self.remove, changed) {
            (false, true) => format!("{title} now asks wt before it uses a tool: {shown}"),
            (false, false) => format!("{title} asks wt already: {shown}"),
            (true, true) => format!("{title} no longer asks wt: {shown}"),
            (true, false) => format!("{title} is not told to ask wt there: {shown}"),
        });
        if agent.name == "codex" && !self.remove {
            ctx.ui.say("Codex wants to be told once that these hooks are trusted: it asks when it is started next");
            if !self.user {
                ctx.ui.warn("Codex does not read this file in a linked worktree, so not in a task's: wt hook install codex --user");
            }
        }
        Ok(Code::Ok)
    }
}

/// The file in the checkout where the command was called.
fn project_file(ctx: &Ctx, agent: &Agent) -> anyhow::Result<PathBuf> {
    let ws = Workspace::open(ctx)?;
    let task = ws
        .here
        .as_deref()
        .map(|name| ws.store.require_task(name))
        .transpose()?;
    let root = ws.checkout.or(task.map(|task| task.worktree));
    let root = root.ok_or_else(|| {
        Refusal::refused("this is no checkout").hint(format!(
            "go to one, or set it for every folder: wt hook install {} --user",
            agent.name
        ))
    })?;
    Ok(root.join(agent.project_settings))
}

/// Say what a recorded question would be answered, and change nothing
#[derive(Args)]
struct Test {
    /// File with what the agent told its hook (- for standard input)
    file: PathBuf,
    /// Whose question it is [default: told from the question]
    #[arg(long)]
    agent: Option<String>,
    /// Ask as if in this task's worktree [default: the one where it was recorded, or this]
    #[arg(long, add = ArgValueCandidates::new(input::live_tasks))]
    task: Option<String>,
}

impl Test {
    fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let text = input::text(ctx, None, Some(&self.file))?.unwrap_or_default();
        let agent = match &self.agent {
            Some(name) => require_agent(name)?,
            None => Agent::guess(&text),
        };
        let input = Input::parse(agent, text.as_bytes());
        let recorded = input.as_ref().ok().and_then(|input| input.cwd.as_deref());
        let there = find_at(ctx, recorded.map(Path::new))?;
        let here = match &self.task {
            Some(name) => Some(named(ctx, name)?),
            None if there.is_none() => find_at(ctx, Some(&ctx.cwd))?,
            None => None,
        };
        let moved = here.is_some();
        let Some(found) = here.or(there) else {
            ctx.ui
                .out("allow: it is asked outside the worktrees of tasks");
            return Ok(Code::Ok);
        };
        let worktree = found.1.worktree.display().to_string();
        let input = input.map(|input| {
            if moved {
                input.moved_to(&worktree)
            } else {
                input
            }
        });
        let decision = decide(&Asked::new(found, agent, input))?;
        ctx.ui.out(&match decision {
            Decision::Allow => "allow".to_owned(),
            Decision::Deny(denial) => {
                format!("deny: {}\ninstead: {}", denial.line(), denial.instead)
            }
            Decision::Hold(text) => format!("hold: {text}"),
            Decision::Tell(text) => format!("tell: {text}"),
        });
        Ok(Code::Ok)
    }
}

fn named<'c>(ctx: &'c Ctx, name: &str) -> anyhow::Result<(Workspace<'c>, Task)> {
    let ws = Workspace::open(ctx)?;
    let task = ws.store.require_task(name)?;
    Ok((ws, task))
}
