//! Agents are found, and told of their hooks on their command line, out of their own reach.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use super::{assert_closed, held};
use crate::sandbox::Sandbox;

/// A program that stands for an agent: it prints its arguments, a line each, and then does what its file `act` says.
const STAND_IN: &str =
    "#!/bin/sh\nprintf '%s\\n' \"$@\"\n[ -f \"$HOME/act\" ] && . \"$HOME/act\"\nexit 0\n";

/// A sandbox in which these agents are installed, and no real ones are.
fn with_agents(agents: &[&str]) -> Sandbox {
    let mut sandbox = Sandbox::new();
    let folder = sandbox.root().join("bin");
    for agent in agents {
        let path = folder.join(agent);
        sandbox.write(&path, STAND_IN);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("set");
    }
    fs::create_dir_all(&folder).expect("made");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", folder.display());
    sandbox.set("PATH", &path);
    sandbox.spawn("auth");
    sandbox
}

#[test]
fn claude_gets_its_hooks_in_a_file_that_it_cannot_write() {
    if !held() {
        return;
    }
    let sandbox = with_agents(&["claude"]);
    let act = "test \"$1\" = --settings && cat \"$2\"; echo; echo x > \"$2\" || echo kept; echo s > ~/.claude/state && echo '{}' > ~/.claude.json
               echo h > ~/.other || echo held; mkdir -p ~/.claude/hooks; echo evil > ~/.claude/hooks/h";
    sandbox.write(sandbox.home().join("act"), act);
    let ran = sandbox.wt(&["run", "auth"]);
    ran.expect(0)
        .says("claude gets wt's hooks on its command line");
    let lines: Vec<&str> = ran.out.lines().collect();
    assert_eq!(lines[0], "--settings");
    let settings: serde_json::Value = serde_json::from_str(lines[2]).expect("JSON");
    let hook = settings["hooks"]["PreToolUse"][0]["hooks"][0]["command"].to_string();
    assert!(hook.contains("hook claude"), "{hook}");
    assert_eq!(lines[3..], ["kept", "held"]);
    // A door, and said to be one.
    ran.says("in force outside of it as well: <root>/home/.claude/hooks/h");

    fs::remove_file(sandbox.home().join("act")).expect("removed");
    let again = sandbox.wt(&["run", "auth", "--", "claude", "-p", "a prompt"]);
    again.expect(0).says("claude gets wt's hooks");
    assert!(again.out.ends_with("\n-p\na prompt\n"), "{}", again.out);
    assert!(!again.err.contains("as well"), "{}", again.err);
    assert_closed(&sandbox, "auth");
}

#[test]
fn codex_gets_its_hooks_as_settings_and_leaves_its_own_sandbox() {
    if !held() {
        return;
    }
    let sandbox = with_agents(&["codex", "claude"]);
    sandbox
        .wt(&["run", "auth"])
        .expect(4)
        .says("claude and codex are both here");
    let ran = sandbox.wt(&["run", "auth", "--agent", "codex"]);
    ran.expect(0)
        .prints("hooks.PreToolUse=[")
        .prints("--dangerously-bypass-hook-trust\n")
        .prints("--no-daemon\n")
        .prints("sandbox_mode=\"danger-full-access\"\n");
    sandbox.write(
        "wt.toml",
        &format!("{}\n[cage]\nagent = \"codex\"\n", crate::sandbox::CONTRACT),
    );
    sandbox.commit(&sandbox.repo(), "an agent");
    sandbox
        .wt(&["run", "auth"])
        .expect(0)
        .prints("--no-daemon\n");
    sandbox
        .wt(&["run", "auth", "--agent", "nobody"])
        .expect(4)
        .says("the agent \"nobody\" is not on PATH");
}

#[test]
fn what_the_contract_opens_is_open_and_nothing_beside_it() {
    if !held() {
        return;
    }
    let sandbox = with_agents(&[]);
    sandbox
        .wt(&["run", "auth"])
        .expect(4)
        .says("neither claude nor codex is on PATH");
    let contract = crate::sandbox::CONTRACT.replace("~/notes/", "~/steps/");
    let contract = format!("{contract}\n[cage]\nwritable = [\"~/open/\"]\n");
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "doors");
    let ran = super::caged(
        &sandbox,
        "auth",
        "for d in open steps closed; do mkdir -p ~/$d 2>/dev/null; echo x > ~/$d/x && echo $d; done 2>/dev/null; true",
    );
    ran.expect(0);
    assert_eq!(ran.out, "open\nsteps\n");
}
