//! Taking away what a step left.

use super::Slot;
use crate::gate::Order;
use crate::git::Repo;

impl Slot {
    /// Takes away what is neither of the candidate, nor warm, nor of the set-up: what a step left may be what fills the
    /// disk. Where it can't be now, whoever judges here next does it.
    pub(in crate::judge) fn clear(&self, repo: &Repo, order: &Order) {
        let mut keep = order.contract.worktree.warm.clone();
        keep.extend(self.record.made.iter().cloned());
        let _ = repo.clean_slot(self.checkout(), &keep);
    }
}
