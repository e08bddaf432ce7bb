use super::*;

/// What is denied, written, removed, or left to the worktree to tell, one a line.
fn seen(script: &str) -> Vec<String> {
    let known = BTreeMap::from([
        ("HOME", "/home/dev".to_owned()),
        ("TMPDIR", "/var/scratch".to_owned()),
    ]);
    let shown = |wish: Wish| match wish {
        Wish::Write(path) => format!("> {path}"),
        Wish::Remove(path) => format!("- {path}"),
        Wish::WriteInto(path, names) => format!("> {path} ({})", names.join(" ")),
        Wish::ChangeIn { folder, command } => format!("{command} in {folder}"),
        Wish::CheckOut { folder, name } => format!("checkout {name} in '{folder}'"),
        Wish::TakeFrom { commit, paths } => format!("{} from {commit}", paths.join(" ")),
        Wish::HandIn { folder, task, .. } => {
            format!("plan of {} in '{folder}'", task.unwrap_or_default())
        }
        Wish::ChangeBranches(names) => format!("branches {}", names.join(" ")),
        Wish::Never(denial) => format!(
            "no: {}",
            denial
                .reason
                .replace('`', "")
                .split(':')
                .next()
                .unwrap_or_default()
        ),
    };
    // A change of the task's own worktree is for its state to judge.
    let own = |wish: &Wish| match wish {
        Wish::ChangeIn { folder, .. } => folder.is_empty(),
        Wish::HandIn { folder, task, .. } => folder.is_empty() && task.is_none(),
        _ => false,
    };
    let wishes = wishes(script, "", &known).into_iter();
    wishes.filter(|wish| !own(wish)).map(shown).collect()
}

#[track_caller]
fn check(script: &str, expected: &[&str]) {
    assert_eq!(seen(script), expected, "{script}");
}

#[test]
fn what_harms_nobody_passes() {
    for script in [
        "ls src",
        "git status && git diff HEAD~1 -- src/a.rs",
        "git stash list",
        "git stash show -p 'stash@{0}'",
        "git stash --help",
        "git commit -m 'never run git stash or git push here'",
        "git commit -am \"mention --no-verify\"",
        "git commit -m --no-verify",
        "git commit -m \"$(cat <<'EOF'\nDon't git push (ever); use wt resume\n\nnot > docs/x\nEOF\n)\"",
        "git commit -F - <<'EOF'\nsubject\n\ngit stash > x\nEOF",
        "grep -rn 'git stash' README.md",
        "grep \"--no-verify\" -r . | head -n 5",
        "echo \"--no-verify\"",
        "echo git stash",
        "echo 'a > b'",
        "printf '%s\\n' \"x > y\"",
        "# git stash",
        "ls # ; git push",
        "git log --oneline --grep='git push'",
        "git checkout -- src/a.rs",
        "git checkout HEAD -- src/a.rs",
        "git checkout main src/a.rs",
        "git checkout .",
        "git checkout -p",
        "git worktree list --porcelain",
        "git config --get core.hooksPath",
        "git config core.hooksPath",
        "git config user.name 'A B'",
        "git config get core.hookspath",
        "git branch --list -a",
        "git branch new-idea",
        "git branch",
        "git push --dry-run",
        "git symbolic-ref HEAD",
        "git rebase -x 'cargo test' main",
        "git -C . log",
        "git --no-pager diff",
        "git merge main",
        "git rm --cached x",
        "git add -A && git commit -qm wip",
        "wt sync auth --rebase",
        "wt validate",
        "wt validate --cause 'the run of wt resume was wrong'",
        "git wt show --json",
        "wt explain -m \"wt doctor --fix would help; --push\"",
        "wt doctor",
        "wt rm --help",
        "wt scope show && wt scope check",
        "wt hook test sample.json",
        "wt plan submit",
        "wt note add --rejected 'resume' --path 'src/**'",
        "wt note show auth; wt recall --budget 100 --path a note approve",
        "which wt; command -v git stash",
        "make 2>&1 | tail -5",
        "cargo test 2>/dev/null >&2",
        "[[ $a > $b ]] && echo yes",
        "if (( 3 > 2 )); then ls; fi",
        "test 3 -gt 2",
        "cat < input | sort",
        "awk '$1 > 3 { print }' data",
        "sed -n '1,5p' file",
        "sed 's/a/b/' in-file",
        "sed -nes/i/b/ in-file",
        "echo $((1 > 0))",
        "for f in a b; do echo \"$f\"; done",
        "case $x in stash) echo a;; push|b) echo b;; esac",
        "f() { ls; }; f",
        "a=(git push); ls",
        "cat <<EOF | wc -l\ngit push > x\nEOF",
        "rm *.tmp",
        "echo x > \"$OUT\"",
        "echo x > $(mktemp)",
        "cp $SRC $DST",
        "python -c 'open(\"a\") > 1'",
        "xargs -n 1 echo git",
        "diff <(sort a) <(sort b)",
        "timeout 10 sleep 1",
        "bash script.sh -c 'git stash'",
        "",
        "'unterminated",
        "$(",
        "((",
        "<<",
    ] {
        check(script, &[]);
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn what_reaches_beyond_the_worktree_is_denied() {
    for (script, denied) in [
        ("git stash", "git stash"),
        ("git stash push -m list", "git stash"),
        ("git  stash   pop", "git stash"),
        ("/usr/bin/git stash -u", "git stash"),
        ("cd src && git stash", "git stash"),
        ("ls; git stash", "git stash"),
        ("ls | git stash", "git stash"),
        ("ls\ngit stash", "git stash"),
        ("ls & git stash", "git stash"),
        ("(git stash)", "git stash"),
        ("{ git stash; }", "git stash"),
        ("if true; then git stash; fi", "git stash"),
        ("! git stash", "git stash"),
        ("echo $(git stash)", "git stash"),
        ("echo \"kept: $(git stash)\"", "git stash"),
        ("echo `git stash`", "git stash"),
        ("echo \"a `git stash` b\"", "git stash"),
        ("diff <(git stash) x", "git stash"),
        ("sh -c 'git stash'", "git stash"),
        ("bash -lc \"cd x && git stash\"", "git stash"),
        ("bash <<'EOF'\ngit stash\nEOF", "git stash"),
        ("eval 'git stash'", "git stash"),
        ("env A=b git stash", "git stash"),
        ("A=b git stash", "git stash"),
        ("sudo -u dev env -i X=1 git stash", "git stash"),
        ("timeout -k 5 10 git stash", "git stash"),
        ("nohup nice -n 5 git stash", "git stash"),
        ("echo x | xargs git stash", "git stash"),
        ("g\\it st'a'sh", "git stash"),
        ("git -C . -c a.b=c stash", "git stash"),
        ("git --git-dir=.git stash", "git stash"),
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
        ("wt resume auth --because x", "wt resume is the operator's"),
        ("git wt resume auth", "wt resume is the operator's"),
        (
            "/opt/bin/wt -C .. resume auth",
            "wt resume is the operator's",
        ),
        ("git-wt --color never gc", "wt gc is the operator's"),
        ("env X=1 wt restore auth", "wt restore is the operator's"),
        ("sudo wt rm auth --force", "wt rm --force is the operator's"),
        (
            "wt teardown -f auth",
            "wt teardown --force is the operator's",
        ),
        (
            "true && wt doctor --fix",
            "wt doctor --fix is the operator's",
        ),
        ("wt plan approve auth", "wt plan approve is the operator's"),
        ("wt plan reject auth", "wt plan reject is the operator's"),
        (
            "wt scope grant auth '**'",
            "wt scope grant is the operator's",
        ),
        (
            "wt scope release auth src",
            "wt scope release is the operator's",
        ),
        (
            "wt merge auth --accept-judge-change",
            "wt merge --accept-judge-change is the operator's",
        ),
        (
            "wt validate --accept-weakened-tests --operator me",
            "wt validate --accept-weakened-tests is the operator's",
        ),
        ("wt merge --push", "wt merge --push is the operator's"),
        (
            "wt explain -m x --operator me",
            "wt explain --operator is the operator's",
        ),
        (
            "wt sync --all --operator=me",
            "wt sync --operator is the operator's",
        ),
        ("wt run auth -- ls", "wt run is the operator's"),
        (
            "wt hook install claude --remove",
            "wt hook install is the operator's",
        ),
        ("wt note edit auth", "wt note edit is the operator's"),
        (
            "wt note --color never approve auth",
            "wt note approve is the operator's",
        ),
        (
            "echo x | wt note supersede auth --because x",
            "wt note supersede is the operator's",
        ),
        ("wt _judge auth 1", "wt _judge is the operator's"),
    ] {
        let found = seen(script);
        assert_eq!(
            found.first().map(String::as_str),
            Some(format!("no: {denied}").as_str()),
            "{script}: {found:?}"
        );
    }
}

#[test]
fn files_are_known_where_they_are_plain() {
    for (script, expected) in [
        ("echo x > a", &["> a"][..]),
        ("echo x >> 'a b'", &["> a b"]),
        ("echo x >| a 2> errors", &["> a", "> errors"]),
        ("make &> log", &["> log"]),
        ("make >& log", &["> log"]),
        (
            ": > ~/x; echo > $HOME/y; echo > \"${TMPDIR}/z\"",
            &["> /home/dev/x", "> /home/dev/y", "> /var/scratch/z"],
        ),
        ("cat <<EOF > a\ntext > b\nEOF\necho > c", &["> a", "> c"]),
        ("cat > a <<-'X'\n\ttext\n\tX\ntouch b", &["> a", "> b"]),
        ("cd sub && echo x > a", &["> sub/a"]),
        ("cd sub; cd ..; echo x > a", &["> sub/../a"]),
        ("(cd sub; echo > a); echo > b", &["> sub/a", "> b"]),
        ("cd \"$X\" && echo > a; echo > /abs", &["> /abs"]),
        ("cd; echo > a; cd -; echo > b", &["> /home/dev/a"]),
        ("ls | tee -a a b | wc", &["> a", "> b"]),
        ("sed -i 's/a/b/' x y", &["> x", "> y"]),
        ("sed -i.bak -e s/a/b/ x", &["> x"]),
        ("sed -ni -e s/a/b/p -- x", &["> x"]),
        ("sed --in-place=~ s/a/b/ x", &["> x"]),
        ("sed -Ei s/a/b/ x", &["> x"]),
        ("rm -rf a/ b", &["- a/", "- b"]),
        ("cp -r a b/c dest", &["> dest (a c)"]),
        ("cp -t dest a b", &["> dest (a b)"]),
        ("mv a b", &["- a", "> b (a)"]),
        ("ln -s /etc/passwd link", &["> link (passwd)"]),
        ("install -m 644 a bin/", &["> bin/ (a)"]),
        ("dd if=/dev/zero of=a bs=1", &["> a"]),
        ("truncate -s 0 a", &["> a"]),
        ("touch -d yesterday a", &["> a"]),
        ("git checkout topic", &["checkout topic in ''"]),
        ("git checkout -f topic", &["checkout topic in ''"]),
        (
            "cd sub && git checkout topic",
            &["checkout topic in 'sub'", "git checkout in sub"],
        ),
        ("git -C ../main commit -m x", &["git commit in ../main"]),
        (
            "cd ../main && git reset --hard && git log",
            &["git reset in ../main"],
        ),
        ("git branch -D topic", &["branches topic"]),
        ("git branch -f main HEAD~1", &["branches main HEAD~1"]),
        ("git branch -m better", &["branches better HEAD"]),
        (
            "cd sub\napply_patch <<'EOF'\n*** Begin Patch\n*** Update File: a.rs\n*** Move to: /b.rs\n*** End Patch\nEOF\n",
            &["> sub/a.rs", "> /b.rs"],
        ),
        (
            "apply_patch '*** Begin Patch\n*** Delete File: a\n*** End Patch'",
            &["- a"],
        ),
        ("while read l; do echo $l >> out; done < in", &["> out"]),
    ] {
        check(script, expected);
    }
}

#[test]
fn what_no_person_writes_exhausts_nothing() {
    for part in [
        "$(", "(", "`", "\"$(", "<(", "eval ", "sh -c '", "((", "{ ", "<<a ", "\\",
    ] {
        seen(&part.repeat(100_000));
    }
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_reader(script in "[a-z '\"$(){}<>|&;`\\\\\n~#=*-]{0,60}") {
        seen(&script);
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

#[test]
fn programs_that_write_besides_are_read() {
    check(
        "chmod +x a && chmod -x b && chmod --reference=c d",
        &["> a", "> b", "> d"],
    );
    check(
        "patch a < x.diff; patch --dry-run a; patch -d ../t -p1",
        &["> a", "patch in ../t"],
    );
    check(
        "curl -s -o a http://x; curl --output=b http://x",
        &["> a", "> b"],
    );
    check(
        "wget -qO- http://x; wget -O a http://x; sort -oa b",
        &["> a", "> a"],
    );
    check(
        "perl -pi -e s/a/b/ a b; perl -pi.bak a.pl b; perl -pe s/i/b/ c",
        &["> a", "> b", "> b"],
    );
    check("find ../t -name x -delete", &["find -delete in ../t"]);
    check(
        "find ../t /u -exec rm {} +",
        &["find -exec rm in ../t", "find -exec rm in /u"],
    );
    check("find ../t -exec grep -l x {} \\; -exec rm a \\;", &["- a"]);
    check(
        "find . -exec wt plan approve t \\;",
        &["no: wt plan approve is the operator's"],
    );
    check("script -qc 'git push' /dev/null", &["no: git push"]);
}

#[test]
fn a_plan_is_handed_in_from_a_folder_for_a_task() {
    check("wt plan submit auth --file x", &["plan of auth in ''"]);
    check(
        "cd ../t && git wt plan amend --because 'x y' < p",
        &["plan of  in '../t'"],
    );
    check("wt -C ../t plan submit u < p", &["plan of u in '../t'"]);
    check(
        "wt plan submit --file x && wt plan show t && wt plan submit --help",
        &[],
    );
    check("wt note add --task u 'so --task=t'", &["plan of u in ''"]);
    check("wt note add x --task=u", &["plan of u in ''"]);
    check(
        "cd ../t && wt note add x --path '--task'",
        &["plan of  in '../t'"],
    );
    check("wt note add --gotcha x && wt note show t", &[]);
    check(
        "wt memory rebuild --target wt/t",
        &["no: wt memory rebuild is the operator's"],
    );
}
