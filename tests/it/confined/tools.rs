//! Real tools in the cage, cold, with what is detected of small projects; nothing is taken from a network.

use std::path::{Path, PathBuf};

use super::has_cage;
use crate::sandbox::{Sandbox, skipped};

/// Whether a program can be run here; one that can't is said.
fn has(program: &str, version: &str) -> bool {
    let ran = std::process::Command::new(program).arg(version).output();
    let has = ran.is_ok_and(|output| output.status.success());
    if !has {
        skipped(&format!("{program} is not installed"));
    }
    has
}

/// A repository of these files that is judged by what is detected in it, with a home that no tool has seen.
fn detected(files: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::with(files);
    let home = PathBuf::from(std::env::var("HOME").expect("HOME"));
    let rustup = std::env::var("RUSTUP_HOME").map_or_else(|_| home.join(".rustup"), PathBuf::from);
    sandbox.set("RUSTUP_HOME", rustup.to_str().expect("text"));
    sandbox
}

/// Judges a change of this repository twice, the second time in a slot that is warm.
fn judge(sandbox: &Sandbox) {
    sandbox.wt(&["spawn", "auth"]).expect(0);
    for text in ["cold", "warm"] {
        sandbox.write(sandbox.worktree("auth").join("note.md"), text);
        sandbox
            .wt(&["validate", "auth"])
            .expect(0)
            .prints("VALIDATION_OK steps=1");
        assert_eq!(sandbox.show("auth")["confined"], true);
    }
    let changed = sandbox.git_in(&sandbox.worktree("auth"), &["status", "--porcelain"]);
    assert_eq!(changed, "?? note.md");
}

const BUILD: &str = r#"fn main() {
    let home = std::path::PathBuf::from(std::env::var_os("HOME").unwrap());
    let _ = std::fs::write(home.join("escaped"), "");
    let mut folders = vec![home.join(".cargo/git/checkouts")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                assert!(std::fs::write(&path, "poison").is_err(), "{}", path.display());
            }
        }
    }
    std::fs::write(std::env::temp_dir().join("x"), "").unwrap();
    println!("cargo::rerun-if-changed=note.md");
}
"#;

#[test]
fn cargo_fetches_in_the_set_up_and_its_build_scripts_reach_nothing() {
    if !has("cargo", "-V") {
        return;
    }
    let sandbox = detected(&[
        ("build.rs", BUILD),
        (
            "src/lib.rs",
            "#[test]\nfn works() {\n    assert_eq!(far::two() + near::two(), 4);\n}\n",
        ),
        (
            "near/Cargo.toml",
            "[package]\nname = \"near\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        ("near/src/lib.rs", "pub fn two() -> u8 { 2 }\n"),
        (".gitignore", "target\n"),
    ]);
    if !has_cage(&sandbox) {
        return;
    }
    let far = sandbox.root().join("far");
    sandbox.write(
        far.join("Cargo.toml"),
        "[package]\nname = \"far\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
    );
    sandbox.write(far.join("src/lib.rs"), "pub fn two() -> u8 { 2 }\n");
    sandbox.git_in(&far, &["init", "-q"]);
    sandbox.commit(&far, "far");
    let manifest = format!(
        "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[dependencies]\nnear = {{ path = \"near\" }}\nfar = {{ git = \"file://{}\" }}\n",
        far.display()
    );
    sandbox.write("Cargo.toml", &manifest);
    let locked = sandbox
        .command("cargo")
        .arg("generate-lockfile")
        .output()
        .expect("run");
    assert!(
        locked.status.success(),
        "{}",
        String::from_utf8_lossy(&locked.stderr)
    );
    sandbox.commit(&sandbox.repo(), "app");
    let cargo = sandbox.home().join(".cargo");
    std::fs::remove_dir_all(&cargo).expect("cold");

    judge(&sandbox);
    assert!(!sandbox.home().join("escaped").exists());
    let kept = sandbox.git_in(
        &cargo.join("git/db").join(only(&cargo.join("git/db"))),
        &["rev-list", "--count", "--all"],
    );
    assert_eq!(kept, "1");

    // A build script that needs what it may not have says which.
    let worktree = sandbox.worktree("auth");
    let greedy = BUILD.replace("let _ = std::fs::write", "std::fs::write").replace(
        "join(\"escaped\"), \"\");",
        "join(\"escaped\"), \"\").map_err(|e| format!(\"{}: {e}\", home.join(\"escaped\").display())).unwrap();",
    );
    sandbox.write(worktree.join("build.rs"), &greedy);
    sandbox.wt(&["validate", "auth"]).expect(1).prints(
        "denied by the cage: write to <root>/home/escaped; a home is not opened as a whole",
    );
}

/// The name of the one entry of a folder.
fn only(folder: &Path) -> PathBuf {
    let mut entries = std::fs::read_dir(folder).expect("a folder").flatten();
    let entry = entries.next().expect("an entry");
    entry.file_name().into()
}

#[test]
fn npm_installs_and_tests() {
    if !has("npm", "--version") {
        return;
    }
    let sandbox = detected(&[
        (
            "package.json",
            r#"{"name": "app", "version": "1.0.0", "scripts": {"test": "node --test"}, "dependencies": {"near": "file:near"}}"#,
        ),
        (
            "near/package.json",
            r#"{"name": "near", "version": "1.0.0"}"#,
        ),
        ("near/index.js", "module.exports = 2\n"),
        (
            "a.test.js",
            "const fs = require('fs'), os = require('os')\nrequire('node:test')('works', () => {\n  require('assert').equal(require('near'), 2)\n  fs.writeFileSync(fs.mkdtempSync(os.tmpdir() + '/x-') + '/y', '')\n  require('assert').throws(() => fs.writeFileSync(os.homedir() + '/escaped', ''), /EACCES/)\n})\n",
        ),
        (".gitignore", "node_modules\n"),
    ]);
    if !has_cage(&sandbox) {
        return;
    }
    let lock = ["install", "--package-lock-only", "--offline", "--no-audit"];
    let locked = sandbox.command("npm").args(lock).output().expect("run");
    assert!(
        locked.status.success(),
        "{}",
        String::from_utf8_lossy(&locked.stderr)
    );
    sandbox.commit(&sandbox.repo(), "lock");
    std::fs::remove_dir_all(sandbox.home().join(".npm")).expect("cold");
    judge(&sandbox);
    assert!(!sandbox.home().join(".npm").exists());
    assert!(sandbox.root().join("repo.wt/_judge/0-caches/npm").is_dir());
}

#[test]
fn python_makes_an_environment_and_tests() {
    if !has("python3", "-V") {
        return;
    }
    let sandbox = detected(&[
        (
            "wt.toml",
            "[worktree]\nsetup = [\"python3 -m venv --without-pip .venv && echo '*' > .venv/.gitignore\"]\nsetup_inputs = []\n[[gate]]\nname = \"test\"\nkind = \"test\"\nrun = \".venv/bin/python -m unittest\"\n",
        ),
        (
            "test_a.py",
            "import multiprocessing, os, tempfile, unittest\n\nclass A(unittest.TestCase):\n    def test_a(self):\n        with tempfile.TemporaryDirectory() as d, open(d + '/x', 'w') as f:\n            f.write('x')\n        multiprocessing.Lock()\n        with self.assertRaises(PermissionError):\n            open(os.path.expanduser('~/escaped'), 'w')\n",
        ),
        (".gitignore", "__pycache__\n"),
    ]);
    if has_cage(&sandbox) {
        judge(&sandbox);
    }
}

#[test]
fn go_keeps_its_builds_in_the_slots_own_cache() {
    if !has("go", "version") {
        return;
    }
    let sandbox = detected(&[
        ("go.mod", "module example.org/app\n\ngo 1.18\n"),
        ("app.go", "package app\n\nfunc Four() int { return 4 }\n"),
        (
            "app_test.go",
            "package app\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestFour(t *testing.T) {\n\tif Four() != 4 {\n\t\tt.Fatal(\"not four\")\n\t}\n\tif os.WriteFile(os.Getenv(\"HOME\")+\"/escaped\", nil, 0o600) == nil {\n\t\tt.Fatal(\"escaped\")\n\t}\n}\n",
        ),
    ]);
    if has_cage(&sandbox) {
        judge(&sandbox);
        assert!(!sandbox.home().join(".cache/go-build").exists());
    }
}
