//! The doctor: each thing that can be amiss is named, mended where nothing is lost by it, and then gone.

use std::fs;
use std::os::unix::fs::symlink;

use rustix::process::{Pid, Signal, kill_process};

use crate::sandbox::{CONTRACT, Sandbox, wait_until};

/// Holds that doctor names this, that `--fix` mends it, and that nothing is left to mend.
#[track_caller]
fn assert_mended(sandbox: &Sandbox, words: &str) {
    let before = sandbox.picture();
    let found = sandbox.wt(&["doctor"]);
    found.expect(1).prints("found: ").prints(words);
    sandbox.assert_as(&before);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .prints("mended: ")
        .prints(words);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_worktree_that_is_gone_is_made_again_from_its_branch() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.validated("auth", "new", "work\n");
    let tip = sandbox.git(&["rev-parse", "wt/auth"]);
    fs::remove_dir_all(&worktree).expect("removed");
    sandbox.wt(&["list"]).expect(0).prints("auth");
    sandbox
        .wt(&["merge", "auth"])
        .expect(4)
        .says("is not at")
        .says("wt doctor");
    assert_mended(
        &sandbox,
        "the worktree of task `auth` is gone from <root>/repo.wt/auth",
    );
    assert_eq!(sandbox.git(&["rev-parse", "wt/auth"]), tip);
    assert_eq!(sandbox.read(worktree.join("new")), "work\n");
    assert_eq!(sandbox.git_in(&worktree, &["status", "--porcelain"]), "");
    assert!(worktree.join(".wt/RULES.md").exists());
    sandbox.wt(&["merge", "auth"]).expect(0);
    assert_eq!(sandbox.read("new"), "work\n");
}

#[test]
fn a_worktree_that_was_moved_is_found_again() {
    for by_git in [true, false] {
        let sandbox = Sandbox::new();
        let worktree = sandbox.spawn("auth");
        sandbox.write(worktree.join("new"), "work\n");
        sandbox.git_in(&worktree, &["add", "new"]);
        let moved = sandbox.worktree("elsewhere");
        let (from, to) = (
            worktree.to_str().expect("text"),
            moved.to_str().expect("text"),
        );
        if by_git {
            sandbox.git(&["worktree", "move", from, to]);
        } else {
            fs::rename(from, to).expect("moved");
        }
        sandbox
            .wt(&["validate", "auth"])
            .expect(4)
            .says("wt doctor");
        assert_mended(&sandbox, "was moved to <root>/repo.wt/elsewhere");
        assert_eq!(
            sandbox.wt(&["path", "auth"]).out,
            "<root>/repo.wt/elsewhere\n"
        );
        assert_eq!(sandbox.git_in(&moved, &["status", "--porcelain"]), "A  new");
        sandbox.wt_in(&moved, &["validate"]).expect(0);
        sandbox.wt(&["merge", "auth", "--commit"]).expect(0);
        assert_eq!(sandbox.read("new"), "work\n");
        assert!(!moved.exists());
    }
}

#[test]
fn left_over_locks() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(sandbox.state().join("tasks/auth/index.lock"), "");
    assert_mended(&sandbox, "index.lock is left over");
    sandbox.wt(&["validate", "auth"]).expect(0);

    // No git is at work there that it could belong to.
    let lock = sandbox.repo().join(".git/worktrees/auth/index.lock");
    sandbox.write(&lock, "");
    let old = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let file = std::fs::File::options().append(true).open(&lock);
    file.and_then(|file| file.set_modified(old)).expect("aged");
    assert_mended(&sandbox, "worktrees/auth/index.lock is there");
    assert!(!lock.exists());
    sandbox.write(worktree.join("new"), "");
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn a_half_made_task_and_a_branch_of_none() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    sandbox.write(sandbox.state().join("tasks/half/rules.md"), "");
    assert_mended(&sandbox, "tasks/half holds no task");

    sandbox.git(&["branch", "wt/stray"]);
    let found = sandbox.wt(&["doctor", "--fix"]);
    found
        .expect(1)
        .prints("the branch wt/stray belongs to no task")
        .prints("git branch -D wt/stray");
    assert!(
        sandbox
            .git(&["branch", "--list", "wt/stray"])
            .contains("stray")
    );
    sandbox.git(&["branch", "-D", "wt/stray"]);

    let tip = sandbox.git(&["rev-parse", "main"]);
    sandbox.git(&["update-ref", "-d", "refs/heads/wt/auth"]);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("the branch wt/auth of task `auth` is gone")
        .prints("git branch wt/auth <commit>");
    sandbox.git(&["branch", "wt/auth", &tip]);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_receipt_that_does_not_parse_or_was_renamed_is_none() {
    let sandbox = Sandbox::new();
    sandbox.validated("auth", "new", "");
    let receipts = sandbox.state().join("receipts");
    let file = fs::read_dir(&receipts)
        .expect("there")
        .flatten()
        .next()
        .expect("a receipt")
        .path();
    let whole = sandbox.read(&file);
    sandbox.write(&file, &whole[..whole.len() / 2]);
    let landed = sandbox.wt(&["merge", "auth", "--dry-run"]);
    landed.expect(0).prints("would be judged first");
    assert_mended(&sandbox, "can't be read, or is not what its name says");
    assert!(!file.exists());
    // Under another name a receipt would vouch for another tree.
    let forged = receipts.join(format!("{}.json", "0".repeat(64)));
    sandbox.write(&forged, &whole);
    assert_mended(&sandbox, "can't be read, or is not what its name says");
    sandbox.wt(&["merge", "auth"]).expect(0).says("judging");
}

#[test]
fn a_record_cut_short_hides_no_other_and_one_of_a_newer_schema_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.spawn("good");
    sandbox.spawn("cut");
    let record = sandbox.state().join("tasks/cut/task.json");
    let whole = sandbox.read(&record);
    for (text, words) in [
        (&whole[..whole.len() / 2], "can't be read"),
        ("", "can't be read"),
        (
            whole.replace("\"schema\": 1", "\"schema\": 2").as_str(),
            "is of schema 2; this wt knows schema 1",
        ),
    ] {
        sandbox.write(&record, text);
        sandbox
            .wt(&["list"])
            .expect(1)
            .prints("good")
            .says("task `cut`: ")
            .says(words);
        let list = sandbox.wt(&["list", "--json"]);
        assert_eq!(list.expect(1).json()["tasks"][0]["task"], "good");
        sandbox
            .wt(&["show", "cut"])
            .expect(4)
            .says(words)
            .says("hint: ");
        sandbox.wt(&["validate", "cut"]).expect(4).says(words);
        sandbox.wt(&["merge", "cut"]).expect(4).says(words);
        sandbox.wt(&["rm", "cut", "--force"]).expect(4).says(words);
        sandbox
            .wt(&["doctor", "--fix"])
            .expect(1)
            .prints(words)
            .prints("tasks/cut/task.json");
        // Its branch is all that is left of its work.
        let found = sandbox.wt(&["doctor"]);
        assert!(!found.out.contains("wt/cut"), "{}", found.out);
        assert_eq!(sandbox.read(&record), text, "it was guessed at");
    }
    sandbox.write(&record, &whole);
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn a_damaged_intent_or_archive_is_named() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("mine"), "");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.spawn("other");
    let archived = fs::read_dir(sandbox.state().join("archive"))
        .expect("there")
        .flatten()
        .next()
        .expect("one")
        .path();
    let record = archived.join("removed.json");
    let whole = sandbox.read(&record);
    sandbox.write(&record, "{");
    let doctor = sandbox.wt(&["doctor", "--fix"]);
    doctor.expect(1).prints("removed.json can't be read");
    sandbox.write(&record, &whole);
    sandbox.wt(&["doctor"]).expect(0);

    let intent = sandbox.state().join("journal/other.json");
    sandbox.write(&intent, "{");
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("journal/other.json can't be read");
    assert!(intent.exists());
    fs::remove_file(&intent).expect("removed");
    sandbox.wt(&["doctor"]).expect(0);
}

#[test]
fn findings_as_json() {
    let sandbox = Sandbox::new();
    let mut well = sandbox.wt(&["doctor", "--json"]).expect(0).json();
    // What the kernel under the test can hold.
    let cage = well["cage"].take();
    assert!(["full", "files", "none"].contains(&cage.as_str().unwrap_or_default()));
    assert_eq!(
        well,
        serde_json::json!({ "findings": [], "agents": [], "cage": null })
    );
    sandbox.git(&["branch", "wt/stray"]);
    let found = sandbox.wt(&["doctor", "--json"]);
    let findings = &found.expect(1).json()["findings"];
    assert_eq!(findings.as_array().map(Vec::len), Some(1));
    assert_eq!(
        findings[0]["what"],
        "the branch wt/stray belongs to no task"
    );
    assert_eq!(findings[0]["mended"], false);
}

#[test]
fn a_judge_that_died_is_settled_and_counts_nothing() {
    let (sandbox, worktree, judging) = Sandbox::judging_without_end();
    let judge: serde_json::Value =
        serde_json::from_str(&sandbox.read(sandbox.state().join("tasks/auth/runs/1/judge.json")))
            .expect("JSON");
    let pid = judge["pid"].to_string();
    sandbox
        .command("kill")
        .args(["-KILL", &pid])
        .status()
        .expect("killed");
    assert_ne!(judging.finish(&sandbox).code, Some(0));
    // The follower may have settled it already.
    sandbox.wt(&["doctor", "--fix"]).expect(0);
    sandbox.wt(&["doctor"]).expect(0);
    let facts = sandbox.show("auth");
    assert_eq!(
        (&facts["attempts"], &facts["state"], &facts["judging"]),
        (&0.into(), &"working".into(), &false.into())
    );
    fs::remove_file(worktree.join("slow")).expect("removed");
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn what_one_mend_writes_the_next_one_does_not_undo() {
    let (sandbox, worktree, follower) = Sandbox::judging_without_end();
    follower.signal(Signal::KILL);
    assert_eq!(follower.finish(&sandbox).code, None);
    let judge: serde_json::Value =
        serde_json::from_str(&sandbox.read(sandbox.state().join("tasks/auth/runs/1/judge.json")))
            .expect("JSON");
    let pid = i32::try_from(judge["pid"].as_i64().expect("a pid")).expect("a pid");
    kill_process(Pid::from_raw(pid).expect("a pid"), Signal::KILL).expect("killed");
    fs::remove_file(worktree.join(".wt/RULES.md")).expect("removed");
    wait_until("the judge is dead", || {
        sandbox.wt(&["doctor"]).out.contains("the judge of task")
    });
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(0)
        .prints("the judge of task `auth` died")
        .prints("are not as wt wrote them");
    let record: serde_json::Value =
        serde_json::from_str(&sandbox.read(sandbox.state().join("tasks/auth/task.json")))
            .expect("JSON");
    assert_eq!(record["judging"], serde_json::Value::Null);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}

#[test]
fn a_worktree_that_left_the_folder_of_worktrees_is_moved_back() {
    for place in ["elsewhere", "repo.wt/deeper/auth"] {
        let sandbox = Sandbox::new();
        let worktree = sandbox.spawn("auth");
        sandbox.write(worktree.join("new"), "work\n");
        sandbox.git_in(&worktree, &["add", "new"]);
        let moved = sandbox.root().join(place);
        fs::create_dir_all(moved.parent().expect("a folder")).expect("made");
        let (from, to) = (
            worktree.to_str().expect("text"),
            moved.to_str().expect("text"),
        );
        sandbox.git(&["worktree", "move", from, to]);
        assert_mended(&sandbox, &format!("was moved to <root>/{place}"));
        assert!(!moved.exists());
        let status = sandbox.git_in(&worktree, &["status", "--porcelain"]);
        assert_eq!(status, "A  new");
        sandbox.wt_in(&worktree, &["validate"]).expect(0);
        sandbox.wt(&["merge", "auth", "--commit"]).expect(0);
        assert_eq!(sandbox.read("new"), "work\n");
    }
}

#[test]
fn a_folder_of_worktrees_that_is_none_any_more_is_told_by_judge_and_doctor() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new"), "work\n");
    let marker = sandbox.root().join("repo.wt/_wt.json");
    fs::remove_file(&marker).expect("removed");
    sandbox
        .wt(&["validate", "auth"])
        .expect(70)
        .prints("<root>/repo.wt holds no worktrees of wt");
    assert_mended(&sandbox, "<root>/repo.wt has lost its marker, _wt.json");
    sandbox.wt_in(&worktree, &["validate"]).expect(0);

    // As an earlier doctor left it: the record itself names a place where nothing can be judged.
    let moved = sandbox.root().join("elsewhere");
    let (from, to) = (
        worktree.to_str().expect("text"),
        moved.to_str().expect("text"),
    );
    sandbox.git(&["worktree", "move", from, to]);
    let record = sandbox.state().join("tasks/auth/task.json");
    sandbox.write(&record, &sandbox.read(&record).replace(from, to));
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("the worktree of task `auth` is at <root>/elsewhere")
        .prints("git worktree move <root>/elsewhere <root>/repo.wt/auth");
    sandbox.git(&["worktree", "move", to, from]);
    assert_mended(&sandbox, "was moved to <root>/repo.wt/auth");
    sandbox.wt(&["validate", "auth"]).expect(0);
}

#[test]
fn a_branch_that_names_no_commit_hides_no_other_finding() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("mine"), "mine\n");
    sandbox.spawn("other");
    let tip = sandbox.repo().join(".git/refs/heads/wt/auth");
    sandbox.write(&tip, &format!("{}\n", "1".repeat(40)));
    sandbox.git(&["update-ref", "-d", "refs/heads/wt/other"]);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("refs/heads/wt/auth names no commit that can be read")
        .prints("the branch wt/other of task `other` is gone");
    sandbox
        .wt(&["rm", "auth"])
        .expect(4)
        .says("refs/heads/wt/auth names no commit that can be read")
        .says("hint: ");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    assert!(!worktree.exists());
    sandbox.wt(&["rm", "other", "--force"]).expect(0);
    sandbox
        .wt(&["doctor", "--fix"])
        .expect(1)
        .prints("the branch wt/auth belongs to no task")
        .prints("git update-ref -d refs/heads/wt/auth");
    sandbox.git(&["update-ref", "-d", "refs/heads/wt/auth"]);
    sandbox.wt(&["doctor"]).expect(0);
    sandbox.wt(&["restore", "auth"]).expect(0);
    assert_eq!(sandbox.read(worktree.join("mine")), "mine\n");
}

#[test]
fn what_an_agent_lays_in_a_copys_place_is_not_waited_for() {
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let copy = worktree.join(".wt/RULES.md");
    let rules = sandbox.read(&copy);
    fs::remove_file(&copy).expect("removed");
    let pipe = sandbox.command("mkfifo").arg(&copy).status();
    assert!(pipe.expect("mkfifo").success());
    assert_mended(&sandbox, "repo.wt/auth/.wt are not as wt wrote them");
    assert_eq!(sandbox.read(&copy), rules);
    // Nor is what a link leads to read, were it the same.
    let outside = sandbox.root().join("outside");
    fs::rename(worktree.join(".wt"), &outside).expect("moved");
    symlink(&outside, worktree.join(".wt")).expect("linked");
    assert_mended(&sandbox, "repo.wt/auth/.wt are not as wt wrote them");
    assert!(!worktree.join(".wt").is_symlink());
    assert_eq!(sandbox.read(outside.join("RULES.md")), rules);
}

#[test]
fn orphans_are_known_by_the_contracts_own_name_for_branches() {
    let contract = format!("{CONTRACT}\n[worktree]\nbranch = \"agents/{{task}}-work\"\n");
    let sandbox = Sandbox::with(&[("wt.toml", contract.as_str()), ("test.sh", "true\n")]);
    sandbox.spawn("auth");
    for branch in ["agents/other", "wt/person", "agents/stray-work"] {
        sandbox.git(&["branch", branch]);
    }
    let found = sandbox.wt(&["doctor", "--json"]);
    let findings = &found.expect(1).json()["findings"];
    assert_eq!(findings.as_array().map(Vec::len), Some(1), "{findings}");
    assert_eq!(
        findings[0]["what"],
        "the branch agents/stray-work belongs to no task"
    );
}

#[test]
fn what_was_left_half_written_is_removed_by_the_next_command_and_by_doctor() {
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    // No process ever has this number.
    let left = ["journal", "tasks/auth", "receipts"]
        .map(|dir| sandbox.state().join(dir).join(".wt-4194305-abc"));
    let leave = || left.iter().for_each(|path| sandbox.write(path, "{"));
    leave();
    sandbox
        .wt(&["doctor"])
        .expect(1)
        .prints("was left half written\n  remove it: wt doctor --fix");
    let mended = sandbox.wt(&["doctor", "--fix"]);
    mended.expect(0).prints("mended: ").prints("is removed");
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
    leave();
    let synced = sandbox.wt(&["sync", "auth"]);
    synced
        .expect(0)
        .says("left half written in wt's own folders is removed");
    assert!(left.iter().all(|path| !path.exists()));
}
