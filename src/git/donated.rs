//! What git says of a checkout that files are cloned from.

use std::collections::HashSet;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::thread;

use super::Repo;
use super::read::records;
use crate::oid::Oid;

impl Repo {
    /// The paths at which the index at `index` and `tree` differ.
    pub(crate) fn differing_from(
        &self,
        index: &Path,
        tree: &Oid,
    ) -> anyhow::Result<HashSet<Vec<u8>>> {
        let arguments = [
            "diff-index",
            "--cached",
            "--name-only",
            "-z",
            "--no-renames",
        ];
        let list = self
            .git
            .command(arguments)
            .arg(tree.as_str())
            .env("GIT_INDEX_FILE", index)
            .bytes()?;
        Ok(records(&list).map(<[u8]>::to_vec).collect())
    }

    /// Every setting of git's that counts here, the key in lower case as far as git has it so; later ones overrule
    /// earlier ones.
    pub(crate) fn settings(&self) -> anyhow::Result<Vec<(String, String)>> {
        let list = self.git.command(["config", "--list", "-z"]).bytes()?;
        let read = |record: &[u8]| {
            let text = String::from_utf8_lossy(record);
            // A key alone means yes.
            let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
            (key.to_owned(), value.to_owned())
        };
        Ok(records(&list).map(read).collect())
    }

    /// The files of attributes of the machine and of the user; nothing where this git does not tell, as before 2.42.
    pub(crate) fn attribute_files(&self) -> anyhow::Result<Option<Vec<PathBuf>>> {
        let mut files = Vec::new();
        let git = &self.git;
        let asked = thread::scope(|scope| {
            let ask = |name| scope.spawn(move || git.command(["var", name]).output());
            ["GIT_ATTR_SYSTEM", "GIT_ATTR_GLOBAL"]
                .map(ask)
                .map(|child| child.join().unwrap_or_else(|panic| resume_unwind(panic)))
        });
        for output in asked {
            let output = output?;
            match output.status.code() {
                Some(0) => files.push(PathBuf::from(
                    String::from_utf8_lossy(&output.stdout).trim_end(),
                )),
                // There is none.
                Some(1) => {}
                _ => return Ok(None),
            }
        }
        Ok(Some(files))
    }

    /// Path, attribute and value, each ended by a zero byte, of all attributes that `paths` (each ended so) have in
    /// `tree`; nothing where this git can't tell, as before 2.40.
    pub(crate) fn attributes_in(
        &self,
        tree: &Oid,
        paths: Vec<u8>,
    ) -> anyhow::Result<Option<Vec<u8>>> {
        let output = self
            .git
            .command(["check-attr", "--all", "--stdin", "-z"])
            .arg(format!("--source={tree}"))
            .stdin(paths)
            .output()?;
        Ok(output.status.success().then_some(output.stdout))
    }
}
