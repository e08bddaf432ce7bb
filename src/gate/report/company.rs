//! In whose company a task of a train fails.

use serde::Serialize;

use super::super::Culprit;
use crate::error::some_of;

/// What a train tells of a failure: in whose company the task fails.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Company {
    /// The task whose failure it is.
    pub(crate) culprit: String,
    /// Those without which it does not fail; absent where that could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<Vec<String>>,
}

impl Company {
    pub(super) fn of(culprit: &Culprit) -> Self {
        Self {
            culprit: culprit.task.clone(),
            with: culprit.exact.then(|| culprit.with.clone()),
        }
    }
}

impl std::fmt::Display for Company {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.with.as_deref() {
            None => write!(f, "red on top of the tasks before it in the train"),
            Some([]) => write!(f, "red without any other task of the train"),
            Some([other]) => write!(
                f,
                "a failing pair: red together with {other}, green without"
            ),
            Some(others) => write!(
                f,
                "red together with {}, green without any one of them",
                some_of(others)
            ),
        }
    }
}
