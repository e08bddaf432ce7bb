//! The real Claude Code and Codex in linked worktrees, each with a scripted model: what they are told, what they are
//! kept from, what comes of it. `tests/agents/install` installs them; the same script is played to both.

mod endpoint;
mod messages;
mod responses;
mod rig;

use endpoint::Step;
use rig::{Agent, Rig, Session, Start};

use crate::sandbox::CONTRACT;

/// A file for every side of a task that owns `src/**`.
const FILES: &[(&str, &str)] = &[
    ("wt.toml", CONTRACT),
    ("test.sh", "test ! -e src/broken\n"),
    ("src/lib.txt", "the code\n"),
    ("docs/notes.md", "the notes\n"),
];

fn write(path: &str, text: &str) -> Step {
    Step::Write {
        path: path.to_owned(),
        text: text.to_owned(),
    }
}

fn shell(command: &str) -> Step {
    Step::Shell(command.to_owned())
}

fn say(text: &str) -> Step {
    Step::Say(text.to_owned())
}

/// Plays it once in each way of starting, to one agent.
fn rules_reach(agent: Agent) {
    let Some(mut rig) = Rig::new(agent, FILES) else {
        return;
    };
    rig.sandbox
        .wt(&["spawn", "auth", "--owns", "src/**"])
        .expect(0);
    let session = rig.play(
        Start::ByHand,
        "auth",
        vec![
            shell("pwd; command -v wt"),
            write("src/new.txt", "a\nb\n"),
            say("done"),
        ],
    );
    session.ran.expect(0);
    assert!(
        session.opening.contains("wt validate"),
        "{}",
        session.opening
    );
    session.shows(0, "/repo.wt/auth").shows(0, "bin/wt");
    assert_eq!(
        rig.sandbox
            .read(rig.sandbox.worktree("auth").join("src/new.txt"))
            .trim_end(),
        "a\nb"
    );
}

#[test]
fn claude_rules() {
    rules_reach(Agent::Claude);
}

#[test]
fn codex_rules() {
    rules_reach(Agent::Codex);
}
