//! A donor's file that is not as its index says is not taken over; git writes that one.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::atomic::{AtomicBool, Ordering};

use super::{set_time, time_of};
use crate::sandbox::Sandbox;

fn four_files() -> Sandbox {
    with_files(&["a/one", "a/two", "b/three", "four"])
}

fn with_files(files: &[&'static str]) -> Sandbox {
    let files: Vec<_> = files.iter().map(|path| (*path, "right\n")).collect();
    let sandbox = Sandbox::with(&files);
    sandbox.settle();
    sandbox
}

#[test]
fn changed_files_are_not_cloned_whatever_their_size_and_time() {
    let sandbox = with_files(&["a/one", "a/two", "b/three", "b/five", "b/six", "four"]);
    let file = sandbox.repo().join("a/one");
    let before = time_of(&file);
    sandbox.write("a/one", "wrong\n");
    let kept = fs::File::options().write(true).open(&file).expect("open");
    kept.set_modified(before).expect("set back");
    fs::remove_file(sandbox.repo().join("four")).expect("removed");
    sandbox.write("untracked", "mine\n");
    let unchanged = ["a/two", "b/five", "b/six", "b/three"];
    assert_eq!(sandbox.spawned_right("auth"), unchanged);
    // Staged, it is known to the index, and yet not what is wanted. Of its own accord git may take it for unchanged.
    sandbox.git(&["rm", "-q", "--cached", "a/one"]);
    sandbox.git(&["add", "-A"]);
    sandbox.settle();
    assert_eq!(sandbox.spawned_right("next"), unchanged);
}

#[test]
fn what_is_no_plain_file_any_more_is_neither_followed_nor_waited_for() {
    let sandbox = four_files();
    let outside = sandbox.root().join("outside");
    fs::rename(sandbox.repo().join("a"), &outside).expect("moved");
    symlink(&outside, sandbox.repo().join("a")).expect("linked");
    fs::remove_file(sandbox.repo().join("four")).expect("removed");
    let pipe = sandbox.repo().join("four");
    let made = sandbox.command("mkfifo").arg(pipe).status();
    assert!(made.expect("mkfifo").success());
    sandbox.wt_in_time(&["spawn", "first"]).expect(0);
    sandbox.wt(&["rm", "first", "--force"]).expect(0);
    assert_eq!(sandbox.spawned_right("auth"), ["b/three"]);

    fs::remove_file(sandbox.repo().join("four")).expect("removed");
    symlink("b/three", sandbox.repo().join("four")).expect("linked");
    fs::remove_file(sandbox.repo().join("b/three")).expect("removed");
    fs::create_dir(sandbox.repo().join("b/three")).expect("made");
    assert!(sandbox.spawned_right("next").is_empty());
}

#[test]
fn a_file_as_young_as_the_index_is_not_trusted() {
    let sandbox = four_files();
    set_time(&sandbox.repo().join(".git/index"), 1_400_000_000);
    assert!(sandbox.spawned_right("auth").is_empty());
    // Git writes an index of its own accord only where something is new.
    set_time(&sandbox.repo().join("four"), 1_600_000_000);
    std::thread::sleep(std::time::Duration::from_millis(20));
    sandbox.git(&["status", "--short"]);
    assert_eq!(sandbox.spawned_right("next").len(), 4);
}

#[test]
fn bits_that_hide_a_file_from_git_stay_behind() {
    let sandbox = four_files();
    sandbox.git(&["update-index", "--assume-unchanged", "a/one", "four"]);
    sandbox.git(&["update-index", "--skip-worktree", "b/three"]);
    sandbox.write("a/one", "hidden\n");
    sandbox.write("b/three", "hidden\n");
    assert_eq!(sandbox.spawned_right("auth"), ["a/two", "four"]);
    let flags = sandbox.git_in(&sandbox.worktree("auth"), &["ls-files", "-v"]);
    assert_eq!(flags, "H a/one\nH a/two\nH b/three\nH four");
}

#[test]
fn an_intended_file_and_a_conflict_are_left_where_they_are() {
    let sandbox = four_files();
    sandbox.git(&["switch", "-q", "-c", "other"]);
    sandbox.write("four", "theirs\n");
    sandbox.commit(&sandbox.repo(), "theirs");
    sandbox.git(&["switch", "-q", "main"]);
    sandbox.write("four", "ours\n");
    sandbox.commit(&sandbox.repo(), "ours");
    sandbox.settle();
    let mut merge = sandbox.command("git");
    let merged = merge.args(["merge", "-q", "other"]).output();
    assert!(!merged.expect("git").status.success());
    sandbox.write("intended", "later\n");
    sandbox.git(&["add", "--intent-to-add", "intended"]);
    assert_eq!(sandbox.spawned_right("auth"), ["a/one", "a/two", "b/three"]);
}

#[test]
fn a_donor_that_is_being_changed_gives_nothing_half_done() {
    let sandbox = four_files();
    for number in 0..200 {
        sandbox.write(format!("many/{number}"), &"right".repeat(2000));
    }
    sandbox.commit(&sandbox.repo(), "many");
    sandbox.settle();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Times and sizes are put back each time, as a build that unpacks does.
            while !over.load(Ordering::Relaxed) {
                for number in (0..200).step_by(3) {
                    let path = sandbox.repo().join(format!("many/{number}"));
                    let time = time_of(&path);
                    fs::write(&path, "wrong".repeat(2000)).expect("written");
                    let file = fs::File::options().write(true).open(&path).expect("open");
                    file.set_modified(time).expect("set back");
                }
            }
        });
        for task in ["one", "two", "three"] {
            let cloned = sandbox.spawned_right(task);
            assert!(cloned.len() < 204 && cloned.len() > 100, "{}", cloned.len());
        }
        over.store(true, Ordering::Relaxed);
    });
}
