//! Warm folders at spawn: what was built in the main checkout is as fresh in a task, and shares nothing that can be written.

use std::fs;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};

use rustix::fs::FallocateFlags;

use crate::sandbox::{CONTRACT, Sandbox, skipped};

/// A repository whose ignored folder `out` is warm, and holds a file of one hour ago.
fn built(worktree: &str) -> Sandbox {
    let contract = format!("{CONTRACT}[worktree]\nwarm = [\"out\"]\n{worktree}");
    let sandbox = Sandbox::with(&[
        ("wt.toml", contract.as_str()),
        ("test.sh", "test -f out/deep/made && echo passed\n"),
        (".gitignore", "out/\n"),
        ("src/a", "a\n"),
    ]);
    sandbox.write("out/deep/made", "made\n");
    age(&sandbox.repo().join("out"));
    sandbox
}

/// Makes a folder with all in it look settled: what was written this very moment counts as being written.
fn age(folder: &Path) {
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        let kind = entry.file_type().expect("a kind");
        if kind.is_dir() {
            age(&path);
        } else if kind.is_file() {
            let file = fs::File::open(&path).expect("opened");
            file.set_modified(hour_ago).expect("set");
        }
    }
    let opened = fs::File::open(folder).expect("opened");
    opened.set_modified(hour_ago).expect("set");
    std::thread::sleep(Duration::from_millis(25));
}

/// Kind, mode, time of the last change and content of all below a folder, sorted by path.
fn picture(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(path) = left.pop() {
        let metadata = fs::symlink_metadata(&path).expect("metadata");
        let content = if metadata.is_dir() {
            left.extend(
                fs::read_dir(&path)
                    .expect("a folder")
                    .flatten()
                    .map(|e| e.path()),
            );
            String::new()
        } else if metadata.is_symlink() {
            fs::read_link(&path).expect("a link").display().to_string()
        } else {
            fs::read_to_string(&path).expect("text")
        };
        let time = (metadata.mtime(), metadata.mtime_nsec());
        let name = path.strip_prefix(folder).expect("inside").display();
        found.push(format!("{name} {:o} {time:?} {content}", metadata.mode()));
    }
    found.sort();
    found
}

#[test]
fn warm_folders_come_along_whole_with_their_times_and_are_the_tasks_own() {
    let sandbox = built("");
    let out = sandbox.repo().join("out");
    fs::write(out.join("tool"), "run").expect("written");
    fs::set_permissions(out.join("tool"), fs::Permissions::from_mode(0o750)).expect("set");
    fs::hard_link(out.join("tool"), out.join("deep/twin")).expect("linked");
    fs::write(out.join("empty"), "").expect("written");
    fs::create_dir(out.join("hollow")).expect("made");
    fs::set_permissions(out.join("hollow"), fs::Permissions::from_mode(0o555)).expect("set");
    symlink("deep/made", out.join("near")).expect("linked");
    symlink("/usr/bin/env", out.join("far")).expect("linked");
    age(&out);
    let before = picture(&out);
    sandbox
        .wt(&["spawn", "auth"])
        .expect(0)
        .says("warm folders brought along: out");
    let warm = sandbox.worktree("auth").join("out");
    assert_eq!(picture(&warm), before);
    assert_eq!(picture(&out), before);
    let inode = |path: PathBuf| fs::metadata(path).expect("metadata").ino();
    assert_eq!(inode(warm.join("tool")), inode(warm.join("deep/twin")));
    assert_ne!(inode(warm.join("tool")), inode(out.join("tool")));
    fs::write(warm.join("tool"), "changed").expect("written");
    assert_eq!(picture(&out), before);
    // The judge's new checkout has them as well.
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn a_link_into_the_main_checkout_leads_to_the_same_place_in_the_task() {
    let sandbox = built("");
    let out = sandbox.repo().join("out");
    symlink(sandbox.repo().join("src/a"), out.join("own")).expect("linked");
    symlink(sandbox.home(), out.join("home")).expect("linked");
    age(&out);
    let worktree = sandbox.spawn("auth");
    let leads = |name: &str| fs::read_link(worktree.join("out").join(name)).expect("a link");
    assert_eq!(leads("own"), worktree.join("src/a"));
    assert_eq!(leads("home"), sandbox.home());
}

#[test]
fn what_is_no_ignored_folder_of_files_alone_stays_away() {
    let contract = format!(
        "{CONTRACT}[worktree]\nwarm = [\"seen\", \"kept\", \"linked\", \"missing\", \"deep/out\"]\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", contract.as_str()),
        ("test.sh", ""),
        (".gitignore", "/kept/*\n/linked\n/missing\nout\n"),
        ("deep/a", "a\n"),
    ]);
    sandbox.write("kept/tracked", "");
    sandbox.git(&["add", "-f", "kept/tracked"]);
    sandbox.git(&["commit", "-q", "-m", "tracked"]);
    sandbox.write("kept/made", "");
    sandbox.write("seen/made", "");
    sandbox.write("deep/out/made", "");
    let pipe = sandbox.repo().join("deep/out/pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .expect("run")
            .success()
    );
    symlink(sandbox.home(), sandbox.repo().join("linked")).expect("linked");
    age(&sandbox.repo().join("deep/out"));
    sandbox
        .wt(&["spawn", "auth"])
        .expect(0)
        .says("the warm folder seen is left out: git does not ignore it; name it in .gitignore")
        .says("the warm folder kept is left out: something in it is tracked")
        .says("the warm folder linked is left out: it is no folder");
    let worktree = sandbox.worktree("auth");
    assert!(worktree.join("deep/out/made").exists() && !worktree.join("deep/out/pipe").exists());
    for path in ["seen", "kept/made", "linked", "missing"] {
        assert!(fs::symlink_metadata(worktree.join(path)).is_err(), "{path}");
    }
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
}

#[test]
fn what_a_judged_step_left_in_a_slot_reaches_no_other_task() {
    let sandbox = built("");
    sandbox.write("test.sh", "mkdir -p out && echo bad > out/tool\n");
    sandbox.git(&["commit", "-qam", "writes"]);
    let worktree = sandbox.spawn("evil");
    fs::write(worktree.join("src/a"), "b\n").expect("written");
    sandbox.wt(&["validate", "evil"]).expect(0);
    // The main checkout holds too little of the tree by now: the slot is the donor.
    sandbox.git(&["checkout", "-q", "-b", "other"]);
    sandbox.git(&["rm", "-q", "src/a", "test.sh", ".gitignore"]);
    for name in ["1", "2", "3", "4", "5"] {
        sandbox.write(name, name);
        sandbox.git(&["add", name]);
    }
    sandbox.git(&["commit", "-q", "-m", "other"]);
    let spawned = sandbox.wt(&["spawn", "victim", "--base", "main", "--target", "main"]);
    spawned.expect(0);
    assert!(sandbox.worktree("victim").join("src/a").exists());
    assert!(!sandbox.worktree("victim").join("out").exists());
    let slot = sandbox.worktree("_judge/0/out/tool");
    assert!(slot.exists() || sandbox.worktree("_judge/1/out/tool").exists());
}

#[test]
fn what_stands_in_the_new_checkout_already_stays() {
    let contract = format!(
        "{CONTRACT}[worktree]\nwarm = [\"out/deep\", \"out\", \".gemini\"]\n[agents.gemini]\nrules = \".gemini/wt.md\"\n"
    );
    let sandbox = Sandbox::with(&[
        ("wt.toml", contract.as_str()),
        ("test.sh", ""),
        (".gitignore", "out/\n.gemini/\n"),
    ]);
    sandbox.write("out/deep/made", "made\n");
    sandbox.write(".gemini/cache", "mine\n");
    age(&sandbox.repo().join("out"));
    age(&sandbox.repo().join(".gemini"));
    let spawned = sandbox.wt(&["spawn", "auth"]);
    spawned
        .expect(0)
        .says("the warm folder .gemini is left out: something of that name stands");
    let worktree = sandbox.worktree("auth");
    assert!(worktree.join(".gemini/wt.md").exists());
    assert!(worktree.join("out/deep/made").exists());
}

#[test]
fn a_folder_that_is_being_written_is_left_out_and_said() {
    let sandbox = built("");
    let busy = sandbox.repo().join("out/busy");
    let over = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&busy, "again").expect("written");
            }
        });
        let ran = sandbox.wt(&["spawn", "auth"]);
        over.store(true, std::sync::atomic::Ordering::Relaxed);
        ran.expect(0)
            .says("out changed while it was cloned: it is left out");
    });
    assert!(!sandbox.worktree("auth").join("out").exists());
}

/// Whether the folders of sandboxes are on a file system that shares blocks.
fn shares_blocks(folder: &Path) -> bool {
    let (one, other) = (folder.join("one"), folder.join("other"));
    fs::write(&one, "blocks").expect("written");
    let copied = Command::new("cp")
        .arg("--reflink=always")
        .args([&one, &other])
        .output();
    copied.expect("run").status.success()
}

#[test]
fn what_can_not_be_shared_and_is_large_is_left_out_unless_it_is_asked_for() {
    let sandbox = built("");
    if shares_blocks(&sandbox.home()) {
        return skipped("this file system shares blocks");
    }
    let large = fs::File::create(sandbox.repo().join("out/large")).expect("made");
    rustix::fs::fallocate(&large, FallocateFlags::empty(), 0, 300_000_000).expect("taken");
    age(&sandbox.repo().join("out"));
    sandbox
        .wt(&["spawn", "a"])
        .expect(0)
        .says("the warm folder out (300 MB) is left out: this file system can't share its blocks")
        .says("warm_copy = \"copy\"");
    assert!(!sandbox.worktree("a").join("out").exists());
    for (wish, comes) in [("skip", false), ("copy", true)] {
        let contract = sandbox.read("wt.toml");
        let contract = contract.split("warm_copy").next().expect("text").to_owned();
        sandbox.write("wt.toml", &format!("{contract}warm_copy = \"{wish}\"\n"));
        sandbox.commit(&sandbox.repo(), wish);
        sandbox.wt(&["spawn", wish]).expect(0);
        let large = sandbox.worktree(wish).join("out/large");
        assert_eq!(
            large.metadata().is_ok_and(|m| m.len() == 300_000_000),
            comes,
            "{wish}"
        );
    }
}

#[test]
fn the_holes_of_a_file_stay_holes_where_it_is_copied() {
    let sandbox = built("");
    let path = sandbox.repo().join("out/holes");
    let file = fs::File::create(&path).expect("made");
    file.set_len(300_000_000).expect("sized");
    for at in [0, 100_000_000, 299_999_996] {
        file.write_all_at(b"here", at).expect("written");
    }
    file.set_len(400_000_000).expect("sized");
    age(&sandbox.repo().join("out"));
    sandbox
        .wt(&["spawn", "auth"])
        .expect(0)
        .says("warm folders brought along: out");
    let copy = fs::File::open(sandbox.worktree("auth").join("out/holes")).expect("opened");
    let metadata = copy.metadata().expect("metadata");
    assert_eq!(metadata.len(), 400_000_000);
    assert!(metadata.blocks() * 512 < 1_000_000, "{}", metadata.blocks());
    for at in [0, 100_000_000, 299_999_996] {
        let mut there = [0; 4];
        copy.read_exact_at(&mut there, at).expect("read");
        assert_eq!(&there, b"here", "{at}");
    }
}

/// Builds a small package in the main checkout, and holds that a task of it has nothing to build.
fn nothing_is_built_again(sandbox: &Sandbox) {
    let cargo = |dir: &Path| {
        let mut cargo = Command::new("cargo");
        let target = [
            "CARGO_TARGET_DIR",
            "CARGO_BUILD_TARGET_DIR",
            "RUSTFLAGS",
            "RUSTC_WRAPPER",
        ];
        for name in target {
            cargo.env_remove(name);
        }
        let output = cargo
            .args(["build", "--offline", "--verbose"])
            .current_dir(dir)
            .output()
            .expect("cargo");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}");
        said
    };
    assert!(cargo(&sandbox.repo()).contains("Compiling"));
    std::thread::sleep(Duration::from_millis(1100));
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "lock"]);
    let worktree = sandbox.spawn("auth");
    let said = cargo(&worktree);
    assert!(
        !said.contains("Compiling") && !said.contains("Dirty"),
        "{said}"
    );
    assert!(
        said.contains("Fresh app") && said.contains("Fresh part"),
        "{said}"
    );
    // And what is changed is built.
    fs::write(
        worktree.join("part/src/lib.rs"),
        "pub fn part() -> u32 { 2 }\n",
    )
    .expect("written");
    let said = cargo(&worktree);
    assert!(
        said.contains("Compiling part") && said.contains("Compiling app"),
        "{said}"
    );
}

fn package(sandbox: &Sandbox) {
    let workspace =
        "[workspace]\nmembers = [\"part\"]\n[package]\nname = \"app\"\nedition = \"2021\"\n";
    for (path, text) in [
        (
            "wt.toml",
            format!("{CONTRACT}[worktree]\nwarm = [\"target\"]\nsetup = []\n"),
        ),
        ("test.sh", String::new()),
        (".gitignore", "/target\n".to_owned()),
        (
            "Cargo.toml",
            format!("{workspace}[dependencies]\npart.path = \"part\"\n"),
        ),
        (
            "build.rs",
            "fn main() { println!(\"cargo:rerun-if-changed=build.rs\"); }\n".to_owned(),
        ),
        (
            "src/main.rs",
            "fn main() { println!(\"{}\", part::part()); }\n".to_owned(),
        ),
        (
            "part/Cargo.toml",
            "[package]\nname = \"part\"\nedition = \"2021\"\n".to_owned(),
        ),
        ("part/src/lib.rs", "pub fn part() -> u32 { 1 }\n".to_owned()),
    ] {
        sandbox.write(path, &text);
    }
    sandbox.git(&["add", "-A"]);
    sandbox.git(&["commit", "-q", "-m", "first"]);
}

fn has_cargo() -> bool {
    let found = Command::new("cargo").arg("--version").output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        skipped("there is no cargo");
    }
    found
}

#[test]
fn a_cloned_target_builds_nothing_again() {
    if !has_cargo() {
        return;
    }
    let sandbox = Sandbox::empty(&[]);
    package(&sandbox);
    nothing_is_built_again(&sandbox);
}

/// A file system in a file, mounted for as long as this value lives.
struct Mounted(PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}

/// Mounts an XFS, which shares blocks, at `place`.
fn mount_xfs(image: &Path, place: &Path) -> Option<Mounted> {
    let file = fs::File::create(image).ok()?;
    file.set_len(400 << 20).ok()?;
    let done = |command: &mut Command| command.output().is_ok_and(|o| o.status.success());
    let made = done(
        Command::new("mkfs.xfs")
            .args(["-q", "-m", "reflink=1"])
            .arg(image),
    );
    fs::create_dir_all(place).ok()?;
    let mounted = made
        && done(
            Command::new("mount")
                .args(["-o", "loop"])
                .args([image, place]),
        );
    mounted.then(|| Mounted(place.to_owned()))
}

#[test]
fn a_target_that_shares_its_blocks_builds_nothing_again() {
    if !has_cargo() {
        return;
    }
    let images = tempfile::tempdir().expect("a folder");
    let place = images.path().join("mounted");
    let Some(mounted) = mount_xfs(&images.path().join("image"), &place) else {
        return skipped("no XFS can be made and mounted here (root and mkfs.xfs are needed)");
    };
    let sandbox = Sandbox::empty_in(&mounted.0);
    assert!(shares_blocks(&sandbox.home()));
    package(&sandbox);
    nothing_is_built_again(&sandbox);
    let made = |root: PathBuf| root.join("target/debug/app");
    let (one, other) = (made(sandbox.repo()), made(sandbox.worktree("auth")));
    assert!(one.exists() && other.exists());
}
