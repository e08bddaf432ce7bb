//! Spawning: all of a task or nothing, and what lies in its worktree.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Stdio;

use crate::sandbox::{CONTRACT, Ran, Sandbox, skipped, wait_until, wt};

/// A repository whose worktrees are set up by `sh set-up.sh`.
fn with_set_up(script: &str) -> Sandbox {
    let contract = format!("{CONTRACT}\n[worktree]\nsetup = [\"sh set-up.sh\"]\n");
    Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "true\n"),
        ("set-up.sh", script),
    ])
}

/// Holds that a spawn is refused with these words and that nothing was changed.
#[track_caller]
fn assert_refused(sandbox: &Sandbox, args: &[&str], words: &str) {
    let before = sandbox.picture();
    let ran = sandbox.wt(&[&["spawn"], args].concat());
    ran.expect(4).says(words).says("hint: ");
    assert_eq!(ran.out, "");
    sandbox.assert_as(&before);
}

#[test]
fn a_shell_can_go_where_spawn_says() {
    let sandbox = Sandbox::new();
    let script = format!(
        "cd \"$({} spawn auth)\" && pwd -P && git branch --show-current",
        wt()
    );
    let output = sandbox
        .command("sh")
        .args(["-c", &script])
        .output()
        .expect("sh");
    let ran = Ran::from(&output, &sandbox, "sh");
    assert_eq!(ran.expect(0).out, "<root>/repo.wt/auth\nwt/auth\n");
    assert_eq!(ran.err, "");
    let json = sandbox.wt(&["spawn", "other", "--json", "--owns", "src/**"]);
    let facts = json.expect(0).json();
    assert_eq!(facts["task"], "other");
    assert_eq!(facts["state"], "working");
    assert_eq!(facts["owns"], serde_json::json!(["src"]));
}

#[test]
fn a_name_must_be_one_safe_word() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    for name in [
        "",
        "a b",
        "a'b",
        "a\"b",
        "a\nb",
        "-a",
        "a/b",
        "..",
        "a..b",
        "a.lock",
        "A.LOCK",
        "_judge",
        ".a",
        "a.",
        "a~1",
        "a:b",
        "a*",
        "a\\b",
        "a@{1}",
        "$(id)",
        &"x".repeat(101),
    ] {
        assert_refused(&sandbox, &["--", name], "task name ");
    }
    assert_refused(&sandbox, &["AUTH"], "differs from `auth` by case alone");
    assert_refused(&sandbox, &["auth"], "there is a task `auth` already");
    for name in ["größe", "日本語", "v2.1_x-y"] {
        let spawned = sandbox.wt(&["spawn", name]);
        assert_eq!(spawned.expect(0).out, format!("<root>/repo.wt/{name}\n"));
        let worktree = sandbox.worktree(name);
        sandbox.write(worktree.join("ä b\"c\n"), "");
        sandbox.wt_in(&worktree, &["validate"]).expect(0);
    }
}

#[test]
fn what_is_there_already_is_not_taken_over() {
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "wt/taken"]);
    assert_refused(&sandbox, &["taken"], "the branch wt/taken exists already");
    sandbox.write(sandbox.worktree("folder").join("mine"), "");
    assert_refused(
        &sandbox,
        &["folder"],
        "<root>/repo.wt/folder exists already",
    );
    assert_eq!(sandbox.read(sandbox.worktree("folder").join("mine")), "");
    symlink("nowhere", sandbox.worktree("link")).expect("made");
    assert_refused(&sandbox, &["link"], "<root>/repo.wt/link exists already");
    sandbox.git(&["branch", "wt/deep/er"]);
    assert_refused(&sandbox, &["deep"], "wt/deep/er");
    assert_refused(
        &sandbox,
        &["x", "--base", "nowhere"],
        "the base \"nowhere\" names no commit",
    );
    assert_refused(
        &sandbox,
        &["x", "--target", "nowhere"],
        "the target \"nowhere\" is no branch",
    );
    // A branch `wt` leaves no room for branches below it.
    let sandbox = Sandbox::new();
    sandbox.git(&["branch", "wt"]);
    assert_refused(&sandbox, &["x"], "the branch wt ");
}

#[test]
fn a_head_that_names_no_branch_or_no_commit() {
    let sandbox = Sandbox::new();
    let first = sandbox.git(&["rev-parse", "HEAD"]);
    sandbox.git(&["switch", "-q", "--detach"]);
    assert_refused(&sandbox, &["x"], "there is no current branch here");
    assert_refused(
        &sandbox,
        &["x", "--base", &first],
        "there is no current branch here",
    );
    sandbox
        .wt(&["spawn", "x", "--base", "HEAD", "--target", "main"])
        .expect(0);
    assert_eq!(sandbox.show("x")["base"], first.as_str());
    sandbox.wt(&["spawn", "y", "--base", "main"]).expect(0);
    assert_eq!(sandbox.show("y")["target"], "main");

    let unborn = Sandbox::empty(&[]);
    assert_refused(&unborn, &["x"], "the branch main has no commit yet");
    let tag = Sandbox::new();
    tag.git(&["tag", "-a", "v1", "-m", "v1"]);
    tag.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    tag.wt(&["spawn", "x", "--base", "v1"]).expect(0);
    assert_eq!(
        tag.show("x")["base"],
        tag.git(&["rev-parse", "v1^{commit}"]).as_str()
    );
}

#[test]
fn a_bare_repository_wants_a_target() {
    let sandbox = Sandbox::new();
    let bare = sandbox.root().join("bare.git");
    sandbox.git(&["clone", "-q", "--bare", ".", bare.to_str().expect("text")]);
    let refs = || sandbox.git_in(&bare, &["for-each-ref"]);
    let before = refs();
    sandbox
        .wt_in(&bare, &["spawn", "x"])
        .expect(4)
        .says("there is no current branch here for the task to land on: nothing is checked out in a bare repository")
        .says("hint: name it: --target main");
    assert_eq!(refs(), before);
    let spawned = sandbox.wt_in(&bare, &["spawn", "x", "--target", "main"]);
    let worktree = spawned
        .expect(0)
        .out
        .trim()
        .replace("<root>", sandbox.root().to_str().expect("text"));
    let worktree = std::path::Path::new(&worktree);
    sandbox.write(worktree.join("new"), "");
    sandbox.commit(worktree, "new");
    sandbox.wt_in(worktree, &["validate"]).expect(0);
    sandbox.wt_in(&bare, &["merge", "x"]).expect(0);
    sandbox.git_in(&bare, &["cat-file", "-e", "main:new"]);
    assert!(!worktree.exists());
}

#[test]
fn a_call_from_another_tasks_worktree_says_where_to_start() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("parent");
    sandbox.write(worktree.join("new"), "");
    sandbox.commit(&worktree, "new");
    let before = sandbox.picture();
    sandbox
        .wt_in(&worktree, &["spawn", "child"])
        .expect(4)
        .says("this is the worktree of task `parent`")
        .says("hint: say it: --base main");
    sandbox.assert_as(&before);
    assert_refused(
        &sandbox,
        &["child", "--target", "wt/parent"],
        "wt/parent is the branch of task `parent`",
    );
    sandbox.git(&["symbolic-ref", "refs/heads/alias", "refs/heads/wt/parent"]);
    assert_refused(
        &sandbox,
        &["child", "--target", "alias"],
        "wt/parent is the branch of task `parent`",
    );
    // HEAD is that of where the command was called.
    sandbox
        .wt_in(&worktree, &["spawn", "child", "--base", "HEAD"])
        .expect(0);
    assert_eq!(
        sandbox.show("child")["base"],
        sandbox.git(&["rev-parse", "wt/parent"]).as_str()
    );
    assert_eq!(sandbox.show("child")["target"], "main");
    assert!(sandbox.worktree("child").join("new").exists());

    let side = sandbox.root().join("side");
    sandbox.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "side",
        side.to_str().expect("text"),
    ]);
    sandbox.git_in(&side, &["commit", "-q", "--allow-empty", "-m", "side"]);
    sandbox
        .wt_in(&side, &["spawn", "of-side", "--base", "HEAD~0"])
        .expect(0);
    assert_eq!(
        sandbox.show("of-side")["base"],
        sandbox.git(&["rev-parse", "side"]).as_str()
    );
    assert_eq!(sandbox.show("of-side")["target"], "side");
}

#[test]
fn a_place_that_can_not_be_written_to() {
    let sandbox = Sandbox::new();
    fs::write(sandbox.root().join("repo.wt"), "a file\n").expect("written");
    assert_refused(&sandbox, &["x"], "can't make <root>/repo.wt");
    fs::remove_file(sandbox.root().join("repo.wt")).expect("removed");

    let contract = format!("{CONTRACT}\n[worktree]\npath = \"../mount/{{repo}}\"\n");
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "elsewhere");
    let mount = Mount::tmpfs(&sandbox, "ro,size=64k");
    if mount.is_none() {
        skipped("nothing can be mounted here");
        return;
    }
    assert_refused(&sandbox, &["x"], "at <root>/mount");
    drop(mount);
    let mount = Mount::tmpfs(&sandbox, "size=1m");
    assert_refused(&sandbox, &["x"], "too little disk at <root>/mount");
    drop(mount);
    let mount = Mount::tmpfs(&sandbox, "size=200m,nr_inodes=8");
    let before = sandbox.picture();
    let ran = sandbox.wt(&["spawn", "x"]);
    assert_ne!(ran.code, Some(0));
    ran.says("task `x` was not made; what had been made is undone");
    sandbox.assert_as(&before);
    drop(mount);
    // Another filesystem with room is as good as any.
    let mount = Mount::tmpfs(&sandbox, "size=200m");
    sandbox.wt(&["spawn", "x"]).expect(0);
    sandbox.wt(&["validate", "x"]).expect(0);
    sandbox.wt(&["rm", "x"]).expect(0);
    wait_until("the trash is empty", || {
        !sandbox.root().join("mount/repo/_trash").exists()
    });
    drop(mount);
}

/// A small file system at `<root>/mount`, while it lives.
struct Mount(std::path::PathBuf);

impl Mount {
    fn tmpfs(sandbox: &Sandbox, options: &str) -> Option<Self> {
        let at = sandbox.root().join("mount");
        fs::create_dir_all(&at).expect("made");
        let done = sandbox
            .command("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(&at)
            .stderr(Stdio::null())
            .status();
        done.is_ok_and(|status| status.success())
            .then_some(Self(at))
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

#[test]
fn a_set_up_that_fails_undoes_all() {
    let sandbox = with_set_up("touch made; echo 'error: no such package' >&2; exit 3\n");
    let before = sandbox.picture();
    let failed = sandbox.wt(&["spawn", "auth"]);
    failed
        .expect(1)
        .says("the set-up command `sh set-up.sh` failed (exit status 3)")
        .says("no such package")
        .says("mend it, or change `setup`")
        .says("full log: <root>/repo/.git/wt/logs/auth.set-up.log");
    assert_eq!(failed.out, "");
    sandbox.assert_as(&before);
    assert!(!sandbox.root().join("repo.wt").exists());
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_set_up_that_is_interrupted_or_killed_is_undone() {
    let sandbox = with_set_up("touch \"$HOME/notes/sign\"; sleep 600\n");
    let sign = sandbox.notes().join("sign");
    let before = sandbox.picture();
    let start = || {
        let child = sandbox
            .command(wt())
            .args(["spawn", "auth"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("wt");
        wait_until("the set-up has begun", || sign.exists());
        child
    };
    for (signal, code) in [("-INT", Some(130)), ("-TERM", Some(130))] {
        let child = start();
        sandbox
            .command("kill")
            .args([signal, &child.id().to_string()])
            .status()
            .expect("kill");
        let ran = Ran::from(
            &child.wait_with_output().expect("ended"),
            &sandbox,
            "wt spawn",
        );
        assert_eq!(ran.code, code, "{ran:?}");
        ran.says("interrupted; task `auth` was not made");
        fs::remove_file(&sign).expect("removed");
        sandbox.assert_as(&before);
    }
    let mut child = start();
    sandbox.wt(&["list"]).prints("auth  being made  ");
    assert_eq!(sandbox.show("auth")["making"], "under-way");
    child.kill().expect("killed");
    child.wait().expect("ended");
    fs::remove_file(&sign).expect("removed");
    assert!(sandbox.worktree("auth").exists());
    sandbox
        .wt(&["list"])
        .prints("auth  killed halfway (wt doctor)  ");
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("a command on task `auth` was killed halfway");
    let next = sandbox.wt(&["rm", "nothing"]);
    next.expect(4)
        .says("mended: task `auth` was half made; it is undone");
    sandbox.assert_as(&before);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn ignored_files_come_along_and_nothing_else_does() {
    let contract =
        format!("{CONTRACT}\n[worktree]\ncarry = [\".env\", \"tracked\", \"untracked\"]\n");
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "true\n"),
        (".gitignore", ".env\nlocal/\nlink\nsecret\n"),
        (".worktreeinclude", "local/*.conf\n/link\n"),
        ("tracked", "theirs\n"),
    ]);
    sandbox.write(".env", "KEY=1\n");
    sandbox.write("local/a.conf", "a\n");
    sandbox.write("local/b.txt", "b\n");
    sandbox.write("secret", "s\n");
    sandbox.write("untracked", "mine\n");
    sandbox.write("tracked", "mine\n");
    symlink("/nowhere", sandbox.repo().join("link")).expect("made");
    let spawned = sandbox.wt(&["spawn", "auth"]);
    spawned
        .expect(0)
        .says("carried along: .env, link, local/a.conf");
    let worktree = sandbox.worktree("auth");
    assert_eq!(sandbox.read(worktree.join(".env")), "KEY=1\n");
    assert_eq!(sandbox.read(worktree.join("local/a.conf")), "a\n");
    assert_eq!(
        fs::read_link(worktree.join("link")).expect("a link"),
        std::path::Path::new("/nowhere")
    );
    for absent in ["local/b.txt", "secret", "untracked"] {
        assert!(!worktree.join(absent).exists(), "{absent}");
    }
    assert_eq!(sandbox.read(worktree.join("tracked")), "theirs\n");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");

    // What can't come along is no half of a task.
    sandbox.write("old", "");
    sandbox.git(&["add", "old"]);
    sandbox.git(&["commit", "-q", "-m", "old", "--", "old"]);
    sandbox.git(&["rm", "-q", "--cached", "old"]);
    fs::remove_file(sandbox.repo().join("old")).expect("removed");
    sandbox.write("old/inner.conf", "");
    sandbox.write(".git/info/exclude", "old/\n");
    sandbox.write(".worktreeinclude", "old/*.conf\n");
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "half"])
        .expect(4)
        .says("can't carry old/inner.conf along")
        .says("task `half` was not made");
    sandbox.assert_as(&before);
}

#[test]
fn each_agent_finds_the_rules_and_git_sees_none_of_it() {
    let contract = format!(
        "{CONTRACT}\n[rules]\ninvariants = [\"Keep the API.\"]\n[agents.gemini]\nrules = \"GEMINI.md\"\n[agents.taken]\nrules = \"docs/RULES.md\"\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "true\n"),
        ("AGENTS.md", "Use tabs.\n"),
        ("docs/RULES.md", "tracked\n"),
    ]);
    let exclude = sandbox.repo().join(".git/info/exclude");
    sandbox.write(&exclude, "mine\n");
    let spawned = sandbox.wt(&["spawn", "auth", "-m", "Do it."]);
    spawned.expect(0).says("warning: docs/RULES.md is not wt's and is left alone; tell that agent to read .wt/RULES.md");
    let worktree = sandbox.worktree("auth");
    let rules = sandbox.read(worktree.join(".wt/RULES.md"));
    assert!(
        rules.contains("Keep the API.") && rules.contains("Do it."),
        "{rules}"
    );
    assert_eq!(sandbox.read(worktree.join(".claude/rules/wt.md")), rules);
    assert_eq!(sandbox.read(worktree.join("GEMINI.md")), rules);
    let codex = sandbox.read(worktree.join("AGENTS.override.md"));
    assert!(
        codex.starts_with(&rules) && codex.ends_with("Use tabs.\n"),
        "{codex}"
    );
    assert_eq!(sandbox.read(worktree.join("docs/RULES.md")), "tracked\n");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert_eq!(sandbox.git(&["status", "--porcelain"]), "");
    let once = sandbox.read(&exclude);
    assert!(once.starts_with("mine\n"), "{once}");
    sandbox.spawn("second");
    assert_eq!(sandbox.read(&exclude), once);
    sandbox.wt(&["validate", "auth"]).expect(0);
    assert_eq!(sandbox.git(&["diff", "--name-only", "main", "wt/auth"]), "");
}

#[test]
fn the_lines_of_a_person_in_git_s_exclude_file_stay_as_they_are() {
    let sandbox = Sandbox::new();
    let path = sandbox.repo().join(".git/info/exclude");
    // A block that lost its end says of no later line that it is of the block.
    let lines = b"caf\xe9*\r\n# >>> wt: generated files of agent worktrees\n*.log\n!keep.log\n";
    fs::write(&path, lines).expect("written");
    for task in ["one", "two"] {
        let worktree = sandbox.spawn(task);
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    }
    let now = fs::read(&path).expect("read");
    let theirs = b"caf\xe9*\r\n*.log\n!keep.log\n";
    assert!(now.starts_with(theirs), "{}", now.escape_ascii());
    let begin = b"# >>> wt: ";
    assert_eq!(now.windows(begin.len()).filter(|w| w == begin).count(), 1);
}

#[test]
fn a_brief_comes_in_words_from_a_file_or_by_a_pipe() {
    let sandbox = Sandbox::new();
    sandbox.write("brief.md", "From a file.\nWith \"quotes\" and $(id).\n");
    sandbox.wt(&["spawn", "words", "-m", "In words."]).expect(0);
    sandbox
        .wt(&["spawn", "file", "--brief", "brief.md"])
        .expect(0);
    let mut piped = sandbox
        .command(wt())
        .args(["spawn", "pipe", "--brief", "-"])
        .stdin(fs::File::open(sandbox.repo().join("brief.md")).expect("there"))
        .stdout(Stdio::null())
        .spawn()
        .expect("wt");
    assert!(piped.wait().expect("ended").success());
    for (task, words) in [
        ("words", "In words."),
        ("file", "With \"quotes\" and $(id)."),
        ("pipe", "With \"quotes\" and $(id)."),
    ] {
        assert!(
            sandbox.show(task)["brief"]
                .as_str()
                .expect("a brief")
                .contains(words)
        );
        assert!(
            sandbox
                .read(sandbox.worktree(task).join(".wt/RULES.md"))
                .contains(words)
        );
    }
    fs::write(sandbox.root().join("latin1"), b"gr\xf6\xdfe").expect("written");
    let before = sandbox.picture();
    sandbox
        .wt(&["spawn", "x", "--brief", "nowhere"])
        .expect(64)
        .says("can't read nowhere");
    sandbox
        .wt(&["spawn", "x", "--brief", "../latin1"])
        .expect(64)
        .says("not valid UTF-8");
    sandbox.assert_as(&before);
}

#[test]
fn many_at_once_all_come_to_be() {
    let sandbox = Sandbox::new();
    let names: Vec<String> = (0..8).map(|n| format!("task-{n}")).collect();
    let children: Vec<_> = names
        .iter()
        .map(|name| {
            sandbox
                .command(wt())
                .args(["spawn", name])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("wt")
        })
        .collect();
    let mut paths = BTreeSet::new();
    for (child, name) in children.into_iter().zip(&names) {
        let ran = Ran::from(&child.wait_with_output().expect("ended"), &sandbox, name);
        paths.insert(ran.expect(0).out.clone());
        assert_eq!(ran.err, "");
    }
    assert_eq!(paths.len(), 8);
    for name in &names {
        assert_eq!(
            sandbox.git_in(&sandbox.worktree(name), &["status", "--porcelain"]),
            ""
        );
        assert_eq!(
            sandbox.git_in(&sandbox.worktree(name), &["branch", "--show-current"]),
            format!("wt/{name}")
        );
    }
    let list = sandbox.wt(&["list", "--json"]).json();
    assert_eq!(list["tasks"].as_array().map(Vec::len), Some(8));
    sandbox.git(&["fsck", "--strict"]);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn of_the_same_name_at_once_one_comes_to_be() {
    let sandbox = Sandbox::new();
    let start = || {
        sandbox
            .command(wt())
            .args(["spawn", "auth"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("wt")
    };
    let children = [start(), start(), start()];
    let mut codes = children.map(|child| child.wait_with_output().expect("ended").status.code());
    codes.sort_unstable();
    assert_eq!(codes, [Some(0), Some(4), Some(4)]);
    assert_eq!(
        sandbox.git_in(&sandbox.worktree("auth"), &["status", "--porcelain"]),
        ""
    );
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn two_repositories_do_not_share_a_folder_of_worktrees() {
    let sandbox = Sandbox::new();
    let contract = format!(
        "{}[worktree]\npath = \"../trees\"\n",
        crate::sandbox::CONTRACT
    );
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "a shared place");
    sandbox.wt(&["spawn", "one"]).expect(0);
    let other = sandbox.root().join("other");
    sandbox.git(&["clone", "-q", ".", other.to_str().expect("text")]);
    let refused = sandbox.wt_in(&other, &["spawn", "two"]);
    refused
        .expect(4)
        .says("holds the worktrees of another repository")
        .says("{repo}");
    sandbox
        .wt_in(&sandbox.root().join("trees/one"), &["validate"])
        .expect(0);
}
