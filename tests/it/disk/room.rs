//! Room for a spawn: what is free, what must stay free, and what `wt` may take in all.

use std::fs;

use serde_json::Value;

use super::image::Image;
use super::noise;
use crate::sandbox::{CONTRACT, Sandbox};

/// A repository of so many half megabytes, under [`CONTRACT`] with these lines before it.
fn repository(halves: u32, lines: &str) -> Sandbox {
    let sandbox = Sandbox::with(&[
        ("wt.toml", &format!("{lines}\n{CONTRACT}")),
        ("test.sh", "true\n"),
    ]);
    for n in 0..halves {
        fs::write(sandbox.repo().join(format!("{n}.bin")), noise(n)).expect("written");
    }
    sandbox.commit(&sandbox.repo(), "content");
    sandbox
}

/// Where the worktrees of such a repository lie in an image.
fn placed(image: &Image, more: &str) -> String {
    let path = image.path().join("worktrees");
    let path = path.to_str().expect("text");
    format!("[worktree]\npath = {path:?}\n{more}")
}

#[test]
fn a_worktree_that_would_fill_the_disk_is_refused_with_what_could_be_freed() {
    let Some(image) = Image::of("tmpfs", 38) else {
        return;
    };
    let sandbox = repository(40, &placed(&image, ""));
    sandbox.wt(&["spawn", "auth"]).expect(0);
    let worktree = image.path().join("worktrees/auth");
    let before = sandbox.picture();
    let refused = sandbox.wt(&["spawn", "docs"]);
    refused
        .expect(4)
        .says(&format!(
            "too little disk at {}/worktrees: ",
            image.path().display()
        ))
        .says(" MB are free, the worktree takes 21 MB, and 797 KB must stay free ([disk] reserve = \"2%\")")
        .says("hint: see what takes it: wt list --size; remove a task: wt rm <task>");
    sandbox.assert_as(&before);

    fs::write(worktree.join("mine"), "work\n").expect("written");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox
        .wt(&["spawn", "docs"])
        .expect(4)
        .says("kept: auth (2")
        .says("holds work that is nowhere else (uncommitted: mine); bring it back: wt restore auth; or drop it for good: wt gc --drop auth");
    sandbox.wt(&["restore", "auth"]).expect(0);
    fs::remove_file(worktree.join("mine")).expect("removed");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox
        .wt(&["spawn", "docs"])
        .expect(4)
        .says("could be freed: past task auth (2")
        .says(" MB: wt gc --older 0; see what takes it: wt list --size");
    sandbox.wt(&["gc", "--older", "0"]).expect(0);
    sandbox.wt(&["spawn", "docs"]).expect(0);
}

#[test]
fn small_files_count_where_large_ones_share_their_place() {
    // Which of the two is sooner done there.
    for (kind, takes) in [("xfs", "6 MB"), ("btrfs", "2 MB")] {
        let Some(image) = Image::of(kind, 400) else {
            continue;
        };
        let sandbox = Sandbox::empty_in(image.path());
        sandbox.write(
            "wt.toml",
            &format!("[disk]\nbudget = \"1MB\"\n\n{CONTRACT}"),
        );
        for n in 0..1000 {
            sandbox.write(format!("{}/{n}", n % 10), &"small\n".repeat(400));
        }
        for n in 0..20 {
            fs::write(sandbox.repo().join(format!("{n}.bin")), noise(n)).expect("written");
        }
        sandbox.commit(&sandbox.repo(), "first");
        sandbox
            .wt(&["spawn", "auth"])
            .expect(4)
            .says(&format!("the worktree takes {takes}, "))
            .says("1 MB may be ([disk] budget)");
    }
}

#[test]
fn what_the_contract_reserves_stays_free() {
    let Some(image) = Image::of("tmpfs", 40) else {
        return;
    };
    let sandbox = repository(2, &placed(&image, "\n[disk]\nreserve = \"39MiB\"\n"));
    sandbox
        .wt(&["spawn", "auth"])
        .expect(4)
        .says("stay free ([disk] reserve = \"39MiB\")");
    let text = sandbox.read("wt.toml").replace("39MiB", "50%");
    sandbox.write("wt.toml", &text);
    sandbox.commit(&sandbox.repo(), "less");
    sandbox.wt(&["spawn", "auth"]).expect(0);
    let text = text.replace("50%", "plenty");
    sandbox.write("wt.toml", &text);
    sandbox.commit(&sandbox.repo(), "wrong");
    sandbox
        .wt(&["spawn", "docs"])
        .expect(64)
        .says("`reserve` in [disk] is neither a share of the disk nor a size: `plenty`")
        .says("such as \"10%\" or \"5GB\"");
}

/// Lets the last count have taken long, so that it is built upon for long; answers it.
fn slowly_counted(sandbox: &Sandbox) -> Value {
    let file = sandbox.state().join("taken.json");
    let mut counted: Value = serde_json::from_str(&sandbox.read(&file)).expect("JSON");
    counted["took"] = 100_000.into();
    sandbox.write(&file, &counted.to_string());
    counted
}

#[test]
fn what_is_freed_meanwhile_hides_nothing_from_the_budget() {
    let Some(image) = Image::of("tmpfs", 100) else {
        return;
    };
    let sandbox = repository(4, &placed(&image, "\n[disk]\nbudget = \"15MB\"\n"));
    let filler = image.path().join("filler");
    let halves = |count: u32| (0..count).flat_map(noise).collect::<Vec<u8>>();
    for freed in [24, 18] {
        fs::write(&filler, halves(freed)).expect("written");
        sandbox.wt(&["spawn", "one"]).expect(0);
        slowly_counted(&sandbox);
        sandbox.wt(&["spawn", "small"]).expect(0);
        if freed == 18 {
            // What was taken once is seen at the next spawn; that it is free again hides nothing then.
            fs::write(image.path().join("other"), halves(6)).expect("written");
            sandbox.wt(&["spawn", "two"]).expect(0);
            fs::remove_file(image.path().join("other")).expect("removed");
        }
        let one = image.path().join("worktrees/one/large");
        fs::write(&one, halves(22)).expect("written");
        fs::remove_file(&filler).expect("removed");
        sandbox
            .wt(&["spawn", "late"])
            .expect(4)
            .says("and 15 MB may be ([disk] budget)");
        fs::remove_file(&one).expect("removed");
        for task in ["one", "small"] {
            sandbox.wt(&["rm", task]).expect(0);
        }
    }
}

#[test]
fn near_the_budget_what_others_free_hides_for_a_short_time_only() {
    let Some(image) = Image::of("tmpfs", 100) else {
        return;
    };
    let sandbox = repository(4, &placed(&image, "\n[disk]\nbudget = \"15MB\"\n"));
    let filler = image.path().join("filler");
    let halves = |count: u32| (0..count).flat_map(noise).collect::<Vec<u8>>();
    fs::write(&filler, halves(12)).expect("written");
    sandbox.wt(&["spawn", "one"]).expect(0);
    let mut counted = slowly_counted(&sandbox);
    // So much of what was taken was free before that less is free than at the last look.
    fs::write(image.path().join("worktrees/one/large"), halves(22)).expect("written");
    fs::remove_file(&filler).expect("removed");
    let ago = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(400);
    counted["at"] = ago.to_string().into();
    sandbox.write(sandbox.state().join("taken.json"), &counted.to_string());
    sandbox
        .wt(&["spawn", "late"])
        .expect(4)
        .says("15 MB may be ([disk] budget)");
}

#[test]
fn a_budget_bounds_all_that_is_wts_and_is_not_counted_at_each_spawn() {
    let Some(image) = Image::of("tmpfs", 100) else {
        return;
    };
    let sandbox = repository(4, &placed(&image, "\n[disk]\nbudget = \"900GB\"\n"));
    let memory = || -> Value {
        let text = sandbox.read(sandbox.state().join("taken.json"));
        serde_json::from_str(&text).expect("JSON")
    };
    sandbox.wt(&["spawn", "one"]).expect(0);
    let counted = slowly_counted(&sandbox);
    sandbox.wt(&["spawn", "two"]).expect(0);
    let two = image.path().join("worktrees/two");
    let after = memory();
    assert_eq!(
        after["at"], counted["at"],
        "counted once more, though there is room"
    );
    assert!(after["bytes"].as_u64() > counted["bytes"].as_u64());

    let text = sandbox.read("wt.toml").replace("900GB", "10MB");
    sandbox.write("wt.toml", &text);
    sandbox.commit(&sandbox.repo(), "less");
    sandbox.wt(&["spawn", "three"]).expect(0);
    fs::write(two.join("large"), [noise(7), noise(8)].concat()).expect("written");
    let before = sandbox.picture();
    let refused = sandbox.wt(&["spawn", "four"]);
    refused
        .expect(4)
        .says("the worktree takes 3 MB, ")
        .says("and 10 MB may be ([disk] budget)");
    sandbox.assert_as(&before);
    assert!(memory()["bytes"].as_u64() > counted["bytes"].as_u64());

    sandbox.wt(&["rm", "three"]).expect(0);
    fs::remove_file(two.join("large")).expect("removed");
    sandbox.wt(&["spawn", "four"]).expect(0);
}
