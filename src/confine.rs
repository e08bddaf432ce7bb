//! The cage of set-up and steps: what it opens to each of them, and what is said where there is none.

mod denied;
mod entries;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::cage::{self, Cage, Support};
use crate::contract::{Confine, Contract};
use crate::error::Refusal;
use crate::surroundings::{places, step_environment};
use crate::task::Captured;
use crate::ui::Ui;

pub(crate) use denied::Caged;
pub(crate) use entries::inspect;

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
