//! The rules of a task reach the model, beside what the project itself tells every agent.

use super::{Agent, CLAUDE, CODEX, FILES, Rig, Start, begun, say, shell, write};

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

fn a_session_that_goes_on_is_handed_the_task(agent: Agent) {
    let Some(rig) = begun(agent, Start::ByHand) else {
        return;
    };
    let worked = vec![write("src/new.txt", "half\n"), say("I stop here.")];
    let page = "## Done so far";
    let session = rig.play(agent, Start::ByHand, "auth", worked);
    session.ran.expect(0);
    assert!(!session.opening.contains(page), "{}", session.opening);
    let again = vec![
        shell("git add src; git commit -qm half; wt validate"),
        say("Done."),
    ];
    let session = rig.play(agent, Start::Resumed, "auth", again);
    session.ran.expect(0);
    for words in [page, "- src/new.txt", "## Next"] {
        assert!(session.opening.contains(words), "{}", session.opening);
    }
}

#[test]
fn a_session_of_claude_that_goes_on_is_handed_the_task() {
    a_session_that_goes_on_is_handed_the_task(CLAUDE);
}

#[test]
fn a_session_of_codex_that_goes_on_is_handed_the_task() {
    a_session_that_goes_on_is_handed_the_task(CODEX);
}
