//! What can't be deleted.

use std::path::Path;
use std::process::Command;

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// A file that even root can't delete as long as this value lives.
struct Fixed<'p>(&'p Path);

impl<'p> Fixed<'p> {
    /// Nothing, and a line that says so, where this machine knows no such thing, or does not allow it.
    fn make(path: &'p Path) -> Option<Self> {
        if change("+i", path) {
            return Some(Self(path));
        }
        skipped("no file can be made immutable here");
        None
    }
}

impl Drop for Fixed<'_> {
    fn drop(&mut self) {
        change("-i", self.0);
    }
}

fn change(attribute: &str, path: &Path) -> bool {
    let done = Command::new("chattr").arg(attribute).arg(path).output();
    done.is_ok_and(|output| output.status.success())
}

#[test]
fn a_file_that_can_not_be_deleted_is_named_and_the_rest_is_freed() {
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", "true\n"), ("a/b", "b\n")]);
    for task in ["one", "two"] {
        sandbox.wt(&["spawn", task]).expect(0);
    }
    let worktrees = sandbox.root().join("repo.wt");
    let kept = sandbox.root().join("kept");
    // By a second name it is still at hand once its folder has been moved.
    std::fs::hard_link(worktrees.join("one/a/b"), &kept).expect("linked");
    let Some(fixed) = Fixed::make(&kept) else {
        return;
    };
    for task in ["one", "two"] {
        sandbox.wt(&["rm", task, "--force"]).expect(0);
    }
    let freed = sandbox.wt(&["gc", "--older", "0"]);
    freed.expect(70).says("/b: Operation not permitted");
    freed.says("hint: take away what forbids it, such as chattr +i (see: lsattr)");
    let trash = worktrees.join("_trash");
    let left = || std::fs::read_dir(&trash).map_or(0, Iterator::count);
    assert_eq!(left(), 1, "the other one is gone");
    drop(fixed);
    sandbox.wt(&["gc", "--older", "0"]).expect(0);
    assert_eq!(left(), 0);
}
