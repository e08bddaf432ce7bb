//! The verbs that write, each with the state that it begins from. Another one is one entry in [`SCENARIOS`].

use crate::sandbox::{CONTRACT, Sandbox};

/// One verb on one prepared state.
pub(super) struct Scenario {
    pub(super) name: &'static str,
    pub(super) prepare: fn(&Sandbox),
    pub(super) verb: &'static [&'static str],
    /// Its exit status where nothing happens to it.
    pub(super) code: i32,
    /// The states on the way that are whole as well, each made from the one before it.
    pub(super) between: &'static [fn(&Sandbox)],
    /// Whether it passes through whole states that are too many to be made: only the end of it is looked at then.
    pub(super) has_many_stages: bool,
    /// What it answers when it is called again after it was carried out: its exit status and words of it.
    pub(super) again: (i32, &'static str),
    /// The tasks of which it may leave one out for a fault, saying so, and land the others: the one, and the other.
    pub(super) left_out: &'static [(&'static str, &'static str)],
    /// How it says, if it may, that for a fault it leaves all as it was, and answers as ever.
    pub(super) leaves: Option<&'static str>,
}

const NOTHING: Scenario = Scenario {
    name: "",
    prepare: |_| {},
    verb: &[],
    code: 0,
    between: &[],
    has_many_stages: false,
    again: (0, ""),
    left_out: &[],
    leaves: None,
};

const SPAWN: Scenario = Scenario {
    verb: &["spawn", "auth"],
    again: (4, "there is a task `auth` already"),
    ..NOTHING
};

const VALIDATE: Scenario = Scenario {
    prepare: worked,
    verb: &["validate", "auth"],
    ..NOTHING
};

const MERGE: Scenario = Scenario {
    prepare: validated,
    verb: &["merge", "auth"],
    again: (4, "has landed"),
    ..NOTHING
};

const MERGE_ALL: Scenario = Scenario {
    prepare: two_validated,
    verb: &["merge", "--all"],
    left_out: &[("auth", "docs"), ("docs", "auth")],
    ..NOTHING
};

const REMOVE: Scenario = Scenario {
    verb: &["rm", "auth"],
    again: (4, "was removed"),
    ..NOTHING
};

/// All that is tried.
pub(super) const SCENARIOS: &[Scenario] = &[
    Scenario {
        name: "spawn",
        verb: &["spawn", "auth", "--owns", "src/**"],
        ..SPAWN
    },
    Scenario {
        name: "spawn with set-up",
        prepare: with_set_up,
        ..SPAWN
    },
    Scenario {
        name: "spawn with a spare",
        prepare: with_spare,
        ..SPAWN
    },
    Scenario {
        name: "spawn after another",
        prepare: |sandbox| drop(sandbox.spawn("first")),
        verb: &["spawn", "auth", "--after", "first"],
        ..SPAWN
    },
    Scenario {
        name: "validate",
        ..VALIDATE
    },
    Scenario {
        name: "validate with set-up",
        prepare: |sandbox| {
            with_set_up(sandbox);
            worked(sandbox);
        },
        ..VALIDATE
    },
    Scenario {
        name: "validate of a failure",
        prepare: broken,
        code: 1,
        again: (1, "TEST_FAILURE"),
        ..VALIDATE
    },
    Scenario {
        name: "merge into a checkout",
        ..MERGE
    },
    Scenario {
        name: "merge of a combination",
        prepare: |sandbox| {
            validated(sandbox);
            moved_on(sandbox);
        },
        ..MERGE
    },
    Scenario {
        name: "merge into a ref",
        prepare: |sandbox| {
            validated(sandbox);
            sandbox.git(&["switch", "-q", "-c", "elsewhere"]);
        },
        ..MERGE
    },
    Scenario {
        name: "merge --strategy squash",
        verb: &["merge", "auth", "--strategy", "squash"],
        ..MERGE
    },
    Scenario {
        name: "merge --strategy rebase",
        verb: &["merge", "auth", "--strategy", "rebase"],
        ..MERGE
    },
    Scenario {
        name: "merge --commit",
        prepare: |sandbox| {
            worked(sandbox);
            sandbox.wt(&["validate", "auth"]).expect(0);
        },
        verb: &["merge", "auth", "--commit", "-m", "all of it"],
        // The work is committed, and has not landed.
        between: &[|sandbox| sandbox.commit(&sandbox.worktree("auth"), "all of it")],
        ..MERGE
    },
    Scenario {
        name: "merge --keep",
        verb: &["merge", "auth", "--keep"],
        again: (4, "has landed already"),
        ..MERGE
    },
    Scenario {
        name: "merge that starts a follower",
        prepare: |sandbox| {
            validated(sandbox);
            sandbox.wt(&["spawn", "next", "--after", "auth"]).expect(0);
        },
        ..MERGE
    },
    Scenario {
        name: "sync",
        prepare: |sandbox| {
            worked(sandbox);
            moved_on(sandbox);
        },
        verb: &["sync", "auth"],
        ..NOTHING
    },
    Scenario {
        name: "merge --all",
        ..MERGE_ALL
    },
    Scenario {
        name: "merge --all with a red one",
        prepare: red_together,
        code: 1,
        has_many_stages: true,
        ..MERGE_ALL
    },
    Scenario {
        name: "merge --push",
        prepare: behind_its_remote,
        verb: &["merge", "auth", "--push", "--operator", "me"],
        between: &[|sandbox| drop(sandbox.git(&["pull", "-q", "--ff-only"]))],
        ..MERGE
    },
    Scenario {
        name: "rm",
        prepare: |sandbox| drop(sandbox.spawn("auth")),
        ..REMOVE
    },
    Scenario {
        name: "rm --force",
        prepare: worked,
        verb: &["rm", "auth", "--force"],
        ..REMOVE
    },
    Scenario {
        name: "restore",
        prepare: |sandbox| {
            worked(sandbox);
            sandbox.wt(&["rm", "auth", "--force"]).expect(0);
        },
        verb: &["restore", "auth"],
        again: (4, "no removed task"),
        ..NOTHING
    },
    Scenario {
        name: "gc",
        prepare: |sandbox| {
            // Work of its own, which must stay.
            worked(sandbox);
            sandbox.wt(&["rm", "auth", "--force"]).expect(0);
            sandbox.spawn("empty");
            sandbox.wt(&["rm", "empty", "--force"]).expect(0);
            sandbox.validated("docs", "docs.txt", "a guide\n");
            sandbox.wt(&["merge", "docs"]).expect(0);
        },
        verb: &["gc", "--older", "0"],
        again: (0, "kept: auth"),
        leaves: Some("whether it holds work can't be told: "),
        ..NOTHING
    },
    Scenario {
        name: "gc --drop",
        prepare: |sandbox| {
            worked(sandbox);
            sandbox.wt(&["rm", "auth", "--force"]).expect(0);
        },
        verb: &["gc", "--drop", "auth", "--operator", "me"],
        again: (4, "no removed task"),
        ..NOTHING
    },
    Scenario {
        name: "resume",
        prepare: |sandbox| {
            broken(sandbox);
            sandbox.wt(&["validate", "auth"]).expect(1);
            sandbox.write(sandbox.worktree("auth").join("broken"), "still\n");
            sandbox
                .wt(&["validate", "auth", "--cause", "it was"])
                .expect(3);
        },
        verb: &["resume", "auth", "--because", "why not", "--operator", "me"],
        again: (4, ""),
        ..NOTHING
    },
    Scenario {
        name: "scope grant",
        prepare: worked,
        verb: &["scope", "grant", "auth", "lib/**", "--operator", "me"],
        ..NOTHING
    },
    Scenario {
        name: "spawn --plan",
        verb: &["spawn", "auth", "--plan"],
        ..SPAWN
    },
    Scenario {
        name: "plan submit",
        prepare: planning,
        verb: &["plan", "submit", "auth", "--file", PLAN],
        ..NOTHING
    },
    Scenario {
        name: "plan approve",
        prepare: |sandbox| {
            planning(sandbox);
            sandbox
                .wt(&["plan", "submit", "auth", "--file", PLAN])
                .expect(0);
        },
        verb: &["plan", "approve", "auth", "--operator", "me"],
        ..NOTHING
    },
    Scenario {
        name: "plan reject",
        prepare: |sandbox| {
            planning(sandbox);
            sandbox
                .wt(&["plan", "submit", "auth", "--file", PLAN])
                .expect(0);
        },
        verb: &[
            "plan",
            "reject",
            "auth",
            "--because",
            "no",
            "--operator",
            "me",
        ],
        again: (4, "no plan of task `auth` waits"),
        ..NOTHING
    },
    Scenario {
        name: "hook install",
        prepare: |sandbox| {
            let settings = "{\n  \"model\": \"one\"\n}\n";
            sandbox.write(sandbox.home().join(".claude/settings.json"), settings);
        },
        verb: &["hook", "install", "claude", "--user"],
        ..NOTHING
    },
    Scenario {
        name: "doctor --fix",
        prepare: |sandbox| {
            worked(sandbox);
            std::fs::remove_file(sandbox.worktree("auth").join(".wt/RULES.md")).expect("removed");
            let gone = sandbox.spawn("gone");
            std::fs::remove_dir_all(gone).expect("removed");
        },
        verb: &["doctor", "--fix"],
        ..NOTHING
    },
];

/// From the repository.
const PLAN: &str = "../home/plan.md";

/// A task in planning, with a plan that is not handed in yet.
fn planning(sandbox: &Sandbox) {
    let plan = "## Root cause\nIt says one.\n## Files\n- `src/lib.txt`\n## Invariants\n- The notes stay.\n## Risks\n\
        - None reads it.\n## Validation\n- `sh test.sh`\n";
    sandbox.write(PLAN, plan);
    sandbox.wt(&["spawn", "auth", "--plan"]).expect(0);
}

/// A repository whose main checkout holds work of a person's own: changed, untracked and ignored.
pub(super) fn sandbox() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "! test -f broken\n"),
        ("notes.txt", "committed\n"),
        ("src/lib.txt", "the code\n"),
        (".gitignore", "*.env\n"),
    ]);
    sandbox.write("notes.txt", "changed by a person\n");
    sandbox.write("draft.txt", "untracked\n");
    sandbox.write("local.env", "ignored\n");
    sandbox
}

fn with_set_up(sandbox: &Sandbox) {
    let set_up = "[worktree]\nsetup = [\"echo made > made.env\"]\ncarry = [\"local.env\"]\n\n";
    sandbox.write("wt.toml", &format!("{set_up}{CONTRACT}"));
    sandbox.git(&["commit", "-q", "-m", "set-up", "wt.toml"]);
}

/// A checkout is made ahead as soon as a task is there.
fn with_spare(sandbox: &Sandbox) {
    sandbox.write("wt.toml", &format!("[worktree]\nspare = 1\n\n{CONTRACT}"));
    sandbox.git(&["commit", "-q", "-m", "spare", "wt.toml"]);
    sandbox.spawn("first");
}

/// A task with committed and uncommitted work.
fn worked(sandbox: &Sandbox) {
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/auth.txt"), "committed work\n");
    sandbox.commit(&worktree, "work");
    sandbox.write(worktree.join("src/lib.txt"), "uncommitted work\n");
    sandbox.write(worktree.join("src/new.txt"), "untracked work\n");
    sandbox.write(worktree.join("own.env"), "ignored work\n");
}

fn broken(sandbox: &Sandbox) {
    worked(sandbox);
    sandbox.write(sandbox.worktree("auth").join("broken"), "");
}

/// A commit of a person's on the target.
fn moved_on(sandbox: &Sandbox) {
    sandbox.write("other.txt", "moved\n");
    sandbox.git(&["add", "other.txt"]);
    sandbox.git(&["commit", "-q", "-m", "moved", "other.txt"]);
}

fn two_validated(sandbox: &Sandbox) {
    validated(sandbox);
    sandbox.validated("docs", "docs/guide.txt", "a guide\n");
}

/// Two tasks, green each, and red together.
fn red_together(sandbox: &Sandbox) {
    let test = "! test -f auth/code.txt || ! test -f docs/guide.txt\n";
    sandbox.write("test.sh", test);
    sandbox.git(&["commit", "-q", "-m", "never both", "test.sh"]);
    two_validated(sandbox);
}

/// A validated task whose target's remote has a commit that is not here, in the target's checkout.
fn behind_its_remote(sandbox: &Sandbox) {
    let remote = sandbox.root().join("remote.git");
    let remote = remote.to_str().expect("text");
    sandbox.git(&["init", "-q", "--bare", remote]);
    sandbox.git(&["remote", "add", "origin", remote]);
    sandbox.git(&["push", "-q", "-u", "origin", "main"]);
    validated(sandbox);
    let clone = sandbox.root().join("clone");
    sandbox.git(&["clone", "-q", remote, clone.to_str().expect("text")]);
    sandbox.write(clone.join("theirs.txt"), "theirs\n");
    sandbox.write(clone.join("src/lib.txt"), "theirs as well\n");
    sandbox.commit(&clone, "theirs");
    sandbox.git_in(&clone, &["push", "-q"]);
}

/// A task whose work is in a folder that the target has not.
fn validated(sandbox: &Sandbox) {
    sandbox.validated("auth", "auth/code.txt", "work\n");
}
