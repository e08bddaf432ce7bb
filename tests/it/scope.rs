//! Claims as a map: shown, checked, explained, granted and released.

use serde_json::json;

use crate::sandbox::{CONTRACT, Sandbox};

/// A repository with files in several folders, `*.lock` shared, and the tasks `auth` and `docs`.
fn divided() -> Sandbox {
    let contract = format!("{CONTRACT}\n[scope]\nshared = [\"*.lock\"]\n");
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        ("test.sh", "true\n"),
        ("my.lock", ""),
        ("src/auth/a.rs", ""),
        ("src/auth/gen/g.rs", ""),
        ("src/util/u.rs", ""),
        ("src/util/deep/d.rs", ""),
        ("docs/d.md", ""),
    ]);
    let owns = ["--owns", "src/auth/**", "--owns", "!src/auth/gen"];
    sandbox
        .wt(&[&["spawn", "auth"][..], &owns].concat())
        .expect(0);
    sandbox.wt(&["spawn", "docs", "--owns", "docs"]).expect(0);
    sandbox
}

#[test]
fn the_map_shows_explains_and_names_what_is_nobodys() {
    let sandbox = divided();
    sandbox.spawn("drift");
    let shown = sandbox.wt(&["scope", "show"]);
    shown.expect(0);
    insta::assert_snapshot!(shown.out, @r"
    TASK   STATE    OWNS
    auth   working  src/auth, !src/auth/gen
    docs   working  docs
    drift  working  (what nobody owns)
    (all)  shared   *.lock
    ");
    let shown = sandbox.wt(&["scope", "show", "--json"]).json();
    assert_eq!(
        shown["claims"][0],
        json!({ "task": "auth", "state": "working", "owns": ["src/auth", "!src/auth/gen"], "planned": null, "after": [] })
    );
    assert_eq!(
        (&shown["shared"], &shown["required"]),
        (&json!(["*.lock"]), &json!(false))
    );

    let paths = [
        "src/auth/a.rs",
        "src/auth/gen/g.rs",
        "src/../docs/new.md",
        "my.lock",
        "src/util",
    ];
    let explain = |dir: &std::path::Path, more: &[&str]| {
        sandbox.wt_in(dir, &[&["scope", "explain"], &paths[..], more].concat())
    };
    let told = explain(&sandbox.repo(), &[]);
    told.expect(0);
    insta::assert_snapshot!(told.out, @r"
    src/auth/a.rs: owned by task `auth` (src/auth)
    src/auth/gen/g.rs: owned by nobody
      `!src/auth/gen` takes it out of the claim of task `auth` (src/auth)
    docs/new.md: owned by task `docs` (docs)
    my.lock: shared by all tasks (*.lock)
    src/util: owned by nobody
    ");
    let told = explain(&sandbox.worktree("auth"), &[]);
    told.expect(0);
    insta::assert_snapshot!(told.out, @r"
    src/auth/a.rs: owned by task `auth` (src/auth)
      task `auth` may change it
    src/auth/gen/g.rs: owned by nobody
      `!src/auth/gen` takes it out of this task's claim (src/auth)
      task `auth` may not change it: outside this task's claim; leave it; the operator can grant it: wt scope grant auth <glob>
    docs/new.md: owned by task `docs` (docs)
      task `auth` may not change it: owned by task `docs` (docs); leave it to that task, or wait until it has landed: wt show docs
    my.lock: shared by all tasks (*.lock)
      task `auth` may change it
    src/util: owned by nobody
      task `auth` may not change it: outside this task's claim; leave it; the operator can grant it: wt scope grant auth <glob>
    ");
    let value = explain(&sandbox.repo(), &["--task", "auth", "--json"]).json();
    assert_eq!(
        value["paths"][1],
        json!({
            "path": "src/auth/gen/g.rs", "standing": "owned by nobody", "owner": null, "glob": null,
            "taken_out": [{ "task": "auth", "glob": "src/auth", "by": "!src/auth/gen" }],
            "task": "auth", "may_change": false,
        })
    );
    // A path is meant from the folder where the command was called.
    sandbox
        .wt_in(
            &sandbox.worktree("docs").join("docs"),
            &["scope", "explain", "d.md"],
        )
        .expect(0)
        .prints("docs/d.md: owned by task `docs`");
    for path in ["../elsewhere", "/etc/passwd", "."] {
        sandbox
            .wt(&["scope", "explain", path])
            .expect(64)
            .says("names no path inside <root>/repo");
    }

    let unowned = sandbox.wt(&["scope", "unowned"]);
    unowned
        .expect(0)
        .says("5 of the 8 tracked files on main are nobody's");
    insta::assert_snapshot!(unowned.out, @r"
    src/auth/gen/ (1 file)
    src/util/ (2 files)
    test.sh
    wt.toml
    ");
    let unowned = sandbox.wt(&["scope", "unowned", "--json"]).json();
    assert_eq!(unowned["unowned"][2], "src/util/u.rs");
    assert_eq!(
        (&unowned["tracked"], &unowned["target"]),
        (&json!(8), &json!("main"))
    );
}

#[test]
fn a_check_says_what_validate_would_say_and_judges_nothing() {
    let sandbox = divided();
    let worktree = sandbox.worktree("auth");
    sandbox.write(worktree.join("src/auth/a.rs"), "committed\n");
    sandbox.commit(&worktree, "mine");
    sandbox.write(worktree.join("my.lock"), "uncommitted\n");
    let fine = sandbox.wt_in(&worktree, &["scope", "check"]);
    fine.expect(0);
    assert_eq!(fine.out, "SCOPE_OK paths=2\n");

    sandbox.git_in(&worktree, &["mv", "docs/d.md", "src/auth/d.md"]);
    sandbox.write(worktree.join("src/util/new.rs"), "");
    let check = sandbox.wt(&["scope", "check", "--task", "auth"]);
    check.expect(1);
    insta::assert_snapshot!(check.out, @r"
    OUT_OF_SCOPE paths=2
      docs/d.md: owned by task `docs` (docs); leave it to that task, or wait until it has landed: wt show docs
      src/util/new.rs: outside this task's claim; leave it; the operator can grant it: wt scope grant auth <glob>
    next: take these changes back (git checkout main -- <path>; delete what is new), then: wt validate
    ");
    assert_eq!(sandbox.wt(&["validate", "auth"]).expect(1).out, check.out);
    let value = sandbox
        .wt_in(&worktree, &["scope", "check", "--json"])
        .json();
    assert_eq!(
        (&value["verdict"], &value["checked"]),
        (&json!("OUT_OF_SCOPE"), &json!(5))
    );
    assert_eq!(
        value["paths"][0],
        json!({
            "path": "docs/d.md", "standing": "owned by task `docs` (docs)", "owner": "docs", "glob": "docs",
            "advice": "leave it to that task, or wait until it has landed: wt show docs",
            "verdict": "OUT_OF_SCOPE",
        })
    );
    assert_eq!(sandbox.show("auth")["attempts"], 0);
    assert!(!sandbox.state().join("tasks/auth/runs").exists());

    // Paths that are named are checked whether they are changed or not, and exist or not.
    sandbox
        .wt_in(
            &worktree,
            &[
                "scope",
                "check",
                "docs/later.md",
                "src/auth/later.rs",
                ".wt/RULES.md",
            ],
        )
        .expect(1)
        .prints("OUT_OF_SCOPE paths=2\n  docs/later.md: owned by task `docs`")
        .prints("  .wt/RULES.md: generated by wt");
}

#[test]
fn the_operator_grants_and_releases_and_nothing_comes_to_overlap() {
    let sandbox = divided();
    let rules = || sandbox.read(sandbox.worktree("auth").join(".wt/RULES.md"));
    let scope = |args: &[&str]| sandbox.wt(&[&["scope"], args, &["--operator", "ann"]].concat());
    let before = sandbox.picture();
    sandbox
        .wt(&["scope", "grant", "auth", "src/util"])
        .expect(4)
        .says("wt scope grant is for the operator");
    scope(&["grant", "auth", "src/util", "docs/*.md"])
        .expect(4)
        .says("`docs/*.md` of task `auth` and `docs`, which task `docs` owns, both hold docs/.md");
    scope(&["grant", "nobody", "x"]).expect(4).says("no task");
    scope(&["grant", "auth", "/x"])
        .expect(64)
        .says("is absolute");
    scope(&["release", "auth", "src"])
        .expect(4)
        .says("task `auth` does not hold the glob 'src'")
        .says("it claims: src/auth, !src/auth/gen");
    sandbox.assert_as(&before);

    let granted = scope(&["grant", "auth", "src/util/", "*.lock", "--json"]);
    granted
        .expect(0)
        .says("owns: src/auth, !src/auth/gen, src/util, *.lock");
    assert_eq!(granted.json()["granted"], json!(["src/util", "*.lock"]));
    assert!(rules().contains("`src/util`"), "{}", rules());
    scope(&["grant", "auth", "./src/util"])
        .expect(0)
        .says("holds that already");
    sandbox.write(sandbox.worktree("auth").join("src/util/u.rs"), "mine now\n");
    sandbox.wt(&["validate", "auth"]).expect(0);

    // A `!glob` that is given back widens the claim, and that is checked too.
    sandbox
        .wt(&["spawn", "gen", "--owns", "src/auth/gen"])
        .expect(0);
    scope(&["release", "auth", "!src/auth/gen"])
        .expect(4)
        .says("`src/auth` of task `auth` and `src/auth/gen`, which task `gen` owns");
    scope(&["release", "auth", "src/util", "*.lock"]).expect(0);
    assert!(!rules().contains("`src/util`"), "{}", rules());
    sandbox
        .wt(&["validate", "auth"])
        .expect(1)
        .prints("OUT_OF_SCOPE");
    scope(&["release", "auth", "src/auth"])
        .expect(0)
        .says("may change what nobody owns");
    assert_eq!(sandbox.show("auth")["owns"], json!([]));

    let log = sandbox.wt(&["log", "auth", "--json"]);
    let events: Vec<serde_json::Value> = log
        .out
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .filter(|event: &serde_json::Value| {
            event["event"]
                .as_str()
                .is_some_and(|e| e.starts_with("scope-"))
        })
        .map(|event| {
            json!([
                event["event"],
                event["facts"]["operator"],
                event["facts"]["globs"]
            ])
        })
        .collect();
    assert_eq!(
        events,
        [
            json!(["scope-granted", "ann", ["src/util", "*.lock"]]),
            json!(["scope-released", "ann", ["src/util", "*.lock"]]),
            json!(["scope-released", "ann", ["src/auth"]]),
        ]
    );
}

#[test]
fn of_two_grants_at_once_that_overlap_one_is_refused() {
    let sandbox = divided();
    for round in 0..4 {
        let glob = format!("area{round}");
        let grants = ["auth", "docs"]
            .map(|task| sandbox.start(&["scope", "grant", task, &glob, "--operator", "ann"]));
        let mut codes = grants.map(|grant| grant.finish(&sandbox).code);
        codes.sort();
        assert_eq!(codes, [Some(0), Some(4)]);
    }
}

#[test]
fn where_claims_are_required_the_last_one_stays() {
    let contract = format!("{CONTRACT}\n[scope]\nrequired = true\n");
    let sandbox = Sandbox::with(&[("wt.toml", &contract), ("test.sh", "true\n")]);
    sandbox
        .wt(&["spawn", "a"])
        .expect(4)
        .says("must say which paths it owns");
    sandbox.wt(&["spawn", "a", "--owns", "x"]).expect(0);
    sandbox
        .wt(&["scope", "release", "a", "x", "--operator", "ann"])
        .expect(4)
        .says("every task here must own paths");
    assert_eq!(
        sandbox.wt(&["scope", "show", "--json"]).json()["required"],
        true
    );
}

#[test]
fn a_claim_ends_with_its_task_and_comes_back_with_it() {
    let sandbox = divided();
    let claim = |code: i32| {
        sandbox
            .wt(&["spawn", "next", "--owns", "docs/d.md"])
            .expect(code)
            .code
    };
    claim(4);
    sandbox.write(sandbox.worktree("docs").join("docs/d.md"), "done\n");
    sandbox.commit(&sandbox.worktree("docs"), "docs");
    sandbox.wt(&["validate", "docs"]).expect(0);
    sandbox.wt(&["merge", "docs", "--keep"]).expect(0);
    claim(0);
    sandbox.wt(&["rm", "next", "--force"]).expect(0);
    sandbox.wt(&["spawn", "other", "--owns", "docs"]).expect(0);
    sandbox
        .wt(&["restore", "next"])
        .expect(4)
        .says("`docs/d.md` of task `next` and `docs`, which task `other` owns");
    sandbox.wt(&["rm", "other"]).expect(0);
    sandbox.wt(&["restore", "next"]).expect(0);
    sandbox.wt(&["spawn", "other", "--owns", "docs"]).expect(4);
}

#[test]
fn an_edit_of_a_tasks_paths_in_the_main_checkout_is_reported() {
    let sandbox = divided();
    let worktree = sandbox.worktree("auth");
    sandbox.write(worktree.join("src/auth/a.rs"), "fine\n");
    sandbox.write("src/auth/a.rs", "in the wrong place\n");
    sandbox.write("src/auth/new [1].rs", "");
    sandbox.write("src/auth/gen/g.rs", "not the task's\n");
    sandbox.write("src/authority.rs", "not the task's\n");
    sandbox.write("src/auth/staged.rs", "");
    sandbox.git(&["add", "src/auth/staged.rs"]);
    let answer = sandbox.wt(&["validate", "auth", "--json"]);
    answer.expect(0).says(
        "warning: paths of task `auth` are changed in the main checkout <root>/repo, where they are not judged: src/auth/a.rs, src/auth/staged.rs, src/auth/new [1].rs",
    );
    assert_eq!(
        answer.json()["in_main_checkout"],
        json!(["src/auth/a.rs", "src/auth/staged.rs", "src/auth/new [1].rs"])
    );
    // Nothing is said of it to a task that claims nothing, nor once it is clean there.
    let drift = sandbox.spawn("drift");
    sandbox.write(drift.join("x"), "");
    let answer = sandbox.wt(&["validate", "drift", "--json"]);
    assert_eq!(answer.json()["in_main_checkout"], json!([]));
    sandbox.git(&["reset", "-q", "--hard"]);
    sandbox.git(&["clean", "-fdq"]);
    let clean = sandbox.wt(&["validate", "auth"]);
    assert_eq!(clean.expect(0).err, "");
}

#[test]
fn the_list_tells_who_conflicts_long_before_either_lands() {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        ("a", "1\n2\n3\n4\n5\n6\n7\n"),
        ("folder/x", "a file that is long enough to be found again\n"),
    ]);
    let commit = |task: &str, path: &str, text: &str| {
        let worktree = sandbox.worktree(task);
        sandbox.write(worktree.join(path), text);
        sandbox.commit(&worktree, path);
    };
    for task in ["first", "last", "other", "same", "mover", "idle"] {
        sandbox.spawn(task);
    }
    commit("first", "a", "one\n2\n3\n4\n5\n6\n7\n");
    commit("last", "a", "1\n2\n3\n4\n5\n6\nseven\n");
    commit("other", "folder/new", "");
    commit("same", "a", "uno\n2\n3\n4\n5\n6\n7\n");
    // No path in common, and yet git has to ask where `folder/new` is to go.
    sandbox.git_in(&sandbox.worktree("mover"), &["mv", "folder", "moved"]);
    sandbox.commit(&sandbox.worktree("mover"), "moved");

    let objects = || sandbox.git(&["count-objects"]);
    let before = objects();
    let plain = sandbox.wt(&["list", "--json"]).json();
    assert_eq!(plain["conflicts"], json!([]));
    let expected = json!([
        { "tasks": ["first", "same"], "paths": ["a"] },
        { "tasks": ["mover", "other"], "paths": ["moved/new"] },
    ]);
    let found = sandbox.wt(&["list", "--conflicts", "--json"]);
    assert_eq!(found.expect(0).json()["conflicts"], expected);
    assert_eq!(objects(), before, "merging to look leaves nothing behind");
    // From now on the plain list knows, as long as it holds.
    let plain = sandbox.wt(&["list"]);
    plain
        .expect(0)
        .prints("\nfirst and same conflict in: a\nmover and other conflict in: moved/new\n");
    commit("same", "a", "1\n2\n3\n4\n5\n6\n7\n");
    let plain = sandbox.wt(&["list", "--json"]).json();
    assert_eq!(plain["conflicts"], json!([expected[1]]));

    // What was validated uncommitted counts as well; what is kept is of the live tasks alone.
    sandbox.write(
        sandbox.worktree("idle").join("a"),
        "1\n2\n3\n4\n5\n6\nVII\n",
    );
    sandbox.wt(&["validate", "idle"]).expect(0);
    sandbox
        .wt(&["list", "--conflicts"])
        .expect(0)
        .prints("idle and last conflict in: a\n");
    for task in ["first", "last", "other", "same", "mover"] {
        sandbox.wt(&["rm", task, "--force"]).expect(0);
    }
    sandbox
        .wt(&["list", "--conflicts"])
        .expect(0)
        .says("no two tasks conflict");
    let kept = sandbox.read(sandbox.state().join("merged-pairs.json"));
    let kept: serde_json::Value = serde_json::from_str(&kept).expect("JSON");
    assert_eq!(kept["pairs"], json!({}));
}

#[test]
fn what_conflicts_with_the_target_is_not_between_two_tasks() {
    let lines = "1\n2\n3\n4\n5\n6\n7\n8\n";
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        ("a", lines),
        ("b", lines),
    ]);
    let early = sandbox.spawn("early");
    sandbox.write(early.join("a"), "early\n");
    sandbox.write(early.join("b"), &lines.replace('8', "eight"));
    sandbox.commit(&early, "early");
    sandbox.write("a", "main\n");
    sandbox.commit(&sandbox.repo(), "main");
    // Begun behind that, and apart from it.
    let late = sandbox.spawn("late");
    sandbox.write(late.join("b"), &lines.replace('1', "one"));
    sandbox.commit(&late, "late");
    let found = sandbox.wt(&["list", "--conflicts", "--json"]);
    assert_eq!(found.expect(0).json()["conflicts"], json!([]));
}

#[test]
fn the_documented_traps_are_decided_where_claims_are_made() {
    let sandbox = Sandbox::new();
    sandbox
        .wt(&["spawn", "owner", "--owns", "src", "--owns", "caf\u{e9}"])
        .expect(0);
    sandbox.wt(&["spawn", "asks", "--owns", "mine"]).expect(0);
    let grant = |glob: &str| sandbox.wt(&["scope", "grant", "asks", glob, "--operator", "ann"]);
    for (glob, witness) in [
        ("src/", "src"),
        ("./src/**", "src"),
        ("src**", "src"),
        ("[!a]rc", "src"),
        ("{src,lib}/x", "src/x"),
        ("**/deep", "src/deep"),
        ("caf??", "caf\u{e9}"),
    ] {
        grant(glob)
            .expect(4)
            .says(&format!("both hold {witness}\n"));
    }
    // A wildcard or a class is never a `/`, and `a**` is `a*`.
    for glob in ["s[!x]c/y", "s?c", "sr**c/x"] {
        grant(glob).expect(4);
    }
    for glob in ["src[!x]y", "src?y", "Src", "cafe\\?"] {
        grant(glob).expect(0);
        sandbox
            .wt(&["scope", "release", "asks", glob, "--operator", "ann"])
            .expect(0);
    }
    grant("cafe\u{301}").expect(64).says("Unicode form NFD");
    // Too large to compare, so it is taken to overlap; what begins otherwise needs no comparison.
    let huge = format!("*a{}", "?".repeat(16));
    grant(&huge).expect(4).says("are too large to compare");
    grant(&format!("lib/{huge}")).expect(0);

    sandbox.git(&["config", "core.ignorecase", "true"]);
    grant("Src/x").expect(4).says("both hold ");
}
