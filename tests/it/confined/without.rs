//! A kernel that can't hold a cage, as a filter on system calls makes of this one.

use std::collections::BTreeMap;

use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, apply_filter};

use crate::sandbox::{CONTRACT, Sandbox};

/// The first of Landlock's three system calls has this number on every architecture but alpha.
const LANDLOCK_CREATE_RULESET: i64 = 444;
const ENOSYS: u32 = 38;

/// Runs `act` in a thread whose children find no Landlock.
pub(crate) fn without_landlock<T: Send>(act: impl FnOnce() -> T + Send) -> T {
    let filter = SeccompFilter::new(
        BTreeMap::from([(LANDLOCK_CREATE_RULESET, Vec::new())]),
        SeccompAction::Allow,
        SeccompAction::Errno(ENOSYS),
        std::env::consts::ARCH.try_into().expect("an architecture"),
    );
    let program: BpfProgram = filter.expect("a filter").try_into().expect("a program");
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            apply_filter(&program).expect("applied");
            act()
        });
        thread.join().expect("done")
    })
}

const SAYS: &str =
    "this kernel can't hold a cage (it needs Landlock, Linux 6.2 or later) around set-up and steps";

#[test]
fn it_is_said_and_the_receipt_says_so_too() {
    let sandbox = Sandbox::with(&[
        (
            "wt.toml",
            &format!("{CONTRACT}[worktree]\nsetup = [\"true\"]\n"),
        ),
        ("test.sh", "echo x > \"$HOME/outside\"\n"),
    ]);
    without_landlock(|| {
        let spawned = sandbox.wt(&["spawn", "auth"]);
        spawned.expect(0).says(SAYS);
        sandbox.write(sandbox.worktree("auth").join("new"), "");
        let verdict = sandbox.wt(&["validate", "auth", "--json"]);
        verdict.expect(0).says(SAYS);
        assert_eq!(verdict.err.matches(SAYS).count(), 1, "{}", verdict.err);
        assert_eq!(verdict.json()["confined"], false);
        let known = sandbox.wt(&["validate", "auth", "--json"]);
        assert_eq!(
            (known.json()["confined"].as_bool(), known.err.as_str()),
            (Some(false), "")
        );
        let doctor = sandbox.wt(&["doctor", "--json"]);
        assert_eq!(doctor.json()["cage"], "none");
    });
    assert!(sandbox.home().join("outside").exists());
    assert_eq!(sandbox.show("auth")["confined"], false);
    sandbox
        .wt(&["show", "auth"])
        .expect(0)
        .prints("of steps without a cage");
    sandbox
        .wt(&["merge", "auth", "--commit", "-m", "new"])
        .expect(0);
}

#[test]
fn where_a_cage_is_required_nothing_is_begun() {
    let required = CONTRACT.replace("[judge]", "[judge]\nconfine = \"require\"");
    let sandbox = Sandbox::with(&[("wt.toml", CONTRACT), ("test.sh", "true\n")]);
    sandbox.validated("done", "done", "");
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("new"), "");
    sandbox.write("wt.toml", &required);
    sandbox.commit(&sandbox.repo(), "require");
    // The copies in the worktrees are brought up to the new contract by whoever comes first.
    without_landlock(|| sandbox.wt(&["validate", "auth"]).expect(4).code);
    let before = sandbox.picture();
    without_landlock(|| {
        for args in [
            &["spawn", "more"][..],
            &["validate", "auth"],
            &["merge", "done"],
        ] {
            sandbox
                .wt(args)
                .expect(4)
                .says(SAYS)
                .says("requires one")
                .says("hint: judge on another machine");
            sandbox.assert_as(&before);
        }
    });
    // A receipt of steps without a cage does not count: it is judged anew.
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=1");
    let receipt = sandbox.show("auth")["receipt"]
        .as_str()
        .expect("a receipt")
        .to_owned();
    let file = sandbox.state().join(format!("receipts/{receipt}.json"));
    let forged = sandbox
        .read(&file)
        .replace("\"confined\": true", "\"confined\": false");
    assert!(forged.contains("\"confined\": false"));
    sandbox.write(&file, &forged);
    sandbox
        .wt(&["validate", "auth"])
        .expect(0)
        .prints("steps=1");
    assert_eq!(sandbox.show("auth")["confined"], true);
}
