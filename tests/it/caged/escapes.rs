//! Each of these really tries to get out of the cage, by whatever a shell can do.

use std::fs;

use super::{assert_closed, caged, held, start, wait_for_sign};
use crate::sandbox::{Sandbox, skipped};

/// A repository with two tasks, one of them validated, so that there is a receipt.
fn prepared() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.validated("sibling", "theirs.txt", "theirs\n");
    sandbox.git(&["repack", "-adq"]);
    caged(&sandbox, "sibling", "true").expect(0);
    sandbox.spawn("auth");
    sandbox
}

#[test]
fn nothing_outside_of_the_cage_is_written() {
    if !held() {
        return;
    }
    let sandbox = prepared();
    let repo = sandbox.repo();
    let before = sandbox.picture();
    let receipts = sandbox.state().join("receipts");
    let receipt = fs::read_dir(&receipts)
        .expect("listed")
        .flatten()
        .next()
        .expect("one")
        .path();
    let pack = fs::read_dir(repo.join(".git/objects/pack"))
        .expect("listed")
        .flatten()
        .map(|entry| entry.path())
        .find(|path| path.extension().is_some_and(|e| e == "pack"))
        .expect("a pack");
    let packed = fs::read(&pack).expect("read");
    let repo = repo.display();
    let sibling = sandbox.worktree("sibling");
    let (sibling, receipt, pack) = (sibling.display(), receipt.display(), pack.display());
    let attempts = [
        format!("echo x > {repo}/README.md"),
        format!("echo x >> {repo}/new.txt"),
        format!("echo x > {sibling}/theirs.txt"),
        format!("rm {sibling}/theirs.txt"),
        format!("echo x > {receipt}"),
        format!("cp {receipt} {receipt}.json"),
        format!("echo x > {repo}/.git/wt/tasks/auth/task.json"),
        format!("rm -rf {repo}/.git/wt/tasks/auth/runs {repo}/.git/wt/tasks/auth/task.json"),
        format!("echo x > {repo}/.git/wt/events.jsonl"),
        format!("echo x > {repo}/.git/wt/cages/auth/running.json"),
        format!("echo x > {repo}/.git/wt/cages/auth/met.json"),
        format!("echo x > {repo}/.git/wt/cages/sibling/git/HEAD"),
        format!("git --git-dir={repo}/.git/wt/cages/sibling/git update-ref -d refs/heads/main"),
        format!("echo x > {repo}/.git/hooks/post-commit"),
        "echo x > \"$(git rev-parse --git-dir)/hooks/post-commit\"".to_owned(),
        format!("echo x >> {repo}/.git/config"),
        format!("git config -f {repo}/.git/config core.fsmonitor /bin/true"),
        format!("chmod u+w {pack}; echo x > {pack}"),
        format!("rm -f {pack}"),
        format!("rm -rf {repo}/.git/objects"),
        format!("echo x > {repo}/.git/refs/heads/main"),
        format!("git --git-dir={repo}/.git update-ref refs/heads/main HEAD~0"),
        format!("git --git-dir={repo}/.git branch -f wt/sibling main"),
        format!("git --git-dir={repo}/.git gc -q"),
        format!("git -C {repo} commit --allow-empty -qm x"),
        format!("git push -q {repo} HEAD:refs/heads/pushed"),
        format!("echo x > {repo}/.git/worktrees/auth/HEAD"),
        // By a symbolic link, by a hard link, by renaming over, by a folder that is moved.
        format!("ln -s {repo} out && echo x > out/README.md"),
        format!("ln {repo}/README.md hard && echo x > hard"),
        format!("echo x > mine && mv mine {repo}/README.md"),
        format!("echo x > mine && mv -T mine {repo}/.git/refs/heads/main"),
        format!("mv {sibling} ."),
        format!("mv {repo}/.git/hooks ."),
        format!("mount --bind . {repo}"),
        format!("unshare -rm mount --bind . {repo}"),
        format!("unshare -rm umount -l / && echo x > {repo}/README.md"),
        "echo x > /etc/wt-was-here".to_owned(),
        "echo x > \"$HOME/.bashrc\"".to_owned(),
        "echo x > \"$(dirname \"$WT_SOCKET\")/other\"".to_owned(),
        "rm -f \"$WT_SOCKET\" && test ! -e \"$WT_SOCKET\"".to_owned(),
        "mknod disk b 8 0".to_owned(),
        format!(
            "env -i {} -C {repo} rm sibling --force",
            crate::sandbox::wt()
        ),
        format!(
            "env -i HOME=$HOME PATH=$PATH {} -C {repo} resume auth --because x --operator me",
            crate::sandbox::wt()
        ),
    ];
    let script: String = attempts
        .iter()
        .enumerate()
        .map(|(n, attempt)| format!("( {attempt} ) >/dev/null 2>&1 && echo got out: {n}\n"))
        .collect();
    let ran = caged(
        &sandbox,
        "auth",
        &format!("{script}\nrm -rf out hard mine disk; exit 0"),
    );
    ran.expect(0);
    assert_eq!(ran.out, "", "{attempts:#?}");
    assert_eq!(fs::read(&*pack.to_string()).expect("read"), packed);
    assert!(!std::path::Path::new("/etc/wt-was-here").exists());
    sandbox.assert_as(&before);
    assert_closed(&sandbox, "auth");
    sandbox.wt(&["merge", "sibling"]).expect(0);
}

#[test]
fn no_process_outside_is_signalled_or_written_to() {
    if !held() {
        return;
    }
    let sandbox = prepared();
    let worktree = sandbox.worktree("auth");
    let sibling = start(
        &sandbox,
        "sibling",
        "echo $$ > $TMPDIR/../tmp/pid; touch .wt/sign; while [ -f .wt/sign ]; do sleep 0.01; done",
    );
    wait_for_sign(&sandbox.worktree("sibling"));
    let script = "set -- $PPID $(cat /proc/$PPID/status | sed -n 's/^PPid:\\t//p')
                  for pid in $(ls /proc | grep '^[0-9]*$'); do
                    tr '\\0' '\\n' < /proc/$pid/environ 2>/dev/null | grep -qx WT_TASK=sibling && set -- \"$@\" $pid
                  done
                  for pid in \"$@\"; do
                    for signal in TERM KILL STOP INT HUP USR1; do kill -$signal $pid 2>/dev/null && echo $signal $pid; done
                    ( exec 3<> /proc/$pid/mem ) 2>/dev/null && echo memory $pid
                    ( echo 1 > /proc/$pid/oom_score_adj ) 2>/dev/null && echo written $pid
                    ( cd /proc/$pid/root/tmp && : > wt-was-here ) 2>/dev/null && echo root $pid
                    ( : > /proc/$pid/cwd/wt-was-here ) 2>/dev/null && echo cwd $pid
                  done; echo tried $# | sed 's/tried [0-9]*/tried/'";
    let ran = caged(&sandbox, "auth", script);
    ran.expect(0);
    assert_eq!(ran.out, "tried\n");
    fs::remove_file(sandbox.worktree("sibling").join(".wt/sign")).expect("removed");
    sibling.finish(&sandbox).expect(0);
    assert!(!worktree.join("wt-was-here").exists());
    assert_closed(&sandbox, "auth");
}

#[test]
fn nothing_is_typed_into_the_operators_terminal() {
    if !held() {
        return;
    }
    let sandbox = prepared();
    // TIOCSTI is 0x5412, and asks for a byte at an address.
    let typing = "perl -e 'open(T, \"+</dev/tty\") or exit 9; $c = \"x\"; exit(ioctl(T, 0x5412, $c) ? 0 : 5)'";
    let mut outside = sandbox.command("script");
    let line = format!(
        "{} run auth -- sh -c {}",
        crate::sandbox::wt(),
        shlex_quote(&format!("{typing}; echo status=$?"))
    );
    let Ok(output) = outside.args(["-qec", &line, "/dev/null"]).output() else {
        return skipped("`script` of util-linux is not here");
    };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("status=127") {
        return skipped("`perl` is not here");
    }
    assert!(text.contains("status=5"), "{text}");
}

fn shlex_quote(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[test]
fn an_agent_that_takes_the_worktree_apart_gains_nothing() {
    if !held() {
        return;
    }
    let sandbox = prepared();
    let worktree = sandbox.worktree("auth");
    // A repository of its own in place of the link: what is in there is not believed, nor run.
    let script = "rm .git; git init -q .; git config core.fsmonitor 'touch \"$HOME/ran\"; false'
                  wt validate; echo \"validate: $?\"; rm -rf .git; ln -s /etc .git; wt validate; echo \"validate: $?\"
                  rm .git; mkdir .git; touch .git/x";
    let ran = caged(&sandbox, "auth", script);
    ran.prints("validate: 4\nvalidate: 4\n")
        .says("is no plain file of git's");
    assert!(!sandbox.home().join("ran").exists());
    // A folder is left as it is, and said.
    assert!(worktree.join(".git").is_dir());
    ran.says("git worktree repair");
    fs::remove_dir_all(worktree.join(".git")).expect("removed");
    sandbox.wt(&["rm", "auth", "--force"]).expect(0);
    sandbox.wt(&["doctor"]).expect(0).says("all is well");
}
