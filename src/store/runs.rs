//! What is kept of each run of a task's gate, and what was explained when one stopped the task.

use std::path::PathBuf;

use super::{Store, read_json};
use crate::gate::{Order, Progress};

impl Store {
    /// Where a run's records and logs are.
    pub(crate) fn run_dir(&self, task: &str, run: u32) -> PathBuf {
        self.task_dir(task).join("runs").join(run.to_string())
    }

    /// What the run was to judge.
    pub(crate) fn order_file(&self, task: &str, run: u32) -> PathBuf {
        self.run_dir(task, run).join("order.json")
    }

    /// How far it came.
    pub(crate) fn progress_file(&self, task: &str, run: u32) -> PathBuf {
        self.run_dir(task, run).join("progress.json")
    }

    /// A run as it is on record; none where it never began, or `wt gc` took it.
    pub(crate) fn find_run(
        &self,
        task: &str,
        run: u32,
    ) -> anyhow::Result<Option<(Order, Progress)>> {
        let order = read_json(&self.order_file(task, run))?;
        let progress = read_json(&self.progress_file(task, run))?;
        Ok(order.map(|order| (order, progress.unwrap_or_default())))
    }

    /// What an agent says of the failure that stopped its task.
    pub(crate) fn explanation_file(&self, task: &str) -> PathBuf {
        self.task_dir(task).join("explanation.md")
    }

    /// The same, once the task was resumed after this run.
    pub(crate) fn past_explanation_file(&self, task: &str, run: u32) -> PathBuf {
        self.task_dir(task).join(format!("explanation-{run}.md"))
    }
}
