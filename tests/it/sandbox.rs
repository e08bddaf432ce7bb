//! A temporary repository with `wt` beside it, seeing nothing of the machine's own settings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

/// The contract that most tests use: one step, a script that the test writes.
pub(crate) const CONTRACT: &str = r#"[[gate]]
name = "test"
kind = "test"
run = "sh test.sh"
timeout = "30s"
"#;

/// A repository at `<root>/repo` with worktrees in `<root>/repo.wt`, a home at `<root>/home`.
pub(crate) struct Sandbox {
    root: TempDir,
    variables: BTreeMap<String, String>,
}

impl Sandbox {
    /// A repository with [`CONTRACT`], whose `test.sh` passes unless a file `broken` is there.
    pub(crate) fn new() -> Self {
        Self::with(&[
            ("wt.toml", CONTRACT),
            (
                "test.sh",
                "if [ -f broken ]; then echo \"FAIL: broken\"; exit 1; fi\necho passed\n",
            ),
            ("README.md", "a project\n"),
        ])
    }

    /// A repository whose first commit on `main` holds these files.
    pub(crate) fn with(files: &[(&str, &str)]) -> Self {
        let sandbox = Self::empty(&[]);
        for (path, text) in files {
            sandbox.write(path, text);
        }
        sandbox.git(&["add", "-A"]);
        sandbox.git(&["commit", "-q", "-m", "first"]);
        sandbox
    }

    /// A repository without any commit, made by `git init` with these arguments besides.
    pub(crate) fn empty(init: &[&str]) -> Self {
        // Not by TMPDIR: where the tests themselves run in a gate, that lies deep and long.
        let root = tempfile::Builder::new()
            .prefix("wt-it-")
            .tempdir_in("/tmp")
            .expect("a folder");
        let canonical = root.path().canonicalize().expect("a path");
        let path = std::env::var("PATH").expect("PATH");
        let home = canonical.join("home");
        fs::create_dir_all(&home).expect("home");
        fs::create_dir_all(canonical.join("repo")).expect("repo");
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", home.to_str().expect("text")),
            ("LANG", "C.UTF-8"),
            ("USER", "tester"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ];
        let variables = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        fs::write(
            home.join(".gitconfig"),
            "[user]\n\tname = Test\n\temail = test@example.org\n[init]\n\tdefaultBranch = main\n[protocol \"file\"]\n\tallow = always\n",
        )
        .expect("git's settings");
        let sandbox = Self { root, variables };
        let args: Vec<&str> = ["init", "-q"]
            .into_iter()
            .chain(init.iter().copied())
            .collect();
        sandbox.git(&args);
        sandbox
    }

    /// Sets a variable of every later command.
    pub(crate) fn set(&mut self, name: &str, value: &str) {
        self.variables.insert(name.to_owned(), value.to_owned());
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().canonicalize().expect("a path")
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// The worktree of a task.
    pub(crate) fn worktree(&self, task: &str) -> PathBuf {
        self.root().join("repo.wt").join(task)
    }

    /// The state of `wt`.
    pub(crate) fn state(&self) -> PathBuf {
        self.repo().join(".git/wt")
    }

    /// Writes a file below the repository, or at an absolute path.
    pub(crate) fn write(&self, path: impl AsRef<Path>, text: &str) {
        let path = self.repo().join(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(&path, text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    }

    pub(crate) fn read(&self, path: impl AsRef<Path>) -> String {
        let path = self.repo().join(path);
        fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// The text of a file that another process writes, once there is some.
    pub(crate) fn wait_for(&self, path: &Path) -> String {
        let give_up = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            match fs::read_to_string(path) {
                Ok(text) if !text.is_empty() => return text,
                _ => assert!(
                    std::time::Instant::now() < give_up,
                    "{} never came",
                    path.display()
                ),
            }
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// A command in the repository with the sandbox's environment and nothing else.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.repo())
            .env_clear()
            .envs(&self.variables)
            .stdin(Stdio::null());
        command
    }

    /// `wt` with these arguments, called in the repository.
    pub(crate) fn wt(&self, args: &[&str]) -> Ran {
        self.wt_in(&self.repo(), args)
    }

    /// `wt` called in another folder.
    pub(crate) fn wt_in(&self, dir: &Path, args: &[&str]) -> Ran {
        let mut command = self.command(wt());
        Ran::of(
            command.current_dir(dir).args(args),
            self,
            &format!("wt {}", args.join(" ")),
        )
    }

    /// `git`, which must succeed, in the repository; answers its standard output, trimmed.
    pub(crate) fn git(&self, args: &[&str]) -> String {
        self.git_in(&self.repo(), args)
    }

    pub(crate) fn git_in(&self, dir: &Path, args: &[&str]) -> String {
        let mut command = self.command("git");
        let ran = Ran::of(
            command.current_dir(dir).args(args),
            self,
            &format!("git {}", args.join(" ")),
        );
        ran.expect(0);
        ran.out.trim_end().to_owned()
    }

    /// Makes a task and answers its worktree.
    pub(crate) fn spawn(&self, task: &str) -> PathBuf {
        self.wt(&["spawn", task]).expect(0);
        self.worktree(task)
    }

    /// Makes a task, commits this file in it and validates it: ready to land.
    pub(crate) fn validated(&self, task: &str, path: &str, text: &str) -> PathBuf {
        let worktree = self.spawn(task);
        self.write(worktree.join(path), text);
        self.commit(&worktree, &format!("{task}: {path}"));
        self.wt(&["validate", task]).expect(0);
        worktree
    }

    pub(crate) fn commit(&self, dir: &Path, message: &str) {
        self.git_in(dir, &["add", "-A"]);
        self.git_in(dir, &["commit", "-q", "-m", message]);
    }

    /// A task as `wt show --json` has it.
    pub(crate) fn show(&self, task: &str) -> serde_json::Value {
        let ran = self.wt(&["show", task, "--json"]);
        ran.expect(0);
        serde_json::from_str(&ran.out).expect("JSON")
    }

    /// The state of a task, in its one word.
    pub(crate) fn task_state(&self, task: &str) -> String {
        self.show(task)["state"]
            .as_str()
            .expect("a state")
            .to_owned()
    }

    /// The words of a task's events, oldest first.
    pub(crate) fn events(&self, task: &str) -> Vec<String> {
        let ran = self.wt(&["log", task, "--json"]);
        ran.expect(0);
        let event = |line: &str| -> serde_json::Value { serde_json::from_str(line).expect("JSON") };
        ran.out
            .lines()
            .map(|line| event(line)["event"].as_str().expect("a word").to_owned())
            .collect()
    }
}

/// Says why a test can't be run on this machine.
#[allow(
    clippy::print_stderr,
    reason = "a test that was passed over must not look like one that passed"
)]
pub(crate) fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

/// The path of the program under test.
pub(crate) fn wt() -> &'static str {
    env!("CARGO_BIN_EXE_wt")
}

/// What a command answered; paths of the sandbox are written as `<root>`, and times as `0.0s`.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) said: String,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) code: Option<i32>,
}

impl Ran {
    fn of(command: &mut Command, sandbox: &Sandbox, said: &str) -> Self {
        let output = command.output().unwrap_or_else(|e| panic!("{said}: {e}"));
        Self::from(&output, sandbox, said)
    }

    /// From a command that was started otherwise.
    pub(crate) fn from(output: &Output, sandbox: &Sandbox, said: &str) -> Self {
        let root = sandbox.root();
        let text = |bytes: &[u8]| {
            String::from_utf8_lossy(bytes).replace(root.to_str().expect("text"), "<root>")
        };
        Self {
            said: said.to_owned(),
            out: text(&output.stdout),
            err: text(&output.stderr),
            code: output.status.code(),
        }
    }

    /// Holds the exit status against the expected one.
    #[track_caller]
    pub(crate) fn expect(&self, code: i32) -> &Self {
        assert_eq!(
            self.code,
            Some(code),
            "{} answered otherwise\nout:\n{}\nerr:\n{}",
            self.said,
            self.out,
            self.err
        );
        self
    }

    /// Standard output with what varies (hashes, durations) made even.
    pub(crate) fn steady(&self) -> String {
        steady(&self.out)
    }

    /// Holds that standard error names these words.
    #[track_caller]
    pub(crate) fn says(&self, words: &str) -> &Self {
        assert!(
            self.err.contains(words),
            "{} does not say {words:?}\nout:\n{}\nerr:\n{}",
            self.said,
            self.out,
            self.err
        );
        self
    }

    /// Holds that standard output names these words.
    #[track_caller]
    pub(crate) fn prints(&self, words: &str) -> &Self {
        assert!(
            self.out.contains(words),
            "{} does not print {words:?}\nout:\n{}\nerr:\n{}",
            self.said,
            self.out,
            self.err
        );
        self
    }
}

/// `text` with object names and receipts as `<hash>`, and durations as `0.0s`.
pub(crate) fn steady(text: &str) -> String {
    let word = |word: &str| -> String {
        let bare = word.strip_prefix("receipt=").unwrap_or(word);
        if bare.len() >= 12 && bare.bytes().all(|b| b.is_ascii_hexdigit()) {
            word.replace(bare, "<hash>")
        } else if word
            .strip_suffix('s')
            .is_some_and(|n| n.contains('.') && n.parse::<f64>().is_ok())
        {
            "0.0s".to_owned()
        } else {
            word.to_owned()
        }
    };
    let line = |line: &str| line.split(' ').map(word).collect::<Vec<_>>().join(" ");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
