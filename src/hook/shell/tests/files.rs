//! The files that redirections and programs write and remove.

use super::check;

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
