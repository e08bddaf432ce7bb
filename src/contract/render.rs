//! The commented `wt.toml` that `wt init` writes.

use minijinja::context;
use minijinja::value::Value;

use super::detect::{Detected, Tree, detect};
use super::{Contract, Step, inputs, quantity};
use crate::template;

const TEMPLATE: &str = include_str!("../../templates/wt.toml");
/// A list that makes a longer line than this gets a line for each item.
const WIDTH: usize = 80;

/// The contract that [`detect`] finds in `tree`, written as a `wt.toml` that says all of it.
pub(crate) fn render_init(tree: &dyn Tree) -> String {
    render(&detect(tree)).expect("the template is part of the program and tests render it")
}

fn render(detected: &Detected) -> Result<String, minijinja::Error> {
    let Contract {
        rules,
        gate,
        judge,
        env,
        worktree,
        scope,
        plan,
        cage,
        ports,
        land,
        disk,
        memory,
        agents: _,
    } = &detected.contract;
    let environment = template::environment();
    environment.render_str(
        TEMPLATE,
        context! {
            assumptions => detected.assumptions.clone(),
            include => list(&rules.include),
            protect_tests => rules.protect_tests.to_string(),
            invariants => list(&rules.invariants),
            edits => list(&rules.edits),
            steps => gate.iter().map(step).collect::<Vec<_>>(),
            slots => judge.slots,
            inputs => list(&inputs::without_always(&judge.inputs)),
            max_file => quoted(&quantity::format_size(judge.max_file)),
            writable => list(&judge.writable),
            confine => quoted(judge.confine.word()),
            pass => list(&env.pass),
            fingerprint => list(&env.fingerprint),
            path => quoted(&worktree.path),
            branch => quoted(&worktree.branch),
            setup => list(&worktree.setup),
            setup_inputs => worktree.setup_inputs.as_deref().map(list),
            setup_writable => list(&worktree.setup_writable),
            carry => list(&worktree.carry),
            warm => list(&worktree.warm),
            warm_copy => worktree.warm_copy.map(|wish| quoted(wish.word())),
            sparse_always => list(&worktree.sparse_always),
            spare => worktree.spare.to_string(),
            required => scope.required.to_string(),
            shared => list(&scope.shared),
            plan_required => plan.required.to_string(),
            plan_approve => quoted(plan.approve.word()),
            hedges => list(&plan.hedges),
            doors => list(&cage.writable),
            cage_required => cage.require.to_string(),
            cage_agent => cage.agent.as_deref().map(quoted),
            port_count => ports.count,
            port_from => ports.from,
            strategy => quoted(land.strategy.word()),
            keep => land.keep.to_string(),
            each => land.each.to_string(),
            budget => disk.budget.map(|bytes| quoted(&quantity::format_size(bytes))),
            reserve => quoted(&disk.reserve.to_string()),
            in_history => memory.in_history.to_string(),
            memory_budget => memory.budget,
        },
    )
}

fn step(step: &Step) -> Value {
    context! {
        name => quoted(&step.name),
        kind => quoted(step.kind.word()),
        run => quoted(&step.run),
        when => step.when.as_deref().map(list),
        timeout => quoted(&step.timeout.to_string()),
        allow_empty => step.allow_empty,
    }
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

fn list(items: &[String]) -> String {
    let items: Vec<_> = items.iter().map(|item| quoted(item)).collect();
    let line = format!("[{}]", items.join(", "));
    if line.len() <= WIDTH {
        return line;
    }
    format!("[\n    {},\n]", items.join(",\n    "))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::super::detect::tests::Files;
    use super::*;

    const FILES: [(&str, &str); 13] = [
        (".gitignore", "target\nnode_modules\n"),
        ("Cargo.toml", "[workspace]"),
        ("Makefile", "test:\n"),
        ("a b/package-lock.json", "{}"),
        (
            "a b/package.json",
            r#"{"scripts": {"test": "jest", "lint": "x"}, "workspaces": ["*"]}"#,
        ),
        ("go.mod", "module a"),
        ("[x]'{\"/go.mod", "module a"),
        ("justfile", "test:\n"),
        (
            "package.json",
            r#"{"scripts": {"test": "vitest", "build": "tsc"}, "dependencies": {"a": "1"}}"#,
        ),
        (
            "py/pyproject.toml",
            "[build-system]\nrequires = ['maturin']\n[dependency-groups]\n\"te\\nst\" = ['pytest']",
        ),
        ("requirements.txt", "pytest"),
        ("yarn.lock", ""),
        ("ü/Cargo.toml", "[package]"),
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_init_writes_says_all_that_was_detected(files in subsequence(&FILES[..], 0..=FILES.len())) {
            let tree = Files::new(&files);
            let text = render_init(&tree);
            // The defaults and not the detected contract: nothing may be missing from the text.
            let parsed = Contract::parse(&text, "wt.toml", Contract::default());
            prop_assert_eq!(parsed.map_err(|refusal| refusal.message), Ok(detect(&tree).contract), "{}", text);
        }
    }

    #[test]
    fn the_file_explains_itself() {
        let tree = Files::new(&[
            ("Cargo.toml", "[package]\nname = 'a'"),
            (".gitignore", "/target"),
            (
                "web/package.json",
                r#"{"scripts": {"test": "jest"}, "devDependencies": {"jest": "1"}}"#,
            ),
            ("web/package-lock.json", "{}"),
        ]);
        insta::assert_snapshot!(render_init(&tree), @r#"
        # The contract of this repository with every task that `wt` spawns. It is in force once it is
        # committed on the branch that tasks land on. A key that is left out has the value that `wt` detects.
        #
        # What `wt init` assumed, to be checked by you:
        # - cargo: gate step `test` runs `cargo test` (from Cargo.toml)
        # - npm in web: gate step `test-web` runs `npm test` (from package.json)
        # - npm in web: no .gitignore names `node_modules`: add it, or tasks will commit it
        # - set-up: every worktree is made ready by `cd web && npm ci`

        [rules]
        # Files of rules that come before these: of the repository, or of your own ("~/.config/wt/rules.md"). A folder has its
        # own in a file `wt.rules.md`, for the tasks whose scope lies in it.
        include = []
        # Hard constraints, shown to every agent first.
        invariants = ["Never weaken, skip or delete a test to make the gate pass."]
        # How to edit, shown second. The validation loop follows by itself, from the gate.
        edits = ["Make the smallest change that does the task."]
        # Whether a change that removes, skips or weakens tests is refused; it is always shown.
        protect_tests = false

        # A rule that checks itself: one of deny (files that may not be added), forbid (a regular expression, in lines that are
        # added) and run (a command that must end well). It is looked at before the gate and costs no attempt.
        # [[rules.check]]
        # rule = "No new service boundaries."
        # deny = ["services/*/Cargo.toml"]

        # The gate: these steps judge, in this order, and the first failure ends the run.
        [[gate]]
        name = "test"
        kind = "test"  # test | build | lint | check
        run = "cargo test"
        timeout = "10m"

        [[gate]]
        name = "test-web"
        kind = "test"  # test | build | lint | check
        run = "cd web && npm test"
        when = ["web/**"]  # only if the task changed one of these
        timeout = "10m"

        [judge]
        # How many tasks may be judged at once.
        slots = 1
        # Files, and parts of files, that give the gate's words their meaning: a task that changes one lands
        # only with your consent. Always among them: wt.toml, wt.rules.md, .gitattributes, .claude/, .mcp.json, .husky/,
        # .envrc, CLAUDE.md, AGENTS.md.
        inputs = [
            "**/Cargo.toml#lib.harness",
            "**/Cargo.toml#lib.test",
            "**/Cargo.toml#package.autotests",
            "**/Cargo.toml#test",
            ".cargo/**",
            ".config/nextest.toml",
            "Cargo.toml#profile",
            "Cargo.toml#workspace.default-members",
            "Cargo.toml#workspace.exclude",
            "rust-toolchain",
            "rust-toolchain.toml",
            "web/.npmrc",
            "web/jest.config.*",
            "web/package.json#jest",
            "web/package.json#scripts",
        ]
        # A task that changes a larger file is refused.
        max_file = "100MB"
        # Set-up and steps run in a cage: they write to their checkout, to caches and a TMPDIR of their own, and to these
        # places. What one task's tests write there, other tasks and you read: each is a door. A folder that ends in `/` is
        # made where it is missing.
        writable = []
        confine = "auto"  # auto | require | off

        [env]
        # Variables that set-up and steps get, besides PATH, HOME, LANG and those that say where tools are.
        pass = [
            "CARGO_HOME",
            "NPM_CONFIG_REGISTRY",
            "NPM_CONFIG_USERCONFIG",
            "npm_config_registry",
            "npm_config_userconfig",
        ]
        # A verdict holds only as long as the output of these commands stays the same.
        fingerprint = ["rustc -V", "node -v"]

        [worktree]
        # The folder of the worktrees, from the repository's root, and the name of a task's branch.
        path = "../{repo}.wt"
        branch = "wt/{task}"
        # Commands that make a new worktree ready to work and to judge in.
        setup = ["cd web && npm ci"]
        # The judge runs them again when one of these changed; left out: every time.
        setup_inputs = ["web/package-lock.json", "web/package.json"]
        # Places besides that set-up alone may write to, as long as the task changes nothing of what judges it.
        setup_writable = []
        # Ignored files to bring along from the main checkout, such as ".env".
        carry = []
        # Ignored folders that come along from the main checkout, and that the judge keeps between its runs.
        warm = ["target"]
        # Where the file system can't share their blocks. Left out: copied up to 256 MB.
        # warm_copy = "copy"  # copy | skip
        # Files and folders that `wt spawn --sparse` checks out besides the task's scope: what the gate needs. The files at
        # the root are there always.
        sparse_always = []
        # Checkouts that are made ahead, in the background, for the next tasks. Each takes the room of a worktree.
        spare = 0

        [scope]
        # Whether every task has to say which paths it will change.
        required = false
        # What every task may change and none owns, such as "Cargo.lock".
        shared = []

        [plan]
        # Whether a task changes nothing before it has an approved plan, whose files are its scope from then on.
        required = false
        approve = "operator"  # operator | auto: as soon as it passes the checks and lies within the scope
        # Words that leave open what a plan means: none may stand in one.
        hedges = [
            "etc",
            "and so on",
            "as needed",
            "as appropriate",
            "handle appropriately",
            "somehow",
            "TBD",
            "to be determined",
            "TODO",
        ]

        [cage]
        # What `wt run` lets an agent write besides its worktree and its own state: each is a door.
        writable = []
        # Whether nothing runs where the kernel can't hold a cage.
        require = false
        # agent = "claude"  # started by `wt run <task>`

        [ports]
        # How many free ports every task gets for its servers, in WT_PORT_0, WT_PORT_1 and so on; the judge has its own.
        count = 0
        # from = 20000  # where they are looked for

        [land]
        strategy = "merge"  # merge | squash | rebase
        # Whether the worktree stays after landing.
        keep = false
        # Whether of several tasks that land together each combination is judged, not the last alone.
        each = false

        [disk]
        # No worktree is made that would leave less than this free: a share of the disk, or a size.
        reserve = "2%"
        # budget = "20GB"  # the most that worktrees, the judge's checkouts, the trash and wt's state may take together

        [memory]
        # Whether a landing commit carries the note of its task, so that every clone can remember it.
        in_history = true
        # How much of earlier notes the rules of a new task hold, in tokens; 0 for nothing.
        budget = 1500
        "#);
        assert!(render_init(&Files::new(&[])).contains("# [[gate]]"));
    }
}
