//! Checkouts that are made ahead: the next task gets their files, as long as they are what they were.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::Stdio;

use super::{files, of_every_kind, set_time, time_of};
use crate::sandbox::{CONTRACT, Ran, Sandbox, has_strace, wait_until, wt};

/// Does something to a spare.
type Spoil = fn(&Sandbox);

impl Sandbox {
    /// Has so many kept from the next spawn on.
    fn keep_spares(&self, count: usize) {
        let contract = format!("{CONTRACT}[worktree]\nspare = {count}\n");
        self.write("wt.toml", &contract);
        self.commit(&self.repo(), "spares");
        self.settle();
    }

    /// Has so many kept, and makes the first task: afterwards they are there.
    fn make_spares(&self, count: usize) {
        self.keep_spares(count);
        self.spawn("first");
        self.wait_for_spares(count);
    }

    fn spare(&self, number: usize) -> PathBuf {
        self.root().join(format!("repo.wt/_judge/spares/{number}"))
    }

    fn has_spare(&self, number: usize) -> bool {
        let index = self.state().join(format!("spares/{number}/index"));
        index.exists() && self.spare(number).exists()
    }

    /// Waits until nobody makes spares, and so many are there.
    fn wait_for_spares(&self, count: usize) {
        wait_until("as many spares as are kept", || {
            (0..count).all(|number| self.has_spare(number))
        });
        self.wait_until_none_is_made();
    }

    fn wait_until_none_is_made(&self) {
        let lock = self.state().join("spares/lock");
        wait_until("nobody makes spares", || {
            fs::File::open(&lock).is_ok_and(|lock| lock.try_lock().is_ok())
        });
    }

    /// A task whose worktree must be right; answers whether `path` is the very file of the first spare.
    fn takes_spare(&self, task: &str, path: &str) -> bool {
        let inode = fs::metadata(self.spare(0).join(path)).map(|metadata| metadata.ino());
        self.spawned_right(task);
        let made = fs::metadata(self.worktree(task).join(path)).expect("there");
        inode.is_ok_and(|inode| inode == made.ino())
    }
}

#[test]
fn the_next_task_gets_every_file_of_a_spare_and_another_is_made() {
    let sandbox = of_every_kind(&[]);
    sandbox.make_spares(2);
    for (round, path) in ["plain.txt", "many/7"].into_iter().enumerate() {
        let task = format!("task-{round}");
        assert!(sandbox.takes_spare(&task, path), "{path}");
        let cloned = sandbox.cloned(&sandbox.repo(), &sandbox.worktree(&task));
        assert_eq!(cloned.len(), 612, "their times are kept");
        sandbox.wait_for_spares(2);
    }
    let listed = sandbox.wt(&["list", "--size"]);
    let line = listed.out.lines().find(|line| line.starts_with("spare"));
    assert!(
        line.is_some_and(|line| line.contains("_judge/spares/0")),
        "{listed:?}"
    );
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    let freed = sandbox.wt(&["gc", "--older", "0"]);
    assert!(freed.out.contains("spare  1"), "{freed:?}");
    assert!(!sandbox.spare(0).exists() && !sandbox.spare(1).exists());

    sandbox.keep_spares(0);
    sandbox.spawn("last");
    assert!(!sandbox.has_spare(0));
}

#[test]
fn several_at_once_each_get_one_or_none() {
    let sandbox = of_every_kind(&[]);
    sandbox.make_spares(2);
    let names = ["a", "b", "c", "d"];
    std::thread::scope(|scope| {
        for name in names {
            scope.spawn(|| {
                sandbox.wt(&["spawn", name]).expect(0);
            });
        }
    });
    let wanted = sandbox.by_git("main");
    for name in names {
        let worktree = sandbox.worktree(name);
        assert_eq!(files(&worktree), wanted, "{name}");
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    }
    sandbox.wait_for_spares(2);
}

#[test]
fn a_spare_that_is_not_as_it_was_made_is_nobodys() {
    let sandbox = Sandbox::with(&[
        ("a/one", "right\n"),
        ("a/two", "right\n"),
        ("b/three", "right\n"),
        ("four", "right\n"),
        (".gitignore", "ignored\n"),
    ]);
    sandbox.keep_spares(1);
    sandbox.spawn("first");
    let spoil: &[(&str, Spoil)] = &[
        ("another content of the same size and time", |sandbox| {
            let file = sandbox.spare(0).join("a/one");
            let before = time_of(&file);
            fs::write(&file, "wrong\n").expect("written");
            let open = fs::File::options().write(true).open(&file).expect("open");
            open.set_modified(before).expect("set back");
        }),
        ("another time", |sandbox| {
            set_time(&sandbox.spare(0).join("four"), 1_400_000_000);
        }),
        ("a file that is ignored", |sandbox| {
            fs::write(sandbox.spare(0).join("b/ignored"), "x").expect("written");
        }),
        ("an empty folder", |sandbox| {
            fs::create_dir(sandbox.spare(0).join("b/empty")).expect("made");
        }),
        ("a hook of git's", |sandbox| {
            fs::create_dir(sandbox.spare(0).join(".git")).expect("made");
        }),
        ("other permissions of a folder", |sandbox| {
            let mode = fs::Permissions::from_mode(0o777);
            fs::set_permissions(sandbox.spare(0).join("b"), mode).expect("set");
        }),
        ("no note", |sandbox| {
            let note = sandbox.state().join("spares/0/spare.json");
            fs::write(note, "{").expect("written");
        }),
        ("no file", |sandbox| {
            fs::remove_file(sandbox.spare(0).join("b/three")).expect("removed");
        }),
        ("another name", |sandbox| {
            let a = sandbox.spare(0).join("a");
            fs::rename(a.join("two"), a.join("too")).expect("renamed");
        }),
        ("a link in a folder's place", |sandbox| {
            let (spare, outside) = (sandbox.spare(0), sandbox.root().join("outside"));
            fs::rename(spare.join("a"), &outside).expect("moved");
            symlink(&outside, spare.join("a")).expect("linked");
        }),
        ("a link in its own place", |sandbox| {
            let (spare, outside) = (sandbox.spare(0), sandbox.root().join("away"));
            fs::rename(&spare, &outside).expect("moved");
            symlink(&outside, &spare).expect("linked");
        }),
        ("other permissions", |sandbox| {
            let mode = fs::Permissions::from_mode(0o700);
            fs::set_permissions(sandbox.spare(0), mode).expect("set");
        }),
        ("a cut index", |sandbox| {
            let index = sandbox.state().join("spares/0/index");
            let bytes = fs::read(&index).expect("read");
            fs::write(&index, &bytes[..bytes.len() / 2]).expect("written");
        }),
        ("a note of another place", |sandbox| {
            let note = sandbox.state().join("spares/0/spare.json");
            let text = fs::read_to_string(&note).expect("read");
            fs::write(&note, text.replace("repo.wt/_judge/spares/0", "repo")).expect("written");
        }),
        ("another running of the machine", |sandbox| {
            let note = sandbox.state().join("spares/0/spare.json");
            let text = fs::read_to_string(&note).expect("read");
            let cut = text.replace("\"boot\":", "\"boot\": \"none\", \"was\":");
            assert_ne!(cut, text);
            fs::write(&note, cut).expect("written");
        }),
    ];
    for (number, (what, spoil)) in spoil.iter().enumerate() {
        sandbox.wait_for_spares(1);
        spoil(&sandbox);
        let task = format!("task-{number}");
        assert!(!sandbox.takes_spare(&task, "a/one"), "{what}");
        let ignored = ["status", "--porcelain", "--ignored"];
        let beside = sandbox.git_in(&sandbox.worktree(&task), &ignored);
        assert!(!beside.contains("ignored"), "{what}: {beside}");
        if *what == "a note of another place" {
            // What it names is nobody's to remove.
            sandbox.wait_until_none_is_made();
            assert!(sandbox.repo().join("four").exists());
        }
    }
    sandbox.wait_for_spares(1);
    assert!(sandbox.takes_spare("end", "a/one"));
    sandbox.wait_for_spares(1);
}

#[test]
fn what_has_changed_since_is_written_by_git() {
    let sandbox = Sandbox::with(&[
        ("a/1", "one\n"),
        ("a/2", "two\n"),
        ("a/b/3", "three\n"),
        ("changed", "old\n"),
        ("c/changed", "old\n"),
        ("gone/too", "x\n"),
        ("same", "same\n"),
        ("4", "4\n"),
        ("5", "5\n"),
        ("6", "6\n"),
        ("7", "7\n"),
        ("8", "8\n"),
    ]);
    sandbox.make_spares(1);
    sandbox.write("changed", "new\n");
    sandbox.write("c/changed", "new\n");
    sandbox.git(&["rm", "-q", "gone/too"]);
    sandbox.commit(&sandbox.repo(), "a few");
    assert!(sandbox.takes_spare("few", "a/b/3"));
    sandbox.wait_for_spares(1);

    // Attributes that count from now on: what it has is not what git would write.
    sandbox.write(".gitattributes", "same eol=crlf\n");
    sandbox.commit(&sandbox.repo(), "attributes");
    assert!(!sandbox.takes_spare("attributes", "a/b/3"));
    assert_eq!(
        fs::read(sandbox.worktree("attributes").join("same")).expect("read"),
        b"same\r\n"
    );
    sandbox.wait_for_spares(1);
    assert!(!sandbox.spare(0).join("same").exists());
    assert!(sandbox.takes_spare("converted", "a/b/3"));
    sandbox.wait_for_spares(1);
    sandbox.git(&["config", "core.autocrlf", "true"]);
    assert!(!sandbox.takes_spare("settings", "a/b/3"));
    sandbox.git(&["config", "--unset", "core.autocrlf"]);
    sandbox.wait_until_none_is_made();

    // So much that a new one is made.
    sandbox.spawn("again");
    sandbox.wait_for_spares(1);
    for number in 0..30 {
        sandbox.write(format!("more/{number}"), "more\n");
    }
    sandbox.commit(&sandbox.repo(), "many");
    sandbox.settle();
    assert!(!sandbox.takes_spare("far", "a/b/3"));
    wait_until("one of what is there now", || {
        sandbox.spare(0).join("more/29").exists()
    });
    sandbox.wait_for_spares(1);
    assert!(sandbox.takes_spare("near", "more/0"));
    sandbox.wait_for_spares(1);
}

#[test]
fn a_spare_of_a_changed_checkout_lacks_what_is_changed_there() {
    let sandbox = Sandbox::with(&[
        ("a/1", "one\n"),
        ("a/2", "two\n"),
        ("lonely/b/3", "three\n"),
        ("4", "4\n"),
    ]);
    sandbox.keep_spares(1);
    sandbox.write("lonely/b/3", "mine\n");
    sandbox.write("untracked", "mine\n");
    sandbox.spawn("first");
    sandbox.wait_for_spares(1);
    assert!(!sandbox.spare(0).join("lonely").exists());
    assert!(sandbox.takes_spare("auth", "a/1"));
    sandbox.wait_for_spares(1);
}

#[test]
fn a_task_of_some_folders_or_in_another_place_leaves_the_spare_alone() {
    let sandbox = Sandbox::with(&[("a/1", "one\n"), ("b/2", "two\n")]);
    sandbox.keep_spares(1);
    sandbox
        .wt(&["spawn", "small", "--sparse", "--owns", "a/**"])
        .expect(0);
    sandbox.spawn("first");
    sandbox.wait_for_spares(1);
    let inode = || fs::metadata(sandbox.spare(0)).expect("there").ino();
    let before = inode();
    sandbox
        .wt(&["spawn", "sparse", "--sparse", "--owns", "b/**"])
        .expect(0);
    assert!(sandbox.has_spare(0) && inode() == before);
    let contract = format!("{CONTRACT}[worktree]\nspare = 1\npath = \"../elsewhere\"\n");
    sandbox.write("wt.toml", &contract);
    sandbox.commit(&sandbox.repo(), "elsewhere");
    sandbox.wt(&["spawn", "away"]).expect(0);
    let moved = sandbox.root().join("elsewhere/_judge/spares/0/a/1");
    wait_until("it is made there", || moved.exists());
    wait_until("it is whole", || {
        sandbox.state().join("spares/0/index").exists()
    });
    sandbox.wait_until_none_is_made();
    assert!(!sandbox.spare(0).exists());
}

#[test]
fn a_spawn_that_is_killed_while_it_moves_a_spare_leaves_nothing_of_it() {
    if !has_strace() {
        return;
    }
    let sandbox = Sandbox::with(&[("a/1", "1\n"), ("b/2", "2\n"), ("c", "3\n"), ("d", "4\n")]);
    sandbox.keep_spares(1);
    sandbox.spawn("first");
    let mut in_part = 0;
    for number in 1.. {
        sandbox.wait_for_spares(1);
        let inject = format!("inject=rename,renameat2:signal=KILL:when={number}");
        let mut command = sandbox.command("strace");
        command.args(["-qq", "-o", "/dev/null", "-e", &inject]);
        let killed = command.args([wt(), "spawn", "auth"]).output();
        if killed.expect("strace").status.success() {
            break;
        }
        let is_part = sandbox.spare(0).exists() && !sandbox.has_spare(0);
        in_part += usize::from(is_part);
        sandbox.wt(&["doctor", "--fix"]).expect(0);
        assert!(!sandbox.root().join("repo.wt/auth").exists());
        sandbox.spawned_right("auth");
        sandbox.wt(&["rm", "auth"]).expect(0);
    }
    // Of five entries that are moved.
    assert!(in_part >= 5, "{in_part}");
    sandbox.wait_for_spares(1);
}

#[test]
fn a_file_that_changes_while_it_is_moved_is_written_anew() {
    if !has_strace() {
        return;
    }
    let sandbox = Sandbox::with(&[("a/1", "right\n"), ("b/2", "right\n"), ("four", "right\n")]);
    sandbox.make_spares(1);
    let mut slowly = sandbox.command("strace");
    slowly.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=rename,renameat2:delay_exit=300000",
    ]);
    let mut spawn = slowly
        .args([wt(), "spawn", "auth"])
        .stdout(Stdio::null())
        .spawn()
        .expect("strace");
    let moved = sandbox.root().join("repo.wt/auth/four");
    wait_until("it is moved", || moved.exists());
    let before = time_of(&moved);
    fs::write(&moved, "wrong\n").expect("written");
    let open = fs::File::options().write(true).open(&moved).expect("open");
    open.set_modified(before).expect("set back");
    assert!(spawn.wait().expect("ended").success());
    assert_eq!(fs::read(&moved).expect("read"), b"right\n");
    sandbox.wait_for_spares(1);
}

#[test]
fn doctor_says_why_no_spare_could_be_made() {
    let sandbox = Sandbox::with(&[("a/1", "one\n"), ("b/2", "two\n")]);
    sandbox.keep_spares(1);
    let place = sandbox.root().join("repo.wt/_judge/spares");
    fs::create_dir_all(place.parent().expect("a folder")).expect("made");
    fs::write(&place, "in the way").expect("written");
    sandbox.spawn("first");
    sandbox.wait_for(&sandbox.state().join("spare.log"));
    sandbox.wait_until_none_is_made();
    let found = sandbox.wt(&["doctor"]);
    found.expect(1);
    let said = "no checkout could be made ahead: can't make <root>/repo.wt/_judge/spares/0: ";
    assert!(found.out.contains(said), "{found:?}");
    let fixed = sandbox.wt(&["doctor", "--fix"]);
    fixed.expect(0);
    assert!(
        fixed.out.contains("forgotten; it is tried again"),
        "{fixed:?}"
    );
    fs::remove_file(&place).expect("removed");
    sandbox.spawn("second");
    sandbox.wait_for_spares(1);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn what_cannot_be_moved_is_written_by_git_and_what_came_meanwhile_stays_behind() {
    if !has_strace() {
        return;
    }
    let sandbox = Sandbox::with(&[("a/1", "right\n"), ("b/2", "right\n"), ("four", "right\n")]);
    sandbox.keep_spares(1);
    sandbox.spawn("first");
    for (number, error) in ["EXDEV", "EACCES"].into_iter().enumerate() {
        sandbox.wait_for_spares(1);
        let mut spawn = sandbox.command("strace");
        let inject = format!("inject=renameat2:error={error}");
        let place = sandbox.spare(0).join("b");
        spawn
            .args(["-qq", "-o", "/dev/null", "-P"])
            .arg(place)
            .args(["-e", &inject]);
        let task = format!("task-{number}");
        let output = spawn.args([wt(), "spawn", &task]).output().expect("strace");
        Ran::from(&output, &sandbox, "wt spawn").expect(0);
        let worktree = sandbox.worktree(&task);
        assert_eq!(files(&worktree), sandbox.by_git("main"));
        assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
        let moved = sandbox.cloned(&sandbox.repo(), &worktree);
        assert!(moved.contains(&"a/1".to_owned()) && !moved.contains(&"b/2".to_owned()));
    }

    sandbox.wait_for_spares(1);
    let mut slowly = sandbox.command("strace");
    slowly.args([
        "-qq",
        "-o",
        "/dev/null",
        "-e",
        "inject=renameat2:delay_enter=300000",
    ]);
    let slowly = slowly.args([wt(), "spawn", "auth"]).stdout(Stdio::null());
    let mut spawn = slowly.spawn().expect("strace");
    wait_until("it is taken", || !sandbox.has_spare(0));
    for folder in [".git", "empty"] {
        // The rest may have been moved, and the folder be gone with it.
        let _ = fs::create_dir(sandbox.spare(0).join(folder));
    }
    assert!(spawn.wait().expect("ended").success());
    assert!(sandbox.worktree("auth").join(".git").is_file());
    assert!(!sandbox.worktree("auth").join("empty").exists());
    sandbox.wait_for_spares(1);
}

#[test]
fn state_of_spares_that_cannot_be_read_stops_nobody() {
    let sandbox = Sandbox::with(&[("a/1", "one\n"), ("b/2", "two\n")]);
    sandbox.make_spares(1);
    let state = sandbox.state().join("spares");
    fs::remove_file(state.join("0/lock")).expect("removed");
    fs::create_dir(state.join("0/lock")).expect("made");
    sandbox.spawn("second");
    sandbox.wait_until_none_is_made();
    sandbox.wt(&["gc"]).expect(0);
    let found = sandbox.wt(&["doctor"]);
    assert!(found.out.contains("spares/0/lock"), "{found:?}");
    fs::remove_dir_all(&state).expect("removed");
    fs::write(&state, "").expect("written");
    sandbox.spawn("third");
    sandbox.wt(&["list", "--size"]).expect(0);
    fs::remove_file(&state).expect("removed");
    // What lies there is known by its place alone.
    sandbox.keep_spares(0);
    sandbox.spawn("fourth");
    wait_until("what nobody knew of is gone", || !sandbox.spare(0).exists());
}

#[test]
fn a_copied_repository_leaves_the_spares_of_the_first_alone() {
    let sandbox = Sandbox::with(&[("a/1", "one\n"), ("b/2", "two\n")]);
    sandbox.make_spares(1);
    let copy = sandbox.root().join("copy");
    let mut copied = sandbox.command("cp");
    copied.arg("-a").arg(sandbox.repo()).arg(&copy);
    assert!(copied.status().expect("cp").success());
    sandbox.wt_in(&copy, &["gc", "--older", "0"]).expect(0);
    assert!(sandbox.takes_spare("second", "a/1"));
    sandbox.wait_for_spares(1);
}
