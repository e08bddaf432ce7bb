//! What `wt` takes on the disk, told and bounded: sizes, room for a spawn, and what can be freed.

mod forbidden;
mod full;
mod image;
mod mounted;
mod room;

use std::fs;

use serde_json::Value;

use crate::sandbox::{CONTRACT, Sandbox};
use image::Image;

/// Half a megabyte that no file system makes smaller.
fn noise(seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_mul(2_654_435_761) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        state.to_le_bytes()[0]
    };
    (0..500_000).map(|_| next()).collect()
}

/// A place in what `wt list --size --json` answers.
#[track_caller]
fn place(sizes: &Value, what: &str, name: &str) -> Value {
    let places = sizes["places"].as_array().expect("a list");
    let found = places
        .iter()
        .find(|place| place["what"] == what && place["name"] == name);
    found
        .unwrap_or_else(|| panic!("no {what} {name:?} in {sizes:#}"))
        .clone()
}

fn bytes(place: &Value) -> u64 {
    place["bytes"].as_u64().expect("a number")
}

#[test]
fn sizes_are_told_of_all_that_is_wts_and_hard_links_count_once() {
    let sandbox = Sandbox::new();
    let auth = sandbox.spawn("auth");
    fs::create_dir(auth.join("target")).expect("made");
    fs::write(auth.join("target/one"), noise(1)).expect("written");
    for n in 0..20 {
        fs::hard_link(auth.join("target/one"), auth.join(format!("target/{n}"))).expect("linked");
    }
    let gone = sandbox.spawn("gone");
    fs::write(gone.join("big"), noise(2)).expect("written");
    sandbox.wt(&["rm", "gone", "--force"]).expect(0);
    sandbox.validated("docs", "docs.txt", "text\n");
    sandbox.wt(&["spawn", "later", "--after", "docs"]).expect(0);

    let sizes = sandbox.wt(&["list", "--size", "--json"]).json();
    for (what, name, least, most) in [
        ("task", "auth", 500_000, 800_000),
        ("task", "docs", 4_000, 300_000),
        ("slot", "0", 4_000, 300_000),
        ("trash", "", 500_000, 800_000),
        ("state", "", 20_000, 2_000_000),
    ] {
        let taken = bytes(&place(&sizes, what, name));
        assert!((least..most).contains(&taken), "{what} {name}: {taken}");
    }
    let places = sizes["places"].as_array().expect("a list");
    assert!(places.iter().all(|place| place["name"] != "later"));
    assert_eq!(
        bytes(&sizes["total"]),
        places.iter().map(bytes).sum::<u64>()
    );
    assert!(sizes["free"].as_u64().expect("a number") > 0);

    let told = sandbox.wt(&["list", "--size"]);
    told.expect(0)
        .prints("WHAT   NAME  SIZE")
        .prints("<root>/repo.wt/auth");
    assert!(
        told.out
            .lines()
            .last()
            .expect("a line")
            .starts_with("total")
    );
    sandbox.wt(&["list", "--size", "--all"]).expect(64);
}

#[test]
fn what_worktrees_share_by_copy_on_write_is_told_and_counted_once() {
    for kind in ["xfs", "btrfs"] {
        let Some(image) = Image::of(kind, 400) else {
            continue;
        };
        let path = image.path().join("worktrees");
        let set = format!(
            "[worktree]\npath = {:?}\n\n{CONTRACT}",
            path.to_str().expect("text")
        );
        let sandbox = Sandbox::with(&[("wt.toml", &set), ("test.sh", "true\n")]);
        for task in ["auth", "docs"] {
            sandbox.wt(&["spawn", task]).expect(0);
        }
        let (auth, docs) = (path.join("auth/one"), path.join("docs/one"));
        for n in 1..5 {
            fs::write(auth.with_file_name(n.to_string()), noise(n)).expect("written");
        }
        let parts: Vec<u8> = (0..8).flat_map(noise).collect();
        fs::write(&auth, &parts).expect("written");
        let clone = sandbox
            .command("cp")
            .arg("--reflink=always")
            .args([&auth, &docs])
            .status();
        assert!(clone.expect("cp").success(), "{kind}");
        image.sync();
        let sizes = sandbox.wt(&["list", "--size", "--json"]).json();
        let (auth, docs) = (place(&sizes, "task", "auth"), place(&sizes, "task", "docs"));
        for (place, least, most) in [(&auth, 6_000_000, 6_400_000), (&docs, 4_000_000, 4_400_000)] {
            assert!((least..most).contains(&bytes(place)), "{kind}: {place}");
            let shared = place["shared"].as_u64().expect("a number");
            assert!((3_999_000..4_100_000).contains(&shared), "{kind}: {place}");
        }
        let once = bytes(&auth) + bytes(&docs) - 4_000_000;
        let apart: u64 = sizes["places"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|place| place["what"] != "task")
            .map(bytes)
            .sum();
        let total = bytes(&sizes["total"]) - apart;
        assert!(total.abs_diff(once) < 100_000, "{kind}: {total} {once}");
        assert_eq!(sizes["total"]["untold"], false, "{kind}");
    }
}

/// A repository with everything that `wt gc` looks at: live and past tasks, with and without work, runs and a slot.
fn lived_in() -> Sandbox {
    let sandbox = Sandbox::new();
    let empty = sandbox.spawn("empty");
    fs::write(empty.join(".wt/x"), noise(1)).expect("written");
    sandbox.wt(&["rm", "empty", "--force"]).expect(0);
    let picked = sandbox.spawn("picked");
    sandbox.write(picked.join("picked"), "by hand\n");
    sandbox.commit(&picked, "picked");
    sandbox.git(&["cherry-pick", "wt/picked"]);
    sandbox.wt(&["rm", "picked", "--force"]).expect(0);
    let auth = sandbox.spawn("auth");
    sandbox.write(auth.join("committed"), "work\n");
    sandbox.commit(&auth, "work");
    sandbox.write(auth.join("README.md"), "changed\n");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.validated("docs", "docs.txt", "a guide\n");
    sandbox.wt(&["merge", "docs"]).expect(0);
    let live = sandbox.spawn("live");
    sandbox.write(live.join("broken"), "");
    sandbox.wt(&["validate", "live"]).expect(1);
    fs::remove_file(live.join("broken")).expect("removed");
    sandbox.write(live.join("live.txt"), "work\n");
    sandbox.commit(&live, "work");
    let cause = ["validate", "live", "--cause", "it was broken"];
    sandbox.wt(&cause).expect(0);
    sandbox
}

/// Three weeks on.
fn later(sandbox: &mut Sandbox) {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(21 * 24);
    sandbox.set("WT_NOW", &then.to_string());
}

/// What `wt gc --json` freed, as kind and name.
fn freed(answer: &Value) -> Vec<(String, String)> {
    let text = |item: &Value, key: &str| item[key].as_str().expect("text").to_owned();
    let items = answer["freed"].as_array().expect("a list").iter();
    items
        .map(|item| (text(item, "kind"), text(item, "name")))
        .collect()
}

#[test]
fn gc_frees_what_is_over_and_leaves_work_and_proof() {
    let mut sandbox = lived_in();
    sandbox.wt(&["gc"]).expect(0).says("nothing is freed");
    let on_target = sandbox.wt(&["log", "--target", "main", "--json"]).out;
    let stored = sandbox.state().join("receipts");
    let receipts = || fs::read_dir(&stored).expect("there").count();
    let proofs = receipts();
    let before = sandbox.picture();
    later(&mut sandbox);

    let planned = sandbox.wt(&["gc", "--dry-run", "--json"]).json();
    sandbox.assert_as(&before);
    let told = sandbox.wt(&["gc", "--json"]);
    told.expect(0);
    let answer = told.json();
    let wanted = [
        ("past", "empty"),
        ("past", "picked"),
        ("past", "docs"),
        ("runs", "live"),
        ("slot", "0"),
    ];
    let wanted = wanted.map(|(kind, name)| (kind.to_owned(), name.to_owned()));
    assert_eq!(freed(&planned), wanted);
    assert_eq!(freed(&answer), wanted);
    let empty = &answer["freed"][0];
    assert!(empty["bytes"].as_u64() > Some(500_000), "{empty}");
    assert_eq!(answer["held"].as_array().map(Vec::len), Some(1));
    let held = &answer["held"][0];
    assert_eq!(held["name"], "auth");
    let why = held["why"].as_str().expect("text");
    assert!(
        why.ends_with("(uncommitted: README.md; committed, not landed: committed)"),
        "{why}"
    );

    let trash = sandbox.root().join("repo.wt/_trash");
    let names = fs::read_dir(trash).expect("there").flatten();
    let names: Vec<_> = names.map(|entry| entry.file_name()).collect();
    assert!(
        matches!(&names[..], [name] if name.to_string_lossy().starts_with("auth-")),
        "{names:?}"
    );
    let refs = sandbox.git(&["for-each-ref", "--format=%(refname)", "refs/wt/trash*"]);
    assert!(refs.lines().all(|name| name.contains("/auth-")), "{refs}");
    assert!(!sandbox.git(&["worktree", "list"]).contains("_judge"));
    assert!(!sandbox.state().join("tasks/live/runs/1").exists());
    assert!(sandbox.state().join("tasks/live/runs/2").is_dir());
    assert_eq!(receipts(), proofs);
    assert_eq!(
        sandbox.wt(&["log", "--target", "main", "--json"]).out,
        on_target
    );
    sandbox.wt(&["gc"]).expect(0).says("nothing is freed");
    sandbox.wt(&["doctor"]).expect(0);

    sandbox
        .wt(&["merge", "docs"])
        .expect(4)
        .says("has landed on main");
    sandbox
        .wt(&["restore", "empty"])
        .expect(4)
        .says("no removed task");
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(
        sandbox.read(sandbox.worktree("auth").join("README.md")),
        "changed\n"
    );
    let answered = sandbox.wt(&["validate", "live"]);
    answered.expect(0).prints("steps=0");
    sandbox.wt(&["validate", "auth"]).expect(0);
    sandbox.wt(&["merge", "live"]).expect(0);
    // Of a task and a target that are no more.
    let rest = sandbox.wt(&["gc", "--json"]).json();
    let outcomes = ("logs".to_owned(), "outcomes of steps".to_owned());
    let mut rest = freed(&rest);
    // The folder of what has just landed may be gone already, or wait for it.
    rest.retain(|(kind, _)| kind != "trash");
    assert_eq!(rest, [outcomes]);
}

#[test]
fn gc_ends_where_it_is_told_and_says_when_that_is_out_of_reach() {
    let mut sandbox = lived_in();
    later(&mut sandbox);
    let total = bytes(&sandbox.wt(&["list", "--size", "--json"]).json()["total"]);
    let enough = format!("{}B", total - 300_000);
    let answer = sandbox.wt(&["gc", "--to", &enough, "--json"]).json();
    assert_eq!(freed(&answer), [("past".to_owned(), "empty".to_owned())]);
    let left = bytes(&sandbox.wt(&["list", "--size", "--json"]).json()["total"]);
    assert!(left <= total - 300_000, "{left} of {total}");
    sandbox
        .wt(&["gc", "--to", "1KB"])
        .expect(1)
        .prints("slot       0")
        .says(" more than 1 KB\n");
    let wrong = sandbox.wt(&["gc", "--to", "1 gig"]);
    wrong.expect(64).says("write a number with a unit");
    sandbox.wt(&["gc", "--older", "soon"]).expect(64).says("7d");
}

#[test]
fn unlanded_work_goes_by_the_operators_word_alone() {
    let sandbox = lived_in();
    let before = sandbox.picture();
    sandbox
        .wt(&["gc", "--drop", "auth"])
        .expect(4)
        .says("wt gc --drop is for the operator");
    sandbox
        .wt(&["gc", "--drop", "live", "--operator", "me"])
        .expect(4)
        .says("no removed task \"live\"");
    sandbox
        .wt(&["gc", "--drop", "auth", "--operator", "me", "--dry-run"])
        .expect(0)
        .says("would drop task `auth` for good; it held uncommitted: README.md");
    sandbox.assert_as(&before);
    sandbox
        .wt(&["gc", "--drop", "auth", "--operator", "me"])
        .expect(0)
        .says("dropped task `auth` for good; it held uncommitted: README.md; committed, not landed: committed");
    sandbox.wt(&["restore", "auth"]).expect(4);
    let events = sandbox.wt(&["log", "auth"]);
    events.expect(0).prints("dropped").prints("operator=me");
    sandbox.wt(&["doctor"]).expect(0);
    assert_eq!(
        sandbox.events("auth"),
        ["spawned", "removed", "dropped", "released"]
    );
}

#[test]
fn gc_leaves_what_is_in_use() {
    let (sandbox, worktree, judging) = Sandbox::judging_without_end();
    let answer = sandbox.wt(&["gc", "--older", "0", "--json"]).json();
    assert!(freed(&answer).is_empty(), "{answer:#}");
    assert!(sandbox.root().join("repo.wt/_judge/0").is_dir());
    judging.signal(rustix::process::Signal::INT);
    judging.finish(&sandbox).expect(130);
    sandbox.wt(&["gc", "--older", "0"]).expect(0).prints("slot");
    assert!(!sandbox.root().join("repo.wt/_judge/0").exists());
    fs::remove_file(worktree.join("slow")).expect("removed");
    sandbox.wt(&["validate", "auth"]).expect(0);
}
