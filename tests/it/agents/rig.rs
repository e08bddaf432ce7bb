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
    Codex,
}

/// How it is started.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Start {
    /// In the worktree, by its own name; hooks are read from where `wt spawn` and `wt hook install` put them.
    ByHand,
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

/// A repository with an agent to work in it.
pub(crate) struct Rig {
    pub(crate) sandbox: Sandbox,
    agent: Agent,
}

impl Rig {
    /// A repository with these files; none, and it is said, where the agents are not installed.
    pub(crate) fn new(agent: Agent, files: &[(&str, &str)]) -> Option<Self> {
        let binary = agent.find_binary()?;
        let mut sandbox = Sandbox::with(files);
        let programs = sandbox.root().join("bin");
        // Outside of the folder for temporary files, in which Codex wants no state.
        let temporary = sandbox.root().join("tmp");
        for folder in [&programs, &temporary, &sandbox.home().join(agent.state())] {
            fs::create_dir_all(folder).expect("made");
        }
        symlink(binary, programs.join(agent.name())).expect("a link");
        symlink(wt(), programs.join("wt")).expect("a link");
        let path = std::env::var("PATH").expect("PATH");
        let path = format!("{}:{path}", programs.display());
        // Codex's shell is a login shell, which begins with a PATH of its own.
        let profile = format!("export PATH='{path}'\n");
        sandbox.write(sandbox.home().join(".profile"), &profile);
        sandbox.set("PATH", &path);
        sandbox.set("TMPDIR", temporary.to_str().expect("text"));
        Some(Self { sandbox, agent })
    }

    /// Lets the agent work on a task until the script is over.
    pub(crate) fn play(&mut self, start: Start, task: &str, script: Vec<Step>) -> Session {
        let endpoint = Endpoint::start(self.agent.wire(), script);
        for (name, value) in self.agent.environment(&endpoint.url()) {
            self.sandbox.set(name, &value);
        }
        let words = self.agent.words(&endpoint.url(), start);
        let mut command = match start {
            Start::ByHand => {
                let mut command = self.sandbox.command(&words[0]);
                command
                    .args(&words[1..])
                    .current_dir(self.sandbox.worktree(task));
                command
            }
            Start::ByWt => {
                let mut command = self.sandbox.command(wt());
                command.args(["run", task, "--"]).args(&words);
                command
            }
        };
        let output = self.finish(&mut command);
        Session {
            ran: Ran::from(&output, &self.sandbox, self.agent.name()),
            opening: endpoint.opening(),
            shown: endpoint.shown(),
        }
    }

    /// Runs a command to its end; one that hangs is killed, and shown as far as it came.
    fn finish(&self, command: &mut Command) -> Output {
        let [out, err] = ["out", "err"].map(|name| self.sandbox.root().join(name));
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
    pub(crate) fn name(self) -> &'static str {
        match self {
            Agent::Claude => "claude",
            Agent::Codex => "codex",
        }
    }

    fn wire(self) -> Wire {
        match self {
            Agent::Claude => messages::WIRE,
            Agent::Codex => responses::WIRE,
        }
    }

    /// Its folder in the home.
    fn state(self) -> &'static str {
        match self {
            Agent::Claude => ".claude",
            Agent::Codex => ".codex",
        }
    }

    /// Its binary, where `tests/agents/install` put it.
    fn find_binary(self) -> Option<PathBuf> {
        let found = folder().and_then(|folder| self.binary_in(&folder));
        if found.is_none() {
            let why = "the agent is not here; tests/agents/install installs it";
            assert!(std::env::var_os("WT_REQUIRE_AGENTS").is_none(), "{why}");
            skipped(why);
        }
        found
    }

    fn binary_in(self, folder: &Path) -> Option<PathBuf> {
        let machine = match std::env::consts::ARCH {
            "x86_64" => "linux-x64",
            "aarch64" => "linux-arm64",
            _ => return None,
        };
        let modules = folder.join("node_modules");
        match self {
            Agent::Claude => {
                let binary = modules.join(format!("@anthropic-ai/claude-code-{machine}/claude"));
                binary.exists().then_some(binary)
            }
            Agent::Codex => {
                let vendor = modules.join(format!("@openai/codex-{machine}/vendor"));
                let targets = fs::read_dir(vendor).ok()?.flatten();
                targets
                    .map(|target| target.path().join("bin/codex"))
                    .find(|binary| binary.exists())
            }
        }
    }

    fn environment(self, url: &str) -> Vec<(&'static str, String)> {
        match self {
            Agent::Claude => vec![
                ("ANTHROPIC_BASE_URL", url.to_owned()),
                ("ANTHROPIC_API_KEY", "none".to_owned()),
                ("CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1".to_owned()),
                ("DISABLE_TELEMETRY", "1".to_owned()),
                // Lets root do without permission prompts.
                ("IS_SANDBOX", "1".to_owned()),
            ],
            Agent::Codex => vec![("SCRIPTED_KEY", "none".to_owned())],
        }
    }

    /// The command line of a session without a person, in which the agent itself asks for no permission.
    fn words(self, url: &str, start: Start) -> Vec<String> {
        let provider = format!(
            "model_providers.scripted={{name=\"scripted\",base_url=\"{url}/v1\",env_key=\"SCRIPTED_KEY\",\
             wire_api=\"responses\",supports_websockets=false}}"
        );
        let words: &[&str] = match self {
            Agent::Claude => &[
                "claude",
                "-p",
                "do the task",
                "--permission-mode",
                "bypassPermissions",
            ],
            Agent::Codex => &[
                "codex",
                "exec",
                "--trust",
                "--dangerously-bypass-approvals-and-sandbox",
                "-c",
                "model_provider=\"scripted\"",
                "-c",
                &provider,
                "-c",
                // One that Codex knows, and gives apply_patch as a tool.
                "model=\"gpt-5.5\"",
                "do the task",
            ],
        };
        let mut words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        if (self, start) == (Agent::Codex, Start::ByHand) {
            // In place of the one prompt in which a person trusts the hooks.
            words.insert(1, "--dangerously-bypass-hook-trust".to_owned());
        }
        words
    }
}

/// Where the agents are installed: `$WT_AGENTS`, else beside the build's folder.
fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("WT_AGENTS").map(PathBuf::from);
    given.or_else(|| Some(Path::new(wt()).parent()?.parent()?.join("agents")))
}
