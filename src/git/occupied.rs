//! Whether what git does not track stands in a checkout where a file is to come: git itself overwrites what it ignores.

use std::collections::HashSet;
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::changes::{Change, Entry};

/// The paths of `changes` where something that git does not track stands, ignored files and the insides of submodules
/// included.
pub(super) fn occupied<'c>(checkout: &'c Path, changes: &'c [Change]) -> Vec<&'c str> {
    let look = Look {
        checkout,
        removed: changes
            .iter()
            .filter(|change| change.after.is_none())
            .map(|change| change.path.as_str())
            .collect(),
    };
    changes
        .iter()
        .filter(|change| match (&change.before, &change.after) {
            (None, _) => look.is_occupied(&change.path),
            (Some(before), Some(after)) if before.is_submodule() && !after.is_submodule() => {
                look.is_inhabited(&change.path)
            }
            _ => false,
        })
        .map(|change| change.path.as_str())
        .chain(look.submodules_in_the_way(changes))
        .collect()
}

/// What really stands in `checkout` where `path` is to come: a folder on the way to it that is something else, or it.
pub(super) fn standing_at<'p>(checkout: &Path, path: &'p str) -> &'p str {
    let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
    let is_other = |parent: &&str| {
        fs::symlink_metadata(checkout.join(parent)).is_ok_and(|found| !found.is_dir())
    };
    parents.into_iter().find(is_other).unwrap_or(path)
}

struct Look<'c> {
    checkout: &'c Path,
    /// The paths that the change itself takes away.
    removed: HashSet<&'c str>,
}

impl<'c> Look<'c> {
    fn at(&self, path: &str) -> Option<Metadata> {
        fs::symlink_metadata(self.checkout.join(path)).ok()
    }

    fn is_occupied(&self, path: &str) -> bool {
        // A folder on the way that is a file there: in the way, unless the change itself removes that file.
        for (end, _) in path.match_indices('/') {
            let parent = &path[..end];
            match self.at(parent) {
                Some(metadata) if !metadata.is_dir() => return !self.removed.contains(parent),
                Some(_) => {}
                None => return false,
            }
        }
        match self.at(path) {
            // Git removes a folder that holds only what the change removes, and refuses any other.
            Some(metadata) if metadata.is_dir() => self.holds_more(path),
            Some(metadata) => !self.is_renamed_by_case(path, &metadata),
            None => false,
        }
    }

    /// On a file system that folds case, a renamed file stands there under its old name.
    fn is_renamed_by_case(&self, path: &str, there: &Metadata) -> bool {
        let folded = path.to_lowercase();
        self.removed.iter().any(|removed| {
            let same = |old: Metadata| (old.dev(), old.ino()) == (there.dev(), there.ino());
            removed.to_lowercase() == folded && self.at(removed).is_some_and(same)
        })
    }

    /// Whether the folder `path` holds a file that is not removed, or can't be looked into.
    fn holds_more(&self, path: &str) -> bool {
        let Ok(entries) = fs::read_dir(self.checkout.join(path)) else {
            return true;
        };
        entries.into_iter().any(|entry| {
            let Ok(entry) = entry else { return true };
            let Ok(name) = entry.file_name().into_string() else {
                return true;
            };
            let inside = format!("{path}/{name}");
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.holds_more(&inside),
                Ok(_) => !self.removed.contains(inside.as_str()),
                Err(_) => true,
            }
        })
    }

    /// Whether a submodule is checked out at `path`: another repository, with work that nobody here knows of.
    fn is_inhabited(&self, path: &str) -> bool {
        match fs::read_dir(self.checkout.join(path)) {
            Ok(mut entries) => entries.next().is_some(),
            Err(_) => false,
        }
    }

    /// The submodules that make room for a folder of files, and are checked out.
    fn submodules_in_the_way(&self, changes: &'c [Change]) -> impl Iterator<Item = &'c str> {
        let gone = changes.iter().filter(|change| {
            change.after.is_none() && change.before.as_ref().is_some_and(Entry::is_submodule)
        });
        gone.map(|change| change.path.as_str())
            .filter(|path| {
                let inside = format!("{path}/");
                let refilled = |c: &Change| c.after.is_some() && c.path.starts_with(&inside);
                changes.iter().any(refilled) && self.is_inhabited(path)
            })
            .collect::<Vec<_>>()
            .into_iter()
    }
}
