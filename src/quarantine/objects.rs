//! The objects of a private repository, gathered where its agent can't change what kind of file they are.

use std::fs;
use std::path::Path;

use anyhow::Context as _;

use crate::error::{Refusal, shown};
use crate::store::{Beneath, Kind};

/// How many files the store of one task may hold.
const MOST: usize = 2_000_000;

/// Gives every loose object and every pack of the private store a second name in the folder `into`, which borrows
/// from `folders` besides. What else lies there, such as a graph of commits or a list of alternates, is not believed
/// and left out.
///
/// # Errors
/// A refusal for anything that is neither a file nor a folder: git would wait at a pipe, and follow a link.
pub(super) fn gather(private: &Beneath, into: &Path, folders: &[String]) -> anyhow::Result<()> {
    let make = |folder: &str| {
        let folder = into.join(folder);
        fs::create_dir_all(&folder).with_context(|| format!("can't make {}", folder.display()))
    };
    make("info")?;
    make("pack")?;
    let alternates = into.join("info/alternates");
    fs::write(&alternates, folders.join("\n") + "\n")
        .with_context(|| format!("can't write {}", alternates.display()))?;
    let mut files = 0;
    for (folder, kind) in private.list("objects")? {
        require_plain(&folder, kind)?;
        if kind != Kind::Folder {
            continue;
        }
        let is_pack = folder == "pack";
        let is_loose = folder.len() == 2 && is_hex(&folder);
        if is_loose {
            make(&folder)?;
        }
        for (name, kind) in private.list(&format!("objects/{folder}"))? {
            let path = format!("{folder}/{name}");
            require_plain(&path, kind)?;
            files += 1;
            if files > MOST {
                let what = "its store of objects holds too many files";
                return Err(Refusal::refused(what)
                    .hint("pack them, in the cage: git gc")
                    .into());
            }
            let wanted = (is_loose && is_hex(&name)) || (is_pack && is_pack_file(&name));
            if wanted && kind == Kind::File {
                private.link_out(&format!("objects/{path}"), &into.join(&path))?;
            }
        }
    }
    Ok(())
}

fn require_plain(path: &str, kind: Kind) -> Result<(), Refusal> {
    if kind != Kind::Other {
        return Ok(());
    }
    let path = shown(path);
    Err(Refusal::refused(format!(
        "objects/{path} in the cage's repository is neither a file nor a folder"
    ))
    .hint(format!(
        "remove it, in the cage: rm \"$(git rev-parse --git-dir)/objects/{path}\""
    )))
}

fn is_hex(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|b| b.is_ascii_hexdigit())
}

/// The pack itself and the list of what is where in it: all that git needs.
fn is_pack_file(name: &str) -> bool {
    let stem = name.strip_suffix(".pack").or(name.strip_suffix(".idx"));
    stem.and_then(|stem| stem.strip_prefix("pack-"))
        .is_some_and(is_hex)
}
