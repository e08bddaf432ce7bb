//! The command line: global flags and verbs.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{CommandFactory as _, Parser, Subcommand};
use clap_complete::CompleteEnv;

use crate::cage;
use crate::cmd;
use crate::ctx::Ctx;
use crate::error::{Code, Refusal};
use crate::guard;
use crate::ui::Color;

/// One git worktree and one contract for every agent task; only what was judged lands.
#[derive(Parser)]
#[command(
    name = "wt",
    version,
    max_term_width = 100,
    disable_help_subcommand = true
)]
#[command(
    after_help = "Exit status: 0 done, 1 no, 2 denied (wt hook), 3 stopped, 4 refused, 5 conflict, 6 busy, 64 usage, 70 fault, 130 interrupted."
)]
pub(crate) struct Cli {
    /// Act as if called from this folder
    #[arg(short = 'C', value_name = "DIR", global = true)]
    pub(crate) dir: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    pub(crate) color: Color,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    Init(cmd::init::Init),
    Spawn(cmd::spawn::Spawn),
    Validate(cmd::validate::Validate),
    Explain(cmd::explain::Explain),
    Resume(cmd::resume::Resume),
    Sync(cmd::sync::Sync),
    Merge(cmd::merge::Merge),
    #[command(visible_alias = "teardown")]
    Rm(cmd::rm::Rm),
    Restore(cmd::restore::Restore),
    #[command(visible_alias = "ls")]
    List(cmd::list::List),
    Show(cmd::show::Show),
    Brief(cmd::brief::Brief),
    Path(cmd::path::Path),
    Cd(cmd::cd::Cd),
    Run(cmd::run::Run),
    Rules(cmd::rules::Rules),
    Scope(cmd::scope::Scope),
    Note(cmd::note::Note),
    Recall(cmd::recall::Recall),
    Memory(cmd::memory::Memory),
    Plan(cmd::plan::Plan),
    Log(cmd::log::Log),
    Doctor(cmd::doctor::Doctor),
    Gc(cmd::gc::Gc),
    Hook(cmd::hook::Hook),
    Demo(cmd::demo::Demo),
    ShellInit(cmd::shell_init::ShellInit),
    Completions(cmd::completions::Completions),
    #[command(name = "_judge", hide = true)]
    Judge(cmd::judge::Judge),
    #[command(name = cage::VERB, hide = true)]
    Cage(cmd::cage::Cage),
    #[command(name = guard::OWED, hide = true)]
    Owed(cmd::owed::Owed),
    #[command(name = "_sweep", hide = true)]
    Sweep(cmd::sweep::Sweep),
    #[command(name = "_spare", hide = true)]
    Spare(cmd::spare::Spare),
}

/// Who may call a verb.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Caller {
    /// An agent too, in a cage for its own task.
    Agent,
    /// Whoever is outside of a cage.
    Free,
    /// Anyone, wherever it is: it is done on the spot.
    Anyone,
}

impl Verb {
    /// The exit status where `wt` can't do its work, whatever else it would be: an agent lets a call pass unless its
    /// hook denies it.
    pub(crate) fn code_of_fault(&self) -> Option<Code> {
        match self {
            Verb::Hook(verb) if verb.answers_an_agent() => Some(Code::Denied),
            _ => None,
        }
    }

    fn caller(&self) -> Caller {
        match self {
            Verb::Validate(_)
            | Verb::Explain(_)
            | Verb::List(_)
            | Verb::Show(_)
            | Verb::Brief(_)
            | Verb::Path(_)
            | Verb::Rules(_)
            | Verb::Log(_)
            | Verb::Recall(_)
            | Verb::Owed(_) => Caller::Agent,
            Verb::Note(note) if note.is_change() => Caller::Free,
            Verb::Memory(memory) if memory.is_change() => Caller::Free,
            Verb::Note(_) | Verb::Memory(_) => Caller::Agent,
            Verb::Scope(scope) if scope.is_change() => Caller::Free,
            Verb::Scope(_) => Caller::Agent,
            Verb::Plan(plan) if plan.is_verdict() => Caller::Free,
            Verb::Plan(_) => Caller::Agent,
            Verb::Hook(hook) if hook.answers_an_agent() => Caller::Anyone,
            Verb::Hook(_) => Caller::Free,
            Verb::Init(_)
            | Verb::Spawn(_)
            | Verb::Run(_)
            | Verb::Resume(_)
            | Verb::Sync(_)
            | Verb::Merge(_)
            | Verb::Rm(_)
            | Verb::Restore(_)
            | Verb::Cd(_)
            | Verb::Doctor(_)
            | Verb::Gc(_)
            | Verb::Demo(_) => Caller::Free,
            Verb::ShellInit(_)
            | Verb::Completions(_)
            | Verb::Judge(_)
            | Verb::Cage(_)
            | Verb::Sweep(_)
            | Verb::Spare(_) => Caller::Anyone,
        }
    }

    /// Whether it is called to make room on a disk.
    pub(crate) fn frees_room(&self) -> bool {
        matches!(self, Verb::Rm(_) | Verb::Gc(_))
    }

    /// Whether the verb, called in a cage, is done by the `wt run` outside of it.
    pub(crate) fn is_done_outside(&self) -> bool {
        self.caller() != Caller::Anyone
    }

    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        match self {
            Verb::Init(verb) => verb.run(ctx),
            Verb::Spawn(verb) => verb.run(ctx),
            Verb::Validate(verb) => verb.run(ctx),
            Verb::Explain(verb) => verb.run(ctx),
            Verb::Resume(verb) => verb.run(ctx),
            Verb::Sync(verb) => verb.run(ctx),
            Verb::Merge(verb) => verb.run(ctx),
            Verb::Rm(verb) => verb.run(ctx),
            Verb::Restore(verb) => verb.run(ctx),
            Verb::List(verb) => verb.run(ctx),
            Verb::Show(verb) => verb.run(ctx),
            Verb::Brief(verb) => verb.run(ctx),
            Verb::Path(verb) => verb.run(ctx),
            Verb::Cd(verb) => verb.run(ctx),
            Verb::Run(verb) => verb.run(ctx),
            Verb::Rules(verb) => verb.run(ctx),
            Verb::Scope(verb) => verb.run(ctx),
            Verb::Note(verb) => verb.run(ctx),
            Verb::Recall(verb) => verb.run(ctx),
            Verb::Memory(verb) => verb.run(ctx),
            Verb::Plan(verb) => verb.run(ctx),
            Verb::Log(verb) => verb.run(ctx),
            Verb::Doctor(verb) => verb.run(ctx),
            Verb::Gc(verb) => verb.run(ctx),
            Verb::Hook(verb) => verb.run(ctx),
            Verb::Demo(verb) => verb.run(ctx),
            Verb::ShellInit(verb) => verb.run(ctx),
            Verb::Completions(verb) => verb.run(ctx),
            Verb::Cage(verb) => verb.run(ctx),
            Verb::Judge(verb) => verb.run(ctx),
            Verb::Owed(verb) => verb.run(ctx),
            Verb::Sweep(verb) => verb.run(ctx),
            Verb::Spare(verb) => verb.run(ctx),
        }
    }
}

impl Cli {
    /// What an agent calls before each of its tool calls, read without describing all other verbs: that takes longer than
    /// the answer.
    fn of_hook(arguments: &[OsString]) -> Option<Self> {
        let [_, verb, agent] = arguments else {
            return None;
        };
        let agent = agent.to_str().filter(|_| verb == "hook")?;
        Some(Self {
            dir: None,
            color: Color::default(),
            verb: Verb::Hook(cmd::hook::Hook::of_agent(agent)?),
        })
    }

    /// # Errors
    /// A refusal for what is asked for from a cage and is not an agent's.
    pub(crate) fn require_caller(&self, ctx: &Ctx) -> anyhow::Result<()> {
        if ctx.caged.is_none() {
            return Ok(());
        }
        if self.dir.is_some() {
            let what = "in a cage wt serves the folder that it is called in, and no other";
            return Err(Refusal::refused(what).hint("call it without -C").into());
        }
        if self.verb.caller() == Caller::Agent {
            return Ok(());
        }
        let what = "this is the operator's to call, and not an agent's in a cage";
        let instead = match self.verb {
            Verb::Sync(_) => "merge the target yourself: git merge <target>",
            _ => "ask the person who started this",
        };
        Err(Refusal::refused(what).hint(instead).into())
    }
}

/// Answers the shell where it asks for completions, and ends there.
pub(crate) fn complete() {
    CompleteEnv::with_factory(Cli::command).complete();
}

/// Reads the command line.
///
/// # Errors
/// The exit status, where help or version was asked for (0) or the command line is wrong (64): both are printed.
pub(crate) fn parse() -> Result<Cli, Code> {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    if let Some(cli) = Cli::of_hook(&arguments) {
        return Ok(cli);
    }
    Cli::try_parse_from(arguments).map_err(|error| {
        let _ = error.print();
        if error.use_stderr() {
            Code::Usage
        } else {
            Code::Ok
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_an_agent_calls_is_read_as_any_other_command_line() {
        for agent in ["claude", "codex", "gemini", "cursor"] {
            let arguments = ["wt", "hook", agent].map(OsString::from);
            let short = Cli::of_hook(&arguments).expect("short");
            let long = Cli::try_parse_from(arguments).expect("read");
            assert_eq!((short.dir, short.color), (long.dir, long.color), "{agent}");
            let (Verb::Hook(short), Verb::Hook(long)) = (short.verb, long.verb) else {
                panic!("{agent} is answered by another verb");
            };
            assert_eq!(short.agent(), Some(agent));
            assert_eq!(short.agent(), long.agent());
        }
        for other in [
            "wt hook install",
            "wt hook claud",
            "wt hook --help",
            "wt hook",
            "wt hook claude --help",
            "wt list claude",
        ] {
            let arguments: Vec<OsString> = other.split(' ').map(OsString::from).collect();
            assert!(Cli::of_hook(&arguments).is_none(), "{other}");
        }
    }
}
