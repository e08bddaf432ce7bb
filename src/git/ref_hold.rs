//! A ref held at a commit: nobody else moves it until it has gone on to the next one, or was let go.

use std::io::{BufRead as _, BufReader, PipeWriter, Read as _, Write as _, pipe};
use std::process::Output;

use anyhow::{Context as _, bail};
use duct::ReaderHandle;

use super::answer::{complaint, require_ended};
use super::call::GitCommand;
use super::streams::MemoryFile;

/// A transaction of `git update-ref` that holds the lock of a ref, and of HEAD where that stands at it. Let go, it
/// leaves the ref as it is; so does the end of this process, for git then reads the end of its input.
pub(super) struct RefHold {
    say: Option<PipeWriter>,
    git: BufReader<ReaderHandle>,
    complaints: MemoryFile,
}

/// One ref's way from a commit to another.
#[derive(Clone, Copy)]
pub(super) struct RefStep<'a> {
    pub(super) reference: &'a str,
    pub(super) old: &'a str,
    pub(super) new: &'a str,
}

impl RefHold {
    /// Holds the ref at `step.old`; `command` is a `git update-ref --stdin` where the ref is.
    ///
    /// # Errors
    /// Git's own words where the ref is elsewhere or another one holds it: nothing is changed.
    pub(super) fn take(
        command: GitCommand,
        step: RefStep,
    ) -> anyhow::Result<std::result::Result<Self, String>> {
        let (input, say) = pipe().context("can't make a pipe")?;
        let context = "can't run git update-ref";
        let complaints = MemoryFile::new().context(context)?;
        let git = command.stdin_pipe(input).expression();
        let git = git.stderr_file(complaints.lend_empty()?).reader();
        let git = git.context(context)?;
        let mut hold = Self {
            say: Some(say),
            git: BufReader::new(git),
            complaints,
        };
        let RefStep {
            reference,
            old,
            new,
        } = step;
        let begun = hold.ask(&format!(
            "start\noption no-deref\nupdate {reference} {new} {old}\nprepare\n"
        ));
        if begun && hold.hears("start: ok") && hold.hears("prepare: ok") {
            return Ok(Ok(hold));
        }
        Ok(Err(hold.end()?.unwrap_or_default()))
    }

    /// Moves the ref.
    ///
    /// # Errors
    /// Git's own words where it could not: whether the ref has moved is to be looked at then.
    pub(super) fn commit(mut self) -> anyhow::Result<()> {
        let done = self.ask("commit\n") && self.hears("commit: ok");
        match self.end()? {
            _ if done => Ok(()),
            Some(why) => bail!("git could not move the ref: {why}"),
            None => bail!("git did not say that it moved the ref"),
        }
    }

    fn ask(&mut self, words: &str) -> bool {
        let say = self.say.as_mut();
        say.is_some_and(|say| say.write_all(words.as_bytes()).is_ok())
    }

    fn hears(&mut self, wanted: &str) -> bool {
        let mut line = String::new();
        self.git.read_line(&mut line).is_ok() && line.trim_end() == wanted
    }

    /// Waits until git has ended; its complaint where it failed.
    fn end(&mut self) -> anyhow::Result<Option<String>> {
        self.say = None;
        self.git.read_to_end(&mut Vec::new())?;
        let output = self.git.get_ref().try_wait()?;
        let Some(output) = output else {
            return Ok(None);
        };
        let output = Output {
            stderr: self.complaints.bytes()?,
            ..output.clone()
        };
        require_ended(&output, "`git update-ref`")?;
        Ok((!output.status.success()).then(|| complaint(&output)))
    }
}

impl Drop for RefHold {
    fn drop(&mut self) {
        // Ended from outside git would leave its lock behind.
        let _ = self.end();
    }
}
