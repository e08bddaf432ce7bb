//! Whether a private repository still is one, and where what is left of a broken one goes.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use super::refs::{Head, head};
use crate::store::{Beneath, Kind};

/// Without these there is no repository.
const NEEDED: [(&str, Kind); 3] = [
    ("config", Kind::File),
    ("objects", Kind::Folder),
    ("refs", Kind::Folder),
];
/// What `wt` writes at each opening must be of this kind, where it is there.
const WRITTEN: [(&str, Kind); 3] = [
    ("packed-refs", Kind::File),
    ("objects/info", Kind::Folder),
    ("objects/info/alternates", Kind::File),
];

/// Why git can't work with the private repository in this folder, if it can't.
pub(super) fn flaw(git: &Path) -> Option<String> {
    let Ok(private) = Beneath::open(git) else {
        return Some("its folder can't be opened".to_owned());
    };
    match head(&private) {
        Ok(Head::Detached(_)) => {}
        Ok(Head::Branch(name)) if name.starts_with("refs/") => {}
        _ => return Some("its HEAD is no HEAD of git's".to_owned()),
    }
    let is_flawed = |path: &str, wanted, where_missing| match kind(&private, path) {
        Some(kind) => kind != wanted,
        None => where_missing,
    };
    let needed = NEEDED.iter().map(|part| (part, true));
    let mut parts = needed.chain(WRITTEN.iter().map(|part| (part, false)));
    parts
        .find(|((path, wanted), where_missing)| is_flawed(path, *wanted, *where_missing))
        .map(|((path, wanted), _)| {
            let wanted = match wanted {
                Kind::Folder => "folder",
                _ => "file",
            };
            format!("its {path} is no {wanted}")
        })
}

fn kind(private: &Beneath, path: &str) -> Option<Kind> {
    let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
    let entries = private.list(folder).ok()?;
    let found = entries.into_iter().find(|(entry, _)| entry == name);
    found.map(|(_, kind)| kind)
}

/// Gives a broken private repository another name beside it, and answers which.
pub(super) fn set_aside(git: &Path) -> anyhow::Result<PathBuf> {
    let aside = (1..=u32::MAX)
        .map(|number| git.with_extension(format!("broken-{number}")))
        .find(|path| fs::symlink_metadata(path).is_err())
        .context("no name is free")?;
    fs::rename(git, &aside).with_context(|| format!("can't put {} aside", git.display()))?;
    Ok(aside)
}
