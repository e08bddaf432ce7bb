//! Git's attributes, as far as they change what a file holds on the disk.

use std::collections::HashMap;
use std::fs;

use anyhow::Context as _;

use super::Checkout;
use crate::git::{IndexKind, Repo, Settings};
use crate::oid::Oid;

/// The values of the attributes of one path; `set` and `unset` are git's own words.
#[derive(Debug, Default)]
pub(super) struct Attributes {
    pub(super) text: Option<String>,
    pub(super) eol: Option<String>,
    pub(super) ident: Option<String>,
    pub(super) filter: Option<String>,
    pub(super) encoding: Option<String>,
}

impl Attributes {
    pub(super) fn set(&mut self, name: &str, value: &str) {
        let place = match name {
            "text" => &mut self.text,
            // What `text` was called once; that one counts where both are there.
            "crlf" if self.text.is_none() => &mut self.text,
            "eol" => &mut self.eol,
            "ident" => &mut self.ident,
            "filter" => &mut self.filter,
            "working-tree-encoding" => &mut self.encoding,
            _ => return,
        };
        *place = Some(value.to_owned());
    }
}

/// Whether any file of attributes that counts for the wanted tree speaks of what changes a file's content.
pub(super) fn may_convert(
    repo: &Repo,
    donor: &Checkout,
    settings: &Settings,
) -> anyhow::Result<bool> {
    if donor.differing.iter().any(|path| is_attributes(path)) {
        return Ok(true);
    }
    let Some(files) = &settings.attribute_files else {
        return Ok(true);
    };
    let own = repo.common().join("info/attributes");
    for file in files.iter().chain([&own]) {
        match fs::read(file) {
            Ok(text) if speaks_of_conversion(&text) => return Ok(true),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("can't read {}", file.display()));
            }
            _ => {}
        }
    }
    for entry in donor.index.entries() {
        if entry.kind != IndexKind::Submodule
            && is_attributes(donor.index.path(entry))
            && speaks_of_conversion(&repo.read.blob(&donor.index.oid(entry)?)?)
        {
            return Ok(true);
        }
    }
    Ok(false)
}

fn is_attributes(path: &[u8]) -> bool {
    path.rsplit(|byte| *byte == b'/').next() == Some(b".gitattributes")
}

fn speaks_of_conversion(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    ["text", "eol", "crlf", "ident", "filter", "encoding"]
        .iter()
        .any(|word| text.contains(word))
}

/// The attributes of `paths` where `tree` is checked out; of a path without any, nothing. Nothing at all where this git
/// can't tell.
pub(super) fn read<'a>(
    repo: &Repo,
    tree: &Oid,
    paths: impl Iterator<Item = &'a [u8]>,
) -> anyhow::Result<Option<HashMap<Vec<u8>, Attributes>>> {
    let mut list = Vec::new();
    for path in paths {
        list.extend_from_slice(path);
        list.push(0);
    }
    let Some(answer) = repo.attributes_in(tree, list)? else {
        return Ok(None);
    };
    let mut found: HashMap<Vec<u8>, Attributes> = HashMap::new();
    let mut fields = answer.split(|byte| *byte == 0);
    while let (Some(path), Some(name), Some(value)) = (fields.next(), fields.next(), fields.next())
    {
        let (name, value) = (
            String::from_utf8_lossy(name),
            String::from_utf8_lossy(value),
        );
        found.entry(path.to_vec()).or_default().set(&name, &value);
    }
    Ok(Some(found))
}
