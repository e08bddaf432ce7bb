//! SHA-256: over a list of fields, unambiguous about where each ends, or over bytes as they are.

use sha2::{Digest as _, Sha256};

/// The digest of `fields` as 64 hexadecimal digits; each field is preceded by its length.
pub(crate) fn hex(fields: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for field in fields {
        hash.update((field.len() as u64).to_be_bytes());
        hash.update(field);
    }
    digits(&hash.finalize())
}

/// The digest of `bytes` as any other program has it.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    digits(&Sha256::digest(bytes))
}

fn digits(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
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
