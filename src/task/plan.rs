//! The plan that a task is held to, and the one that it proposes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Task;
use super::state::State;
use crate::error::Refusal;
use crate::oid::Oid;

/// A plan that was approved: from then on its files are the task's scope.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Approved {
    /// Of its text.
    pub(crate) hash: String,
    /// The newest commit of the target that the task had then.
    pub(crate) base: Oid,
    /// Its globs, in normal form.
    pub(crate) files: Vec<String>,
    pub(crate) at: Timestamp,
    /// The operator's name, or `auto`.
    pub(crate) by: String,
    /// What it was changed by, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) amendments: Vec<Amendment>,
}

/// A plan that took the place of an approved one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Amendment {
    pub(crate) because: String,
    pub(crate) at: Timestamp,
}

/// The plan that was submitted last, and is not approved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Proposal {
    /// Of its text.
    pub(crate) hash: String,
    pub(crate) at: Timestamp,
    /// Why the approved plan does not do, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) because: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rejected: Option<Rejection>,
}

/// Why the operator wants another plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Rejection {
    pub(crate) because: String,
    pub(crate) by: String,
    pub(crate) at: Timestamp,
}

impl Task {
    /// The globs that a plan leaves of its scope: none where it has no plan, an empty list before one is approved.
    pub(crate) fn planned_files(&self) -> Option<&[String]> {
        match (&self.plan, self.state) {
            (Some(plan), _) => Some(&plan.files),
            (None, State::Planning) => Some(&[]),
            (None, _) => None,
        }
    }

    /// The globs that others keep out of: its claim, or where it has none, the files of its approved plan.
    pub(crate) fn claimed(&self) -> &[String] {
        match &self.plan {
            Some(plan) if self.owns.is_empty() => &plan.files,
            _ => &self.owns,
        }
    }

    /// Whether it has a plan, be it only a proposed one.
    pub(crate) fn has_plan(&self) -> bool {
        self.plan.is_some() || self.proposal.is_some()
    }

    /// Where its plan stands, in one word; nothing where it has none and needs none.
    pub(crate) fn plan_stage(&self) -> Option<&'static str> {
        let is_amended = self.plan.is_some();
        match (&self.proposal, self.state) {
            (Some(proposal), _) => Some(match (&proposal.rejected, is_amended) {
                (None, false) => "submitted",
                (Some(_), false) => "rejected",
                (None, true) => "amendment submitted",
                (Some(_), true) => "amendment rejected",
            }),
            (None, _) if is_amended => Some("approved"),
            (None, State::Planning) => Some("wanted"),
            (None, _) => None,
        }
    }

    /// What is to be done about its plan in planning.
    pub(crate) fn plan_next(&self) -> String {
        let name = &self.name;
        match self.proposal.as_ref().map(|proposal| &proposal.rejected) {
            None => "read only, then: wt plan template, fill it in, wt plan submit".to_owned(),
            Some(None) => format!(
                "end the turn; the operator looks at it: wt plan show {name}, then wt plan approve {name}"
            ),
            Some(Some(rejected)) => format!(
                "the plan was rejected: {}; submit another: wt plan submit",
                rejected.because
            ),
        }
    }

    /// # Errors
    /// A refusal where no plan is approved yet, with what is to be done.
    pub(crate) fn require_planned(&self) -> Result<(), Refusal> {
        if self.state != State::Planning {
            return Ok(());
        }
        let what = format!("task `{}` is planning: no plan is approved yet", self.name);
        Err(Refusal::refused(what).hint(self.plan_next()))
    }
}
