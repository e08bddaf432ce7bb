//! What `wt` found in a person's folder and could not place: saved before anything is written over it.

use std::fs;
use std::path::PathBuf;

use anyhow::bail;

use super::{Store, write_atomic};

/// How many versions of one path are kept.
const MOST: u32 = 1000;

impl Store {
    /// Saves the bytes of `path`, found while a command on `task` was mended, and answers where. The same bytes of the
    /// same path are saved once.
    pub(crate) fn save_found(
        &self,
        task: &str,
        path: &str,
        bytes: &[u8],
    ) -> anyhow::Result<PathBuf> {
        let folder = self.root.join("saved").join(task);
        for number in 0..MOST {
            let place = folder.join(number.to_string()).join(path);
            match fs::read(&place) {
                Ok(there) if there == bytes => return Ok(place),
                Ok(_) => {}
                Err(_) => {
                    write_atomic(&place, bytes)?;
                    return Ok(place);
                }
            }
        }
        bail!("{} holds too much already", folder.display())
    }
}
