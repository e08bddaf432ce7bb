//! SHA-256 over a list of fields, unambiguous about where each ends.

use sha2::{Digest as _, Sha256};

/// The digest of `fields` as 64 hexadecimal digits; each field is preceded by its length.
pub(crate) fn hex(fields: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    hash.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_do_not_run_together() {
        assert_ne!(hex(&[b"ab", b"c"]), hex(&[b"a", b"bc"]));
        assert_eq!(hex(&[]).len(), 64);
    }
}
