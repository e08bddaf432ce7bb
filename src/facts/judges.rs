//! The judges at work: which tasks each of them judges, and whether it still waits for a slot.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::error::some_of;
use crate::gate::Phase;
use crate::task::Task;
use crate::workspace::Workspace;

/// A judge, as one of the tasks that it is about sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct AtWork {
    /// Whether every slot is taken, so that it has not begun.
    pub(crate) waits_for_slot: bool,
    /// The tasks that it judges together; none where it judges this one alone.
    pub(crate) train: Vec<String>,
}

impl AtWork {
    /// What it does, in two or three words.
    pub(crate) fn word(&self) -> &'static str {
        match (self.waits_for_slot, self.train.is_empty()) {
            (true, _) => "waiting for a slot",
            (false, true) => "judging",
            (false, false) => "judging in a train",
        }
    }

    /// The same in a sentence's part.
    pub(crate) fn words(&self) -> String {
        let judge = match &self.train[..] {
            [] => "a judge".to_owned(),
            train => format!("the judge of the train {}", some_of(train)),
        };
        let does = if self.waits_for_slot {
            "waits for a free slot"
        } else {
            "is at work"
        };
        format!("{judge} {does}")
    }
}

/// The judges at work, by the tasks that they judge.
#[derive(Debug, Default)]
pub(crate) struct Judges(BTreeMap<String, AtWork>);

impl Judges {
    /// Looks at the judge of each of these tasks: a train's stands in the record of one of them alone.
    pub(crate) fn of<'t>(
        ws: &Workspace,
        tasks: impl IntoIterator<Item = &'t Task>,
    ) -> anyhow::Result<Self> {
        let mut judges = BTreeMap::new();
        for task in tasks {
            let Some(run) = task.judging else { continue };
            if ws.judge_process(&task.name, run)?.is_none() {
                continue;
            }
            let Some((order, progress)) = ws.store.find_run(&task.name, run)? else {
                continue;
            };
            let train: Vec<String> = order.train.into_iter().map(|car| car.task).collect();
            let at_work = AtWork {
                waits_for_slot: progress.phase == Phase::Waiting && progress.ahead.is_some(),
                train: train.clone(),
            };
            for member in train {
                // One that has a judge of its own is judged by that, too.
                judges.entry(member).or_insert_with(|| at_work.clone());
            }
            judges.insert(task.name.clone(), at_work);
        }
        Ok(Self(judges))
    }

    /// Those of all live tasks.
    pub(crate) fn of_all(ws: &Workspace) -> anyhow::Result<Self> {
        let tasks = ws.store.tasks()?;
        Self::of(ws, tasks.iter().filter_map(|(_, task)| task.as_ref().ok()))
    }

    pub(super) fn find(&self, task: &str) -> Option<AtWork> {
        self.0.get(task).cloned()
    }
}
