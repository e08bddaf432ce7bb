//! What a set-up made in a slot, and whether a step has changed it since: the next task must not be judged with what
//! the tests of another left in its dependencies.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::Context as _;

use crate::digest;

/// Folders in which tools keep what they can make anew at any time; tests write there as a matter of course.
const CACHES: &[&str] = &[
    "__pycache__",
    ".cache",
    ".pytest_cache",
    ".vite",
    ".vite-temp",
    ".vitest",
];

/// A hash over kind, size and time of every file below `paths` in `root`, caches left out. It finds changes, not
/// forgeries: a step that means harm can put a time back.
pub(super) fn stamp(root: &Path, paths: &[String]) -> anyhow::Result<String> {
    let mut lines = Vec::new();
    for path in paths {
        visit(root, &root.join(path.trim_end_matches('/')), &mut lines)?;
    }
    lines.sort();
    let fields: Vec<&[u8]> = lines.iter().map(String::as_bytes).collect();
    Ok(digest::hex(&fields))
}

fn visit(root: &Path, path: &Path, lines: &mut Vec<String>) -> anyhow::Result<()> {
    let context = || format!("can't look at {}", path.display());
    let metadata = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        other => other.with_context(context)?,
    };
    if metadata.is_dir() {
        if path
            .file_name()
            .is_some_and(|name| CACHES.iter().any(|cache| name == *cache))
        {
            return Ok(());
        }
        for entry in fs::read_dir(path).with_context(context)? {
            visit(root, &entry.with_context(context)?.path(), lines)?;
        }
        return Ok(());
    }
    let inside = path.strip_prefix(root).unwrap_or(path).display();
    let (mode, size) = (metadata.mode(), metadata.size());
    lines.push(format!(
        "{inside} {mode} {size} {}.{}",
        metadata.mtime(),
        metadata.mtime_nsec()
    ));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_shows_and_a_cache_does_not() {
        let dir = tempfile::tempdir().expect("a folder");
        let write = |path: &str, text: &str| {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        };
        write("venv/lib/a.py", "a");
        let made = vec!["venv/".to_owned(), "gone".to_owned()];
        let before = stamp(dir.path(), &made).expect("a stamp");
        write("venv/lib/__pycache__/a.pyc", "x");
        write("other", "x");
        assert_eq!(stamp(dir.path(), &made).expect("a stamp"), before);
        write("venv/lib/poison.py", "x");
        assert_ne!(stamp(dir.path(), &made).expect("a stamp"), before);
    }
}
