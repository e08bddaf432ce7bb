//! What git has under way in a checkout: begun there, and not concluded.

use std::fs;
use std::path::Path;

/// Something that ends otherwise than it began where the branch moves meanwhile.
pub(super) struct UnderWay {
    /// The file or folder in the checkout's git directory that tells of it.
    mark: &'static str,
    /// What it is, e.g. `a merge`.
    pub(super) what: &'static str,
    /// The command that concludes it.
    pub(super) next: &'static str,
}

/// A rebase detaches HEAD, and is seen by that.
const KINDS: [UnderWay; 4] = [
    UnderWay {
        mark: "MERGE_HEAD",
        what: "a merge",
        next: "git merge --continue",
    },
    UnderWay {
        mark: "CHERRY_PICK_HEAD",
        what: "a cherry-pick",
        next: "git cherry-pick --continue",
    },
    UnderWay {
        mark: "REVERT_HEAD",
        what: "a revert",
        next: "git revert --continue",
    },
    UnderWay {
        mark: "rebase-apply",
        what: "a git am",
        next: "git am --continue",
    },
];

/// What is under way in the checkout of this git directory.
pub(super) fn under_way(git_dir: &Path) -> Option<&'static UnderWay> {
    KINDS
        .iter()
        .find(|kind| fs::symlink_metadata(git_dir.join(kind.mark)).is_ok())
}
