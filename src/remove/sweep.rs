//! Deleting removed folders while nobody waits, and going on with it where that was cut off.

use std::fs;
use std::path::{Path, PathBuf};

use crate::process;
use crate::store::remove_dir;
use crate::workspace::Workspace;

/// Deletes what nobody will ask for again, in the background: the prompt need not wait for it.
pub(super) fn sweep(ws: &Workspace, trash: Option<&Path>) -> anyhow::Result<()> {
    let Some(dir) = trash.and_then(Path::parent) else {
        return Ok(());
    };
    if gone(dir).is_empty() {
        return Ok(());
    }
    start_sweep(ws, dir)
}

fn start_sweep(ws: &Workspace, dir: &Path) -> anyhow::Result<()> {
    let log = ws.store.root().join("sweep.log");
    let sweeper = process::detach(&["_sweep".as_ref(), dir.as_os_str()], &log)?;
    // Without the note it is only not gone on with where it is killed; doctor finds what is left then.
    let _ = ws.store.note_sweep(dir, sweeper);
    Ok(())
}

/// Goes on with the sweeps that were killed.
pub(crate) fn sweep_left(ws: &Workspace) -> anyhow::Result<()> {
    for trash in ws.store.ended_sweeps() {
        if gone(&trash).is_empty() {
            ws.store.forget_sweep(&trash);
        } else {
            start_sweep(ws, &trash)?;
        }
    }
    Ok(())
}

/// The folders in a trash that wait to be deleted.
pub(crate) fn gone(trash: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(trash).into_iter().flatten().flatten();
    entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "gone"))
        .collect()
}

/// Deletes the folders of a trash that wait for it, each that can be.
///
/// # Errors
/// Why the first that can't be deleted stays.
pub(crate) fn sweep_now(trash: &Path) -> anyhow::Result<()> {
    let mut swept = Ok(());
    for folder in gone(trash) {
        swept = swept.and(remove_dir(&folder));
    }
    // Only an empty one goes.
    let _ = fs::remove_dir(trash);
    swept
}
