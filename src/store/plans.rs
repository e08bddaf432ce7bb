//! The texts of plans, each in a file named after its hash: what a record names is never half of another.

use std::fs;
use std::path::PathBuf;

use anyhow::Context as _;

use super::{Store, write_atomic};

impl Store {
    /// Where the plan of this hash is kept.
    pub(crate) fn plan_file(&self, task: &str, hash: &str) -> PathBuf {
        self.task_dir(task).join(format!("plan-{hash}.md"))
    }

    pub(crate) fn save_plan(&self, task: &str, hash: &str, text: &str) -> anyhow::Result<()> {
        write_atomic(&self.plan_file(task, hash), text.as_bytes())
    }

    /// The text of a plan; nothing where the file is gone.
    pub(crate) fn plan_text(&self, task: &str, hash: &str) -> anyhow::Result<Option<String>> {
        let path = self.plan_file(task, hash);
        match fs::read_to_string(&path) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("can't read {}", path.display())),
        }
    }
}
