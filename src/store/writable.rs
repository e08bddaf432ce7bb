//! Whether a folder can be written to, asked before anything is begun there.

use std::io;
use std::path::Path;

use rustix::fs::{Access, access};

use crate::error::Refusal;

/// # Errors
/// A refusal where this process can't write to `folder`, or, as long as it is not there, to what it would be made in.
pub(crate) fn require_writable(folder: &Path) -> Result<(), Refusal> {
    let Some(there) = folder.ancestors().find(|folder| folder.exists()) else {
        return Ok(());
    };
    access(there, Access::WRITE_OK).map_err(|error| {
        let (there, error) = (there.display(), io::Error::from(error));
        Refusal::refused(format!("can't write to {there}: {error}"))
            .hint("make it writable, then try again; nothing was changed")
    })
}
