//! The one constructor of git command lines: no hooks, no pager, no background work, a scrubbed environment.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::{Context as _, bail};

use crate::error::Refusal;

/// Set on every git child. What an agent can write (its worktree's config) must not choose a program to run,
/// and nothing may go on in the background once a command has answered.
const CONFIG: &[&str] = &[
    "core.hooksPath=/dev/null",
    "core.quotePath=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "advice.detachedHead=false",
    "submodule.recurse=false",
    // Messages are written in UTF-8, whatever the operator's own are in.
    "i18n.commitEncoding=UTF-8",
];

/// Set besides where `wt`'s own index is used. In an operator's checkout these would rewrite the index in another
/// form than the operator chose.
const OWN_INDEX: &[&str] = &[
    "core.fsmonitor=false",
    "core.splitIndex=false",
    "core.untrackedCache=false",
    "core.trustctime=true",
    "core.checkStat=default",
    "index.sparse=false",
];

/// Who the operator is, for commits: the only `GIT_*` variables that reach a child.
const IDENTITY: &[&str] = &[
    "GIT_AUTHOR_NAME",
    "GIT_AUTHOR_EMAIL",
    "GIT_COMMITTER_NAME",
    "GIT_COMMITTER_EMAIL",
];

/// How git is called: the program, its environment, and the repository once it is known.
#[derive(Clone)]
pub(crate) struct Git {
    program: PathBuf,
    variables: Vec<(OsString, OsString)>,
    common: Option<PathBuf>,
    /// Locks that git children keep open, so that an orphan of a killed `wt` still holds them.
    held: Arc<Mutex<Vec<Weak<File>>>>,
}

impl Git {
    /// `program` is the absolute path of git; of `variables`, `GIT_*` is dropped but for the identity.
    pub(crate) fn new(program: PathBuf, variables: &BTreeMap<OsString, OsString>) -> Self {
        let variables = variables
            .iter()
            .filter(|(name, _)| {
                let name = name.to_string_lossy();
                !name.starts_with("GIT_") || IDENTITY.contains(&name.as_ref())
            })
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        Self {
            program,
            variables,
            common: None,
            held: Arc::default(),
        }
    }

    pub(super) fn in_repository(mut self, common: &Path) -> Self {
        self.common = Some(common.to_owned());
        self
    }

    pub(super) fn with_environment(
        &self,
        program: &Path,
        variables: &BTreeMap<String, String>,
    ) -> Self {
        let variables: BTreeMap<OsString, OsString> = variables
            .iter()
            .map(|(k, v)| (k.into(), v.into()))
            .collect();
        Self {
            held: Arc::clone(&self.held),
            ..Self::new(program.to_owned(), &variables)
        }
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// From now on git children inherit `lock`, until its last owner drops it.
    pub(crate) fn hold(&self, lock: &Arc<File>) {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        held.retain(|lock| lock.strong_count() > 0);
        held.push(Arc::downgrade(lock));
    }

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
            stdin: Vec::new(),
            bound: true,
            shielded: false,
        }
    }

    /// The version of git, e.g. `(2, 47)`.
    ///
    /// # Errors
    /// A refusal where git can't be run.
    pub(crate) fn version(&self) -> anyhow::Result<(u32, u32)> {
        let text = self.command(["version"]).unbound().text()?;
        let mut numbers = text
            .trim_start_matches("git version ")
            .split('.')
            .map_while(|n| n.parse::<u32>().ok());
        match (numbers.next(), numbers.next()) {
            (Some(major), Some(minor)) => Ok((major, minor)),
            _ => bail!(
                "{} answers a version that is not understood: {text:?}",
                self.program.display()
            ),
        }
    }

    /// # Errors
    /// A refusal where git is older than what merging in memory needs.
    pub(crate) fn require_version(&self) -> anyhow::Result<()> {
        let (major, minor) = self.version()?;
        if (major, minor) < (2, 38) {
            return Err(Refusal::refused(format!(
                "git {major}.{minor} at {} is too old; 2.38 or later is needed",
                self.program.display()
            ))
            .hint("install a newer git and put it first on PATH")
            .into());
        }
        Ok(())
    }
}

/// One call of git, being put together.
pub(crate) struct GitCommand<'g> {
    git: &'g Git,
    args: Vec<OsString>,
    config: Vec<String>,
    variables: Vec<(OsString, OsString)>,
    dir: Option<PathBuf>,
    stdin: Vec<u8>,
    /// The repository is named by `GIT_DIR`.
    bound: bool,
    shielded: bool,
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
        self.stdin = bytes.into();
        self
    }

    /// Runs git and answers whatever it answered.
    ///
    /// # Errors
    /// Where git can't be started.
    pub(crate) fn output(self) -> anyhow::Result<Output> {
        let program = self.git.program.clone();
        let shown = self.shown();
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
        let mut expression = duct::cmd(&program, args)
            .full_env(variables)
            .stdout_capture()
            .stderr_capture()
            .unchecked();
        expression = if self.stdin.is_empty() {
            expression.stdin_null()
        } else {
            expression.stdin_bytes(self.stdin)
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
            .run()
            .with_context(|| format!("can't run {shown} with {}", program.display()))
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

    /// As [`Self::bytes`], as text without the last line end.
    pub(crate) fn text(self) -> anyhow::Result<String> {
        let bytes = self.bytes()?;
        let text = String::from_utf8_lossy(&bytes);
        Ok(text.strip_suffix('\n').unwrap_or(&text).to_owned())
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

/// What git said, on one line.
pub(crate) fn complaint(output: &Output) -> String {
    let text = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty() && !line.starts_with("hint:"))
        .collect();
    if lines.is_empty() {
        "it said nothing".to_owned()
    } else {
        lines.join("; ")
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
