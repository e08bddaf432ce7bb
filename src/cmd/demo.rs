//! `wt demo`: the whole life of a few tasks, played on a throwaway repository with the real commands.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use clap::Args;

use crate::ctx::Ctx;
use crate::error::Code;
use crate::store::remove_dir;

/// Play the whole life of a few tasks on a throwaway repository
#[derive(Args)]
pub(crate) struct Demo {
    /// Leave the repository for a look around
    #[arg(long)]
    keep: bool,
}

const CONTRACT: &str = r#"[rules]
invariants = ["greet prints exactly one line."]
edits = ["Edit the minimum number of files."]

[[gate]]
name = "test"
kind = "test"
run = "sh test.sh"
"#;

const GREET: &str = "greet() {\n  echo \"hello, $1\"\n}\n";

const TEST: &str = r#". ./greet.sh
expect() {
  [ "$2" = "$3" ] || { echo "FAIL $1: expected '$3', got '$2'"; exit 1; }
  echo "ok $1"
}
expect greets "$(greet ada)" "hello, ada"
[ ! -f shout.sh ] || { . ./shout.sh; expect shouts "$(shout ada)" "HELLO, ADA"; }
for part in parts/*.sh checks/*.sh; do [ ! -f "$part" ] || . "./$part"; done
"#;

/// Two languages of the greeter, each with its check: alone they work, and both name their function the same.
const LANGUAGES: [(&str, &str, &str); 2] = [
    (
        "french",
        "salute() { echo \"bonjour, $1\"; }\n",
        "expect french \"$(salute ada)\" \"bonjour, ada\"\n",
    ),
    (
        "german",
        "salute() { echo \"hallo, $1\"; }\n",
        "expect german \"$(salute ada)\" \"hallo, ada\"\n",
    ),
];

impl Demo {
    pub(crate) fn run(self, ctx: &Ctx) -> anyhow::Result<Code> {
        let mut folder = tempfile::Builder::new();
        folder.prefix("wt-demo-");
        // A gate's cage leaves no other than TMPDIR.
        let folder = folder.tempdir_in("/tmp").or_else(|_| folder.tempdir());
        let folder = folder.context("can't make a folder in /tmp")?;
        let root = folder.path().canonicalize()?;
        let stage = Stage {
            ctx,
            repo: root.join("greeter"),
            exe: std::env::current_exe()?,
        };
        let played = stage.play();
        // The folder is kept where something went wrong in it, too: to be looked at.
        if self.keep || played.is_err() {
            ctx.ui
                .say(&format!("left for a look: {}", folder.keep().display()));
        } else {
            remove_dir(&root)?;
            ctx.ui
                .say("\nDone; nothing of it is left (wt demo --keep leaves it for a look).");
        }
        played.map(|()| Code::Ok)
    }
}

struct Stage<'a> {
    ctx: &'a Ctx,
    repo: PathBuf,
    exe: PathBuf,
}

impl Stage<'_> {
    fn play(&self) -> anyhow::Result<()> {
        self.begin()?;
        self.two_lives()?;
        self.red_together()
    }

    fn begin(&self) -> anyhow::Result<()> {
        self.scene("A repository with a contract: wt.toml says which checks judge every task.");
        fs::create_dir_all(&self.repo)?;
        Self::write(&self.repo, "wt.toml", CONTRACT)?;
        Self::write(&self.repo, "greet.sh", GREET)?;
        Self::write(&self.repo, "test.sh", TEST)?;
        self.quietly("git", &["init", "-q", "-b", "main"])?;
        self.quietly("git", &["config", "user.name", "Ada"])?;
        self.quietly("git", &["config", "user.email", "ada@example.org"])?;
        self.quietly("git", &["add", "-A"])?;
        self.quietly("git", &["commit", "-q", "-m", "A greeter"])?;
        self.raw(CONTRACT);
        Ok(())
    }

    fn two_lives(&self) -> anyhow::Result<()> {
        self.scene("Two tasks, each with a worktree of its own and a claim on its files.");
        self.wt(
            &[
                "spawn",
                "polite",
                "-m",
                "Document what greet prints.",
                "--owns",
                "docs",
            ],
            0,
        )?;
        self.wt(
            &[
                "spawn",
                "shout",
                "-m",
                "Add shout, which greets in capitals.",
                "--owns",
                "shout.sh",
            ],
            0,
        )?;
        let (polite, shout) = (self.worktree("polite"), self.worktree("shout"));

        self.scene(
            "The first agent does its work; wt judges it as it would land, and it passes at once.",
        );
        self.edit(
            &polite,
            "docs/greet.md",
            "greet NAME prints one greeting.\n",
        )?;
        self.wt(&["validate", "polite"], 0)?;

        self.scene("The second agent makes a mistake: one verdict, the first failure, one retry.");
        self.edit(&shout, "shout.sh", "shout() {\n  greet \"$1\"\n}\n")?;
        self.wt(&["validate", "shout"], 1)?;

        self.scene("The same tree is not judged twice, and the retry wants a cause.");
        self.wt(&["validate", "shout"], 1)?;
        self.edit(
            &shout,
            "shout.sh",
            "shout() {\n  greet \"$1\" | tr a-z A-Z\n}\n",
        )?;
        self.wt(&["validate", "shout"], 4)?;
        self.wt(
            &[
                "validate",
                "shout",
                "--cause",
                "the greeting was never put into capitals",
            ],
            0,
        )?;

        self.scene("Both land: exactly what was judged, combined with what landed before, and the worktrees go.");
        self.wt(&["list"], 0)?;
        self.wt(&["merge", "polite", "--commit", "-m", "Document greet"], 0)?;
        self.wt(&["merge", "shout", "--commit", "-m", "Add shout"], 0)?;
        self.wt(&["list"], 0)?;
        self.wt(&["log", "shout"], 0)
    }

    fn red_together(&self) -> anyhow::Result<()> {
        self.scene("Two more tasks. Each is green alone; together they would make main red.");
        for (task, part, check) in LANGUAGES {
            self.wt(&["spawn", task], 0)?;
            let worktree = self.worktree(task);
            self.edit(&worktree, &format!("parts/{task}.sh"), part)?;
            self.edit(&worktree, &format!("checks/{task}.sh"), check)?;
            self.wt(&["validate", task], 0)?;
        }

        self.scene(
            "As a train both are judged once, combined. It is red: wt finds whose failure it is, puts that task back \
             at no attempt's cost, and lands the rest.",
        );
        self.wt(&["merge", "--all", "--commit"], 1)?;
        self.wt(&["list"], 0)?;

        self.scene("What each commit of main stands on.");
        self.wt(&["log", "--target"], 0)
    }

    fn scene(&self, words: &str) {
        self.ctx.ui.out(&format!(
            "\n{}",
            console::style(format!("# {words}")).bold()
        ));
    }

    fn raw(&self, text: &str) {
        for line in text.lines() {
            self.ctx.ui.out(&format!("    {line}"));
        }
    }

    fn worktree(&self, task: &str) -> PathBuf {
        self.repo.with_file_name("greeter.wt").join(task)
    }

    fn write(dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
        let path = dir.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
    }

    fn edit(&self, dir: &Path, name: &str, text: &str) -> anyhow::Result<()> {
        self.ctx.ui.out(&format!("  (the agent writes {name})"));
        self.raw(text);
        Self::write(dir, name, text)
    }

    /// Runs this very program, shows what it says, and holds its exit status against the expected one.
    fn wt(&self, args: &[&str], expected: i32) -> anyhow::Result<()> {
        let shown: Vec<_> = args
            .iter()
            .map(|a| shlex::try_quote(a).unwrap_or((*a).into()))
            .collect();
        self.ctx.ui.out(&format!("$ wt {}", shown.join(" ")));
        let status = self.run(&self.exe, args)?;
        if status != 0 {
            self.ctx.ui.out(&format!("  (exit status {status})"));
        }
        if status != expected {
            bail!("wt {} answered {status}, not {expected}", shown.join(" "));
        }
        Ok(())
    }

    fn quietly(&self, program: &str, args: &[&str]) -> anyhow::Result<()> {
        match self.run(Path::new(program), args)? {
            0 => Ok(()),
            status => bail!("{program} {} answered {status}", args.join(" ")),
        }
    }

    /// Runs a program in the repository, both its streams indented on standard output.
    fn run(&self, program: &Path, args: &[&str]) -> anyhow::Result<i32> {
        let variables = self
            .ctx
            .environment
            .all()
            .iter()
            .filter(|(name, _)| !name.to_string_lossy().starts_with("GIT_"));
        // As a name and not as a path: duct would look for a relative path in the folder alone.
        let output = duct::cmd(program.as_os_str(), args)
            .dir(&self.repo)
            .full_env(variables)
            .stdin_null()
            .stderr_to_stdout()
            .stdout_capture()
            .unchecked()
            .run()
            .with_context(|| format!("can't run {}", program.display()))?;
        self.raw(&String::from_utf8_lossy(&output.stdout));
        Ok(output.status.code().unwrap_or(-1))
    }
}
