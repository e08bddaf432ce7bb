//! Where a path leads, as the kernel would go, also where not all of it exists.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// What becomes of a path's last name where that is a symbolic link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Last {
    /// It is followed, as a write does.
    Followed,
    /// It is itself meant, as by a removal.
    Itself,
}

/// How many symbolic links the kernel follows on one way.
const LINKS: usize = 40;

/// The absolute `path` through no symbolic link and without `..`. Names that do not exist stay as they are.
pub(super) fn resolve(path: &Path, last: Last) -> PathBuf {
    // What is still to be walked, the next at the end.
    let mut ahead: Vec<OsString> = names(path);
    let mut there = PathBuf::from("/");
    let mut links = 0;
    while let Some(name) = ahead.pop() {
        if name == ".." {
            there.pop();
            continue;
        }
        let next = there.join(&name);
        let follows = last == Last::Followed || !ahead.is_empty();
        match std::fs::read_link(&next) {
            Ok(target) if follows && links < LINKS => {
                links += 1;
                if target.is_absolute() {
                    there = PathBuf::from("/");
                }
                ahead.extend(names(&target));
            }
            _ => there = next,
        }
    }
    there
}

/// The names on a path, the first at the end.
fn names(path: &Path) -> Vec<OsString> {
    let name = |part: Component| match part {
        Component::Normal(name) => Some(name.to_owned()),
        Component::ParentDir => Some("..".into()),
        _ => None,
    };
    path.components().rev().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn links_of_parents_and_missing_names_lead_where_the_kernel_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let root = dir.path().canonicalize().expect("a path");
        fs::create_dir_all(root.join("a/b")).expect("made");
        fs::write(root.join("file"), "").expect("written");
        for (target, link) in [
            ("b", "a/link"),
            ("../file", "a/to-file"),
            ("loop", "loop"),
            ("/nowhere/x", "a/away"),
        ] {
            symlink(target, root.join(link)).expect("linked");
        }
        let followed = |path: &str| resolve(&root.join(path), Last::Followed);
        for (path, leads) in [
            ("a/link/../new/x", "a/new/x"),
            ("a/link/deep/er", "a/b/deep/er"),
            ("a/to-file", "file"),
            ("./a//../a/./b/", "a/b"),
            ("none/../x", "x"),
        ] {
            assert_eq!(followed(path), root.join(leads), "{path}");
        }
        assert_eq!(followed("a/away"), Path::new("/nowhere/x"));
        assert_eq!(
            resolve(&root.join("a/to-file"), Last::Itself),
            root.join("a/to-file")
        );
        assert_eq!(resolve(Path::new("/../.."), Last::Followed), Path::new("/"));
        followed("loop/x");
    }
}
