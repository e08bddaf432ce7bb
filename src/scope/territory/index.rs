//! Which of many claims can hold a path.

use std::collections::HashMap;

use super::Claim;

/// Finds the few globs that a path can match among those of a thousand claims: by what all their matches begin
/// with, in lower case.
#[derive(Debug)]
pub(super) struct PrefixIndex {
    /// Claim and glob, by number, under their prefix.
    globs: HashMap<Vec<u8>, Vec<(usize, usize)>>,
    /// The lengths of the prefixes, in order.
    lengths: Vec<usize>,
}

impl PrefixIndex {
    pub(super) fn new(claims: &[Claim]) -> PrefixIndex {
        let mut globs: HashMap<Vec<u8>, Vec<(usize, usize)>> = HashMap::new();
        for (number, claim) in claims.iter().enumerate() {
            for (glob, pattern) in claim.globs.added().iter().enumerate() {
                let prefix = pattern.prefix().as_bytes().to_ascii_lowercase();
                globs.entry(prefix).or_default().push((number, glob));
            }
        }
        let mut lengths: Vec<usize> = globs.keys().map(Vec::len).collect();
        lengths.sort_unstable();
        lengths.dedup();
        PrefixIndex { globs, lengths }
    }

    /// Claim and glob, by number, of all that could match `path`, and of some that do not.
    pub(super) fn candidates(&self, path: &[u8]) -> impl Iterator<Item = (usize, usize)> {
        let path = path.to_ascii_lowercase();
        self.lengths
            .iter()
            .filter_map(move |length| self.globs.get(path.get(..*length)?))
            .flatten()
            .copied()
    }
}
