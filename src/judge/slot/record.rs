//! What is kept of a slot between judgings.

use std::path::PathBuf;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::process::Identity;
use crate::store::{Store, read_json};

/// What is known of a slot between judgings.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in crate::judge) struct Record {
    pub(in crate::judge) root: PathBuf,
    pub(super) admin: String,
    /// Hash of all that the set-up ran on; none where it must run again.
    pub(super) setup: Option<String>,
    /// The ports that are its own, for servers that steps start.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ports: Vec<u16>,
    /// Untracked paths that the set-up made.
    pub(super) made: Vec<String>,
    /// How these looked when the set-up had run.
    pub(super) stamp: String,
    /// The private temporary folder of the judge at work; one that is still named here died in the slot.
    pub(super) occupant: Option<PathBuf>,
    /// When its folder was made.
    #[serde(default)]
    pub(in crate::judge) created: Option<Timestamp>,
    /// When a judge was here last: came, or left.
    #[serde(default)]
    pub(in crate::judge) used: Option<Timestamp>,
    /// Who came last, and for which task.
    #[serde(default)]
    pub(in crate::judge) tenant: Option<Tenant>,
}

impl Record {
    /// What is known of the slot of this number; nothing where that can't be read.
    pub(in crate::judge) fn find(store: &Store, number: usize) -> Option<Self> {
        read_json(&store.slot_dir(number).join("slot.json")).ok()?
    }

    pub(in crate::judge) fn caches(&self) -> PathBuf {
        let mut name = self.root.clone().into_os_string();
        name.push("-caches");
        name.into()
    }
}

/// A judge in a slot.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(in crate::judge) struct Tenant {
    pub(in crate::judge) task: String,
    pub(in crate::judge) process: Identity,
}
