//! The cage of set-up and steps: what it opens to each of them, and what is said where there is none or it denies.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use rustix::fs::{Access, access};

use crate::cage::{self, Cage, Support};
use crate::contract::{Confine, Contract};
use crate::error::Refusal;
use crate::failure;
use crate::gate::Denied;
use crate::surroundings::{places, shorten, step_environment};
use crate::task::Captured;
use crate::ui::Ui;
use crate::workspace::MARKER;

/// Where tools keep what they download and build, by the variable that tells them: variable, folder. Each judging has
/// caches of its slot's own. In the operator's, which most tools trust without looking, what a task's tests left would
/// be run by the operator and by every other task.
const CACHES: [(&str, &str); 10] = [
    ("BUN_INSTALL_CACHE_DIR", "bun"),
    ("GOCACHE", "go-build"),
    ("PDM_CACHE_DIR", "pdm"),
    ("PIP_CACHE_DIR", "pip"),
    ("POETRY_CACHE_DIR", "poetry"),
    // Of nyc and older taps, which would use the home.
    ("SPAWN_WRAP_SHIM_ROOT", "spawn-wrap"),
    ("UV_CACHE_DIR", "uv"),
    ("YARN_CACHE_FOLDER", "yarn"),
    ("YARN_GLOBAL_FOLDER", "yarn-global"),
    ("npm_config_cache", "npm"),
];

/// The same for pnpm, in the words of its older and newer versions. Npm complains of the first, so only a contract that
/// speaks of pnpm gets them.
const PNPM_STORE: [&str; 2] = ["npm_config_store_dir", "pnpm_config_store_dir"];

/// Sources that every build takes on trust, and what fetches them: no place for a step to write to.
const FETCHED: [(&str, &str); 3] = [
    ("$CARGO_HOME/registry", "cargo fetch"),
    ("$CARGO_HOME/git", "cargo fetch"),
    ("$GOPATH/pkg/mod", "go mod download"),
];

/// Where set-up and steps work.
pub(crate) struct Workplace<'a> {
    /// The checkout.
    pub(crate) root: &'a Path,
    /// Their `TMPDIR`.
    pub(crate) temporary: &'a Path,
    /// Outlives them, for those who work here next.
    pub(crate) caches: &'a Path,
}

/// Whether set-up may write to `setup_writable`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doors {
    Open,
    /// The task changes what its set-up means: what would be run there is the task's own.
    Shut,
}

/// What set-up and steps run in.
#[derive(Debug)]
pub(crate) struct Cages {
    pub(crate) set_up: Cage,
    pub(crate) steps: Cage,
    doors: Doors,
}

impl Cages {
    /// The cages that a contract wants; none where it wants none or the kernel can't hold one.
    ///
    /// # Errors
    /// Where a cage is required and can't be had.
    pub(crate) fn around(
        place: &Workplace,
        contract: &Contract,
        captured: &Captured,
        doors: Doors,
    ) -> anyhow::Result<Option<Self>> {
        match (contract.judge.confine, cage::support()) {
            (Confine::Off, _) | (Confine::Auto, Support::None) => return Ok(None),
            (Confine::Require, Support::None) => bail!("{NO_CAGE}"),
            (Confine::Auto | Confine::Require, Support::Full | Support::Files) => {}
        }
        fs::create_dir_all(place.caches)
            .with_context(|| format!("can't make {}", place.caches.display()))?;
        let mut writable = [place.root, place.temporary, place.caches]
            .map(Path::to_owned)
            .to_vec();
        writable.extend(places(&contract.judge.writable, captured)?);
        let steps = Cage::new(writable.clone());
        if doors == Doors::Open {
            writable.extend(places(&contract.worktree.setup_writable, captured)?);
        }
        let set_up = Cage::new(writable);
        Ok(Some(Self {
            set_up,
            steps,
            doors,
        }))
    }
}

const NO_CAGE: &str =
    "this kernel can't hold a cage (it needs Landlock, Linux 6.2 or later) around set-up and steps";

/// Says so where set-up and steps will run without the cage that the contract would have.
///
/// # Errors
/// A refusal where it is required.
pub(crate) fn announce(ui: &Ui, contract: &Contract) -> Result<(), Refusal> {
    require(contract)?;
    if contract.judge.confine == Confine::Auto && cage::support() == Support::None {
        ui.warn(&format!(
            "{NO_CAGE}: they can write wherever you can, and the receipt says so"
        ));
    }
    Ok(())
}

/// # Errors
/// A refusal where a cage is required and can't be had.
pub(crate) fn require(contract: &Contract) -> Result<(), Refusal> {
    if contract.judge.confine != Confine::Require || cage::support() != Support::None {
        return Ok(());
    }
    Err(
        Refusal::refused(format!("{NO_CAGE}, and wt.toml requires one")).hint(
            "judge on another machine, or set confine = \"auto\" under [judge] on the target",
        ),
    )
}

/// The environment of set-up and steps in a place, less what belongs to one run.
pub(crate) fn environment(
    place: &Workplace,
    contract: &Contract,
    captured: &Captured,
    cages: Option<&Cages>,
) -> Vec<(OsString, OsString)> {
    let mut environment = step_environment(captured);
    environment.push(("TMPDIR".into(), place.temporary.into()));
    if cages.is_none() {
        return environment;
    }
    let mut own = caches(contract, place.caches);
    if speaks_of_pnpm(contract) {
        // Where its locks go instead of a folder in /tmp that all projects share.
        own.push(("XDG_RUNTIME_DIR", place.temporary.to_owned()));
    }
    // A variable that the contract passes on is the operator's word.
    own.retain(|(name, _)| !captured.variables.contains_key(*name));
    environment.extend(
        own.into_iter()
            .map(|(name, path)| (name.into(), path.into())),
    );
    environment
}

/// The variables by which tools keep their caches in `folder`.
pub(crate) fn caches(contract: &Contract, folder: &Path) -> Vec<(&'static str, PathBuf)> {
    let mut own: Vec<_> = CACHES
        .iter()
        .map(|(name, cache)| (*name, folder.join(cache)))
        .collect();
    if speaks_of_pnpm(contract) {
        own.extend(PNPM_STORE.map(|name| (name, folder.join("pnpm"))));
    }
    own
}

fn speaks_of_pnpm(contract: &Contract) -> bool {
    let steps = contract.gate.iter().map(|step| &step.run);
    let mut commands = steps.chain(&contract.worktree.setup);
    commands.any(|command| command.contains("pnpm"))
}

/// A command that ran in a cage and failed.
pub(crate) struct Caged<'a> {
    pub(crate) cages: &'a Cages,
    /// Whether it belongs to the set-up.
    pub(crate) is_set_up: bool,
    /// Where it began.
    pub(crate) root: &'a Path,
    pub(crate) contract: &'a Contract,
    pub(crate) captured: &'a Captured,
    /// The short name of the branch that the contract stands on.
    pub(crate) target: &'a str,
    /// The common git directory.
    pub(crate) common: &'a Path,
}

impl Caged<'_> {
    /// The first write that the command's log says it could not do, if it was the cage that kept it from it.
    pub(crate) fn denied(&self, log: &[u8]) -> Option<Denied> {
        let cage = if self.is_set_up {
            &self.cages.set_up
        } else {
            &self.cages.steps
        };
        let paths = failure::denied_paths(log).into_iter();
        paths
            .map(|path| real(&self.root.join(path)))
            .find(|path| !cage.permits(path) && is_writable(path))
            .map(|path| Denied {
                remedy: self.remedy(&path),
                path: path.display().to_string(),
            })
    }

    fn remedy(&self, path: &Path) -> String {
        if path.starts_with(self.common) {
            return "git's folder is shared by all worktrees: leave that out, or do it once by hand"
                .to_owned();
        }
        if self.is_anothers(path) {
            return "set-up and steps work in their own checkout alone".to_owned();
        }
        let there = path.ancestors().find(|there| there.exists());
        if there.is_some_and(|there| [Path::new("/tmp"), Path::new("/var/tmp")].contains(&there)) {
            return "temporary files belong below $TMPDIR".to_owned();
        }
        let only_set_up = places(&self.contract.worktree.setup_writable, self.captured)
            .is_ok_and(|places| places.iter().any(|place| path.starts_with(place)));
        if only_set_up && self.is_set_up && self.cages.doors == Doors::Shut {
            return "set-up may write there only for a task that changes nothing of what judges it: land that first"
                .to_owned();
        }
        if only_set_up {
            return "only set-up may write there, and it runs when its inputs change: wt validate --fresh"
                .to_owned();
        }
        // Its folder's folder, too: who makes that has nothing in it yet.
        let fetched = FETCHED.iter().find(|(place, _)| {
            let at = places(&[(*place).to_owned()], self.captured).unwrap_or_default();
            at.iter()
                .any(|at| path.starts_with(at) || at.parent() == Some(path))
        });
        if let (Some((place, command)), false) = (fetched, self.is_set_up) {
            return format!(
                "have it fetched by the set-up: setup = [\"{command}\"] and setup_writable = [\"{place}/\"] \
                 under [worktree] in wt.toml on {}",
                self.target
            );
        }
        let key = if self.is_set_up {
            "[worktree] setup_writable"
        } else {
            "[judge] writable"
        };
        format!(
            "if it is needed: {key} = [\"{}\"] in wt.toml on {}",
            self.door(path),
            self.target
        )
    }

    /// Whether it lies in the main checkout, in a worktree or in another slot.
    fn is_anothers(&self, path: &Path) -> bool {
        let main = self
            .common
            .parent()
            .filter(|_| self.common.ends_with(".git"));
        let mut above = self.root.ancestors();
        let worktrees = above.find(|folder| folder.join(MARKER).is_file());
        [main, worktrees]
            .into_iter()
            .flatten()
            .any(|folder| path.starts_with(folder))
    }

    /// What to open for a write to `path`, as a contract writes it: its folder, but not a home or a root as a whole.
    fn door(&self, path: &Path) -> String {
        let home = self.captured.variables.get("HOME").map(Path::new);
        match path.parent() {
            Some(folder) if folder.parent().is_some() && Some(folder) != home => {
                format!("{}/", shorten(folder, self.captured))
            }
            // A file that is not there can't be opened to anyone.
            _ if !path.exists() => format!("{}/", shorten(path, self.captured)),
            _ => shorten(path, self.captured),
        }
    }
}

/// `path` through no link, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut inside = Vec::new();
    for there in path.ancestors() {
        if let Ok(real) = there.canonicalize() {
            return inside.iter().rev().fold(real, |path, name| path.join(name));
        }
        inside.extend(there.file_name());
    }
    path.to_owned()
}

/// Whether this process, which is in no cage, could write there.
fn is_writable(path: &Path) -> bool {
    let nearest = path.ancestors().find(|there| there.exists());
    nearest.is_some_and(|there| access(there, Access::WRITE_OK).is_ok())
}
