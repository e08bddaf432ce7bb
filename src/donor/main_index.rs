//! The index of the main checkout, read once for all that want to know it.

use std::cell::OnceCell;

use crate::git::{CheckoutSize, ReadIndex, Repo};
use crate::oid::Oid;

/// The index of the main checkout, as it is when it is first asked for: of a large one that takes milliseconds.
pub(crate) struct MainIndex<'r> {
    repo: &'r Repo,
    /// Length of an object's name, in bytes.
    hash: usize,
    read: OnceCell<Option<ReadIndex>>,
}

impl<'r> MainIndex<'r> {
    /// For a repository with an object of this name.
    pub(crate) fn new(repo: &'r Repo, some: &Oid) -> Self {
        Self {
            repo,
            hash: some.as_str().len() / 2,
            read: OnceCell::new(),
        }
    }

    pub(super) fn repo(&self) -> &'r Repo {
        self.repo
    }

    fn read(&self) -> Option<&ReadIndex> {
        let read = self.read.get_or_init(|| {
            self.repo.main_checkout()?;
            ReadIndex::find(&self.repo.common().join("index"), self.hash)
        });
        read.as_ref()
    }

    /// How large the checkout is, by what its index says, with content rounded up to `block` bytes.
    pub(crate) fn checkout_size(&self, block: u64) -> Option<CheckoutSize> {
        let read = self.read()?;
        Some(CheckoutSize::of(&read.index, block))
    }

    pub(super) fn into_read(self) -> Option<ReadIndex> {
        self.read();
        self.read.into_inner()?
    }
}
