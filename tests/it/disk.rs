//! What `wt` takes on the disk, told and bounded: sizes, room for a spawn, and what can be freed.

mod image;

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
