//! The name of a blob, from its content.

use sha1::Sha1;
use sha2::{Digest as _, Sha256};

/// Content that is being named.
pub(crate) enum BlobHash {
    Sha1(Sha1),
    Sha256(Sha256),
}

impl BlobHash {
    /// Of content of `length` bytes, where names are `hash` bytes long.
    pub(super) fn new(length: u64, hash: usize) -> Self {
        let mut begun = match hash {
            20 => Self::Sha1(Sha1::new()),
            _ => Self::Sha256(Sha256::new()),
        };
        begun.add(format!("blob {length}\0").as_bytes());
        begun
    }

    pub(crate) fn add(&mut self, content: &[u8]) {
        match self {
            Self::Sha1(hash) => hash.update(content),
            Self::Sha256(hash) => hash.update(content),
        }
    }

    pub(super) fn finish(self) -> Vec<u8> {
        match self {
            Self::Sha1(hash) => hash.finalize().to_vec(),
            Self::Sha256(hash) => hash.finalize().to_vec(),
        }
    }
}
