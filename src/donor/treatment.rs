//! What is to be done with each path: content that git may change between its store and the disk is not cloned blindly.

use std::collections::HashMap;

use super::Donor;
use super::attributes::{self, Attributes};
use crate::git::Repo;
use crate::oid::Oid;

/// How a file of a donor comes to the new worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    Cloned,
    /// Cloned where it holds no carriage return: git could have written its line ends otherwise.
    ClonedText,
    /// Cloned where it is the content, and not the pointer that Git LFS keeps in its place.
    ClonedContent,
    /// Written by git.
    Written,
}

/// The treatment of every path.
pub(super) struct Treatments {
    common: Treatment,
    others: HashMap<Vec<u8>, Treatment>,
}

impl Treatments {
    pub(super) fn of(&self, path: &[u8]) -> Treatment {
        self.others.get(path).copied().unwrap_or(self.common)
    }
}

/// What the settings of the repository say of all files.
enum Settings {
    /// Nothing is to be cloned: line ends become others, names are compared by other means than their bytes, or most
    /// files are not to be there.
    LeaveToGit,
    /// Carriage returns before line ends go when a file is stored.
    StripReturns,
    Plain,
}

/// How the files of `donor` are to be treated where `tree` is checked out; nothing where git is to write them all.
pub(super) fn find(repo: &Repo, donor: &Donor, tree: &Oid) -> anyhow::Result<Option<Treatments>> {
    let common = match settings(repo)? {
        Settings::LeaveToGit => return Ok(None),
        Settings::StripReturns => Treatment::ClonedText,
        Settings::Plain => Treatment::Cloned,
    };
    let mut treatments = Treatments {
        common,
        others: HashMap::new(),
    };
    if !attributes::may_convert(repo, donor)? {
        return Ok(Some(treatments));
    }
    let paths = donor.index.entries().iter();
    let paths = paths.map(|entry| donor.index.path(entry));
    let Some(found) = attributes::read(repo, tree, paths)? else {
        return Ok(None);
    };
    for (path, attributes) in found {
        treatments
            .others
            .insert(path, treatment(&attributes, common));
    }
    Ok(Some(treatments))
}

fn settings(repo: &Repo) -> anyhow::Result<Settings> {
    // The last one of a name counts.
    let settings: HashMap<String, String> = repo.settings()?.into_iter().collect();
    let value = |key: &str| settings.get(key).map(|value| value.to_ascii_lowercase());
    let is_on = |key: &str| {
        value(key).is_some_and(|value| !matches!(&*value, "false" | "no" | "off" | "0" | ""))
    };
    let strips = value("core.autocrlf").as_deref() == Some("input");
    let leaves = (is_on("core.autocrlf") && !strips)
        || value("core.eol").as_deref() == Some("crlf")
        || is_on("core.ignorecase")
        || is_on("core.precomposeunicode")
        || is_on("core.sparsecheckout");
    Ok(match (leaves, strips) {
        (true, _) => Settings::LeaveToGit,
        (false, true) => Settings::StripReturns,
        (false, false) => Settings::Plain,
    })
}

/// What git's attributes of a path ask for.
fn treatment(attributes: &Attributes, common: Treatment) -> Treatment {
    let is_set = |value: &Option<String>| value.as_deref().is_some_and(|value| value != "unset");
    if is_set(&attributes.encoding) || is_set(&attributes.ident) {
        return Treatment::Written;
    }
    if is_set(&attributes.filter) {
        return if attributes.filter.as_deref() == Some("lfs") {
            Treatment::ClonedContent
        } else {
            Treatment::Written
        };
    }
    match (attributes.text.as_deref(), attributes.eol.as_deref()) {
        (Some("unset"), _) => Treatment::Cloned,
        (_, Some("crlf")) => Treatment::Written,
        (None, None) => common,
        _ => Treatment::ClonedText,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_git_would_convert_is_left_to_git() {
        let of = |pairs: &[(&str, &str)]| {
            let mut attributes = Attributes::default();
            for (name, value) in pairs {
                attributes.set(name, value);
            }
            treatment(&attributes, Treatment::Cloned)
        };
        assert_eq!(of(&[]), Treatment::Cloned);
        assert_eq!(of(&[("diff", "rust")]), Treatment::Cloned);
        assert_eq!(of(&[("text", "auto")]), Treatment::ClonedText);
        assert_eq!(of(&[("text", "set"), ("eol", "lf")]), Treatment::ClonedText);
        assert_eq!(of(&[("eol", "crlf")]), Treatment::Written);
        assert_eq!(of(&[("text", "unset"), ("eol", "crlf")]), Treatment::Cloned);
        assert_eq!(of(&[("crlf", "set")]), Treatment::ClonedText);
        assert_eq!(of(&[("crlf", "unset")]), Treatment::Cloned);
        assert_eq!(of(&[("ident", "set")]), Treatment::Written);
        assert_eq!(of(&[("ident", "unset")]), Treatment::Cloned);
        assert_eq!(
            of(&[("working-tree-encoding", "UTF-16")]),
            Treatment::Written
        );
        assert_eq!(
            of(&[("filter", "lfs"), ("text", "unset")]),
            Treatment::ClonedContent
        );
        assert_eq!(of(&[("filter", "crypt")]), Treatment::Written);
    }
}
