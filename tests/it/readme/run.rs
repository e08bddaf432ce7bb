//! Each line of the shell blocks, as a person would type it: block by block, in one repository.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};

use super::{README, blocks};
use crate::sandbox::{Ran, Sandbox, wt};

/// What is not run, and why.
const LEFT_OUT: [(&str, &str); 2] = [
    ("cargo test --locked", "these are the tests"),
    (
        "cargo install --locked --path .",
        "it builds wt and writes to the home of whoever tests",
    ),
];

/// What comes before a line: what a person writes and agents do meanwhile. Each block begins at the repository's root.
const MEANWHILE: [(&str, &str); 8] = [
    (
        "git add wt.toml && git commit -m 'A contract for agents'",
        "printf '[[gate]]\\nname = \"test\"\\nkind = \"test\"\\nrun = \"sh test.sh\"\\n' >>wt.toml",
    ),
    (
        "wt list",
        "wt spawn auth --owns 'src/auth/**' -m 'Refresh expired tokens.'",
    ),
    (
        "cd \"$(wt spawn auth -m 'Read the clock once.' --owns 'src/auth/**' --owns 'tests/auth/**' --plan)\"",
        "wt rm auth",
    ),
    (
        "wt plan amend --because 'A test was forgotten.' --file ~/plan.md",
        "sed -i 's/tests.auth.../tests\\/auth\\/clock.rs/' ~/plan.md",
    ),
    (
        "wt sync auth",
        "echo more >>README.md && git commit -qam 'More words'",
    ),
    (
        "wt merge --all --dry-run",
        "work auth src/auth/refresh.rs && work api services/api/main.rs",
    ),
    (
        "cd \"$(wt path auth)\"",
        "wt spawn auth --owns 'src/auth/**'",
    ),
    (
        "wt rm spike --force",
        "wt spawn spike && echo an idea >\"$(wt path spike)/idea\"",
    ),
];

/// What some of them say, so that they are known to be no empty words.
const SAID: [(&str, &str); 7] = [
    ("wt merge", "landed feature-auth on main"),
    ("wt list", "auth  working"),
    ("wt plan approve --operator ada", "task `auth` may change: "),
    ("wt merge --all", "task `clients` has started"),
    ("wt log --target", "landed auth"),
    ("wt note show", "a lock for each token: two refreshes"),
    (
        "wt recall \"token refresh\" --path src/auth/refresh.rs",
        "feature-auth  Refresh expired tokens. (landed on main): src/auth/refresh.rs",
    ),
];

/// The agent that is installed here: it does its work and commits it.
const CLAUDE: &str = "#!/bin/sh
echo '// the token is fresh' >>src/auth/refresh.rs && git commit -qam 'Refresh expired tokens'
";

/// `work TASK FILE` lets the agent of a task change a file, commit and validate.
const WORK: &str = "work() {
    file=$(wt path \"$1\")/$2 && echo '// mended' >>\"$file\" &&
        git -C \"${file%/*}\" commit -qam \"Mend $2\" && wt validate \"$1\"
}
";

/// A line to type.
struct Line {
    number: usize,
    command: &'static str,
    /// The status that stands beside it.
    code: i32,
    /// The number of its block's first line.
    block: usize,
}

fn lines() -> Vec<Line> {
    let mut all = Vec::new();
    for block in blocks() {
        if block.language != "sh" {
            continue;
        }
        for (at, line) in block.lines.iter().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (command, comment) = line.split_once(" # ").unwrap_or((line, ""));
            let code = comment.split_once("exits ").map_or(0, |(_, code)| {
                let digits: String = code.chars().take_while(char::is_ascii_digit).collect();
                digits.parse().expect("a status")
            });
            all.push(Line {
                number: block.first + at,
                command: command.trim_end(),
                code,
                block: block.first,
            });
        }
    }
    all
}

/// The repository whose reader types these lines.
fn sandbox() -> Sandbox {
    let mut sandbox = Sandbox::with(&[
        ("README.md", "a project\n"),
        ("test.sh", "echo passed\n"),
        ("src/auth/refresh.rs", "fn refresh() {}\n"),
        ("tests/auth/refresh.rs", "fn is_fresh() {}\n"),
        ("services/api/main.rs", "fn main() {}\n"),
        ("services/web/main.rs", "fn main() {}\n"),
        ("docs/api/index.md", "# API\n"),
    ]);
    let bin = sandbox.root().join("bin");
    sandbox.write(bin.join("claude"), CLAUDE);
    fs::set_permissions(bin.join("claude"), fs::Permissions::from_mode(0o755)).expect("set");
    symlink(wt(), bin.join("wt")).expect("linked");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", bin.display());
    sandbox.set("PATH", &path);
    let (_, plan) = README.split_once("```markdown\n").expect("a plan");
    let (plan, _) = plan.split_once("```").expect("its end");
    sandbox.write(sandbox.home().join("plan.md"), plan);
    sandbox
}

/// The lines as one script, which notes the status of each, by its number, and keeps what it said.
fn script(lines: &[Line], sandbox: &Sandbox) -> String {
    let mut script = WORK.to_owned();
    let repo = sandbox.repo();
    let log = sandbox.root().join("log");
    let mut type_in = |number: &str, command: &str| {
        let log = log.join(number);
        let _ = writeln!(
            script,
            "{{\n{command}\n}} >'{}' 2>&1\necho {number} $?",
            log.display()
        );
    };
    let mut block = 0;
    for line in lines {
        if line.block != block {
            block = line.block;
            type_in("0", &format!("cd '{}'", repo.display()));
        }
        for (_, before) in MEANWHILE.iter().filter(|(next, _)| *next == line.command) {
            type_in(&format!("0{}", line.number), before);
        }
        // What cargo would build is here already.
        let built = line.command.strip_prefix("cargo run --release --locked --");
        let built = built.map(|arguments| format!("wt{arguments}"));
        if !LEFT_OUT.iter().any(|(left, _)| *left == line.command) {
            let command = built.as_deref().unwrap_or(line.command);
            type_in(&line.number.to_string(), command);
        }
    }
    script
}

/// Types them into a shell.
fn type_all(lines: &[Line], sandbox: &Sandbox) -> BTreeMap<String, i32> {
    fs::create_dir(sandbox.root().join("log")).expect("made");
    let file = sandbox.root().join("lines");
    sandbox.write(&file, &script(lines, sandbox));
    let mut shell = sandbox.command("timeout");
    shell.args(["--signal=KILL", "120", "bash"]).arg(file);
    let output = shell.output().expect("bash");
    let ran = Ran::from(&output, sandbox, "bash");
    ran.expect(0);
    assert_eq!(ran.err, "");
    let status = |line: &str| {
        let (number, code) = line.split_once(' ').expect("two words");
        (number.to_owned(), code.parse().expect("a status"))
    };
    ran.out.lines().map(status).collect()
}

#[test]
fn every_line_of_the_shell_blocks_does_as_it_says() {
    let lines = lines();
    let sandbox = sandbox();
    let codes = type_all(&lines, &sandbox);
    let mut wrong = String::new();
    let mut hold = |number: &str, command: &str, code: i32| {
        let Some(found) = codes.get(number) else {
            panic!("README.md:{number}: `{command}` was never typed");
        };
        if *found != code {
            let said = sandbox.read(sandbox.root().join("log").join(number));
            let _ = writeln!(
                wrong,
                "README.md:{number}: `{command}` answered {found}, not {code}:\n{said}"
            );
        }
    };
    hold("0", "cd", 0);
    for line in &lines {
        let number = line.number;
        for (_, before) in MEANWHILE.iter().filter(|(next, _)| *next == line.command) {
            hold(&format!("0{number}"), before, 0);
        }
        if !LEFT_OUT.iter().any(|(left, _)| *left == line.command) {
            hold(&number.to_string(), line.command, line.code);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");

    assert_eq!(sandbox.task_state("clients"), "working");
    let gone = sandbox.wt(&["log", "spike"]);
    gone.expect(0).prints("  restored").prints("  dropped");
    for (line, words) in SAID {
        let line = lines.iter().find(|typed| typed.command == line);
        let log = line.map(|line| line.number.to_string()).unwrap_or_default();
        let said = sandbox.read(sandbox.root().join("log").join(&log));
        assert!(said.contains(words), "README.md:{log}:\n{said}");
    }
}

#[test]
fn no_line_is_looked_for_that_is_not_there() {
    let lines = lines();
    let left_out = LEFT_OUT.iter().map(|(line, _)| line);
    let prepared = MEANWHILE.iter().map(|(line, _)| line);
    let said = SAID.iter().map(|(line, _)| line);
    for named in left_out.chain(prepared).chain(said) {
        let count = lines.iter().filter(|line| line.command == *named).count();
        assert_eq!(count, 1, "in README.md: {named}");
    }
}
