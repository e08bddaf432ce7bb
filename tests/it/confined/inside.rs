//! What ordinary tests do works in the cage.

use std::path::Path;

use super::{has_cage, log, task};
use crate::sandbox::CONTRACT;

/// Name, and a command that must succeed in the cage.
const ORDINARY: [(&str, &str); 14] = [
    (
        "a null device",
        "echo x > /dev/null && head -c 4 /dev/zero > /dev/null",
    ),
    (
        "temporary files",
        "f=$(mktemp) && d=$(mktemp -d) && echo x > $f && mv $f $d/f",
    ),
    (
        "shared memory",
        "echo x > /dev/shm/wt-it-$$ && rm /dev/shm/wt-it-$$",
    ),
    (
        "a pipe with a name",
        "mkfifo pipe && (echo x > pipe &) && read line < pipe",
    ),
    (
        "folders",
        "mkdir -p a/b c && echo x > a/b/f && mv a/b/f c/g && mv c d && rm -r a d",
    ),
    (
        "links",
        "echo x > f && ln f g && ln -s f h && echo y > h && rm f g h",
    ),
    (
        "a repository of its own",
        "git init -q repo && cd repo && git -c user.name=a -c user.email=b commit -q --allow-empty -m x && git stash list",
    ),
    ("a clone", "git clone -q . \"$TMPDIR/clone\" 2> /dev/null"),
    (
        "git reads",
        "git status --porcelain > /dev/null && git log -1 > /dev/null && git describe --always > /dev/null",
    ),
    (
        "modes",
        "echo x > m && chmod 400 m && ! [ -x m ] && rm -f m && mkdir n && chmod 500 n && rmdir n",
    ),
    (
        "processes",
        "sleep 100 & kill $! && ! kill -0 1 2> /dev/null",
    ),
    (
        "a terminal",
        "! command -v script > /dev/null || script -qec 'test -t 0' /dev/null < /dev/null > /dev/null",
    ),
    (
        "a terminal by python",
        "! python3 -c '' 2> /dev/null || python3 -c 'import pty; m, s = pty.openpty(); import os; os.write(s, b\"x\")'",
    ),
    (
        "a socket",
        "! python3 -c '' 2> /dev/null || python3 -c '
import os, socket
s = socket.socket(socket.AF_UNIX); s.bind(os.environ[\"TMPDIR\"] + \"/s\"); s.listen()
c = socket.socket(socket.AF_UNIX); c.connect(os.environ[\"TMPDIR\"] + \"/s\")
t = socket.create_server((\"127.0.0.1\", 0)); socket.create_connection(t.getsockname())'",
    ),
];

#[test]
fn what_tests_do_every_day_is_let() {
    let mut script = "echo \"tmp: $TMPDIR\"\n".to_owned();
    for (name, command) in ORDINARY {
        script += &format!("( {command} ) || echo \"fails: {name}\"\n");
    }
    let (sandbox, _) = task(CONTRACT, &script);
    if !has_cage(&sandbox) {
        return;
    }
    sandbox.wt(&["validate", "auth"]).expect(0);
    let log = log(&sandbox, 1);
    let (temporary, rest) = log.split_once('\n').expect("a line");
    assert_eq!(rest, "");
    let temporary = Path::new(temporary.strip_prefix("tmp: ").expect("TMPDIR"));
    assert!(temporary.starts_with("/tmp") && !temporary.exists());
    // The folder around it is gone as well.
    assert!(!temporary.parent().expect("a folder").exists());
}
