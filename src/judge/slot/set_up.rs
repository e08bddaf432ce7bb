//! What the set-up of a slot runs on: its inputs, and the ports that are the slot's own.

use std::ffi::OsString;

use super::Slot;
use crate::gate::Order;
use crate::git::Repo;
use crate::ports::{self, Holder};
use crate::scope::{Case, Globs};
use crate::store::write_json;
use crate::workspace::Workspace;

impl Slot {
    /// Reserves the slot's ports, the same as last time unless somebody has taken them.
    pub(super) fn reserve_ports(&mut self, ws: &Workspace, order: &Order) -> anyhow::Result<()> {
        let wanted = &order.contract.ports;
        if wanted.count == 0 && self.record.ports.is_empty() {
            return Ok(());
        }
        let _lock = ws.lock()?;
        let chosen = ports::choose(ws, wanted, Holder::Slot(self.number), &self.record.ports)?;
        if chosen == self.record.ports {
            return Ok(());
        }
        self.record.ports = chosen;
        write_json(&self.file, &self.record)
    }

    /// What servers that a step starts are told.
    pub(in crate::judge) fn variables(&self, ws: &Workspace) -> Vec<(OsString, OsString)> {
        ports::variables(ws, Holder::Slot(self.number), &self.record.ports)
    }

    /// Hash of all that the set-up runs on; nothing where it names no inputs and so runs at every judging.
    pub(super) fn setup_hash(&self, repo: &Repo, order: &Order) -> anyhow::Result<Option<String>> {
        let contract = &order.contract.worktree;
        let Some(inputs) = &contract.setup_inputs else {
            return Ok(None);
        };
        let mut fields: Vec<Vec<u8>> = contract
            .setup
            .iter()
            .map(|c| c.clone().into_bytes())
            .collect();
        fields.push(order.environment.clone().into_bytes());
        fields.extend(
            self.record
                .ports
                .iter()
                .map(|port| port.to_string().into_bytes()),
        );
        let globs = Globs::parse(inputs, Case::Exact)?;
        let tree = &order.candidate.tree;
        let paths = repo.read.paths(tree, usize::MAX)?;
        for path in paths.iter().filter(|path| globs.matches(path)) {
            fields.push(path.clone().into_bytes());
            fields.push(repo.read.file(tree, path)?.unwrap_or_default());
        }
        let fields: Vec<&[u8]> = fields.iter().map(Vec::as_slice).collect();
        Ok(Some(crate::digest::hex(&fields)))
    }
}
