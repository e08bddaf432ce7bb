//! What is to be done with each path: content that git may change between its store and the disk is not cloned blindly.

use std::collections::HashMap;

use super::attributes::{self, Attributes};
use super::{Checkout, Purpose};
use crate::git::{Repo, Settings};
use crate::oid::Oid;

/// How a file of a donor comes to the new worktree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Treatment {
    /// Cloned where it holds its blob to the byte.
    Cloned,
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

/// How the files of `donor` are to be treated in a new checkout of `tree`; nothing where git is to write them all.
pub(super) fn find(
    repo: &Repo,
    donor: &Checkout,
    settings: &Settings,
    (tree, purpose): (&Oid, Purpose),
) -> anyhow::Result<Option<Treatments>> {
    if are_left_to_git(settings) {
        return Ok(None);
    }
    let mut treatments = Treatments {
        common: Treatment::Cloned,
        others: HashMap::new(),
    };
    if !attributes::may_convert(repo, donor, settings)? {
        return Ok(Some(treatments));
    }
    let paths = donor.index.entries().iter();
    let paths = paths.map(|entry| donor.index.path(entry));
    let Some(found) = attributes::read(repo, tree, paths)? else {
        return Ok(None);
    };
    for (path, attributes) in found {
        let treatment = match (treatment(&attributes), purpose) {
            // Nothing of that content is in the tree that is judged: its own git brings it.
            (Treatment::ClonedContent, Purpose::Judging) => Treatment::Written,
            (treatment, _) => treatment,
        };
        treatments.others.insert(path, treatment);
    }
    Ok(Some(treatments))
}

/// Whether the settings want nothing to be cloned: line ends become others, names are compared by other means than their
/// bytes, or most files are not to be there.
fn are_left_to_git(settings: &Settings) -> bool {
    let strips = settings.value("core.autocrlf").as_deref() == Some("input");
    (settings.is_on("core.autocrlf") && !strips)
        || settings.value("core.eol").as_deref() == Some("crlf")
        || settings.is_on("core.ignorecase")
        || settings.is_on("core.precomposeunicode")
        || settings.is_on("core.sparsecheckout")
}

/// What git's attributes of a path ask for.
fn treatment(attributes: &Attributes) -> Treatment {
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
        _ => Treatment::Cloned,
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
            treatment(&attributes)
        };
        assert_eq!(of(&[]), Treatment::Cloned);
        assert_eq!(of(&[("diff", "rust")]), Treatment::Cloned);
        assert_eq!(of(&[("text", "auto")]), Treatment::Cloned);
        assert_eq!(of(&[("text", "set"), ("eol", "lf")]), Treatment::Cloned);
        assert_eq!(of(&[("eol", "crlf")]), Treatment::Written);
        assert_eq!(of(&[("text", "unset"), ("eol", "crlf")]), Treatment::Cloned);
        assert_eq!(of(&[("crlf", "set")]), Treatment::Cloned);
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
