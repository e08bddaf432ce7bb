//! A real agent is held to a plan: denied before one is approved, let work within it, denied beyond.

use super::{Agent, CLAUDE, CODEX, Start, begun, say, shell, write};

const SUBMIT: &str = "wt plan submit <<'EOF'\n## Root cause\nThe file is not there.\n## Files\n- `src/new.txt`: to be made\n\
    ## Invariants\n- The notes stay.\n## Risks\n- None reads it yet.\n## Validation\n- `sh test.sh`\nEOF";

fn an_agent_is_held_to_its_plan(agent: Agent, start: Start) {
    let Some(rig) = begun(agent, start) else {
        return;
    };
    let sandbox = &rig.sandbox;
    sandbox.wt(&["rm", "auth"]).expect(0);
    let spawn = ["spawn", "auth", "--owns", "src/**", "--plan"];
    sandbox.wt(&spawn).expect(0);
    let worktree = sandbox.worktree("auth");

    // By ways that no hook can read; what comes of it is the cage's to say.
    let unseen = "f=src/unseen.txt; echo x > $f";
    let script = vec![
        write("src/new.txt", "early\n"),
        shell("echo early > src/lib.txt"),
        say("Planned, I think."),
        shell(SUBMIT),
        shell("wt plan approve auth --operator agent"),
        write("src/new.txt", "early\n"),
        shell(if start == Start::ByWt { unseen } else { "true" }),
        say("My plan waits for approval."),
    ];
    let turns = script.len();
    let session = rig.play(agent, start, "auth", script);
    session.ran.expect(0);
    let before = "not to be changed before a plan is approved";
    session
        .shows(0, before)
        .shows(1, before)
        .shows(2, "no plan of it waits for approval")
        .shows(3, "PLAN_SUBMITTED")
        .shows(4, "denied: `wt plan approve` is the operator's")
        .shows(5, before);
    if start == Start::ByWt {
        session.shows(6, "denied");
    }
    assert_eq!(session.turns(), turns);
    assert!(
        session
            .opening
            .contains("No plan of this task is approved yet")
    );
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.task_state("auth"), "planning");

    let approve = ["plan", "approve", "auth", "--operator", "ann"];
    sandbox.wt(&approve).expect(0);
    let script = vec![
        write("src/new.txt", "new\n"),
        write("src/other.txt", "beyond\n"),
        shell("echo beyond > src/lib.txt"),
        shell("git add -A && git commit -q -m work"),
        shell("wt validate"),
        say("Validated."),
    ];
    let turns = script.len();
    let session = rig.play(agent, start, "auth", script);
    session.ran.expect(0);
    session
        .shows(1, "src/other.txt: outside this task's plan")
        .shows(1, "wt plan amend --because")
        .shows(2, "src/lib.txt: outside this task's plan")
        .shows(4, "VALIDATION_OK");
    assert_eq!(session.turns(), turns);
    assert!(
        session
            .opening
            .contains("change only what the plan names: `src/new.txt`")
    );
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("src/new.txt"), "new\n");
}

#[test]
fn claude_is_held_to_its_plan() {
    an_agent_is_held_to_its_plan(CLAUDE, Start::ByHand);
}

#[test]
fn codex_is_held_to_its_plan() {
    an_agent_is_held_to_its_plan(CODEX, Start::ByHand);
}

#[test]
fn claude_is_held_to_its_plan_in_a_cage() {
    an_agent_is_held_to_its_plan(CLAUDE, Start::ByWt);
}

#[test]
fn codex_is_held_to_its_plan_in_a_cage() {
    an_agent_is_held_to_its_plan(CODEX, Start::ByWt);
}
