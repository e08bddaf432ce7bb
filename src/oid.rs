//! The name of a git object, SHA-1 or SHA-256, in hexadecimal.

use std::fmt;

use anyhow::bail;
use serde::{Deserialize, Serialize};

/// A full object name: 40 or 64 lower-case hexadecimal digits.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Oid(String);

impl Oid {
    /// # Errors
    /// Where `text` is no full object name.
    pub(crate) fn parse(text: &str) -> anyhow::Result<Self> {
        let text = text.trim();
        let hex = text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        if !hex || !matches!(text.len(), 40 | 64) {
            bail!("{text:?} is no git object name");
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// The first twelve digits, for people.
    pub(crate) fn short(&self) -> &str {
        &self.0[..12]
    }

    /// The name that git takes for "no object", as long as this one.
    pub(crate) fn zero_like(&self) -> String {
        "0".repeat(self.0.len())
    }
}

impl TryFrom<String> for Oid {
    type Error = anyhow::Error;

    fn try_from(text: String) -> anyhow::Result<Self> {
        Self::parse(&text)
    }
}

impl From<Oid> for String {
    fn from(oid: Oid) -> Self {
        oid.0
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
