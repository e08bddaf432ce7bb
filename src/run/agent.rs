//! What is run: the command that was given, or an agent with its rules and hooks.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::Request;
use crate::contract::Contract;
use crate::error::Refusal;
use crate::hook;
use crate::hook_file::executable_for;
use crate::task::Task;
use crate::workspace::Workspace;

/// The agents that are told of their hooks on their command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    Claude,
    Codex,
}

impl Known {
    const ALL: [Self; 2] = [Self::Claude, Self::Codex];

    /// The name of its program.
    fn word(self) -> &'static str {
        match self {
            Self::Claude => "claude",
            Self::Codex => "codex",
        }
    }

    fn named(name: &OsStr) -> Option<Self> {
        Self::ALL.into_iter().find(|known| name == known.word())
    }
}

/// A program with its arguments.
pub(super) struct Program {
    pub(super) path: PathBuf,
    args: Vec<OsString>,
    known: Option<Known>,
}

impl Program {
    /// Chooses what to run: the command, else the agent that was named, else the contract's, else the only known one
    /// that is there.
    ///
    /// # Errors
    /// A refusal where there is none, or more than one.
    pub(super) fn choose(
        ws: &Workspace,
        contract: &Contract,
        request: &Request,
        place: &Path,
    ) -> anyhow::Result<Self> {
        if let Some((program, args)) = request.command.split_first() {
            return Self::find(ws, program, args, place);
        }
        if let Some(agent) = request.agent.or(contract.cage.agent.as_deref()) {
            if ws.ctx.environment.find_program(agent).is_none() {
                return Err(
                    Refusal::refused(format!("the agent {agent:?} is not on PATH"))
                        .hint(
                            "wt knows claude and codex; anything else: wt run <task> -- <command>",
                        )
                        .into(),
                );
            }
            return Self::find(ws, agent.as_ref(), &[], place);
        }
        let is_there = |known: &Known| ws.ctx.environment.find_program(known.word()).is_some();
        let there: Vec<Known> = Known::ALL.into_iter().filter(is_there).collect();
        match there[..] {
            [only] => Self::find(ws, only.word().as_ref(), &[], place),
            [] => Err(Refusal::refused("neither claude nor codex is on PATH")
                .hint("say what to run: wt run <task> -- <command>")
                .into()),
            _ => Err(Refusal::refused("claude and codex are both here")
                .hint("say which: --agent claude, or `agent` under [cage] in wt.toml")
                .into()),
        }
    }

    /// The program of this name on `PATH`, or at this path as seen from `place`.
    fn find(
        ws: &Workspace,
        program: &OsStr,
        args: &[OsString],
        place: &Path,
    ) -> anyhow::Result<Self> {
        let given = Path::new(program);
        let path = if given.components().count() > 1 {
            let may_start = |path: &PathBuf| {
                path.metadata()
                    .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
            };
            Some(place.join(given)).filter(may_start)
        } else {
            program
                .to_str()
                .and_then(|name| ws.ctx.environment.find_program(name))
        };
        let path = path.ok_or_else(|| {
            Refusal::refused(format!(
                "there is no program {} to start",
                program.display()
            ))
            .hint("it is looked for on PATH; a shell's own words need a shell: -- sh -c '…'")
        })?;
        let known = path.file_name().and_then(Known::named);
        if let Some(known) = known {
            ws.ctx.ui.say(&format!(
                "{} gets wt's hooks on its command line; its own state folder is writable in the cage",
                known.word()
            ));
        }
        Ok(Self {
            path,
            args: args.to_vec(),
            known,
        })
    }

    /// Its name, for the task's events.
    pub(super) fn shown(&self) -> String {
        let name = self.path.file_name().unwrap_or(self.path.as_os_str());
        name.to_string_lossy().into_owned()
    }

    /// Its arguments, those by which an agent learns of its hooks before the given ones; `folder` takes a file that
    /// can't be written from inside.
    pub(super) fn arguments(&self, task: &Task, folder: &Path) -> anyhow::Result<Vec<OsString>> {
        let mut args: Vec<OsString> = Vec::new();
        match self.known {
            None => {}
            Some(Known::Claude) => {
                let file = folder.join("settings.json");
                let settings = hook::claude_settings(&executable_for(task)?).to_string();
                fs::write(&file, settings)
                    .with_context(|| format!("can't write {}", file.display()))?;
                args.extend(["--settings".into(), file.into()]);
            }
            Some(Known::Codex) => {
                let hooks = hook::codex_overrides(&executable_for(task)?);
                args.extend(hooks.into_iter().map(OsString::from));
                // Its own sandbox can't be made inside another, and a daemon of its would act outside.
                args.extend(
                    [
                        "--dangerously-bypass-hook-trust",
                        "--no-daemon",
                        "-c",
                        "sandbox_mode=\"danger-full-access\"",
                    ]
                    .map(OsString::from),
                );
            }
        }
        args.extend(self.args.iter().cloned());
        Ok(args)
    }

    /// What in those folders is carried out, or believed, wherever the agent is started.
    pub(super) fn doors(&self, ws: &Workspace) -> Vec<PathBuf> {
        let Some(known) = self.known else {
            return Vec::new();
        };
        let Ok(folders) = self.state_folders(ws) else {
            return Vec::new();
        };
        let names: &[&str] = match known {
            Known::Claude => &[
                "settings.json",
                "settings.local.json",
                "CLAUDE.md",
                "agents",
                "commands",
                "hooks",
                "plugins",
                "skills",
            ],
            Known::Codex => &[
                "AGENTS.md",
                "config.toml",
                "hooks.json",
                "prompts",
                "skills",
            ],
        };
        let folder = folders.first();
        let place = |folder: &PathBuf| names.iter().map(|name| folder.join(name)).collect();
        folder.map(place).unwrap_or_default()
    }

    /// Where an agent keeps its own state: what it writes there outlives the cage. Made where it is missing, since
    /// only what exists can be let into a cage.
    pub(super) fn state_folders(&self, ws: &Workspace) -> anyhow::Result<Vec<PathBuf>> {
        let environment = &ws.ctx.environment;
        let Some(home) = environment.text("HOME").map(PathBuf::from) else {
            return Ok(Vec::new());
        };
        let folder = |variable: &str, name: &str| {
            let named = environment.text(variable).map(PathBuf::from);
            let folder = named.unwrap_or_else(|| home.join(name));
            fs::create_dir_all(&folder)
                .with_context(|| format!("can't make {}", folder.display()))?;
            anyhow::Ok(folder)
        };
        Ok(match self.known {
            None => Vec::new(),
            Some(Known::Codex) => vec![folder("CODEX_HOME", ".codex")?],
            Some(Known::Claude) => {
                let mut places = vec![folder("CLAUDE_CONFIG_DIR", ".claude")?];
                if environment.text("CLAUDE_CONFIG_DIR").is_none() {
                    let file = home.join(".claude.json");
                    if fs::symlink_metadata(&file).is_err() {
                        fs::write(&file, "{}\n")
                            .with_context(|| format!("can't write {}", file.display()))?;
                    }
                    places.push(file);
                }
                places
            }
        })
    }
}
