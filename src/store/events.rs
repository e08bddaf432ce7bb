//! What happened, one JSON object a line, only ever added to.

use std::fs::{self, File};
use std::io::Write as _;

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Store;

/// One thing that happened.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) time: Timestamp,
    pub(crate) task: String,
    /// A word such as `spawned`, `validated`, `failed`, `landed`.
    pub(crate) event: String,
    /// Facts that go with it.
    #[serde(default, skip_serializing_if = "serde_json::Map::is_empty")]
    pub(crate) facts: serde_json::Map<String, serde_json::Value>,
}

impl Event {
    pub(crate) fn new(time: Timestamp, task: &str, event: &str) -> Self {
        Self {
            time,
            task: task.to_owned(),
            event: event.to_owned(),
            facts: serde_json::Map::new(),
        }
    }

    #[must_use]
    pub(crate) fn fact(mut self, name: &str, value: impl Into<serde_json::Value>) -> Self {
        self.facts.insert(name.to_owned(), value.into());
        self
    }
}

impl Store {
    /// Adds an event in one write, so that two writers never mix their lines.
    pub(crate) fn append(&self, event: &Event) -> anyhow::Result<()> {
        let path = self.root.join("events.jsonl");
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let add = || -> std::io::Result<()> {
            fs::create_dir_all(&self.root)?;
            let mut file = File::options().append(true).create(true).open(&path)?;
            // A line that a killed writer left half done is ended first.
            if !ends_with_newline(&path)? {
                line.insert(0, b'\n');
            }
            file.write_all(&line)
        };
        let mut add = add;
        add().with_context(|| format!("can't write {}", path.display()))
    }

    /// Every event, oldest first; lines that a crash cut short are left out.
    pub(crate) fn events(&self) -> anyhow::Result<Vec<Event>> {
        let path = self.root.join("events.jsonl");
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => {
                return Err(error).with_context(|| format!("can't read {}", path.display()));
            }
        };
        Ok(bytes
            .split(|b| *b == b'\n')
            .filter_map(|line| serde_json::from_slice(line).ok())
            .collect())
    }
}

fn ends_with_newline(path: &std::path::Path) -> std::io::Result<bool> {
    use std::io::{Read as _, Seek as _, SeekFrom};
    let mut file = File::open(path)?;
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
