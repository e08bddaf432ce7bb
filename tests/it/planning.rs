//! The plan gate: nothing but a plan is written before one is approved, and nothing beyond it afterwards.

mod caged;
mod hooked;
mod life;
mod refused;

use std::path::Path;

use crate::sandbox::{CONTRACT, Ran, Sandbox, wt};

/// A plan that changes `files`.
fn plan_of(files: &[&str]) -> String {
    let files: Vec<String> = files.iter().map(|file| format!("- `{file}`\n")).collect();
    format!(
        "## Root cause\nThe code says one.\n## Files\n{}## Invariants\n- The notes stay.\n## Risks\n- None of the readers \
         counts.\n## Validation\n- `sh test.sh`\n",
        files.concat()
    )
}

/// A repository where tasks are planned as `policy` says, with the task `auth` that owns `src`, and `docs`.
fn planned(policy: &str) -> Sandbox {
    let contract = format!("{CONTRACT}[scope]\nshared = [\"*.lock\"]\n[plan]\n{policy}\n");
    let sandbox = Sandbox::with(&[
        ("wt.toml", &contract),
        (
            "test.sh",
            "if [ -f src/broken ]; then echo \"FAIL: broken\"; exit 1; fi\necho passed\n",
        ),
        (".gitignore", "target\n"),
        ("src/one.txt", "1\n"),
        ("src/two.txt", "2\n"),
        ("docs/notes.md", "notes\n"),
    ]);
    sandbox.wt(&["spawn", "auth", "--owns", "src"]).expect(0);
    sandbox.wt(&["spawn", "docs", "--owns", "docs"]).expect(0);
    sandbox
}

/// `wt` in the repository, with this on its standard input.
fn fed(sandbox: &Sandbox, args: &[&str], words: &str) -> Ran {
    fed_in(sandbox, &sandbox.repo(), args, words)
}

fn fed_in(sandbox: &Sandbox, dir: &Path, args: &[&str], words: &str) -> Ran {
    let file = sandbox.notes().join("fed");
    sandbox.write(&file, words);
    let mut command = sandbox.command(wt());
    command
        .current_dir(dir)
        .args(args)
        .stdin(std::fs::File::open(file).expect("opened"));
    let output = command.output().expect("run");
    Ran::from(&output, sandbox, &format!("wt {} < …", args.join(" ")))
}

fn submit(sandbox: &Sandbox, files: &[&str]) -> Ran {
    fed(sandbox, &["plan", "submit", "auth"], &plan_of(files))
}

fn approve(sandbox: &Sandbox) -> Ran {
    sandbox.wt(&["plan", "approve", "auth", "--operator", "ann"])
}

/// Submits a plan with these files and has it approved.
fn approved(sandbox: &Sandbox, files: &[&str]) {
    submit(sandbox, files).expect(0);
    approve(sandbox).expect(0);
}
