//! What a contract asks of plans.

use serde::{Deserialize, Serialize};

/// Words that leave open what a plan means.
const HEDGES: [&str; 9] = [
    "etc",
    "and so on",
    "as needed",
    "as appropriate",
    "handle appropriately",
    "somehow",
    "TBD",
    "to be determined",
    "TODO",
];

/// Whether tasks make a plan first, and who approves it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PlanPolicy {
    /// Whether every task that starts does so in planning.
    pub(crate) required: bool,
    pub(crate) approve: Approve,
    /// Words that no plan may hold.
    pub(crate) hedges: Vec<String>,
}

/// Who approves a plan that passes the checks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Approve {
    #[default]
    Operator,
    /// Nobody needs to.
    Auto,
}

impl Default for PlanPolicy {
    fn default() -> Self {
        Self {
            required: false,
            approve: Approve::default(),
            hedges: HEDGES.map(str::to_owned).to_vec(),
        }
    }
}

impl Approve {
    /// As `wt.toml` writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Approve::Operator => "operator",
            Approve::Auto => "auto",
        }
    }
}
