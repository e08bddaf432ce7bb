//! Rules from outside: the layers that they are put together from, and what is stale or wrong in them.

use serde_json::{Value, json};

use crate::sandbox::{CONTRACT, Sandbox};

const RULES: &str = "[rules]\ninclude = [\"docs/rules.md\", \"~/org.md\"]\ninvariants = [\"Keep the API.\"]\nedits = [\"Edit little.\"]\n";

/// A repository with rules in every place that they can come from.
fn layered() -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("wt.toml", &format!("{RULES}{CONTRACT}")),
        ("test.sh", "true\n"),
        (
            "docs/rules.md",
            "# The company\n\n## Constraints\n\n- Log no secret.\n\n## Edit rules\n\n- Sign your work.\n",
        ),
        (
            "services/wt.rules.md",
            "## Constraints\n- Keep the wire format.\n",
        ),
        ("services/auth/src/a.rs", "a\n"),
        ("services/mail/wt.rules.md", "- Send nothing in tests.\n"),
        ("wt.rules.md", "- Use tabs.\n"),
    ]);
    sandbox.write(sandbox.home().join("org.md"), "Ask before you delete.\n");
    sandbox
}

/// The operator's rules as an agent reads them, each with its source.
fn rules(sandbox: &Sandbox, task: &str) -> Vec<String> {
    let told = sandbox.wt(&["rules", "render", task, "--json"]);
    let told = told.expect(0).json();
    let lines = told["lines"].as_array().expect("lines").iter();
    let of_operator = lines.filter(|line| {
        matches!(line["layer"].as_str(), Some("constraints" | "edits"))
            && line["source"] != "wt"
            && line["text"] != ""
    });
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    of_operator
        .map(|line| format!("{}: {}", text(&line["source"]), text(&line["text"])))
        .collect()
}

#[test]
fn rules_come_from_organisation_repository_folder_and_task_in_this_order() {
    let sandbox = layered();
    let spawned = sandbox.wt(&[
        "spawn",
        "auth",
        "--owns",
        "services/auth/**",
        "--owns",
        "services/mail/*.rs",
        "--rule",
        "Change no\npublic name.",
    ]);
    spawned.expect(0);
    assert_eq!(
        rules(&sandbox, "auth"),
        [
            "docs/rules.md:5: - Log no secret.",
            "wt.toml: - Keep the API.",
            "services/wt.rules.md:2: - In `services`: Keep the wire format.",
            "--rule: - Change no",
            "--rule:     public name.",
            "docs/rules.md:9: - Sign your work.",
            "~/org.md:1: - Ask before you delete.",
            "wt.toml: - Edit little.",
            "services/mail/wt.rules.md:1: - In `services/mail`: Send nothing in tests.",
        ]
    );
    // Without a scope those of the root hold, as for whatever no folder has rules for.
    sandbox.wt(&["spawn", "docs", "--owns", "docs"]).expect(0);
    let shown = rules(&sandbox, "docs");
    assert!(
        shown.contains(&"wt.rules.md:1: - Use tabs.".to_owned()),
        "{shown:?}"
    );
    assert!(!shown.iter().any(|rule| rule.contains("services")));

    let explained = sandbox.wt(&["rules", "render", "auth", "--explain"]);
    explained
        .expect(0)
        .prints("constraints  docs/rules.md:5              | - Log no secret.\n")
        .prints("validation   wt.toml                      | 1. `test`, `TEST_FAILURE` if it fails: `sh test.sh`\n")
        .prints("scope        task                         | - Change only these paths:");
    let rendered = sandbox.wt(&["rules", "render", "auth"]);
    let kept = |line: &str| {
        line.split_once("  | ")
            .map(|(_, text)| text.to_owned() + "\n")
    };
    let texts: String = explained.out.lines().filter_map(kept).collect();
    assert_eq!(
        texts,
        rendered
            .out
            .lines()
            .filter(|line| !line.is_empty())
            .map(|line| line.to_owned() + "\n")
            .collect::<String>()
    );
    let again = sandbox.read(sandbox.worktree("auth").join(".wt/RULES.md"));
    assert_eq!(rendered.out, again);
}

#[test]
fn a_change_of_any_layer_makes_the_rules_stale_until_they_are_taken_in() {
    let sandbox = layered();
    sandbox
        .wt(&["spawn", "auth", "--owns", "services/auth"])
        .expect(0);
    let worktree = sandbox.worktree("auth");
    let stale = || sandbox.show("auth")["rules_stale"] == true;
    let copy = || sandbox.read(worktree.join(".wt/RULES.md"));
    assert!(!stale());
    // What is no rule of this task is none of its business.
    sandbox.write("services/mail/wt.rules.md", "- Another.\n");
    sandbox.commit(&sandbox.repo(), "mail");
    assert!(!stale());
    for (path, text, rule) in [
        (
            "wt.toml",
            RULES.replace("little", "less") + CONTRACT,
            "Edit less.",
        ),
        (
            "docs/rules.md",
            "- Sign nothing.\n".to_owned(),
            "Sign nothing.",
        ),
        (
            "services/auth/wt.rules.md",
            "- No SQL.\n".to_owned(),
            "In `services/auth`: No SQL.",
        ),
    ] {
        sandbox.write(path, &text);
        sandbox.commit(&sandbox.repo(), path);
        assert!(stale(), "{path}");
        sandbox
            .wt(&["list"])
            .expect(0)
            .prints("working, rules stale");
        sandbox
            .wt(&["show", "auth"])
            .expect(0)
            .prints("rules     stale");
        sandbox
            .wt(&["sync", "auth"])
            .expect(0)
            .says("auth: the rules on main have changed; .wt/RULES.md is new");
        assert!(!stale() && copy().contains(rule), "{path}: {}", copy());
    }
    // The nearest file of rules alone holds.
    assert!(!copy().contains("wire format"));
    // A file of the operator's own counts as well, though no commit tells of it.
    sandbox.write(sandbox.home().join("org.md"), "Ask twice.\n");
    assert!(stale());
    sandbox.write(worktree.join("services/auth/src/a.rs"), "b\n");
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .says("the rules on main have changed; .wt/RULES.md is new");
    assert!(!stale() && copy().contains("Ask twice."));
}

#[test]
fn an_included_file_that_is_not_there_is_named() {
    let sandbox = layered();
    sandbox.spawn("auth");
    std::fs::remove_file(sandbox.home().join("org.md")).expect("removed");
    let refused = sandbox.wt(&["rules", "render", "auth"]);
    refused
        .expect(4)
        .says("the file of rules ~/org.md can't be read: there is no ")
        .says("hint: put it there, or take it out of `include` under [rules] in wt.toml");
    sandbox.wt(&["spawn", "other"]).expect(4);
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("the file of rules ~/org.md can't be read: there is no ")
        .prints("put it there, or take it out of `include` under [rules] in wt.toml");
    // What only looks goes on.
    assert_eq!(sandbox.show("auth")["rules_stale"], true);
    sandbox.write(sandbox.home().join("org.md"), "");
    std::fs::remove_file(sandbox.repo().join("docs/rules.md")).expect("removed");
    sandbox.commit(&sandbox.repo(), "gone");
    sandbox
        .wt(&["rules", "lint", "auth"])
        .expect(64)
        .says("the file of rules docs/rules.md is not on main");
}

#[test]
fn a_file_of_rules_that_is_a_link_is_refused() {
    let sandbox = layered();
    sandbox.spawn("auth");
    let link = |place: &str, to: &str| {
        let place = sandbox.repo().join(place);
        std::fs::remove_file(&place).expect("removed");
        std::os::unix::fs::symlink(to, &place).expect("a link");
        sandbox.commit(&sandbox.repo(), "link");
    };
    link("wt.rules.md", "docs/rules.md");
    let refused = sandbox.wt(&["rules", "render", "auth"]);
    refused
        .expect(4)
        .says("the file of rules wt.rules.md is a symbolic link")
        .says("hint: put a file of its own there");
    // Where no rule of the task comes from it, it is of no account.
    sandbox
        .wt(&["spawn", "mail", "--owns", "services/mail"])
        .expect(0);
    link("docs/rules.md", "../wt.toml");
    sandbox
        .wt(&["spawn", "other", "--owns", "services/pay"])
        .expect(4)
        .says("the file of rules docs/rules.md is a symbolic link");
}

#[test]
fn a_task_that_changes_rules_changes_its_judge() {
    let sandbox = layered();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("docs/rules.md"), "");
    sandbox.write(worktree.join("new/wt.rules.md"), "- Anything goes.\n");
    let judged = sandbox.wt(&["validate", "auth"]);
    judged
        .expect(0)
        .prints("JUDGE_CHANGED")
        .prints("docs/rules.md")
        .prints("new/wt.rules.md");
    assert!(rules(&sandbox, "auth").contains(&"docs/rules.md:5: - Log no secret.".to_owned()));
}

#[test]
fn lint_names_each_fault_with_its_place_and_the_size_of_each_layer() {
    let sandbox = layered();
    sandbox.write(
        "docs/rules.md",
        "- Never edit little.\n\n## Constraints\n- keep API\n\n## Style\n-\n",
    );
    sandbox.commit(&sandbox.repo(), "faults");
    sandbox.spawn("auth");
    let linted = sandbox.wt(&["rules", "lint", "auth"]);
    linted
        .expect(1)
        .prints("docs/rules.md:3: constraints stand below edit rules, and come first in the rules (move them above the edit rules)\n")
        .prints("docs/rules.md:6: the heading \"style\" names no layer")
        .prints("docs/rules.md:7: the item is empty")
        .prints(": the rule repeats line 7 (docs/rules.md:4) (remove one of the two)\n")
        .prints("contradicts line ")
        .prints("no check enforces the rule \"Use tabs.\" (where a check can tell: [[rules.check]]")
        .prints("\nLAYER ")
        .prints(" of 200 ");
    let linted = sandbox.wt(&["rules", "lint", "auth", "--json"]);
    let linted = linted.expect(1).json();
    let kinds: Vec<_> = linted["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|finding| finding["fault"] == true)
        .map(|finding| finding["kind"].as_str().expect("text"))
        .collect();
    assert_eq!(
        kinds,
        ["order", "heading", "heading", "duplicate", "contradiction"]
    );
    assert_eq!(linted["layers"][0]["layer"], "constraints");
    assert_eq!(linted["budget"], json!({ "lines": 200 }));
}
