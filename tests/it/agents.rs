//! The real Claude Code and Codex in linked worktrees, each with a scripted model: what they are told, what they are
//! kept from, what comes of it. `tests/agents/install` installs them; the same script is played to both.

mod endpoint;
mod messages;
mod responses;
mod rig;

use endpoint::Step;
use rig::{Agent, Rig, Start};

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

/// What the project itself tells every agent, in the file that each of them reads.
const OWN_WORDS: &str = "Write plainly.";

fn rules_reach_the_model(agent: Agent, start: Start) {
    let files = [FILES, &[("AGENTS.md", OWN_WORDS), ("CLAUDE.md", OWN_WORDS)]].concat();
    let Some(mut rig) = Rig::new(agent, &files) else {
        return;
    };
    let spawn = [
        "spawn",
        "auth",
        "--owns",
        "src/**",
        "-m",
        "Let tokens expire.",
    ];
    rig.sandbox.wt(&spawn).expect(0);
    let session = rig.play(
        start,
        "auth",
        vec![shell("pwd; command -v wt"), say("I looked around.")],
    );
    session.ran.expect(0);

    let rules = rig.sandbox.wt(&["rules", "render", "auth"]).out;
    assert!(rules.contains("Let tokens expire."), "{rules}");
    for words in [rules.trim_end(), OWN_WORDS] {
        assert!(
            session.opening.contains(words),
            "{words}\n-- is not in --\n{}",
            session.opening
        );
    }
    session.shows(0, "/repo.wt/auth\n").shows(0, "/bin/wt\n");
}

#[test]
fn the_rules_reach_claude_beside_the_projects_own() {
    rules_reach_the_model(Agent::Claude, Start::ByHand);
}

#[test]
fn the_rules_reach_codex_beside_the_projects_own() {
    rules_reach_the_model(Agent::Codex, Start::ByHand);
}
