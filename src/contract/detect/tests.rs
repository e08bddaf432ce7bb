//! Whole repositories in miniature, and what is detected in each.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::super::inputs;
use super::*;

/// A tree of a few small files.
pub(in super::super) struct Files(BTreeMap<String, String>);

impl Files {
    pub(in super::super) fn new(files: &[(&str, &str)]) -> Self {
        let texts = files
            .iter()
            .map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
        Self(texts.collect())
    }
}

impl Tree for Files {
    fn folder(&self, path: &str) -> Rc<Folder> {
        let start = format!("{path}/");
        let below = |file: &'_ String| match path {
            "" => Some(file.clone()),
            _ => file.strip_prefix(&start).map(str::to_owned),
        };
        let (mut files, mut folders) = (Vec::new(), Vec::new());
        for inner in self.0.keys().filter_map(below) {
            match inner.split_once('/') {
                None => files.push(inner),
                Some((folder, _)) => folders.push(folder.to_owned()),
            }
        }
        folders.dedup();
        Rc::new(Folder::new(files, folders))
    }

    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).cloned()
    }
}

/// What a reader wants to see of a detected contract.
fn summary(files: &[(&str, &str)]) -> String {
    let Detected {
        contract,
        assumptions,
    } = detect(&Files::new(files));
    let mut text = String::new();
    for step in &contract.gate {
        let when = step
            .when
            .as_ref()
            .map(|when| format!(" when {}", when.join(" ")));
        let kind = step.kind.word();
        let _ = writeln!(
            text,
            "{} ({kind}): {}{}",
            step.name,
            step.run,
            when.unwrap_or_default()
        );
    }
    for command in &contract.worktree.setup {
        let _ = writeln!(text, "setup: {command}");
    }
    let row = |name: &str, list: &[String]| match list {
        [] => String::new(),
        list => format!("{name}: {}\n", list.join(" ")),
    };
    text += &row(
        "reads",
        contract
            .worktree
            .setup_inputs
            .as_deref()
            .unwrap_or_default(),
    );
    text += &row("set-up writes", &contract.worktree.setup_writable);
    text += &row("warm", &contract.worktree.warm);
    text += &row("inputs", &inputs::without_always(&contract.judge.inputs));
    for line in assumptions
        .iter()
        .filter(|line| !line.contains("gate step") && !line.starts_with("set-up:"))
    {
        let _ = writeln!(text, "* {line}");
    }
    text
}

#[test]
fn rust() {
    insta::assert_snapshot!(summary(&[
        ("Cargo.toml", "[workspace]\nmembers = ['crates/*']"),
        ("Cargo.lock", ""),
        (".gitignore", "/target\n"),
        ("crates/a/Cargo.toml", "[package]\nname = 'a'"),
        ("docs/package.json", r#"{"scripts": {"test": "jest"}}"#),
    ]), @"
    test (test): cargo test --workspace --locked
    warm: target
    inputs: **/Cargo.toml#lib.harness **/Cargo.toml#lib.test **/Cargo.toml#package.autotests **/Cargo.toml#test .cargo/** .config/nextest.toml Cargo.toml#profile Cargo.toml#workspace.default-members Cargo.toml#workspace.exclude rust-toolchain rust-toolchain.toml
    ");
    insta::assert_snapshot!(summary(&[("Cargo.toml", "[package]\nname = 'a'")]), @"
    test (test): cargo test
    inputs: **/Cargo.toml#lib.harness **/Cargo.toml#lib.test **/Cargo.toml#package.autotests **/Cargo.toml#test .cargo/** .config/nextest.toml Cargo.toml#profile Cargo.toml#workspace.default-members Cargo.toml#workspace.exclude rust-toolchain rust-toolchain.toml
    * cargo: no .gitignore names `target`: add it, or tasks will commit it
    ");
}

#[test]
fn what_is_fetched_before_the_steps() {
    let crates = |files: &[(&str, &str)]| {
        let contract = detect(&Files::new(files)).contract.worktree;
        let inputs = contract.setup_inputs.unwrap_or_default().join(" ");
        let doors = contract.setup_writable.join(" ");
        format!("{} | {inputs} | {doors}", contract.setup.join(" ; "))
    };
    let with = "[package]\nname = 'a'\n[dev-dependencies]\nb = '1'";
    let locked = "[[package]]\nname = \"b\"\nsource = \"registry+https://index\"\n";
    let found = [
        crates(&[("Cargo.toml", with), ("Cargo.lock", locked)]),
        crates(&[("Cargo.toml", with), (".gitignore", "Cargo.lock")]),
        crates(&[("in/Cargo.toml", with)]),
        crates(&[
            ("Cargo.toml", with),
            ("Cargo.lock", "[[package]]\nname = 'b'"),
        ]),
        crates(&[("go.mod", "module a"), ("go.sum", "")]),
        crates(&[
            ("go.mod", "module a"),
            ("go.sum", ""),
            ("vendor/modules.txt", ""),
        ]),
    ];
    insta::assert_snapshot!(found.join("\n"), @r#"
    cargo fetch --locked --target $(rustc -vV | sed -n 's/^host: //p') | **/Cargo.toml .cargo/** Cargo.lock rust-toolchain rust-toolchain.toml | $CARGO_HOME/registry/ $CARGO_HOME/git/ $CARGO_HOME/.package-cache
    cargo fetch --target $(rustc -vV | sed -n 's/^host: //p') | **/Cargo.toml .cargo/** Cargo.lock rust-toolchain rust-toolchain.toml | $CARGO_HOME/registry/ $CARGO_HOME/git/ $CARGO_HOME/.package-cache
    cd in && cargo fetch --target $(rustc -vV | sed -n 's/^host: //p') && rm -f Cargo.lock | in/**/Cargo.toml in/.cargo/** in/Cargo.lock in/rust-toolchain in/rust-toolchain.toml | $CARGO_HOME/registry/ $CARGO_HOME/git/ $CARGO_HOME/.package-cache
     |  | 
    go mod download | go.mod go.sum go.work | $GOPATH/pkg/mod/
     |  | 
    "#);
}

#[test]
fn node() {
    let package = r#"{
        "scripts": {"test": "jest", "build": "tsc -p .", "lint": "eslint ."},
        "devDependencies": {"jest": "1", "typescript": "1", "husky": "9"}
    }"#;
    insta::assert_snapshot!(summary(&[
        ("package.json", package),
        ("package-lock.json", ""),
        (".gitignore", "node_modules/\n"),
    ]), @"
    build (build): npm run build
    test (test): npm test
    setup: HUSKY=0 npm ci
    reads: package-lock.json package.json
    inputs: .npmrc jest.config.* package.json#jest package.json#scripts tsconfig*.json
    * npm: the script `lint` is not in the gate; add it as a step if it should judge
    ");
    insta::assert_snapshot!(summary(&[
        ("package.json", r#"{"workspaces": ["packages/*"], "packageManager": "pnpm@9.1.0"}"#),
        ("pnpm-lock.yaml", ""),
        ("packages/a/package.json", r#"{"scripts": {"test": "vitest"}}"#),
    ]), @"
    test (test): pnpm -r --if-present run test
    setup: pnpm install --frozen-lockfile
    reads: package.json pnpm-lock.yaml
    inputs: **/.npmrc **/package.json#scripts nx.json pnpm-workspace.yaml turbo.json
    * pnpm: no .gitignore names `node_modules`: add it, or tasks will commit it
    ");
    let placeholder = r#"{"scripts": {"test": "echo \"Error: no test specified\" && exit 1"}}"#;
    insta::assert_snapshot!(summary(&[("package.json", placeholder)]), @"* gate: no test command was found; write one as [[gate]]");
}

#[test]
fn the_package_manager_is_that_of_the_field_and_else_of_the_lock() {
    let install = |field: &str, lock: &str, text: &str| {
        let package =
            format!(r#"{{"scripts": {{"test": "t"}}, "dependencies": {{"a": "1"}}{field}}}"#);
        let detected = detect(&Files::new(&[("package.json", &package), (lock, text)]));
        format!(
            "{} | {}",
            detected.contract.worktree.setup[0], detected.contract.gate[0].run
        )
    };
    let pnpm = r#", "packageManager": "pnpm@9""#;
    let found = [
        install("", "package-lock.json", ""),
        install("", "pnpm-lock.yaml", ""),
        install("", "yarn.lock", "# yarn lockfile v1"),
        install("", "yarn.lock", "__metadata:\n  version: 8"),
        install("", "bun.lock", ""),
        install("", "README", ""),
        install(pnpm, "package-lock.json", ""),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    npm ci | npm test
    pnpm install --frozen-lockfile | pnpm test
    yarn install --frozen-lockfile | yarn test
    yarn install --immutable | yarn test
    bun install --frozen-lockfile | bun run test
    npm install --no-package-lock | npm test
    pnpm install --no-lockfile | pnpm test
    ");
}

#[test]
fn python() {
    let build = "[build-system]\nrequires = ['hatchling']\n[project]\nname = 'a'\n";
    insta::assert_snapshot!(summary(&[
        ("pyproject.toml", &format!("{build}[dependency-groups]\nlint = ['ruff']\ntests = ['pytest>=8']")),
        ("uv.lock", ""),
        (".gitignore", ".venv\n"),
    ]), @"
    test (test): uv run --no-sync python -m pytest
    setup: uv sync --frozen --group tests
    reads: pyproject.toml uv.lock
    inputs: .pytest.ini .pytest.toml .python-version conftest.py pyproject.toml#tool.pytest pyproject.toml#tool.uv pytest.ini pytest.py pytest.toml setup.cfg#tool:pytest sitecustomize.py tox.ini#pytest usercustomize.py uv.toml
    ");
    insta::assert_snapshot!(summary(&[
        ("pyproject.toml", &format!("{build}[project.optional-dependencies]\nall = ['pytest-cov']\ndev = ['pytest']")),
    ]), @"
    test (test): .venv/bin/python -m pytest
    setup: python3 -m venv .venv && echo '*' > .venv/.gitignore
    setup: .venv/bin/python -m pip install --quiet -e '.[dev]'
    reads: pyproject.toml
    inputs: .pytest.ini .pytest.toml .python-version conftest.py pyproject.toml#tool.pytest pyproject.toml#tool.uv pytest.ini pytest.py pytest.toml setup.cfg#tool:pytest sitecustomize.py tox.ini#pytest usercustomize.py uv.toml
    ");
    let setup = |files: &[(&str, &str)]| {
        let contract = detect(&Files::new(files)).contract;
        let run = contract
            .gate
            .first()
            .map(|step| step.run.clone())
            .unwrap_or_default();
        let always = if contract.worktree.setup_inputs.is_none() {
            " (always)"
        } else {
            ""
        };
        format!("{} | {run}{always}", contract.worktree.setup.join(" ; "))
    };
    let found = [
        setup(&[(
            "pyproject.toml",
            &format!("{build}[dependency-groups]\ndev = ['pytest']"),
        )]),
        setup(&[
            ("setup.py", ""),
            ("requirements-dev.txt", "-e .[socks]\npytest>=2.8,<9"),
        ]),
        setup(&[("requirements.txt", "flask\npytest\n"), ("app.py", "")]),
        setup(&[("requirements.txt", "flask\n"), ("tests/conftest.py", "")]),
        setup(&[(
            "setup.cfg",
            "[metadata]\nname = a\n[options.extras_require]\ndoc = x\ntest =\n    pytest\n",
        )]),
        setup(&[
            (
                "pyproject.toml",
                "[tool.poetry.group.dev.dependencies]\npytest = '^8'",
            ),
            ("poetry.lock", ""),
        ]),
        setup(&[(
            "pyproject.toml",
            "[build-system]\nrequires = ['maturin>=1']\n[tool.pytest.ini_options]",
        )]),
        setup(&[("tox.ini", ""), ("test_a.py", "import unittest")]),
        setup(&[("tox.ini", ""), ("tests/test_a.py", "import unittest")]),
        setup(&[("tox.ini", "[testenv]\ndeps = pytest")]),
        setup(&[("setup.py", ""), ("a.py", "")]),
    ];
    insta::assert_snapshot!(found.join("\n"), @"
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet 'pip>=25.1' ; .venv/bin/python -m pip install --quiet -e . --group dev | .venv/bin/python -m pytest
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet -e . -r requirements-dev.txt | .venv/bin/python -m pytest
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet -r requirements.txt | .venv/bin/python -m pytest
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet -r requirements.txt pytest | .venv/bin/python -m pytest
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet -e '.[test]' | .venv/bin/python -m pytest
    POETRY_VIRTUALENVS_IN_PROJECT=true poetry install --no-interaction | poetry run python -m pytest
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet -e . pytest | .venv/bin/python -m pytest (always)
     | python3 -m unittest discover (always)
     | python3 -m unittest discover -s tests (always)
    python3 -m venv .venv && echo '*' > .venv/.gitignore ; .venv/bin/python -m pip install --quiet pytest | .venv/bin/python -m pytest (always)
     |  (always)
    ");
}

#[test]
fn go_and_the_task_runners() {
    insta::assert_snapshot!(summary(&[("go.mod", "module a"), ("Makefile", "test:\n\tgo test ./...")]), @"
    test (test): go test ./...
    inputs: go.work
    ");
    insta::assert_snapshot!(summary(&[("Makefile", "all: x\ncheck: all\n\t./check\n"), ("justfile", "test:\n")]), @"
    test (test): make check
    inputs: Makefile
    ");
    insta::assert_snapshot!(summary(&[("justfile", "@test *args:\n  ./t {{args}}\n")]), @"
    test (test): just test
    inputs: justfile
    ");
    insta::assert_snapshot!(summary(&[("README", "")]), @"* gate: no test command was found; write one as [[gate]]");
}

#[test]
fn several_at_once() {
    insta::assert_snapshot!(summary(&[
        ("Makefile", "test:\n\t./t\n"),
        (".gitignore", "node_modules\ntarget\n"),
        ("api/go.mod", "module a"),
        ("api/tools/go.mod", "module tools"),
        ("api/v2/go.mod", "module v2"),
        ("api/v2/a_test.go", ""),
        ("apps/my web/package.json", r#"{"scripts": {"test": "t"}, "dependencies": {"a": "1"}}"#),
        ("apps/my web/package-lock.json", ""),
        ("core/Cargo.toml", "[package]\nname = 'core'"),
        ("core/package.json", r#"{"scripts": {"test": "t"}}"#),
        ("vendor/x/go.mod", "module x"),
        ("deep/er/still/go.mod", "module y"),
    ]), @"
    test (test): make test
    test-api (test): cd api && go test ./... when api/**
    test-core (test): cd core && cargo test when core/**
    test-core-npm (test): cd core && npm test when core/**
    test-api-v2 (test): cd api/v2 && go test ./... when api/v2/**
    test-apps-my-web (test): cd 'apps/my web' && npm test when apps/my web/**
    setup: cd 'apps/my web' && npm ci
    reads: apps/my web/package-lock.json apps/my web/package.json
    warm: core/target
    inputs: .cargo/** .config/nextest.toml Makefile api/go.work api/v2/go.work apps/my web/.npmrc apps/my web/package.json#scripts core/**/Cargo.toml#lib.harness core/**/Cargo.toml#lib.test core/**/Cargo.toml#package.autotests core/**/Cargo.toml#test core/.cargo/** core/.config/nextest.toml core/.npmrc core/Cargo.toml#profile core/Cargo.toml#workspace.default-members core/Cargo.toml#workspace.exclude core/package.json#scripts core/rust-toolchain core/rust-toolchain.toml go.work rust-toolchain rust-toolchain.toml
    ");
}
