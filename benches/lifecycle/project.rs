//! A repository of many files that look and deflate like source text, and the commands that act on it.

use std::fs;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use crate::ground::Ground;
use crate::measure::run;

/// How many files a package has.
const PACKAGE: usize = 200;
/// One step, which takes no time of its own.
const CONTRACT: &str = "[[gate]]\nname = \"true\"\nkind = \"check\"\nrun = \"true\"\n";

/// A repository with one commit, packed, and checked out.
pub(crate) struct Project<'g> {
    ground: &'g Ground,
    name: String,
    pub(crate) files: usize,
}

impl<'g> Project<'g> {
    pub(crate) fn make(ground: &'g Ground, name: &str, files: usize) -> anyhow::Result<Self> {
        Self::with(ground, name, files, &[("wt.toml", CONTRACT)])
    }

    /// One in which so many checkouts are kept ready, as far as they are made by now: all of them.
    pub(crate) fn with_spares(
        ground: &'g Ground,
        name: &str,
        files: usize,
        spares: usize,
    ) -> anyhow::Result<Self> {
        let contract = format!("[worktree]\nspare = {spares}\n\n{CONTRACT}");
        let project = Self::with(ground, name, files, &[("wt.toml", &contract)])?;
        run(&mut project.wt(&["spawn", "the-first"]))?;
        project.require_spares(spares)?;
        Ok(project)
    }

    /// # Errors
    /// Where not so many checkouts are ready.
    pub(crate) fn require_spares(&self, count: usize) -> anyhow::Result<()> {
        let index = |number| self.state().join(format!("spares/{number}/index"));
        let missing = (0..count).find(|number| !index(*number).exists());
        ensure!(missing.is_none(), "there are no {count} spares");
        Ok(())
    }

    /// With these files besides those that are counted.
    pub(crate) fn with(
        ground: &'g Ground,
        name: &str,
        files: usize,
        besides: &[(&str, &str)],
    ) -> anyhow::Result<Self> {
        let text = |number| Text::seeded(number).file();
        let project = Self::import(ground, name, files, besides, text)?;
        run(&mut project.git(&["reset", "-q", "--hard"]))?;
        project.settle()?;
        Ok(project)
    }

    /// Has git look at the checkout a second later, as at anybody's: what was written in the very second in which the
    /// index was is not trusted.
    pub(crate) fn settle(&self) -> anyhow::Result<()> {
        thread::sleep(Duration::from_millis(1100));
        run(&mut self.git(&["status"]))?;
        Ok(())
    }

    /// A repository in which the names of the files are all that counts: they are empty, and not checked out.
    pub(crate) fn of_names(ground: &'g Ground, name: &str, files: usize) -> anyhow::Result<Self> {
        let besides = [("wt.toml", CONTRACT)];
        Self::import(ground, name, files, &besides, |_| String::new())
    }

    fn root(&self) -> PathBuf {
        self.beside(&self.name)
    }

    /// A path beside the repository.
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.ground.root().join(name)
    }

    pub(crate) fn worktree(&self, task: &str) -> PathBuf {
        self.beside(&format!("{}.wt", self.name)).join(task)
    }

    /// `wt` with these arguments, called in the repository.
    pub(crate) fn wt(&self, args: &[&str]) -> Command {
        self.command(env!("CARGO_BIN_EXE_wt"), args)
    }

    /// `git` with these arguments, called in the repository.
    pub(crate) fn git(&self, args: &[&str]) -> Command {
        self.command("git", args)
    }

    /// Another program, called in the repository.
    pub(crate) fn command(&self, program: &str, args: &[&str]) -> Command {
        let mut command = self.ground.command(program);
        command.current_dir(self.root()).args(args);
        command
    }

    /// Changes one file of a worktree, another one in each round.
    pub(crate) fn change(&self, worktree: &Path, round: usize) -> anyhow::Result<()> {
        let path = worktree.join(path_of(round * 97 % self.files));
        let text = Text::seeded(self.files + round).file();
        fs::write(&path, text).with_context(|| format!("can't write {}", path.display()))
    }

    /// Makes a branch of the tip of `main` with one changed file, another one for each number; nothing is checked out.
    pub(crate) fn commit_on(&self, branch: &str, number: usize) -> anyhow::Result<()> {
        let mut child = self
            .git(&["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .context("can't start git fast-import")?;
        let mut to = child.stdin.take().context("no pipe")?;
        writeln!(to, "commit refs/heads/{branch}")?;
        writeln!(to, "committer Bench <bench@example.org> 1700000000 +0000")?;
        writeln!(to, "data 8\na change\nfrom refs/heads/main^0")?;
        let text = Text::seeded(self.files + number).file();
        add(&mut to, &path_of(number * 97 % self.files), &text)?;
        drop(to);
        ensure!(child.wait()?.success(), "git fast-import failed");
        Ok(())
    }

    /// Writes the first commit, without a loose object.
    fn import(
        ground: &'g Ground,
        name: &str,
        files: usize,
        besides: &[(&str, &str)],
        text: impl Fn(usize) -> String,
    ) -> anyhow::Result<Self> {
        let project = Self {
            ground,
            name: name.to_owned(),
            files,
        };
        fs::create_dir(project.root())?;
        run(&mut project.git(&["init", "-q"]))?;
        let mut child = project
            .git(&["fast-import", "--quiet"])
            .stdin(Stdio::piped())
            .spawn()
            .context("can't start git fast-import")?;
        let mut to = BufWriter::new(child.stdin.take().context("no pipe")?);
        writeln!(to, "commit refs/heads/main")?;
        writeln!(to, "committer Bench <bench@example.org> 1700000000 +0000")?;
        writeln!(to, "data 5\nfirst")?;
        for (path, text) in besides {
            add(&mut to, path, text)?;
        }
        for number in 0..files {
            add(&mut to, &path_of(number), &text(number))?;
        }
        to.flush()?;
        drop(to);
        ensure!(child.wait()?.success(), "git fast-import failed");
        Ok(project)
    }

    /// How many packages there are.
    pub(crate) fn packages(&self) -> usize {
        self.files.div_ceil(PACKAGE)
    }

    /// Makes a task out of another's record, with a branch of its own and no worktree: for those who read records and
    /// commits alone.
    pub(crate) fn copy_task(&self, from: &str, to: &str, number: usize) -> anyhow::Result<()> {
        let branch = format!("wt/{to}");
        self.commit_on(&branch, number)?;
        let mut record: Value = serde_json::from_slice(&fs::read(self.record(from))?)?;
        record["name"] = json!(to);
        record["branch"] = json!(branch);
        record["worktree"] = json!(self.worktree(to));
        record["admin"] = json!(to);
        record["owns"] = json!([format!("of-{to}/**")]);
        let path = self.record(to);
        fs::create_dir_all(path.parent().context("a folder")?)?;
        Ok(fs::write(path, serde_json::to_vec(&record)?)?)
    }

    /// Where `wt` keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.root().join(".git/wt")
    }

    /// Where `wt` keeps the record of a task.
    pub(crate) fn record(&self, task: &str) -> PathBuf {
        self.state().join("tasks").join(task).join("task.json")
    }
}

impl Drop for Project<'_> {
    fn drop(&mut self) {
        // Whatever stays goes with its filesystem.
        let _ = fs::remove_dir_all(self.root());
        let _ = fs::remove_dir_all(self.beside(&format!("{}.wt", self.name)));
        self.ground.trim();
    }
}

fn add(to: &mut impl Write, path: &str, text: &str) -> std::io::Result<()> {
    write!(to, "M 100644 inline {path}\ndata {}\n{text}\n", text.len())
}

/// Packages of 200 files, 25 a folder.
fn path_of(number: usize) -> String {
    format!(
        "packages/p{}/unit-{}/file-{number}.txt",
        number / PACKAGE,
        number / 25 % 8
    )
}

/// Words by chance, the same ones for the same seed.
pub(crate) struct Text(u64);

impl Text {
    pub(crate) fn seeded(seed: usize) -> Self {
        // Any odd number spreads neighbouring seeds; zero would stay zero.
        Self((seed as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    /// The next number below `limit` (xorshift).
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % limit
    }

    /// A file of 0.5 to 8.5 kB, 4.5 in the mean, that deflates to somewhat less than half, as source text does.
    fn file(&mut self) -> String {
        let length = 500 + usize::try_from(self.below(8000)).unwrap_or_default();
        self.of_length(length)
    }

    /// A text of about this length.
    pub(crate) fn of_length(&mut self, length: usize) -> String {
        let mut text = String::with_capacity(length + 80);
        while text.len() < length {
            let indent = self.below(4) * 4;
            text.extend((0..indent).map(|_| ' '));
            for _ in 0..=self.below(9) {
                let word = self.below(3000);
                // The commoner the word, the shorter it is.
                Self::seeded(usize::try_from(word * word / 3000).unwrap_or_default())
                    .word(&mut text);
                text.push(' ');
            }
            text.push('\n');
        }
        text
    }

    fn word(&mut self, to: &mut String) {
        for _ in 0..2 + self.below(8) {
            let letter = u8::try_from(self.below(26)).unwrap_or_default();
            to.push(char::from(b'a' + letter));
        }
    }
}
