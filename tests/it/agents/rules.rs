//! The rules of a task reach the model, beside what the project itself tells every agent.

use super::{Agent, CLAUDE, CODEX, FILES, Rig, Start, say, shell};

/// What stands in the project's own file.
const OWN_WORDS: &str = "Write plainly.";

fn rules_reach_the_model(agent: Agent, start: Start) {
    let files = [FILES, &[("AGENTS.md", OWN_WORDS), ("CLAUDE.md", OWN_WORDS)]].concat();
    let Some(rig) = Rig::new(&files) else { return };
    let spawn = [
        "spawn",
        "auth",
        "--owns",
        "src/**",
        "-m",
        "Let tokens expire.",
    ];
    rig.sandbox.wt(&spawn).expect(0);
    let looked = vec![shell("pwd; command -v wt"), say("I looked around.")];
    let session = rig.play(agent, start, "auth", looked);
    session.ran.expect(0);

    let rules = rig.sandbox.wt(&["rules", "render", "auth"]).out;
    assert!(rules.contains("Let tokens expire."), "{rules}");
    for words in [rules.trim_end(), OWN_WORDS] {
        let opening = &session.opening;
        assert!(
            opening.contains(words),
            "{words}\n-- is not in --\n{opening}"
        );
    }
    session.shows(0, "/repo.wt/auth").shows(0, "/bin/wt");
    // Nothing was changed, so there was nothing to hold the model back for.
    assert_eq!(session.turns(), 2);
}

#[test]
fn the_rules_reach_claude() {
    rules_reach_the_model(CLAUDE, Start::ByHand);
}

#[test]
fn the_rules_reach_codex() {
    rules_reach_the_model(CODEX, Start::ByHand);
}

#[test]
fn the_rules_reach_claude_in_a_cage() {
    rules_reach_the_model(CLAUDE, Start::ByWt);
}

#[test]
fn the_rules_reach_codex_in_a_cage() {
    rules_reach_the_model(CODEX, Start::ByWt);
}
