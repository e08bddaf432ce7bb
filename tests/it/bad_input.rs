//! Bad input and the small verbs: clear words, the right exit status, and code that shells really run.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::sandbox::{CONTRACT, Ran, Sandbox, skipped, wt};

/// Where the programs under test lie.
fn programs() -> PathBuf {
    Path::new(wt()).parent().expect("a folder").to_owned()
}

/// A folder with one program in it.
fn program(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let dir = sandbox.root().join("programs");
    fs::create_dir_all(&dir).expect("made");
    let file = dir.join(name);
    fs::write(&file, text).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("made a program");
    dir
}

/// A script in a shell that finds the programs under test on its PATH.
fn shell(sandbox: &Sandbox, shell: &str, script: &str) -> Option<Ran> {
    let path = format!(
        "{}:{}",
        programs().display(),
        std::env::var("PATH").expect("PATH")
    );
    let output = sandbox
        .command(shell)
        .env("PATH", path)
        .args(["-c", script])
        .output();
    let Ok(output) = output else {
        skipped(&format!("no {shell} here"));
        return None;
    };
    Some(Ran::from(&output, sandbox, script))
}

#[test]
fn without_a_repository_or_git_it_says_so() {
    let mut sandbox = Sandbox::new();
    let home = sandbox.root().join("home");
    for args in [
        &["list"][..],
        &["spawn", "x"],
        &["validate"],
        &["merge", "x"],
        &["rm", "x"],
        &["doctor"],
        &["init"],
    ] {
        let ran = sandbox.wt_in(&home, args);
        ran.expect(4)
            .says("<root>/home is in no git repository")
            .says("hint: go to a repository, or name one: wt -C <folder>");
        assert_eq!(ran.out, "");
    }
    sandbox
        .wt(&["-C", "nowhere", "list"])
        .expect(4)
        .says("can't go to <root>/repo/nowhere");

    sandbox.set("PATH", "/nowhere");
    sandbox
        .wt(&["spawn", "x"])
        .expect(4)
        .says("git is not on PATH")
        .says("hint: install git 2.38 or later");
    // An entry that is no absolute path is none: what lies in a repository is not run.
    sandbox.write("bin/git", "#!/bin/sh\ntouch ran\n");
    fs::set_permissions(
        sandbox.repo().join("bin/git"),
        fs::Permissions::from_mode(0o755),
    )
    .expect("set");
    sandbox.set("PATH", "bin:");
    sandbox
        .wt(&["spawn", "x"])
        .expect(4)
        .says("git is not on PATH");
    assert!(!sandbox.repo().join("ran").exists());

    let old = program(&sandbox, "git", "#!/bin/sh\necho git version 2.30.2\n");
    sandbox.set("PATH", old.to_str().expect("text"));
    for args in [&["spawn", "x"][..], &["merge", "x"]] {
        sandbox
            .wt(args)
            .expect(4)
            .says("git 2.30 at <root>/programs/git is too old; 2.38 or later is needed")
            .says("hint: ");
    }
    assert!(!sandbox.root().join("repo.wt").exists());
}

#[test]
fn a_malformed_contract_is_named_by_file_line_and_key() {
    let sandbox = Sandbox::new();
    sandbox.spawn("live");
    let cases = [
        (
            "[rules]\ninvariant = [\"x\"]\n",
            "wt.toml on main:2: ",
            "invariant",
            "did you mean `invariants`?",
        ),
        (
            "[[gate]]\nname = \"a\"\nkind = \"tset\"\nrun = \"x\"\n",
            "wt.toml on main:3: ",
            "kind",
            "did you mean `test`?",
        ),
        (
            "[[gate]]\nname = \"a\"\nkind = \"test\"\nrun = \"x\"\ntimeout = \"soon\"\n",
            "wt.toml on main:5: ",
            "timeout",
            "",
        ),
        (
            "[[gate]]\nname = \"a\"\nkind = \"test\"\nrun = 3\n",
            "wt.toml on main:4: ",
            "run",
            "",
        ),
        (
            "[scope]\nshared = [\"[\"]\n",
            "wt.toml on main:2: ",
            "shared",
            "",
        ),
        ("[rules]\nedits = [\"a\"\n", "wt.toml on main:", "", ""),
    ];
    for (text, line, key, near) in cases {
        sandbox.write("wt.toml", text);
        sandbox.commit(&sandbox.repo(), "malformed");
        let before = sandbox.picture();
        for args in [&["spawn", "x"][..], &["validate", "live"]] {
            let ran = sandbox.wt(args);
            ran.expect(64).says(line).says(key).says(near);
            sandbox.assert_as(&before);
        }
    }
    sandbox.write("wt.toml", CONTRACT);
    sandbox
        .wt(&["spawn", "x"])
        .expect(64)
        .says("is not as committed on main");
    sandbox.commit(&sandbox.repo(), "mended");
    sandbox.wt(&["validate", "live"]).expect(0);
}

#[test]
fn a_task_that_does_not_exist_brings_the_nearest() {
    let sandbox = Sandbox::new();
    sandbox.spawn("feature-auth");
    for verb in [
        "show", "path", "validate", "merge", "rm", "explain", "resume", "log",
    ] {
        let more: &[&str] = match verb {
            "resume" => &["--because", "x", "--operator", "Ann"],
            "explain" => &["-m", "x"],
            _ => &[],
        };
        let ran = sandbox.wt(&[&[verb, "feature-auht"], more].concat());
        ran.expect(4)
            .says("there is no task \"feature-auht\"")
            .says("hint: did you mean `feature-auth`?");
        sandbox
            .wt(&[&[verb, "zzz"], more].concat())
            .expect(4)
            .says("hint: see the live tasks: wt list");
    }
    assert!(
        !sandbox.state().join("locks/zzz").exists(),
        "a lock for a task that is none"
    );
}

#[test]
fn a_wrong_command_line_is_64_and_help_is_0() {
    let sandbox = Sandbox::new();
    for args in [
        &["frobnicate"][..],
        &[],
        &["spawn"],
        &["spawn", "a", "b"],
        &["merge", "--strategy", "octopus"],
        &["list", "--frob"],
        &["rm"],
        &["spawn", "a", "-m", "x", "--brief", "y"],
        &["completions", "tcsh"],
        &["shell-init", "tcsh"],
        &["--color", "pink", "list"],
        &["merge", "x", "--operator", "Ann"],
        &["validate"],
        &["merge"],
        &["path"],
    ] {
        let ran = sandbox.wt(args);
        assert_eq!(ran.code, Some(64), "{ran:?}");
        assert_eq!(ran.out, "", "{args:?}");
    }
    sandbox.wt(&["spwan", "x"]).says("spawn");
    for args in [&["--help"][..], &["spawn", "--help"], &["--version"]] {
        let ran = sandbox.wt(args);
        assert!(ran.expect(0).err.is_empty() && !ran.out.is_empty());
    }
    let elsewhere = sandbox.root();
    sandbox
        .wt_in(&elsewhere, &["-C", "repo", "spawn", "x"])
        .expect(0);
    assert_eq!(
        sandbox.wt_in(&elsewhere, &["-C", "repo", "path", "x"]).out,
        "<root>/repo.wt/x\n"
    );
    assert_eq!(
        sandbox.wt_in(&elsewhere, &["-C", "repo.wt/x", "path"]).out,
        "<root>/repo.wt/x\n"
    );
}

#[test]
fn init_writes_what_spawn_then_uses_and_never_over_anything() {
    let sandbox = Sandbox::with(&[
        ("Cargo.toml", "[package]\nname = \"x\"\n"),
        (
            "web/package.json",
            "{\"scripts\": {\"test\": \"node --test\", \"lint\": \"eslint .\"}}",
        ),
        ("web/package-lock.json", "{}"),
        ("Makefile", "test:\n\ttrue\n"),
    ]);
    let printed = sandbox.wt(&["init", "--print"]);
    printed.expect(0).prints("[[gate]]").prints("cargo test");
    assert!(
        printed.out.contains("npm") && printed.out.contains("web"),
        "{}",
        printed.out
    );
    assert!(!sandbox.repo().join("wt.toml").exists());
    let wrote = sandbox.wt(&["init"]);
    wrote
        .expect(0)
        .says("wrote <root>/repo/wt.toml")
        .says("hint: ");
    assert_eq!(wrote.out, "");
    assert_eq!(sandbox.read("wt.toml"), printed.out);
    sandbox
        .wt(&["init"])
        .expect(4)
        .says("<root>/repo/wt.toml exists already");
    assert_eq!(sandbox.read("wt.toml"), printed.out);

    sandbox
        .wt(&["spawn", "early"])
        .expect(0)
        .says("is not as committed on main");
    sandbox.commit(&sandbox.repo(), "contract");
    let spawned = sandbox.wt(&["spawn", "auth"]);
    assert!(!spawned.err.contains("no wt.toml"), "{}", spawned.err);
    let rules = |task: &str| sandbox.read(sandbox.worktree(task).join(".wt/validate.sh"));
    assert_eq!(
        rules("early"),
        rules("auth"),
        "what is written is what is detected"
    );
    sandbox
        .wt_in(&sandbox.worktree("auth"), &["init"])
        .expect(4)
        .says("no checkout here");

    let unborn = Sandbox::empty(&[]);
    unborn.wt(&["init"]).expect(4).says("no commit yet");
    fs::write(unborn.repo().join("wt.toml"), "mine\n").expect("written");
    unborn.wt(&["init"]).expect(4).says("exists already");
    // A link to nowhere is somebody's file too.
    let linked = Sandbox::new();
    fs::remove_file(linked.repo().join("wt.toml")).expect("removed");
    std::os::unix::fs::symlink("nowhere", linked.repo().join("wt.toml")).expect("made");
    linked.wt(&["init"]).expect(4).says("exists already");
}

#[test]
fn the_shell_function_changes_the_folder() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    for name in ["bash", "zsh"] {
        let script = format!(
            "eval \"$(wt shell-init {name})\"; wt cd auth && pwd && wt path && wt cd nowhere; echo \"status $?\"; pwd"
        );
        let Some(ran) = shell(&sandbox, name, &script) else {
            continue;
        };
        assert_eq!(
            ran.expect(0).out,
            "<root>/repo.wt/auth\n<root>/repo.wt/auth\nstatus 4\n<root>/repo.wt/auth\n"
        );
        ran.says("there is no task \"nowhere\"");
    }
    if let Some(ran) = shell(
        &sandbox,
        "fish",
        "wt shell-init fish | source; wt cd auth; and pwd",
    ) {
        assert_eq!(ran.expect(0).out, "<root>/repo.wt/auth\n");
    }
    sandbox
        .wt(&["shell-init", "fish"])
        .expect(0)
        .prints("function wt");
}

#[test]
fn completions_name_the_live_tasks() {
    let mut sandbox = Sandbox::new();
    sandbox.spawn("auth");
    sandbox.spawn("gone");
    sandbox.wt(&["rm", "gone"]).expect(0);
    for name in ["bash", "zsh", "fish"] {
        let code = sandbox.wt(&["completions", name]);
        assert!(
            code.expect(0).out.contains("COMPLETE"),
            "{name}: {}",
            code.out
        );
        assert!(
            !code.out.contains(programs().to_str().expect("text")),
            "{name} names a path"
        );
    }
    let script = "source <(wt completions bash); COMP_WORDS=(wt merge ''); COMP_CWORD=2; COMP_TYPE=9; \
                  $(complete -p wt | sed 's/.*-F \\([^ ]*\\).*/\\1/') wt '' merge; printf '%s\\n' \"${COMPREPLY[@]}\"";
    if let Some(ran) = shell(&sandbox, "bash", script) {
        let words: Vec<&str> = ran.expect(0).out.lines().collect();
        assert!(
            words.contains(&"auth") && !words.contains(&"gone"),
            "{ran:?}"
        );
    }
    sandbox.set("COMPLETE", "fish");
    let words = sandbox.wt(&["--", "wt", "path", ""]);
    assert!(
        words.expect(0).out.lines().any(|l| l.starts_with("auth")),
        "{}",
        words.out
    );
    // Where there is no repository there are none, and no noise.
    let outside = sandbox.wt_in(&sandbox.root().join("home"), &["--", "wt", "path", ""]);
    assert_eq!(outside.expect(0).err, "");
    assert!(!outside.out.contains("auth"), "{}", outside.out);
}

#[test]
fn git_wt_is_wt() {
    let sandbox = Sandbox::new();
    assert!(Path::new(env!("CARGO_BIN_EXE_git-wt")).exists());
    let ran = shell(&sandbox, "sh", "git wt spawn auth && git wt path auth").expect("sh");
    assert_eq!(
        ran.expect(0).out,
        "<root>/repo.wt/auth\n<root>/repo.wt/auth\n"
    );
    // Git sets GIT_DIR and the like for its children; in a worktree they are not what is asked.
    let script = format!(
        "cd {} && touch new && git wt validate",
        sandbox.worktree("auth").display()
    );
    shell(&sandbox, "sh", &script)
        .expect("sh")
        .expect(0)
        .prints("VALIDATION_OK");
}

#[test]
fn rules_are_shown_and_checked() {
    let rules = "[rules]\ninvariants = [\"Keep the API.\"]\nedits = [\"Edit little.\"]\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", &format!("{rules}{CONTRACT}")),
        ("test.sh", "true\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    let shown = sandbox.wt_in(&worktree, &["rules", "render"]);
    assert_eq!(
        shown.expect(0).out,
        sandbox.read(worktree.join(".wt/RULES.md"))
    );
    assert_eq!(sandbox.wt(&["rules", "render", "auth"]).out, shown.out);
    let clean = sandbox.wt(&["rules", "lint", "auth", "--json"]);
    let clean = clean.expect(0).json();
    let findings = clean["findings"].as_array().expect("a list");
    assert!(
        findings
            .iter()
            .all(|f| f["kind"] == "unenforced" && f["fault"] == false)
    );
    let twice = rules.replace("\"Edit little.\"", "\"Edit little.\", \"Edit little.\"");
    sandbox.write("wt.toml", &format!("{twice}{CONTRACT}"));
    sandbox.commit(&sandbox.repo(), "twice");
    sandbox
        .wt(&["rules", "lint", "auth"])
        .expect(1)
        .prints("RULES.md:");
    sandbox
        .wt(&["rules", "render"])
        .expect(64)
        .says("which task?");
}

#[test]
fn the_log_tells_what_happened_and_hides_no_control_character() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("broken"), "");
    sandbox.wt(&["validate", "auth"]).expect(1);
    fs::remove_file(worktree.join("broken")).expect("removed");
    sandbox.write(worktree.join("mended"), "");
    sandbox
        .wt(&["validate", "auth", "--cause", "a \u{1b}[31mfile\u{7}"])
        .expect(0);
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    assert_eq!(
        sandbox.events("auth"),
        [
            "spawned",
            "judging",
            "failed",
            "judging",
            "validated",
            "removed"
        ]
    );
    let log = sandbox.wt(&["log"]);
    assert_eq!(log.expect(0).out.lines().count(), 6);
    assert!(
        !log.out.contains('\u{1b}') && !log.out.contains('\u{7}'),
        "{:?}",
        log.out
    );
    log.prints("auth  failed  run=1 attempts=1");
}

#[test]
fn a_reader_that_went_away_is_no_fault() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    for verb in [
        "list",
        "list --json",
        "log",
        "show auth",
        "rules render auth",
        "init --print",
        "--help",
    ] {
        let script = format!("wt {verb} | true; echo ${{PIPESTATUS[0]}}");
        let Some(ran) = shell(&sandbox, "bash", &script) else {
            return;
        };
        assert_eq!(ran.expect(0).err, "", "{verb}");
        assert_eq!(ran.out.trim(), "0", "{verb}");
    }
    let ran = shell(&sandbox, "bash", "wt list >/dev/full; echo $?").expect("bash");
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
    let ran = shell(&sandbox, "bash", "wt list <&- >&- 2>&-; echo $?").expect("bash");
    assert_eq!(ran.out.trim(), "0");
}

#[test]
fn colour_comes_only_where_it_is_wanted() {
    let mut sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let coloured = |ran: &Ran| ran.out.contains('\u{1b}') || ran.err.contains('\u{1b}');
    assert!(!coloured(&sandbox.wt(&["list"])));
    assert!(!coloured(&sandbox.wt(&["show", "nowhere"])));
    assert!(coloured(
        &sandbox.wt(&["--color", "always", "show", "nowhere"])
    ));
    assert!(!coloured(
        &sandbox.wt(&["--color", "never", "show", "nowhere"])
    ));
    assert!(!coloured(
        &sandbox.wt(&["--color", "always", "show", "auth", "--json"])
    ));
    sandbox.set("NO_COLOR", "1");
    assert!(!coloured(&sandbox.wt(&["show", "nowhere"])));
    assert!(coloured(
        &sandbox.wt(&["--color", "always", "show", "nowhere"])
    ));
}

#[test]
fn a_contract_that_is_not_in_force_is_said_once_and_of_the_branch_that_is_checked_out() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "side"]);
    sandbox.wt(&["spawn", "one"]).expect(0);
    sandbox.wt(&["spawn", "two", "--target", "side"]).expect(0);
    let of_main = format!("{CONTRACT}\n[land]\neach = true\n");
    sandbox.write("wt.toml", &of_main);
    let told = |sandbox: &Sandbox| {
        let synced = sandbox.wt(&["sync", "--all"]);
        let lines = synced.err.lines();
        lines.filter(|line| line.contains("as committed")).count()
    };
    assert_eq!(told(&sandbox), 1);
    sandbox.commit(&sandbox.repo(), "contract");
    assert_eq!(told(&sandbox), 0);
}
