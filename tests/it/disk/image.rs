//! A small file system of its own, made and mounted for one test.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::sandbox::skipped;

/// A mounted file system, gone when this is dropped.
pub(super) struct Image {
    _folder: TempDir,
    mounted: PathBuf,
}

impl Image {
    /// One of this kind, so many megabytes large; nothing, and a line that says so, where the machine does not allow it.
    pub(super) fn of(kind: &str, megabytes: u64) -> Option<Self> {
        let folder = tempfile::Builder::new().prefix("wt-image-").tempdir();
        let folder = folder.expect("a folder");
        let mounted = folder.path().join("mounted");
        std::fs::create_dir(&mounted).expect("made");
        let at = mounted.to_str().expect("text");
        let done = if kind == "tmpfs" {
            let size = format!("size={megabytes}m");
            run("mount", &["-t", "tmpfs", "-o", &size, "none", at])
        } else {
            let file = folder.path().join("image");
            let image = File::create(&file).expect("made");
            image.set_len(megabytes << 20).expect("sized");
            let name = file.to_str().expect("text");
            run(&format!("mkfs.{kind}"), &["-q", name]) && run("mount", &["-o", "loop", name, at])
        };
        if !done {
            skipped(&format!("no {kind} can be made and mounted here"));
            return None;
        }
        let mounted = mounted.canonicalize().expect("a path");
        Some(Self {
            _folder: folder,
            mounted,
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.mounted
    }

    /// Has it at another place as well, until the answer is dropped.
    pub(super) fn bind(&self, to: &Path) -> Bound {
        let text = |path: &Path| path.to_str().expect("text").to_owned();
        assert!(run("mount", &["--bind", &text(&self.mounted), &text(to)]));
        Bound(text(to))
    }

    /// Has everything written: until then a file system need not know where.
    pub(super) fn sync(&self) {
        assert!(run("sync", &["-f", self.mounted.to_str().expect("text")]));
    }
}

/// A second place of an image, until this is dropped.
pub(super) struct Bound(String);

impl Bound {
    /// Ends it where the folder that it is in was moved.
    pub(super) fn end_at(mut self, place: &Path) {
        self.0 = place.to_str().expect("text").to_owned();
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        run("umount", &["-l", &self.0]);
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        run("umount", &["-l", self.mounted.to_str().expect("text")]);
    }
}

fn run(program: &str, args: &[&str]) -> bool {
    let done = Command::new(program).args(args).output();
    done.is_ok_and(|output| output.status.success())
}
