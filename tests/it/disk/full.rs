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

#[test]
fn a_step_that_fails_on_a_full_disk_costs_nothing() {
    let Some(image) = Image::of("tmpfs", 24) else {
        return;
    };
    let path = image.path().join("worktrees");
    let place = format!("[worktree]\npath = {:?}\n", path.to_str().expect("text"));
    let step = "[ ! -f big ] || head -c 60000000 /dev/zero > filler.ign || exit 1\n\
                if [ -f told ]; then cat told; exit 1; fi\n";
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!("{place}[disk]\nreserve = \"25%\"\n\n{CONTRACT}"),
        ),
        ("test.sh", step),
        (".gitignore", "*.ign\n"),
    ]);
    let attempts = |task: &str| sandbox.show(task)["attempts"].clone();
    for task in ["big", "told"] {
        sandbox.wt(&["spawn", task]).expect(0);
        fs::write(
            path.join(task).join(task),
            "write ENOSPC: no space left on device\n",
        )
        .expect("written");
    }
    let judged = sandbox.wt(&["validate", "big"]);
    let place = path.display();
    judged
        .expect(4)
        .prints("FAULT ")
        .prints(&format!(
            "first failure: No space left on device: step test failed for want of room at {place}/_judge/0; its log: "
        ))
        .prints("next: nothing was counted; free what is over: wt gc --older 0");
    assert_eq!(attempts("big"), 0);
    let left = path.join("_judge/0/filler.ign");
    assert!(!left.exists(), "what filled the disk is gone");
    fs::remove_file(path.join("big/big")).expect("removed");
    sandbox.wt(&["validate", "big"]).expect(0);

    // Less is free than is to stay free, and the step's own words say that it found no room.
    fs::write(image.path().join("filler"), vec![b'x'; 19_000_000]).expect("written");
    sandbox.wt(&["validate", "told"]).expect(4).prints("FAULT ");
    assert_eq!(attempts("told"), 0);
    fs::write(path.join("told/told"), "assertion failed\n").expect("written");
    sandbox.wt(&["validate", "told"]).expect(1);
    assert_eq!(attempts("told"), 1);

    // The words alone are no full disk.
    fs::remove_file(image.path().join("filler")).expect("removed");
    fs::write(path.join("told/told"), "No space left on device\n").expect("written");
    sandbox
        .wt(&["validate", "told", "--cause", "another text"])
        .expect(3)
        .prints("TEST_FAILURE");
}

#[test]
fn a_landing_that_finds_no_room_for_its_files_says_how_it_is_made() {
    let Some(image) = Image::of("tmpfs", 24) else {
        return;
    };
    let sandbox = repository(&image);
    let worktree = sandbox.spawn("auth");
    let large: Vec<u8> = (0..6).flat_map(noise).collect();
    fs::write(worktree.join("large"), large).expect("written");
    sandbox.commit(&worktree, "large");
    sandbox.wt(&["validate", "auth"]).expect(0);
    let filler = image.path().join("filler");
    fill(&filler);
    let taken = fs::metadata(&filler).expect("there").len();
    File::options()
        .write(true)
        .open(&filler)
        .and_then(|file| file.set_len(taken - 1_500_000))
        .expect("cut");
    let before = sandbox.git(&["rev-parse", "main"]);
    // Git says of such a file that it could not write it, and not why.
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("the disk is full: ")
        .says("unable to write file large")
        .says("hint: free what is over: wt gc --older 0");
    assert_eq!(sandbox.git(&["rev-parse", "main"]), before);
    assert_eq!(sandbox.git(&["status", "--short"]), "");
    fs::remove_file(&filler).expect("removed");
    sandbox.wt(&["merge", "auth"]).expect(0);
}
