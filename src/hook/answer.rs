//! How a decision is put to an agent.

use serde_json::{Value, json};

use super::agents::{Agent, Answer};
use super::wish::Denial;

/// What comes of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Decision {
    /// Nothing is said.
    Allow,
    /// The tool is not to be used.
    Deny(Denial),
    /// The turn is not to end yet; what is to be done first.
    Hold(String),
    /// What the agent is to know when it begins.
    Tell(String),
}

const DENIED: &str = "hook-denied";
const HELD: &str = "hook-held";
/// The events that a hook notes.
pub(crate) const EVENTS: [&str; 2] = [DENIED, HELD];

impl Decision {
    /// Its word among the task's events; nothing for what would drown the others there.
    pub(crate) fn event(&self) -> Option<&'static str> {
        match self {
            Decision::Deny(_) => Some(DENIED),
            Decision::Hold(_) => Some(HELD),
            Decision::Allow | Decision::Tell(_) => None,
        }
    }
}

/// What is said, and where.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// On standard output.
    pub(crate) out: Option<String>,
    /// On standard error.
    pub(crate) err: Option<String>,
    /// Whether the exit status is that of a denial.
    pub(crate) denied: bool,
}

impl Agent {
    /// How this agent is told of a decision.
    pub(crate) fn say(&self, decision: &Decision) -> Said {
        let object = |value: Value| Said {
            out: Some(value.to_string()),
            ..Said::default()
        };
        let status = |text: String| Said {
            err: Some(text),
            denied: true,
            ..Said::default()
        };
        match (decision, self.answer) {
            (Decision::Allow, _) => Said::default(),
            (Decision::Deny(denial), Answer::Status) => status(denial.text()),
            (Decision::Deny(denial), Answer::Object) => {
                let text = denial.text();
                object(json!({ "permission": "deny", "user_message": text, "agent_message": text }))
            }
            (Decision::Hold(text), Answer::Status) => status(text.clone()),
            (Decision::Hold(text), Answer::Object) => object(json!({ "followup_message": text })),
            (Decision::Tell(text), Answer::Status) => object(json!({
                "hookSpecificOutput": { "hookEventName": self.start, "additionalContext": text },
            })),
            (Decision::Tell(text), Answer::Object) => object(json!({ "additional_context": text })),
        }
    }
}
