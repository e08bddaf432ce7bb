//! What someone mounted in a worktree: it is not the worktree's own.

use std::fs;

use super::image::Image;
use crate::sandbox::{CONTRACT, Sandbox};

#[test]
fn what_is_mounted_in_a_worktree_is_not_deleted_with_it() {
    let Some(image) = Image::of("tmpfs", 2) else {
        return;
    };
    let theirs = image.path().join("theirs");
    fs::write(&theirs, "theirs\n").expect("written");
    let sandbox = Sandbox::with(&[
        ("wt.toml", CONTRACT),
        ("test.sh", "true\n"),
        (".gitignore", "out/\n"),
    ]);
    let worktree = sandbox.validated("auth", "mine", "work\n");
    let there = worktree.join("out/there");
    fs::create_dir_all(&there).expect("made");
    let bound = image.bind(&there);
    let why = "something is mounted at <root>/repo.wt/auth/out/there";
    for rm in [&["rm", "auth"][..], &["rm", "auth", "--force"]] {
        let before = sandbox.picture();
        sandbox.wt(rm).expect(4);
        sandbox.assert_as(&before);
    }
    sandbox
        .wt(&["rm", "auth", "--force"])
        .expect(4)
        .says(why)
        .says("hint: unmount it first: umount '<root>/repo.wt/auth/out/there'");
    sandbox.wt(&["merge", "auth"]).expect(0).says(why);
    assert!(worktree.join("mine").exists() && theirs.exists());
    drop(bound);

    // It may come there after the removal as well.
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    let trash = sandbox.root().join("repo.wt/_trash");
    let there = || {
        let kept = fs::read_dir(&trash).expect("there").flatten().next();
        kept.expect("kept").path().join("out/there")
    };
    let bound = image.bind(&there());
    sandbox
        .wt(&["gc", "--drop", "auth", "--operator", "me"])
        .expect(4);
    sandbox
        .wt(&["gc", "--older", "0"])
        .expect(4)
        .says("something is mounted at <root>/repo.wt/_trash/auth-");
    assert!(theirs.exists());
    bound.end_at(&there());
    sandbox.wt(&["gc", "--older", "0"]).expect(0);
    assert!(!trash.exists() && theirs.exists());
}
