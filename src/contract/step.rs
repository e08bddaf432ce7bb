//! A command of the gate: what it looks for, when it runs and how long it may.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::quantity;

/// One command of the gate.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Step {
    /// Unique in the gate, also when case is ignored, and safe as a file name.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// For `sh -c`, in the root of the checkout.
    pub(crate) run: String,
    /// Globs: the step runs only if the change touches one of them. `None`: always.
    pub(crate) when: Option<Vec<String>>,
    pub(crate) timeout: Timeout,
    /// Whether a recognised runner may find no test and still pass.
    pub(crate) allow_empty: bool,
    /// The rule that it holds, if it is one's check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) rule: Option<String>,
}

/// What a step looks for; names its failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    Test,
    Build,
    Lint,
    Check,
    /// A rule's own check.
    Rule,
}

/// How long a step may run, in whole seconds; never zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub(crate) struct Timeout(u64);

impl Default for Timeout {
    fn default() -> Self {
        Self(10 * 60)
    }
}

impl Timeout {
    /// Of that many seconds; `None` for zero.
    pub(crate) fn from_seconds(seconds: u64) -> Option<Self> {
        (seconds > 0).then_some(Self(seconds))
    }

    pub(crate) const fn from_minutes(minutes: u64) -> Self {
        assert!(minutes > 0);
        Self(minutes * 60)
    }

    pub(crate) fn duration(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

/// As `wt.toml` writes it: `10m`, `1h30m`.
impl fmt::Display for Timeout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&quantity::format_duration(self.0))
    }
}

impl Kind {
    /// The first word of the verdict when a step of this kind fails.
    pub(crate) fn token(self) -> &'static str {
        match self {
            Kind::Test => "TEST_FAILURE",
            Kind::Build => "BUILD_FAILURE",
            Kind::Lint => "LINT_FAILURE",
            Kind::Check => "CHECK_FAILURE",
            Kind::Rule => "RULE_BROKEN",
        }
    }

    /// As `wt.toml` writes it.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Kind::Test => "test",
            Kind::Build => "build",
            Kind::Lint => "lint",
            Kind::Check => "check",
            Kind::Rule => "rule",
        }
    }
}
