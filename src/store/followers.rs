//! The tasks that have landed and whose followers were not looked at yet: theirs must start though `wt` is killed.

use std::fs;

use anyhow::Context as _;

use super::{Store, read_json, write_json};
use crate::process::Identity;

impl Store {
    /// Writes down that this process is about to start the followers of a task that has landed.
    pub(crate) fn owe_followers(&self, landed: &str, process: &Identity) -> anyhow::Result<()> {
        write_json(&self.followers_file(landed), process)
    }

    /// The followers of a task that has landed were started.
    pub(crate) fn settle_followers(&self, landed: &str) -> anyhow::Result<()> {
        let path = self.followers_file(landed);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("can't remove {}", path.display()))
            }
            _ => Ok(()),
        }
    }

    /// The names of the tasks that have landed and whose followers a dead process was to start.
    pub(crate) fn followers_owed(&self) -> anyhow::Result<Vec<String>> {
        let mut owed = Vec::new();
        for file in fs::read_dir(self.root.join("followers"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let path = file.path();
            let name = path.file_stem().map(|name| name.to_string_lossy());
            if path.extension().is_none_or(|e| e != "json") {
                continue;
            }
            // Who wrote what can't be read is not alive: the power was lost while it was written.
            let alive = read_json::<Identity>(&path).is_ok_and(|p| p.is_some_and(|p| p.is_alive()));
            if let (false, Some(name)) = (alive, name) {
                owed.push(name.into_owned());
            }
        }
        owed.sort();
        Ok(owed)
    }

    fn followers_file(&self, landed: &str) -> std::path::PathBuf {
        self.root.join("followers").join(format!("{landed}.json"))
    }
}
