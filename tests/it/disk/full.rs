//! A disk that is full: what frees room works there, and everything else says how room is made.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;

use super::image::Image;
use super::noise;
use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// A repository in an image of its own, with its worktrees beside it.
fn repository(image: &Image) -> Sandbox {
    let sandbox = Sandbox::empty_in(image.path());
    sandbox.write("wt.toml", CONTRACT);
    sandbox.write("test.sh", "true\n");
    sandbox.write(".gitignore", "*.ign\n");
    fs::write(sandbox.repo().join("content"), noise(1)).expect("written");
    sandbox.commit(&sandbox.repo(), "first");
    sandbox
}

/// Takes the last byte.
fn fill(path: &Path) {
    let mut file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .expect("opened");
    for size in [1 << 20, 1 << 16, 1 << 12, 1 << 9, 1] {
        let bytes = vec![b'x'; size];
        while file.write_all(&bytes).is_ok() {}
        // Until then a file system may only guess what it takes.
        let _ = file.sync_all();
    }
}

#[test]
fn a_full_disk_is_cleared_by_wt_itself() {
    for (kind, megabytes) in [("tmpfs", 12), ("ext4", 24)] {
        let Some(image) = Image::of(kind, megabytes) else {
            return;
        };
        let sandbox = repository(&image);
        for task in ["auth", "docs", "over", "more"] {
            sandbox.spawn(task);
        }
        sandbox.write(sandbox.worktree("docs").join("mine"), "work\n");
        for past in ["docs", "over"] {
            sandbox.wt(&["rm", past, "--force"]).expect(0);
        }
        let filler = sandbox.worktree("auth").join("filler.ign");
        fill(&filler);

        sandbox
            .wt(&["spawn", "late"])
            .expect(4)
            .says("kept: docs (")
            .says("holds work that is nowhere else (uncommitted: mine)")
            .says("of the ");
        // The caller or its judge may be the one that finds no room.
        let judged = sandbox.wt(&["validate", "more"]);
        judged.expect(4);
        let said = format!("{}{}", judged.out, judged.err);
        let next = "free what is over: wt gc --older 0; remove a task: wt rm <task>";
        assert!(said.contains(next), "{said}");
        sandbox
            .wt(&["gc", "--older", "0"])
            .expect(0)
            .prints("past task  over")
            .says("holds work that is nowhere else (uncommitted: mine)");
        fill(&filler);
        sandbox
            .wt(&["gc", "--drop", "docs", "--operator", "me"])
            .expect(0)
            .says("dropped task `docs` for good; it held uncommitted: mine");
        fill(&filler);
        sandbox.wt(&["rm", "more", "--force"]).expect(0);
        fill(&filler);
        sandbox.wt(&["restore", "more"]).expect(4);
        sandbox.wt(&["rm", "auth"]).expect(0);
        wait_until("it is deleted", || {
            let trash = fs::read_dir(sandbox.root().join("repo.wt/_trash"));
            let names = trash.into_iter().flatten().flatten();
            !names
                .into_iter()
                .any(|entry| entry.file_name().to_string_lossy().ends_with(".gone"))
        });
        sandbox.wt(&["restore", "more"]).expect(0);
        sandbox.wt(&["spawn", "late"]).expect(0);
        sandbox.wt(&["doctor"]).expect(0);
    }
}

#[test]
fn what_frees_room_says_what_it_needs_where_nothing_was_held_back() {
    let Some(image) = Image::of("tmpfs", 8) else {
        return;
    };
    let sandbox = repository(&image);
    sandbox.spawn("auth");
    fs::remove_dir_all(sandbox.state().join("ballast")).expect("removed");
    let filler = image.path().join("filler");
    fill(&filler);
    let refused = sandbox.wt(&["rm", "auth", "--force"]);
    refused
        .expect(4)
        .says("the disk is full: can't write ")
        .says("hint: what wt holds back for this is used up: remove a few MB there that are not wt's, then try again");
    fs::remove_file(&filler).expect("removed");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    let held_back = fs::read_dir(sandbox.state().join("ballast"));
    assert_eq!(held_back.expect("made again").count(), 32);
}
