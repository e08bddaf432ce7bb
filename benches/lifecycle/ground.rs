//! Where it is measured: a filesystem in an image of its own where that can be mounted, else a temporary folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, bail};
use tempfile::TempDir;

use crate::measure::take;

/// How large the image may grow; it takes only what is written.
const IMAGE_SIZE: u64 = 16 << 30;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filesystem {
    Ext4,
    Xfs,
    Btrfs,
}

impl Filesystem {
    const ALL: [Self; 3] = [Self::Ext4, Self::Xfs, Self::Btrfs];

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ext4 => "ext4",
            Self::Xfs => "xfs",
            Self::Btrfs => "btrfs",
        }
    }

    pub(crate) fn named(word: &str) -> anyhow::Result<Self> {
        let mut all = Self::ALL.into_iter();
        all.find(|one| one.word() == word)
            .with_context(|| format!("no filesystem that is measured on is called {word:?}"))
    }

    /// What makes it. Its tables are written now: done in the background, as is usual, that would disturb what is measured.
    fn options(self) -> &'static [&'static str] {
        match self {
            // Fifty worktrees have more files than the usual number of inodes.
            Self::Ext4 => &[
                "-q",
                "-i",
                "4096",
                "-F",
                "-m",
                "0",
                "-E",
                "lazy_itable_init=0,lazy_journal_init=0",
            ],
            Self::Xfs => &["-q", "-f", "-m", "reflink=1"],
            Self::Btrfs => &["-q", "-f"],
        }
    }
}

/// An empty folder for repositories, gone at the end whatever happens.
pub(crate) struct Ground {
    filesystem: Filesystem,
    /// Where the image is mounted, if it is.
    mount: Option<PathBuf>,
    /// Why there is no image.
    without: Option<String>,
    folder: TempDir,
    root: PathBuf,
}

impl Ground {
    /// # Errors
    /// Where the filesystem can't be had. Instead of ext4 any other serves.
    pub(crate) fn make(filesystem: Filesystem) -> anyhow::Result<Self> {
        let parent = std::env::var("WT_BENCH_DIR").unwrap_or_else(|_| "/tmp".to_owned());
        let folder = tempfile::Builder::new()
            .prefix("wt-bench-")
            .tempdir_in(parent)
            .context("can't make a folder to measure in")?;
        let inside = folder.path().canonicalize()?;
        let mut ground = Self {
            filesystem,
            mount: None,
            without: None,
            root: inside.join("ground"),
            folder,
        };
        fs::create_dir(&ground.root)?;
        match mount(filesystem, &inside.join("image"), &ground.root) {
            Ok(()) => ground.mount = Some(ground.root.clone()),
            Err(why) if filesystem == Filesystem::Ext4 => ground.without = Some(format!("{why:#}")),
            Err(why) => return Err(why),
        }
        fs::create_dir(ground.home())?;
        fs::write(
            ground.home().join(".gitconfig"),
            "[user]\n\tname = Bench\n\temail = bench@example.org\n[init]\n\tdefaultBranch = main\n\
             [gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n",
        )?;
        Ok(ground)
    }

    pub(crate) fn filesystem(&self) -> Filesystem {
        self.filesystem
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    fn home(&self) -> PathBuf {
        self.root.join("home")
    }

    /// A command that sees nothing of the machine's own settings.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.home())
            .env("LANG", "C.UTF-8")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .current_dir(&self.root);
        command
    }

    /// Has the kernel forget what it read of any file.
    ///
    /// # Errors
    /// Where that is not allowed.
    pub(crate) fn drop_caches(&self) -> anyhow::Result<()> {
        rustix::fs::syncfs(File::open(&self.root)?)?;
        fs::write("/proc/sys/vm/drop_caches", "3").context("the kernel's caches can't be dropped")
    }

    /// Gives what was deleted back to the disk under the image.
    pub(crate) fn trim(&self) {
        if let Some(mount) = &self.mount {
            // Where it can't be, the image stays as large as it grew.
            let _ = Command::new("fstrim").arg(mount).output();
        }
    }

    /// What was measured on, in words.
    pub(crate) fn description(&self) -> anyhow::Result<String> {
        let git = take(self.command("git").arg("version"))?.out;
        let cores = std::thread::available_parallelism()?;
        let place = match &self.without {
            None => "in a loop-mounted image".to_owned(),
            Some(why) => format!(
                "left out for {}, as no image could be mounted ({why})",
                self.root.display()
            ),
        };
        Ok(format!(
            "{}: {place}; {}, {cores} cores",
            self.filesystem.word(),
            git.trim()
        ))
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        if let Some(mount) = &self.mount {
            // Lazily: it must go even while something still stands in it; its image is deleted with the folder.
            let _ = Command::new("umount").arg("--lazy").arg(mount).status();
        }
        let _ = fs::remove_dir_all(self.folder.path());
    }
}

/// Makes an image and mounts it.
fn mount(filesystem: Filesystem, image: &Path, on: &Path) -> anyhow::Result<()> {
    if !rustix::process::geteuid().is_root() {
        bail!("only root can mount one");
    }
    File::create(image)?.set_len(IMAGE_SIZE)?;
    let mut make = Command::new(format!("mkfs.{}", filesystem.word()));
    succeed(make.args(filesystem.options()).arg(image))?;
    succeed(
        Command::new("mount")
            .args(["-o", "loop"])
            .arg(image)
            .arg(on),
    )?;
    keep_once(image);
    Ok(())
}

/// Has the kernel not keep in memory of the image what it keeps of the files in it: twice as much would soon fill the
/// memory, and freeing some would take part of what is measured. Where that can't be set, it is measured all the same.
fn keep_once(image: &Path) {
    let list = ["--noheadings", "--output", "NAME", "--associated"];
    let device = Command::new("losetup").args(list).arg(image).output();
    let device = device.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned());
    if let Ok(device) = device {
        let _ = Command::new("losetup")
            .arg("--direct-io=on")
            .arg(device)
            .output();
    }
}

fn succeed(command: &mut Command) -> anyhow::Result<()> {
    let program = command.get_program().to_owned();
    let output = command.output();
    let output = output.with_context(|| format!("can't start {}", program.display()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("{}: {}", program.display(), said.trim().replace('\n', "; "));
    }
    Ok(())
}
