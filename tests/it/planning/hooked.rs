//! What agents are answered before a plan, under it and beyond it.

use std::fs;
use std::path::PathBuf;

use super::{approve, approved, planned, submit};
use crate::sandbox::Sandbox;

/// What the recorded questions about the task `auth` are answered now, as far as they are about files, or the turn's
/// beginning and end.
fn answers(sandbox: &Sandbox) -> String {
    let samples = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/samples/hooks");
    let mut files: Vec<PathBuf> = fs::read_dir(samples)
        .expect("samples")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    files.sort();
    let answer = |file: &PathBuf| {
        let path = file.to_str().expect("text");
        let ran = sandbox.wt(&["hook", "test", path, "--task", "auth"]);
        ran.expect(0);
        let name = file.file_stem().expect("a name").to_string_lossy();
        format!("{name}: {}", ran.out.trim_end().replace('\n', " / "))
    };
    let lines: Vec<String> = files.iter().map(answer).collect();
    lines.join("\n")
}

#[test]
fn recorded_writes_are_denied_before_a_plan_allowed_within_it_and_denied_beyond() {
    let sandbox = planned("required = true");
    insta::assert_snapshot!(answers(&sandbox), @"
    claude-code-0-SessionStart: tell: This is the worktree of task `auth` of wt. Rules: .wt/RULES.md; no plan is approved yet, so change nothing here: read only, then: wt plan template, fill it in, wt plan submit
    claude-code-1-PreToolUse: deny: docs/new.txt: owned by task `docs` (docs) / instead: leave it to that task, or wait until it has landed: wt show docs
    claude-code-2-PreToolUse: deny: src/new.txt: not to be changed before a plan is approved / instead: say what is to change first: wt plan template, then wt plan submit
    claude-code-3-PreToolUse: allow
    claude-code-4-Stop: hold: task `auth` is planning, and no plan of it waits for approval / next: read only, then: wt plan template, fill it in, wt plan submit
    codex-0-SessionStart: tell: This is the worktree of task `auth` of wt. Rules: .wt/RULES.md; no plan is approved yet, so change nothing here: read only, then: wt plan template, fill it in, wt plan submit
    codex-1-PreToolUse: deny: docs/new.txt: owned by task `docs` (docs) / instead: leave it to that task, or wait until it has landed: wt show docs
    codex-2-PreToolUse: deny: src/n.txt: not to be changed before a plan is approved / instead: say what is to change first: wt plan template, then wt plan submit
    codex-3-Stop: hold: task `auth` is planning, and no plan of it waits for approval / next: read only, then: wt plan template, fill it in, wt plan submit
    ");
    submit(&sandbox, &["src/new.txt"]).expect(0);
    let waiting = answers(&sandbox);
    assert!(
        waiting.contains("codex-2-PreToolUse: deny: src/n.txt: not to be changed before"),
        "{waiting}"
    );
    assert!(waiting.contains("claude-code-4-Stop: allow"), "{waiting}");
    approve(&sandbox).expect(0);
    insta::assert_snapshot!(answers(&sandbox), @r#"
    claude-code-0-SessionStart: tell: This is the worktree of task `auth` of wt. Rules: .wt/RULES.md; change only src/new.txt; when done, commit and run: wt validate
    claude-code-1-PreToolUse: deny: docs/new.txt: owned by task `docs` (docs) / instead: leave it to that task, or wait until it has landed: wt show docs
    claude-code-2-PreToolUse: allow
    claude-code-3-PreToolUse: allow
    claude-code-4-Stop: allow
    codex-0-SessionStart: tell: This is the worktree of task `auth` of wt. Rules: .wt/RULES.md; change only src/new.txt; when done, commit and run: wt validate
    codex-1-PreToolUse: deny: docs/new.txt: owned by task `docs` (docs) / instead: leave it to that task, or wait until it has landed: wt show docs
    codex-2-PreToolUse: deny: src/n.txt: outside this task's plan / instead: leave it, or plan for it: wt plan amend --because "<why>"
    codex-3-Stop: allow
    "#);
}

#[test]
fn every_way_to_write_is_denied_in_planning_and_reading_is_not() {
    let sandbox = planned("required = true");
    let worktree = sandbox.worktree("auth");
    let file = sandbox.home().join("question.json");
    let ask = |command: &str| {
        let question = serde_json::json!({
            "hook_event_name": "PreToolUse", "cwd": worktree, "tool_name": "Bash", "tool_input": { "command": command },
        });
        sandbox.write(&file, &question.to_string());
        let args = [
            "hook",
            "test",
            file.to_str().expect("text"),
            "--agent",
            "codex",
            "--task",
            "auth",
        ];
        sandbox.wt(&args).out
    };
    let denied = [
        "echo x > target/ignored",
        "touch src/one.txt",
        "rm src/one.txt",
        "sed -i s/1/2/ src/one.txt",
        "git commit -qam x",
        "git merge main",
        "git checkout -- src/one.txt",
        "echo x > a.lock",
        "wt plan approve auth --operator ann",
        "wt plan reject auth --because x",
        "wt plan submit docs --file /tmp/wt-plan.md",
        "wt -C ../docs plan submit --file /tmp/wt-plan.md",
        "cd ../docs && wt plan amend --because x < /tmp/wt-plan.md",
        "chmod +x src/one.txt",
        "patch -p1 < /tmp/x.diff",
        "git read-tree -u HEAD~1",
        "git checkout-index -a -f",
        "git submodule add ../x y",
        "git sparse-checkout set x",
        "git format-patch -1",
        "git diff --output=src/one.txt",
        "curl -o src/one.txt http://x",
        "perl -pi -e s/a/b/ src/one.txt",
        "sort -o src/one.txt src/one.txt",
        "find . -name '*.txt' -delete",
        "find . -name '*.txt' -exec rm {} +",
        "find . -maxdepth 0 -exec wt plan approve auth --operator me \\;",
        "script -qc 'wt plan approve auth' /dev/null",
    ];
    for command in denied {
        assert!(
            ask(command).starts_with("deny: "),
            "{command}: {}",
            ask(command)
        );
    }
    let allowed = [
        "cat src/one.txt",
        "git log --oneline",
        "git status",
        "sh test.sh",
        "wt plan template > /tmp/wt-plan.md",
        "wt plan submit <<'EOF'\n## Files\n- `src/one.txt` > x\nEOF",
        "wt plan submit --file /tmp/wt-plan.md",
        "wt plan show docs",
        "wt plan submit auth --file /tmp/wt-plan.md",
        "find . -name '*.txt' -exec grep -l x {} +",
        "git diff --stat",
        "git format-patch -1 --stdout",
        "curl -s http://x",
    ];
    for command in allowed {
        assert!(
            ask(command).starts_with("allow"),
            "{command}: {}",
            ask(command)
        );
    }
    approved(&sandbox, &["src/one.txt"]);
    for command in [
        "touch src/one.txt",
        "git commit -qam x",
        "echo x > target/ignored",
        "git checkout -- src/one.txt",
    ] {
        assert!(
            ask(command).starts_with("allow"),
            "{command}: {}",
            ask(command)
        );
    }
    for beyond in [
        "rm src/two.txt",
        "git rm src/two.txt",
        "git mv src/one.txt lib.txt",
        "git checkout main~1 -- src/two.txt",
        "git restore -s main~1 src/two.txt",
    ] {
        assert!(ask(beyond).starts_with("deny: "), "{beyond}");
    }
    // What a trespass asks for.
    sandbox.write(worktree.join("src/new.txt"), "new\n");
    for back in [
        "git checkout main -- src/two.txt",
        "git restore --source=main src/two.txt",
        "git rm src/new.txt",
        "rm src/new.txt",
        "git rm --cached .wt/RULES.md",
    ] {
        assert!(ask(back).starts_with("allow"), "{back}: {}", ask(back));
    }
    let beyond = ask("touch src/two.txt");
    assert!(
        beyond.contains("src/two.txt: outside this task's plan")
            && beyond.contains("wt plan amend --because"),
        "{beyond}"
    );
}
