//! The trash folders that are being emptied: where the sweeper of one was killed, the next command begins again.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::{Store, read_json, write_json_shown};
use crate::digest;
use crate::process::Identity;

/// Who empties which trash.
#[derive(Serialize, Deserialize)]
struct Sweep {
    trash: PathBuf,
    process: Identity,
}

impl Store {
    fn sweeps(&self) -> PathBuf {
        self.root.join("sweeps")
    }

    fn sweep_file(&self, trash: &Path) -> PathBuf {
        let name = digest::hex(&[trash.as_os_str().as_encoded_bytes()]);
        self.sweeps().join(format!("{}.json", &name[..16]))
    }

    /// Notes that `process` empties this trash. It need not outlast the loss of power: doctor finds what is left then.
    pub(crate) fn note_sweep(&self, trash: &Path, process: Identity) -> anyhow::Result<()> {
        let dir = self.sweeps();
        fs::create_dir_all(&dir).with_context(|| format!("can't make {}", dir.display()))?;
        let sweep = Sweep {
            trash: trash.to_owned(),
            process,
        };
        write_json_shown(&self.sweep_file(trash), &sweep)
    }

    /// This trash holds nothing more that is to be deleted.
    pub(crate) fn forget_sweep(&self, trash: &Path) {
        // One that stays is looked at again.
        let _ = fs::remove_file(self.sweep_file(trash));
    }

    /// The trash folders that nobody empties any more: it was done, or its process was killed. A note that can't be read
    /// is none.
    pub(crate) fn ended_sweeps(&self) -> Vec<PathBuf> {
        let notes = fs::read_dir(self.sweeps()).into_iter().flatten().flatten();
        notes
            .filter_map(|note| read_json::<Sweep>(&note.path()).ok().flatten())
            .filter(|sweep| !sweep.process.is_alive())
            .map(|sweep| sweep.trash)
            .collect()
    }
}
