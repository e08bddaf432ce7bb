//! What a person at a terminal sees and can do, under a pseudo-terminal of 60 columns.

use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};

use crate::sandbox::{self, Sandbox, skipped};

const COLUMNS: usize = 60;

/// A command of `wt` on a terminal of its own.
struct Terminal {
    child: Child,
    /// All that came to the terminal so far.
    seen: Vec<u8>,
}

impl Terminal {
    /// Runs a command line for `sh` on a terminal; `None` where there is no program that makes one.
    fn run(sandbox: &Sandbox, line: &str) -> Option<Self> {
        let line = format!("stty rows 24 cols {COLUMNS} && exec {line}");
        let mut script = sandbox.command("script");
        let script = script
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let Ok(child) = script.spawn() else {
            skipped("`script` of util-linux is not here");
            return None;
        };
        Some(Self {
            child,
            seen: Vec::new(),
        })
    }

    fn read_until(&mut self, words: &str) {
        let stream = self.child.stdout.as_mut().expect("a pipe");
        while !String::from_utf8_lossy(&self.seen).contains(words) {
            let mut byte = [0];
            let count = stream.read(&mut byte).expect("read");
            assert_eq!(
                count,
                1,
                "ended without {words:?}: {}",
                String::from_utf8_lossy(&self.seen)
            );
            self.seen.extend(byte);
        }
    }

    fn press(&mut self, keys: &[u8]) {
        let keyboard = self.child.stdin.as_mut().expect("a pipe");
        keyboard.write_all(keys).expect("pressed");
        keyboard.flush().expect("pressed");
    }

    /// All that came to the terminal, and the exit status.
    fn end(mut self) -> (String, Option<i32>) {
        let stream = self.child.stdout.as_mut().expect("a pipe");
        stream.read_to_end(&mut self.seen).expect("read");
        // The keyboard stays open until here: its end would be typed, too.
        let status = self.child.wait().expect("ended");
        (
            String::from_utf8_lossy(&self.seen).into_owned(),
            status.code(),
        )
    }
}

/// What stands on the terminal in the end: what was wiped is gone, and what was too long for a line went on in the
/// next.
fn screen(text: &str) -> String {
    let mut lines = vec![Vec::new()];
    let (mut row, mut column) = (0, 0);
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        match character {
            '\r' => column = 0,
            '\n' => row += 1,
            '\x1b' => {
                let sequence: String =
                    std::iter::from_fn(|| rest.next_if(|c| !c.is_alphabetic())).collect();
                match (sequence.as_str(), rest.next()) {
                    ("[2", Some('K')) => lines[row].clear(),
                    ("[1", Some('A')) => row -= 1,
                    (_, Some('h' | 'l' | 'm')) => {}
                    (_, last) => panic!("not understood: {sequence}{last:?}"),
                }
            }
            _ => {
                if column == COLUMNS {
                    (row, column) = (row + 1, 0);
                    lines.resize(lines.len().max(row + 1), Vec::new());
                }
                let line = &mut lines[row];
                line.resize(line.len().max(column + 1), ' ');
                line[column] = character;
                column += 1;
            }
        }
        lines.resize(lines.len().max(row + 1), Vec::new());
    }
    let lines = lines.into_iter().map(String::from_iter);
    let lines: Vec<String> = lines.map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n").trim_end().to_owned()
}

fn sandbox_with_terminal(files: &[(&str, &str)]) -> Sandbox {
    let mut sandbox = Sandbox::with(files);
    sandbox.set("TERM", "xterm-256color");
    sandbox
}

/// A gate of two steps, each of which waits until the test lets it go.
const SLOW: &str = r#"[judge]
writable = ["~/notes/"]

[[gate]]
name = "one"
kind = "build"
run = "until [ -f $HOME/notes/go-one ]; do sleep 0.01; done"

[[gate]]
name = "two"
kind = "test"
run = "until [ -f $HOME/notes/go-two ]; do sleep 0.01; done"
"#;

#[test]
fn a_line_per_step_comes_and_is_wiped() {
    let sandbox = sandbox_with_terminal(&[("wt.toml", SLOW)]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("auth.txt"), "token\n");
    let line = format!("{} validate auth", sandbox::wt());
    let Some(mut terminal) = Terminal::run(&sandbox, &line) else {
        return;
    };
    for step in ["one", "two"] {
        terminal.read_until(&format!("auth: running {step}"));
        sandbox.write(sandbox.notes().join(format!("go-{step}")), "");
    }
    let (seen, code) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    let left = sandbox::steady(&screen(&seen));
    insta::assert_snapshot!(left, @r"
    VALIDATION_OK steps=2 0.0s receipt=<hash>
    next: wt merge auth
    ");
    assert!(
        seen.contains("\x1b[?25h") || !seen.contains("\x1b[?25l"),
        "the cursor stays hidden: {seen:?}"
    );
}

#[test]
fn a_list_fits_the_width_of_the_terminal() {
    let sandbox = sandbox_with_terminal(&[("wt.toml", sandbox::CONTRACT), ("test.sh", "")]);
    let name = "a-task-with-a-name-that-is-rather-long-for-a-table";
    let worktree = sandbox.spawn(name);
    sandbox.spawn("größe");
    sandbox.write(worktree.join("file.txt"), "text\n");
    sandbox.wt(&["validate", name]).expect(0);
    sandbox.write("outside.txt", "text\n");
    sandbox.commit(&sandbox.repo(), "target moved");
    let Some(terminal) = Terminal::run(&sandbox, &format!("{} list", sandbox::wt())) else {
        return;
    };
    let (seen, code) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    let lines: Vec<String> = screen(&seen).lines().map(str::to_owned).collect();
    assert_eq!(lines.len(), 3, "{seen}");
    for line in &lines {
        let width = line.chars().count();
        assert!(width <= COLUMNS, "{width}: {line}");
    }
    assert!(
        lines[0].starts_with("TASK") && lines[1].starts_with("a-"),
        "{lines:#?}"
    );
}

#[test]
fn colour_comes_on_a_terminal_alone_and_not_where_it_is_unwanted() {
    let mut sandbox = sandbox_with_terminal(&[("wt.toml", sandbox::CONTRACT), ("test.sh", "")]);
    let wt = sandbox::wt();
    let on_terminal = |sandbox: &Sandbox, line: &str| -> Option<String> {
        let (seen, code) = Terminal::run(sandbox, line)?.end();
        assert_eq!(code, Some(4), "{seen}");
        assert!(seen.contains("there is no task \"auth\""), "{seen}");
        Some(seen)
    };
    let Some(coloured) = on_terminal(&sandbox, &format!("{wt} show auth")) else {
        return;
    };
    assert!(coloured.contains("\x1b[31m"), "{coloured:?}");
    for line in [
        format!("{wt} --color never show auth"),
        format!("env NO_COLOR=1 {wt} show auth"),
        format!("env CLICOLOR=0 {wt} show auth"),
        format!("env TERM=dumb {wt} show auth"),
    ] {
        let plain = on_terminal(&sandbox, &line).expect("a terminal");
        assert!(!plain.contains('\x1b'), "{line}: {plain:?}");
    }
    let piped = sandbox.wt(&["show", "auth"]);
    assert!(!piped.expect(4).err.contains('\x1b'), "{}", piped.err);
    sandbox.set("NO_COLOR", "1");
    let wanted = sandbox.wt(&["--color", "always", "show", "auth"]);
    assert!(wanted.expect(4).err.contains("\x1b[31m"), "{}", wanted.err);
}

#[test]
fn a_person_at_a_terminal_is_the_operator() {
    let sandbox = sandbox_with_terminal(&[
        ("wt.toml", sandbox::CONTRACT),
        ("test.sh", "[ ! -f auth.txt ]\n"),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("auth.txt"), "token\n");
    sandbox.wt(&["validate", "auth"]).expect(1);
    let args = ["resume", "auth", "--because", "it is another day"];
    sandbox
        .wt(&args)
        .expect(4)
        .says("there is no terminal here");
    assert_eq!(sandbox.task_state("auth"), "failed");
    let line = format!(
        "{} resume auth --because 'it is another day'",
        sandbox::wt()
    );
    let Some(terminal) = Terminal::run(&sandbox, &line) else {
        return;
    };
    let (seen, code) = terminal.end();
    assert_eq!(code, Some(0), "{seen}");
    assert_eq!(sandbox.task_state("auth"), "working");
    let log = sandbox.wt(&["log", "auth", "--json"]);
    let last: serde_json::Value =
        serde_json::from_str(log.out.lines().last().expect("an event")).expect("JSON");
    assert_eq!(
        (
            &last["event"],
            &last["facts"]["operator"],
            &last["facts"]["because"]
        ),
        (
            &"resumed".into(),
            &"tester".into(),
            &"it is another day".into()
        ),
        "{last}"
    );
}

#[test]
fn ctrl_c_stops_the_judge_and_counts_nothing() {
    let sandbox = sandbox_with_terminal(&[
        ("wt.toml", sandbox::CONTRACT),
        (
            "test.sh",
            "echo $$ > \"$HOME/notes/step\"\nexec sleep 300\n",
        ),
    ]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("auth.txt"), "token\n");
    let Some(mut terminal) = Terminal::run(&sandbox, &format!("{} validate auth", sandbox::wt()))
    else {
        return;
    };
    terminal.read_until("auth: running test");
    sandbox.wait_for(&sandbox.notes().join("step"));
    terminal.press(b"\x03");
    let (seen, code) = terminal.end();
    assert_eq!(code, Some(130), "{seen}");
    assert!(!screen(&seen).contains("running"), "{seen:?}");
    let task = sandbox.show("auth");
    assert_eq!(
        (&task["state"], &task["attempts"], &task["judging"]),
        (&"working".into(), &0.into(), &false.into())
    );
    assert_eq!(sandbox.processes(), []);
    assert_eq!(
        sandbox.events("auth").last().map(String::as_str),
        Some("interrupted")
    );
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_removal_goes_on_when_its_terminal_is_closed() {
    let sandbox = sandbox_with_terminal(&[
        ("wt.toml", sandbox::CONTRACT),
        ("test.sh", ""),
        (".gitignore", "junk/\n"),
    ]);
    let junk = sandbox.spawn("auth").join("junk");
    std::fs::create_dir(&junk).expect("made");
    for number in 0..20_000 {
        std::fs::File::create(junk.join(number.to_string())).expect("made");
    }
    // The shell goes on, so that it and all that it began get the terminal's hang-up.
    let line = format!("sh -c '{} rm auth; sleep 100'", sandbox::wt());
    let Some(mut terminal) = Terminal::run(&sandbox, &line) else {
        return;
    };
    terminal.read_until("removed task `auth`");
    terminal.child.kill().expect("closed");
    terminal.child.wait().expect("ended");
    sandbox::wait_until("all is deleted", || {
        !sandbox.root().join("repo.wt/_trash").exists()
    });
}
