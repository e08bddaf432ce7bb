//! One call of git: put together, run, and its answer read.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::PipeReader;
use std::mem;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::answer::{complaint, lost_its_folder, require_ended, say_no_space, wrote_in_vain};
use super::command::{CONFIG, Git, OWN_INDEX};
use super::streams::Streams;
use super::stuck;
use crate::brim::is_full_at;
use crate::oid::Oid;

/// How often git is run where a `git gc` takes away the folder that it is about to write to.
const STORING_TRIES: u32 = 5;

/// What git reads on its standard input.
pub(super) enum Input {
    Nothing,
    Bytes(Vec<u8>),
    File(PathBuf),
    /// What is written into the other end, for as long as that is open.
    Pipe(PipeReader),
}

/// One call of git, being put together.
pub(crate) struct GitCommand<'g> {
    pub(super) git: &'g Git,
    pub(super) args: Vec<OsString>,
    pub(super) config: Vec<String>,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) dir: Option<PathBuf>,
    /// Root of the files that git is at work on, which are not to be trusted.
    pub(super) worktree: Option<PathBuf>,
    pub(super) stdin: Input,
    /// After this time it is ended.
    pub(super) limit: Option<Duration>,
    /// The repository is named by `GIT_DIR`.
    pub(super) bound: bool,
    pub(super) shielded: bool,
}

impl Git {
    /// A git command with `args`, in the repository's common directory unless told otherwise.
    pub(crate) fn command<S: AsRef<OsStr>>(
        &self,
        args: impl IntoIterator<Item = S>,
    ) -> GitCommand<'_> {
        GitCommand {
            git: self,
            args: args.into_iter().map(|a| a.as_ref().to_owned()).collect(),
            config: Vec::new(),
            variables: Vec::new(),
            dir: self.common.clone(),
            worktree: None,
            stdin: Input::Nothing,
            limit: None,
            bound: true,
            shielded: false,
        }
    }
}

impl GitCommand<'_> {
    #[must_use]
    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    #[must_use]
    pub(crate) fn args<S: AsRef<OsStr>>(mut self, args: impl IntoIterator<Item = S>) -> Self {
        self.args
            .extend(args.into_iter().map(|a| a.as_ref().to_owned()));
        self
    }

    #[must_use]
    pub(crate) fn config(mut self, setting: impl Into<String>) -> Self {
        self.config.push(setting.into());
        self
    }

    #[must_use]
    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// Runs on the files below `root`, through the index at `index`.
    #[must_use]
    pub(crate) fn on_worktree(mut self, root: &Path, index: &Path) -> Self {
        self.dir = Some(root.to_owned());
        self.worktree = Some(root.to_owned());
        self.env("GIT_WORK_TREE", root).env("GIT_INDEX_FILE", index)
    }

    /// Runs in a checkout that git is to discover by itself: the operator's own, never a task's.
    #[must_use]
    pub(crate) fn in_operators_checkout(mut self, root: &Path) -> Self {
        self.dir = Some(root.to_owned());
        self.unbound()
    }

    /// In a process group of its own: Ctrl-C at the terminal reaches `wt` alone, and git ends what it began.
    #[must_use]
    pub(crate) fn shielded(mut self) -> Self {
        self.shielded = true;
        self
    }

    /// Without a repository named: git discovers it, or needs none.
    #[must_use]
    pub(crate) fn unbound(mut self) -> Self {
        self.bound = false;
        self
    }

    #[must_use]
    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.dir = Some(dir.to_owned());
        self
    }

    #[must_use]
    pub(crate) fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        self.stdin = if bytes.is_empty() {
            Input::Nothing
        } else {
            Input::Bytes(bytes)
        };
        self
    }

    /// Reads this file on its standard input.
    #[must_use]
    pub(crate) fn stdin_file(mut self, path: &Path) -> Self {
        self.stdin = Input::File(path.to_owned());
        self
    }

    /// Reads what is written into the other end of this pipe on its standard input.
    #[must_use]
    pub(super) fn stdin_pipe(mut self, pipe: PipeReader) -> Self {
        self.stdin = Input::Pipe(pipe);
        self
    }

    /// Ended, and a refusal, where it takes longer: what it reads may have been made to keep it busy.
    #[must_use]
    pub(crate) fn within(mut self, limit: Duration) -> Self {
        self.limit = Some(limit);
        self
    }

    /// Runs git and answers whatever it answered.
    ///
    /// # Errors
    /// Where git can't be started, or is killed; a refusal where something in the worktree keeps it waiting.
    pub(crate) fn output(mut self) -> anyhow::Result<Output> {
        let (shown, program) = (self.shown(), self.git.program.clone());
        let (worktree, limit) = (self.worktree.clone(), self.limit);
        let dir = self.dir.clone();
        let context = || format!("can't run {shown} with {}", program.display());
        let bytes = match &mut self.stdin {
            Input::Bytes(bytes) => Some(mem::take(bytes)),
            _ => None,
        };
        let streams = Streams::of(bytes.as_deref()).with_context(context)?;
        drop(bytes);
        let expression = self.expression();
        let once = || -> anyhow::Result<Output> {
            let running = streams.start(&expression).with_context(context)?;
            if worktree.is_some() || limit.is_some() {
                stuck::wait(&running, worktree.as_deref(), limit, &shown)?;
            }
            let status = running.wait().with_context(context)?.status;
            let mut output = streams.output(status).with_context(context)?;
            require_ended(&output, &shown)?;
            if let Some(dir) = dir.as_deref().filter(|_| wrote_in_vain(&output))
                && is_full_at(dir)
            {
                say_no_space(&mut output);
            }
            Ok(output)
        };
        for _ in 1..STORING_TRIES {
            let output = once()?;
            if output.status.success() || !lost_its_folder(&output) {
                return Ok(output);
            }
        }
        once()
    }

    /// The call as it is run, but for what it writes, and for bytes that it reads: whatever status it ends with is an
    /// answer.
    pub(super) fn expression(self) -> duct::Expression {
        let held: Vec<Arc<File>> = self
            .git
            .held
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .filter_map(Weak::upgrade)
            .collect();
        let mut args: Vec<OsString> = Vec::with_capacity(self.args.len() + 2 * CONFIG.len());
        let own_index: &[&str] = if self.bound { OWN_INDEX } else { &[] };
        for setting in CONFIG
            .iter()
            .chain(own_index)
            .copied()
            .chain(self.config.iter().map(String::as_str))
        {
            args.push("-c".into());
            args.push(setting.into());
        }
        let variables = self.environment();
        args.extend(self.args);
        let mut expression = duct::cmd(&self.git.program, args)
            .full_env(variables)
            .unchecked();
        expression = match self.stdin {
            Input::Nothing => expression.stdin_null(),
            // What is said first of a stream counts.
            Input::Bytes(_) => expression,
            Input::File(path) => expression.stdin_path(path),
            Input::Pipe(pipe) => expression.stdin_file(pipe),
        };
        if let Some(dir) = self.dir {
            expression = expression.dir(dir);
        }
        if self.shielded {
            expression = expression.before_spawn(|command| {
                std::os::unix::process::CommandExt::process_group(command, 0);
                Ok(())
            });
        }
        for file in held {
            expression = expression.before_spawn(move |command| {
                inherit(command, &file);
                Ok(())
            });
        }
        expression
    }

    fn environment(&self) -> Vec<(OsString, OsString)> {
        let mut variables = self.git.variables.clone();
        let mut set = |name: &str, value: &OsStr| variables.push((name.into(), value.to_owned()));
        set("LC_ALL", OsStr::new("C"));
        set("GIT_TERMINAL_PROMPT", OsStr::new("0"));
        set("GIT_NO_REPLACE_OBJECTS", OsStr::new("1"));
        set("GIT_OPTIONAL_LOCKS", OsStr::new("0"));
        set("GIT_EDITOR", OsStr::new("true"));
        if let (true, Some(common)) = (self.bound, &self.git.common) {
            set("GIT_DIR", common.as_os_str());
        }
        for (name, value) in &self.variables {
            variables.push((name.clone(), value.clone()));
        }
        variables
    }

    fn shown(&self) -> String {
        let words: Vec<_> = self
            .args
            .iter()
            .take(3)
            .map(|a| a.to_string_lossy())
            .collect();
        format!("`git {}`", words.join(" "))
    }

    /// Runs git, which must succeed, and answers the bytes of its standard output.
    ///
    /// # Errors
    /// Git's own words where it failed.
    pub(crate) fn bytes(self) -> anyhow::Result<Vec<u8>> {
        let shown = self.shown();
        let output = self.output()?;
        if !output.status.success() {
            bail!("{shown} failed ({}): {}", output.status, complaint(&output));
        }
        Ok(output.stdout)
    }

    /// As [`Self::bytes`], of a question that git ends with status 1 where there is nothing to answer.
    pub(crate) fn found(self) -> anyhow::Result<Vec<u8>> {
        let shown = self.shown();
        let output = self.output()?;
        match output.status.code() {
            Some(0 | 1) => Ok(output.stdout),
            _ => bail!("{shown} failed ({}): {}", output.status, complaint(&output)),
        }
    }

    /// As [`Self::bytes`], as text without the last line end.
    pub(crate) fn text(self) -> anyhow::Result<String> {
        let bytes = self.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
    }

    /// The object name that git answers; nothing where it fails, as it does when there is none.
    pub(crate) fn find_oid(self) -> anyhow::Result<Option<Oid>> {
        let output = self.output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        output
            .status
            .success()
            .then(|| Oid::parse(&text))
            .transpose()
    }

    /// As [`Self::bytes`], for what it does alone.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        self.bytes().map(drop)
    }

    /// Runs git and tells 0 from 1.
    ///
    /// # Errors
    /// Git's own words where it answered anything else.
    pub(crate) fn yes_or_no(self) -> anyhow::Result<bool> {
        let shown = self.shown();
        let output = self.output()?;
        match output.status.code() {
            Some(0) => Ok(true),
            Some(1) => Ok(false),
            _ => bail!("{shown} failed ({}): {}", output.status, complaint(&output)),
        }
    }
}

/// Lets the child that `command` starts keep `file` open across its exec; no other child gets it.
#[allow(unsafe_code)]
fn inherit(command: &mut std::process::Command, file: &Arc<File>) {
    use std::os::unix::process::CommandExt as _;
    let file = Arc::clone(file);
    // SAFETY: between fork and exec only fcntl is called, which is async-signal-safe; nothing is allocated.
    unsafe {
        command.pre_exec(move || {
            rustix::io::fcntl_setfd(&*file, rustix::io::FdFlags::empty())?;
            Ok(())
        });
    }
}
