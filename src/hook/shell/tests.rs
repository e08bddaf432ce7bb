//! What is read in command lines, and what no command line does to the reader.

mod files;
mod git;
mod operator;
mod plans;

use std::collections::BTreeMap;

use super::{Wish, wishes};

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

/// That the first thing found is a denial for this reason.
#[track_caller]
fn check_denied(script: &str, reason: &str) {
    let found = seen(script);
    assert_eq!(
        found.first().map(String::as_str),
        Some(format!("no: {reason}").as_str()),
        "{script}: {found:?}"
    );
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
