//! A sandbox in which one of the real agents runs, with a scripted model behind it.

use std::fs::{self, File};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::endpoint::{Endpoint, Step, Wire};
use super::{messages, responses};
use crate::sandbox::{Ran, Sandbox, skipped, wt};

/// Which agent runs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Agent {
    Claude,
    Codex(Model),
}

/// How Codex's model works; it knows the models by name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Model {
    /// It calls the tools.
    Calls,
    /// It writes code that calls them.
    Codes,
}

/// How it is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// In the worktree, by its own name; hooks are read from where `wt spawn` and `wt hook install` put them.
    ByHand,
    /// As [`Self::ByHand`], and it goes on with its last session.
    Resumed,
    /// By `wt run`, caged.
    ByWt,
}

/// What came of a session.
pub(crate) struct Session {
    pub(crate) ran: Ran,
    /// What the model was shown first.
    pub(crate) opening: String,
    /// What it was shown after each step of the script.
    shown: Vec<String>,
}

/// A repository with the agents to work in it.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
}

impl Rig {
    /// A repository with these files; none, and it is said, where the agents are not installed.
    pub(crate) fn new(files: &[(&str, &str)]) -> Option<Self> {
        let binaries =
            folder().and_then(|folder| Some([find_claude(&folder)?, find_codex(&folder)?]));
        let Some([claude, codex]) = binaries else {
            let why = "the agents are not here; tests/agents/install installs them";
            assert!(std::env::var_os("WT_REQUIRE_AGENTS").is_none(), "{why}");
            skipped(why);
            return None;
        };
        let mut sandbox = Sandbox::with(files);
        let programs = sandbox.root().join("bin");
        // Codex wants its state outside of the folder for temporary files.
        let temporary = sandbox.root().join("tmp");
        let [claude_state, codex_state] =
            [".claude", ".codex"].map(|name| sandbox.home().join(name));
        for folder in [&programs, &temporary, &claude_state, &codex_state] {
            fs::create_dir_all(folder).expect("made");
        }
        for (name, binary) in [("claude", claude), ("codex", codex), ("wt", wt().into())] {
            symlink(binary, programs.join(name)).expect("a link");
        }
        let path = std::env::var("PATH").expect("PATH");
        let path = format!("{}:{path}", programs.display());
        // Codex's shell is a login shell, which begins with a PATH of its own.
        let profile = format!("export PATH='{path}'\n");
        sandbox.write(sandbox.home().join(".profile"), &profile);
        sandbox.set("PATH", &path);
        sandbox.set("TMPDIR", temporary.to_str().expect("text"));
        for (name, value) in [
            ("ANTHROPIC_API_KEY", "none"),
            ("SCRIPTED_KEY", "none"),
            ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"),
            // Lets root do without Claude Code's permission prompts.
            ("IS_SANDBOX", "1"),
        ] {
            sandbox.set(name, value);
        }
        Some(Self { sandbox })
    }

    /// Lets an agent work on a task until the script is over.
    pub(crate) fn play(
        &self,
        agent: Agent,
        start: Start,
        task: &str,
        script: Vec<Step>,
    ) -> Session {
        let endpoint = Endpoint::start(agent.wire(), script);
        if let Agent::Codex(model) = agent {
            let settings = codex_settings(&endpoint.url(), model);
            self.sandbox
                .write(self.sandbox.home().join(".codex/config.toml"), &settings);
        }
        let words = agent.words(start);
        let mut command = match start {
            Start::ByHand | Start::Resumed => {
                let mut command = self.sandbox.command(words[0]);
                command
                    .current_dir(self.sandbox.worktree(task))
                    .args(&words[1..]);
                command
            }
            Start::ByWt => {
                let mut command = self.sandbox.command(wt());
                command.args(["run", task, "--"]).args(&words);
                command
            }
        };
        command.env("ANTHROPIC_BASE_URL", endpoint.url());
        let output = self.finish(&mut command, task);
        Session {
            ran: Ran::from(&output, &self.sandbox, &words.join(" ")),
            opening: endpoint.opening(),
            shown: endpoint.shown(),
        }
    }

    /// Runs a command to its end; one that hangs is killed, and shown as far as it came.
    fn finish(&self, command: &mut Command, task: &str) -> Output {
        let file = |stream| self.sandbox.root().join(format!("{task}.{stream}"));
        let [out, err] = [file("out"), file("err")];
        command
            .stdout(File::create(&out).expect("a file"))
            .stderr(File::create(&err).expect("a file"));
        let mut child = command.spawn().expect("started");
        let give_up = Instant::now() + Duration::from_secs(100);
        let status = loop {
            if let Some(status) = child.try_wait().expect("waited") {
                break status;
            }
            if Instant::now() > give_up {
                child.kill().expect("killed");
            }
            std::thread::sleep(Duration::from_millis(10));
        };
        let [stdout, stderr] = [out, err].map(|path| fs::read(path).expect("its output"));
        Output {
            status,
            stdout,
            stderr,
        }
    }
}

impl Session {
    /// How often it was the model's turn.
    pub(crate) fn turns(&self) -> usize {
        // Nothing is shown after the last.
        self.shown.len() + 1
    }

    /// Holds that the model was shown these words after a step, counted from 0.
    #[track_caller]
    pub(crate) fn shows(&self, step: usize, words: &str) -> &Self {
        let shown = self.shown.get(step).map_or("nothing", String::as_str);
        assert!(
            shown.contains(words),
            "after step {step} the model is not shown {words:?} but:\n{shown}\n{:?}",
            self.ran
        );
        self
    }
}

impl Agent {
    fn wire(self) -> Wire {
        match self {
            Agent::Claude => messages::WIRE,
            Agent::Codex(Model::Calls) => responses::CALLS,
            Agent::Codex(Model::Codes) => responses::CODE,
        }
    }

    /// The command line of a session without a person, in which the agent itself asks for no permission.
    fn words(self, start: Start) -> Vec<&'static str> {
        let mut words = match self {
            Agent::Claude => vec!["claude", "-p", "--permission-mode", "bypassPermissions"],
            Agent::Codex(_) => vec!["codex", "exec", "--trust"],
        };
        if self != Agent::Claude && start != Start::ByWt {
            // The first in place of the one prompt in which a person trusts the hooks; `wt run` sees to both.
            words.push("--dangerously-bypass-hook-trust");
            words.push("--dangerously-bypass-approvals-and-sandbox");
        }
        if start == Start::Resumed {
            words.extend(match self {
                Agent::Claude => &["--continue"][..],
                Agent::Codex(_) => &["resume", "--last"],
            });
        }
        words.push("do the task");
        words
    }
}

/// The settings by which Codex asks the endpoint, and nobody else.
fn codex_settings(url: &str, model: Model) -> String {
    let model = match model {
        Model::Calls => "gpt-5.5",
        Model::Codes => "gpt-6-sol",
    };
    format!(
        r#"model = "{model}"
model_provider = "scripted"
features.plugins = false
analytics.enabled = false

[model_providers.scripted]
name = "scripted"
base_url = "{url}/v1"
env_key = "SCRIPTED_KEY"
wire_api = "responses"
supports_websockets = false
"#
    )
}

/// Where the agents are installed: `$WT_AGENTS`, else beside the build's folder.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("WT_AGENTS").map(PathBuf::from);
    let folder = given.or_else(|| Some(Path::new(wt()).parent()?.parent()?.join("agents")))?;
    Some(folder.join("node_modules"))
}

fn find_claude(modules: &Path) -> Option<PathBuf> {
    let binary = modules.join(format!("@anthropic-ai/claude-code-{}/claude", machine()));
    binary.exists().then_some(binary)
}

fn find_codex(modules: &Path) -> Option<PathBuf> {
    let targets = fs::read_dir(modules.join(format!("@openai/codex-{}/vendor", machine()))).ok()?;
    let mut binaries = targets
        .flatten()
        .map(|target| target.path().join("bin/codex"));
    binaries.find(|binary| binary.exists())
}

/// This machine, as the packages name it.
fn machine() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux-arm64",
        _ => "linux-x64",
    }
}
