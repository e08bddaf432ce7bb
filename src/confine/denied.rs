//! What is said of a write that the cage denied: never to open what other programs or the machine itself are made of.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

use super::{Cages, Doors};
use crate::contract::Contract;
use crate::failure;
use crate::gate::Denied;
use crate::surroundings::{places, shorten};
use crate::task::Captured;
use crate::workspace::MARKER;

/// Folders of the machine, or of all its users.
const SYSTEM: [&str; 14] = [
    "/bin", "/boot", "/dev", "/etc", "/lib", "/lib32", "/lib64", "/libx32", "/opt", "/proc",
    "/sbin", "/sys", "/usr", "/var",
];

/// Where tool chains stand.
const TOOLCHAINS: [&str; 11] = [
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "FNM_DIR",
    "GOROOT",
    "JAVA_HOME",
    "MISE_DATA_DIR",
    "NVM_DIR",
    "PYENV_ROOT",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "VOLTA_HOME",
];

/// Sources that every build takes on trust, and what fetches them: no place for a step to write to.
const FETCHED: [(&str, &str); 3] = [
    ("$CARGO_HOME/registry", "cargo fetch"),
    ("$CARGO_HOME/git", "cargo fetch"),
    ("$GOPATH/pkg/mod", "go mod download"),
];

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
        failure::denied_paths(log).into_iter().find_map(|write| {
            let path = real(&self.root.join(write.path));
            if !is_writable(&path) || is_program(&path) {
                return None;
            }
            let remedy = if !cage.permits(&path) {
                self.remedy(&path, write.is_folder)
            } else if let Some(place) = self.missing(&path) {
                let place = shorten(&place, self.captured);
                format!("{place} was not there when this began: make it, or open its folder")
            } else {
                return None;
            };
            let path = path.display().to_string();
            Some(Denied { path, remedy })
        })
    }

    /// The place around `path` that the contract opens to the command and that is not there.
    fn missing(&self, path: &Path) -> Option<PathBuf> {
        let mut written = self.contract.judge.writable.clone();
        if self.is_set_up {
            written.extend_from_slice(&self.contract.worktree.setup_writable);
        }
        let places = places(&written, self.captured).ok()?;
        let mut around = places.into_iter().filter(|place| path.starts_with(place));
        around.find(|place| !place.exists())
    }

    fn remedy(&self, path: &Path, is_folder: bool) -> String {
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
        self.opening(path, is_folder)
    }

    /// The key that opens a write to `path`, where any should.
    fn opening(&self, path: &Path, is_folder: bool) -> String {
        if self.machine().any(|place| path.starts_with(place)) {
            return "that is a part of the machine or of its tools: set-up and steps have no business there"
                .to_owned();
        }
        let Some(door) = self.door(path, is_folder) else {
            return "a home is not opened as a whole, and a file that is not there can't be: write below $TMPDIR, or into \
                    a folder of its own"
                .to_owned();
        };
        let key = if self.is_set_up {
            "[worktree] setup_writable"
        } else {
            "[judge] writable"
        };
        format!(
            "if it is needed: {key} = [\"{door}\"] in wt.toml on {}",
            self.target
        )
    }

    /// What the machine and its tools stand in, as far as the home does not.
    fn machine(&self) -> impl Iterator<Item = PathBuf> {
        let home = self.home();
        let system = SYSTEM.iter().map(PathBuf::from);
        let system =
            system.filter(move |place| !home.as_ref().is_some_and(|home| home.starts_with(place)));
        system.chain(self.tools())
    }

    /// The folders whose programs the operator runs.
    fn tools(&self) -> Vec<PathBuf> {
        let chains = TOOLCHAINS.map(|name| format!("${name}/."));
        let mut tools = places(&chains, self.captured).unwrap_or_default();
        let path = self
            .captured
            .variables
            .get("PATH")
            .map_or("", String::as_str);
        tools.extend(std::env::split_paths(path).map(|folder| real(&folder)));
        tools
    }

    fn home(&self) -> Option<PathBuf> {
        self.captured
            .variables
            .get("HOME")
            .map(|home| real(Path::new(home)))
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

    /// What to open for a write to `path`, as a contract writes it: its folder, but nothing that a home or tools lie in.
    /// None where it is a file that is not there in such a place.
    fn door(&self, path: &Path, is_folder: bool) -> Option<String> {
        let mut precious = self.tools();
        precious.extend(self.home());
        let is_wide = |folder: &Path| precious.iter().any(|inside| inside.starts_with(folder));
        match path.parent() {
            Some(folder) if !is_wide(folder) && folder.parent().is_some() => {
                Some(format!("{}/", shorten(folder, self.captured)))
            }
            _ if is_wide(path) => None,
            _ if path.exists() => Some(shorten(path, self.captured)),
            _ if is_folder => Some(format!("{}/", shorten(path, self.captured))),
            _ => None,
        }
    }
}

/// `path` through no link, as far as it exists.
pub(super) fn real(path: &Path) -> PathBuf {
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

/// Whether it is what runs rather than what is written: programs begin their messages with their own names.
fn is_program(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}
