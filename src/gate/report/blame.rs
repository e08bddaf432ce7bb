//! Whose failure a train's is, as a report tells it.

use serde::Serialize;

use super::super::Culprit;
use crate::error::some_of;

/// Of a train: the task whose failure it is, and with whom.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Blame {
    /// The task whose failure it is.
    pub(crate) culprit: String,
    /// Those without which it does not fail; absent where that could not be found out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) with: Option<Vec<String>>,
}

impl Blame {
    pub(super) fn of(culprit: &Culprit) -> Self {
        Self {
            culprit: culprit.task.clone(),
            with: culprit.exact.then(|| culprit.with.clone()),
        }
    }
}

impl std::fmt::Display for Blame {
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
