//! The one constructor of git command lines: no hooks, no pager, no background work, a scrubbed environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use anyhow::bail;

use crate::error::Refusal;

/// Set on every git child. What an agent can write (its worktree's config) must not choose a program to run,
/// and nothing may go on in the background once a command has answered.
pub(super) const CONFIG: &[&str] = &[
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
pub(super) const OWN_INDEX: &[&str] = &[
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
    pub(super) program: PathBuf,
    pub(super) variables: Vec<(OsString, OsString)>,
    pub(super) common: Option<PathBuf>,
    /// Locks that git children keep open, so that an orphan of a killed `wt` still holds them.
    pub(super) held: Arc<Mutex<Vec<Weak<File>>>>,
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
