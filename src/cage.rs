//! The cage: a process, and all that it starts, may read what its user may read and write only where it was told.
//!
//! Landlock holds files and signals, seccomp some system calls. A process restricts itself and then becomes the program:
//! so nothing has to be done between fork and exec, and what is in the cage has never run outside of it.

mod calls;

use std::ffi::OsStr;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use landlock::{
    ABI, Access as _, AccessFs, BitFlags, CompatLevel, Compatible as _, PathBeneath, PathFd,
    Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, Scope,
};

/// The verb by which `wt` starts itself to enter a cage.
pub(crate) const VERB: &str = "_cage";

/// The first kernel interface that keeps files from being cut off: Linux 6.2.
const FILES: ABI = ABI::V3;
/// The first that keeps signals in: Linux 6.12.
const SIGNALS: ABI = ABI::V6;

/// What every program expects to be able to write to: single devices, and folders that hold devices or memory.
const DEVICES: [&str; 6] = [
    "/dev/null",
    "/dev/zero",
    "/dev/full",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/pts",
];
const SHARED_MEMORY: &str = "/dev/shm";

/// How much of a cage this kernel can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Support {
    Full,
    /// Files are held; signals to processes outside are not.
    Files,
    None,
}

impl Support {
    /// In one word, for programs.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Support::Full => "full",
            Support::Files => "files",
            Support::None => "none",
        }
    }

    /// What is not held; empty where everything is.
    pub(crate) fn shortcoming(self) -> &'static str {
        match self {
            Support::Full => "",
            Support::Files => {
                "this kernel's cage holds files and not signals (that needs Linux 6.12): what runs in it can end your processes"
            }
            Support::None => {
                "this kernel can't hold a cage (it needs Landlock, Linux 6.2 or later): steps and agents write wherever you can"
            }
        }
    }
}

/// Asks the kernel.
pub(crate) fn support() -> Support {
    let offers = |abi: ABI| {
        let ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
        let scope = Scope::from_all(abi);
        let ruleset = ruleset.handle_access(AccessFs::from_write(abi));
        match ruleset {
            Ok(ruleset) if scope.is_empty() => ruleset.create().is_ok(),
            Ok(ruleset) => ruleset.scope(scope).and_then(Ruleset::create).is_ok(),
            Err(_) => false,
        }
    };
    if offers(SIGNALS) {
        Support::Full
    } else if offers(FILES) {
        Support::Files
    } else {
        Support::None
    }
}

/// The places that a caged process may write to, besides the usual devices. Links lead to what may be written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cage {
    writable: Vec<PathBuf>,
}

impl Cage {
    /// A cage around these files and folders; one that does not exist when it is entered is passed over.
    pub(crate) fn new(writable: Vec<PathBuf>) -> Self {
        Self { writable }
    }

    /// The command that enters the cage and becomes `program`; the caller adds the program's arguments.
    pub(crate) fn command(&self, program: &OsStr) -> Command {
        // The link leads to this executable even when another version was installed over it since.
        let mut command = Command::new("/proc/self/exe");
        command.arg(VERB);
        for place in &self.writable {
            command.arg("--writable").arg(place);
        }
        command.arg("--").arg(program);
        command
    }

    /// Whether the cage lets `path` be written, by its text: links are not followed.
    pub(crate) fn permits(&self, path: &Path) -> bool {
        let devices = DEVICES.iter().copied().chain([SHARED_MEMORY]);
        devices
            .map(Path::new)
            .chain(self.writable.iter().map(PathBuf::as_path))
            .any(|place| path.starts_with(place))
    }

    /// Restricts this process to the cage and makes it `program`; comes back only with an error.
    ///
    /// # Errors
    /// A kernel that can't hold a cage, a program that can't be started.
    pub(crate) fn enter(&self, program: &OsStr, args: &[impl AsRef<OsStr>]) -> anyhow::Error {
        if let Err(error) = self.restrict() {
            return error.context("can't enter the cage");
        }
        let error = Command::new(program).args(args).exec();
        anyhow::Error::from(error).context(format!("can't start {}", program.display()))
    }

    fn restrict(&self) -> anyhow::Result<()> {
        let mut ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::HardRequirement)
            .handle_access(AccessFs::from_write(FILES))?
            .set_compatibility(CompatLevel::BestEffort)
            // A disk that is open for reading alone can be written by its own commands, by the superuser.
            .handle_access(AccessFs::IoctlDev)?
            .scope(Scope::from_all(SIGNALS))?
            .create()?;
        let nodes = AccessFs::MakeChar | AccessFs::MakeBlock;
        let folder = (AccessFs::from_write(FILES) & !nodes) | AccessFs::IoctlDev;
        let everything = self.writable.iter().map(PathBuf::as_path);
        for place in everything.chain([Path::new(SHARED_MEMORY)]) {
            // A device node made in here would be one that may be written.
            ruleset = allow(ruleset, place, folder)?;
        }
        for device in DEVICES {
            let access = AccessFs::WriteFile | AccessFs::IoctlDev;
            ruleset = allow(ruleset, Path::new(device), access)?;
        }
        ruleset.restrict_self()?;
        calls::forbid()
    }
}

fn allow(
    ruleset: landlock::RulesetCreated,
    place: &Path,
    access: BitFlags<AccessFs>,
) -> anyhow::Result<landlock::RulesetCreated> {
    let is_folder = match place.metadata() {
        Ok(metadata) => metadata.is_dir(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(ruleset),
        Err(error) => return Err(error).with_context(|| format!("can't see {}", place.display())),
    };
    let access = if is_folder {
        access
    } else {
        access & (AccessFs::from_file(FILES) | AccessFs::IoctlDev)
    };
    let place = PathFd::new(place)?;
    Ok(ruleset.add_rule(PathBeneath::new(place, access))?)
}
