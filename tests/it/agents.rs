//! The real Claude Code and Codex in linked worktrees, each with a scripted model: what they are told, what they are
//! kept from, what comes of it. `tests/agents/install` installs them.

mod bounds;
mod caged;
mod endpoint;
mod messages;
mod planned;
mod responses;
mod rig;
mod rules;

use endpoint::Step;
use rig::{Agent, Model, Rig, Start};

use serde_json::Value;

use crate::sandbox::CONTRACT;

const CLAUDE: Agent = Agent::Claude;
const CODEX: Agent = Agent::Codex(Model::Calls);
/// Codex with one of the models that reach its tools by code.
const CODEX_CODING: Agent = Agent::Codex(Model::Codes);

/// A file for every side of a task that owns `src/**`.
const FILES: &[(&str, &str)] = &[
    ("wt.toml", CONTRACT),
    ("test.sh", "test ! -e src/broken\n"),
    ("src/lib.txt", "the code\n"),
    ("docs/notes.md", "the notes\n"),
];

/// A rig with a task `auth` that owns `src/**`.
fn begun(agent: Agent, start: Start) -> Option<Rig> {
    let rig = Rig::new(FILES)?;
    rig.sandbox
        .wt(&["spawn", "auth", "--owns", "src/**"])
        .expect(0);
    if agent != CLAUDE && start == Start::ByHand {
        // Codex reads no hooks from a linked worktree.
        rig.sandbox
            .wt(&["hook", "install", "codex", "--user"])
            .expect(0);
    }
    Some(rig)
}

fn write(path: &str, text: &str) -> Step {
    Step::Write {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn shell(command: &str) -> Step {
    Step::Shell(command.to_owned())
}

fn call(tool: &str, input: Value) -> Step {
    Step::Call {
        tool: tool.to_owned(),
        input,
    }
}

fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}
