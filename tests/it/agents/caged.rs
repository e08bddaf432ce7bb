//! What an agent's hook does not see, its cage stops.

use super::{Agent, CLAUDE, CODEX, FILES, Rig, Start, say, shell, write};

/// Tries every place that is not its task's, by ways that no hook can read, then does its work. Beside it may run
/// another, in `other`.
fn tries_to_get_out(rig: &Rig, agent: Agent, task: &str, other: &str) {
    let sandbox = &rig.sandbox;
    let to = |path: std::path::PathBuf| shell(&format!("p={}; echo stray > $p", path.display()));
    let own = format!("src/{task}.txt");
    let script = vec![
        to(sandbox.repo().join("stray.txt")),
        to(sandbox.worktree(other).join("stray.txt")),
        to(sandbox.home().join("stray.txt")),
        to(sandbox.state().join(format!("tasks/{task}/task.json"))),
        to(sandbox.repo().join(".git/hooks/post-commit")),
        to(sandbox.repo().join(".git/refs/heads/main")),
        write(&own, "work\n"),
        shell("git add -A && git commit -q -m work && git log --oneline"),
        shell("wt validate"),
        say("Validated."),
    ];
    let turns = script.len();
    let session = rig.play(agent, Start::ByWt, task, script);
    session.ran.expect(0);
    for step in 0..6 {
        session.shows(step, "Permission denied");
    }
    session.shows(7, "work").shows(8, "VALIDATION_OK");
    assert_eq!(session.turns(), turns);
    assert_eq!(sandbox.git(&["show", &format!("wt/{task}:{own}")]), "work");
}

#[test]
fn two_caged_agents_side_by_side_get_nowhere_else() {
    let Some(rig) = Rig::new(FILES) else { return };
    for task in ["one", "two"] {
        let own = format!("src/{task}.txt");
        rig.sandbox.wt(&["spawn", task, "--owns", &own]).expect(0);
    }
    let refs = rig.sandbox.git(&["show-ref", "--heads", "main"]);
    std::thread::scope(|scope| {
        scope.spawn(|| tries_to_get_out(&rig, CLAUDE, "one", "two"));
        scope.spawn(|| tries_to_get_out(&rig, CODEX, "two", "one"));
    });
    assert_eq!(rig.sandbox.git(&["show-ref", "--heads", "main"]), refs);
    assert_eq!(rig.sandbox.git(&["status", "--porcelain"]), "");
    for task in ["one", "two"] {
        rig.sandbox.wt(&["merge", task]).expect(0);
    }
    rig.sandbox.wt(&["doctor"]).expect(0);
}
