//! What git does beyond the worktree, however it is called, and the files that its commands name.

use super::{check, check_denied};

#[test]
fn git_is_found_however_it_is_called() {
    for script in [
        "git stash",
        "git stash push -m list",
        "git  stash   pop",
        "/usr/bin/git stash -u",
        "cd src && git stash",
        "ls; git stash",
        "ls | git stash",
        "ls\ngit stash",
        "ls & git stash",
        "(git stash)",
        "{ git stash; }",
        "if true; then git stash; fi",
        "! git stash",
        "echo $(git stash)",
        "echo \"kept: $(git stash)\"",
        "echo `git stash`",
        "echo \"a `git stash` b\"",
        "diff <(git stash) x",
        "sh -c 'git stash'",
        "bash -lc \"cd x && git stash\"",
        "bash <<'EOF'\ngit stash\nEOF",
        "eval 'git stash'",
        "env A=b git stash",
        "A=b git stash",
        "sudo -u dev env -i X=1 git stash",
        "timeout -k 5 10 git stash",
        "nohup nice -n 5 git stash",
        "echo x | xargs git stash",
        "g\\it st'a'sh",
        "git -C . -c a.b=c stash",
        "git --git-dir=.git stash",
    ] {
        check_denied(script, "git stash");
    }
}

#[test]
fn what_git_does_beyond_the_worktree_is_denied() {
    for (script, denied) in [
        ("git push origin HEAD", "git push"),
        ("git push --force", "git push"),
        ("git switch main", "git switch"),
        ("git switch -c other", "git switch"),
        ("git checkout -b other", "git checkout"),
        ("git checkout -", "git checkout"),
        ("git checkout --detach", "git checkout"),
        ("git worktree add ../x", "git worktree add"),
        ("git worktree remove ../x", "git worktree remove"),
        ("git worktree move a b", "git worktree move"),
        ("git commit --no-verify -m x", "git commit --no-verify"),
        ("git commit -nm x", "git commit --no-verify"),
        ("git commit -am x -n", "git commit --no-verify"),
        ("git merge --no-verif main", "git merge --no-verify"),
        (
            "git -c core.hooksPath=/dev/null commit -m x",
            "core.hooksPath would turn the repository's own hooks off",
        ),
        (
            "git -c CORE.HOOKSPATH= commit",
            "core.hooksPath would turn the repository's own hooks off",
        ),
        (
            "git config core.hooksPath /dev/null",
            "core.hooksPath would turn the repository's own hooks off",
        ),
        (
            "git config --local --unset core.hookspath",
            "core.hooksPath would turn the repository's own hooks off",
        ),
        (
            "git config set core.hooksPath x",
            "core.hooksPath would turn the repository's own hooks off",
        ),
        ("git update-ref refs/heads/main HEAD", "git update-ref"),
        ("git symbolic-ref HEAD refs/heads/main", "git symbolic-ref"),
    ] {
        check_denied(script, denied);
    }
}

#[test]
fn files_that_git_commands_name_are_written_and_removed() {
    check("git rm -q a 'b*'", &["- a"]);
    check("git rm --cached a && git rm -n a", &[]);
    check("git mv a b sub/", &["- a", "- b", "> sub/ (a b)"]);
    check("cd x && git mv a b", &["- x/a", "> x/b (a)", "git mv in x"]);
    check("git checkout main~1 -- a b", &["a b from main~1"]);
    for restore in ["-s v1", "--source v1", "--source=v1"] {
        check(&format!("git restore {restore} a"), &["a from v1"]);
    }
    check("git restore a && git restore --staged -s v1 a", &[]);
    check("git diff --output=a HEAD", &["> a"]);
}
