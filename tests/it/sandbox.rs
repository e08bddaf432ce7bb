//! A temporary repository with `wt` beside it, seeing nothing of the machine's own settings.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

/// The contract that most tests use: one step, a script that the test writes. It may leave word in [`Sandbox::notes`].
pub(crate) const CONTRACT: &str = r#"[judge]
writable = ["~/notes/"]

[[gate]]
name = "test"
kind = "test"
run = "sh test.sh"
timeout = "30s"
"#;

/// [`CONTRACT`] with a step that may write wherever its user may.
pub(crate) const UNCONFINED: &str = r#"[judge]
confine = "off"

[[gate]]
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
        // Not by TMPDIR, which lies deep and long where the tests themselves run in a gate; but in its cage there is
        // no other.
        let mut folder = tempfile::Builder::new();
        folder.prefix("wt-it-");
        let root = folder.tempdir_in("/tmp").or_else(|_| folder.tempdir());
        Self::at(root.expect("a folder"), init)
    }

    /// The same as [`Self::empty`], in a folder on another file system.
    pub(crate) fn empty_in(folder: &Path) -> Self {
        Self::at(tempfile::tempdir_in(folder).expect("a folder"), &[])
    }

    fn at(root: TempDir, init: &[&str]) -> Self {
        let canonical = root.path().canonicalize().expect("a path");
        let path = std::env::var("PATH").expect("PATH");
        let home = canonical.join("home");
        fs::create_dir_all(home.join("notes")).expect("home");
        fs::create_dir_all(canonical.join("repo")).expect("repo");
        let variables = [
            ("PATH", path.as_str()),
            ("HOME", home.to_str().expect("text")),
            ("LANG", "C.UTF-8"),
            ("USER", "tester"),
            ("GIT_CONFIG_NOSYSTEM", "1"),
        ];
        let mut variables: BTreeMap<String, String> = variables
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        if let (false, Ok(temporary)) = (
            canonical.starts_with("/tmp/wt-it-"),
            std::env::var("TMPDIR"),
        ) {
            variables.insert("TMPDIR".to_owned(), temporary);
        }
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

    /// Whether the tests run in a cage themselves, as in a gate: nothing can then be shown to work without one.
    pub(crate) fn is_caged(&self) -> bool {
        self.variables.contains_key("TMPDIR")
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.root.path().canonicalize().expect("a path")
    }

    pub(crate) fn repo(&self) -> PathBuf {
        self.root().join("repo")
    }

    /// The home of all that is run here.
    pub(crate) fn home(&self) -> PathBuf {
        self.root().join("home")
    }

    /// What [`CONTRACT`] lets steps write to: it is out of every slot's reach.
    pub(crate) fn notes(&self) -> PathBuf {
        self.home().join("notes")
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

    /// A repository with a task `auth` that a judge is at work on, in a step that does not end by itself; the command
    /// that asked for it.
    pub(crate) fn judging_without_end() -> (Self, PathBuf, Started) {
        let step = "if [ -f slow ]; then touch \"$(cat slow)\"; sleep 600; fi\n";
        let sandbox = Self::with(&[("wt.toml", CONTRACT), ("test.sh", step)]);
        let worktree = sandbox.spawn("auth");
        let sign = sandbox.notes().join("sign");
        sandbox.write(worktree.join("slow"), sign.to_str().expect("text"));
        let judging = sandbox.start(&["validate", "auth"]);
        wait_until("the step has begun", || sign.exists());
        (sandbox, worktree, judging)
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

    /// As [`Self::wt`], killed after half a minute: for what may be made to wait for ever.
    pub(crate) fn wt_in_time(&self, args: &[&str]) -> Ran {
        self.wt_in_time_in(&self.repo(), args)
    }

    /// As [`Self::wt_in_time`], called in another folder.
    pub(crate) fn wt_in_time_in(&self, dir: &Path, args: &[&str]) -> Ran {
        let mut command = self.command("timeout");
        command.args(["--signal=KILL", "30", wt()]).args(args);
        let said = format!("wt {}", args.join(" "));
        Ran::of(command.current_dir(dir), self, &said)
    }

    /// `wt` in the repository, not waited for.
    pub(crate) fn start(&self, args: &[&str]) -> Started {
        let mut command = self.command(wt());
        command
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let said = format!("wt {}", args.join(" "));
        let child = command.spawn().unwrap_or_else(|e| panic!("{said}: {e}"));
        let heard = Vec::new();
        Started { child, said, heard }
    }

    /// The living processes that have this sandbox's home, less `wt`'s own, as pid and command line.
    pub(crate) fn processes(&self) -> Vec<(i32, String)> {
        let mark = format!("HOME={}", self.home().display()).into_bytes();
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").expect("/proc").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse().ok()) else {
                continue;
            };
            let environment = fs::read(entry.path().join("environ")).unwrap_or_default();
            let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
            let command = String::from_utf8_lossy(&command).replace('\0', " ");
            if environment.split(|b| *b == 0).any(|v| v == mark) && !command.starts_with(wt()) {
                found.push((pid, command));
            }
        }
        found
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

    /// Leaves `git am` in the middle of a mail that does not apply, in this checkout.
    pub(crate) fn begin_am(&self, dir: &Path) {
        let mail = self.root().join("mail");
        self.write(
            &mail,
            "From: A <a@wt.example>\nSubject: a\n\n---\ndiff --git a/none b/none\n--- a/none\n+++ b/none\n@@ -1 +1 @@\n-a\n+b\n",
        );
        let mut am = self.command("git");
        let output = am.current_dir(dir).arg("am").arg(mail).output();
        assert!(!output.expect("run").status.success(), "it applies");
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

/// A command that runs beside the test.
pub(crate) struct Started {
    child: Child,
    said: String,
    /// What was read of its standard error already.
    heard: Vec<u8>,
}

impl Started {
    /// Reads its standard error until it says these words.
    #[track_caller]
    pub(crate) fn hear(&mut self, words: &str) {
        let stream = self.child.stderr.as_mut().expect("a pipe");
        while !String::from_utf8_lossy(&self.heard).contains(words) {
            let mut byte = [0];
            let count = stream.read(&mut byte).expect("read");
            assert_eq!(count, 1, "{} ended without saying {words:?}", self.said);
            self.heard.extend(byte);
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("signalled");
    }

    /// What it answers in the end.
    pub(crate) fn finish(self, sandbox: &Sandbox) -> Ran {
        let mut output = self.child.wait_with_output().expect("its output");
        output.stderr.splice(0..0, self.heard);
        Ran::from(&output, sandbox, &self.said)
    }
}

impl Sandbox {
    /// What a refusal must leave as it was: refs, worktrees, the checkout, the tasks, the open intents and every
    /// path beside the repository.
    pub(crate) fn picture(&self) -> String {
        let mut parts = vec![
            self.git(&["for-each-ref"]),
            self.git(&["worktree", "list", "--porcelain"]),
            self.git(&["status", "--porcelain", "--ignored"]),
        ];
        for (dir, depth) in [
            (self.root(), 2),
            (self.state().join("journal"), 1),
            (self.state().join("tasks"), 1),
            (self.state().join("archive"), 1),
        ] {
            parts.push(listing(&dir, depth).join("\n"));
        }
        for name in listing(&self.state().join("tasks"), 1) {
            parts.push(fs::read_to_string(Path::new(&name).join("task.json")).unwrap_or_default());
        }
        parts.join("\n--\n")
    }

    /// Holds that everything is as in this picture.
    #[track_caller]
    pub(crate) fn assert_as(&self, before: &str) {
        let now = self.picture();
        let only = |one: &str, other: &str| -> Vec<String> {
            let known: Vec<&str> = other.lines().collect();
            let new = one.lines().filter(|line| !known.contains(line));
            new.map(str::to_owned).collect()
        };
        assert!(
            now == before,
            "gone: {:#?}\nnew: {:#?}",
            only(before, &now),
            only(&now, before)
        );
    }

    /// The words of a landing commit's trailers, as git itself reads them.
    pub(crate) fn trailers(&self, commit: &str) -> Vec<String> {
        let format = "--format=%(trailers:only,unfold)";
        let text = self.git(&["log", "-1", format, commit]);
        text.lines()
            .filter(|l| l.to_lowercase().starts_with("wt-"))
            .map(str::to_owned)
            .collect()
    }
}

/// The paths below a folder, sorted, to this depth; `.git` is not entered.
fn listing(dir: &Path, depth: usize) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        found.push(path.display().to_string());
        if depth > 1 && path.is_dir() && !path.is_symlink() && !path.ends_with(".git") {
            found.extend(listing(&path, depth - 1));
        }
    }
    found.sort();
    found
}

/// Says that a test, or the rest of it, can't be run here.
pub(crate) fn skipped(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Not by `eprintln!`, which is shown for tests that fail alone: who reads a green run must learn what it left out.
    writeln!(std::io::stderr(), "skipped {test}: {why}").expect("written");
}

/// Whether strace can be used here.
pub(crate) fn has_strace() -> bool {
    let works = Command::new("strace")
        .args(["-qq", "-o", "/dev/null", "-e", "trace=none", "true"])
        .status()
        .is_ok_and(|status| status.success());
    if !works {
        let why = "strace is not here, or may not be used";
        assert!(std::env::var_os("WT_REQUIRE_STRACE").is_none(), "{why}");
        skipped(why);
    }
    works
}

/// Waits for what another process does; how fast it is does not matter.
#[track_caller]
pub(crate) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let give_up = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < give_up, "never came: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
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
    pub(crate) fn of(command: &mut Command, sandbox: &Sandbox, said: &str) -> Self {
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

    /// Standard output as one JSON value.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.out)
            .unwrap_or_else(|e| panic!("{}: {e}\n{}", self.said, self.out))
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
