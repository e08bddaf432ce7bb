//! What a cage asks over its socket is done for its own task alone, and only what an agent may ask.

use std::io::{IoSlice, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::path::PathBuf;

use rustix::net::{
    AddressFamily, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketType, connect, recv, send, sendmsg, socket,
};

use super::{assert_closed, caged, held, start, wait_for_sign};
use crate::sandbox::{Sandbox, wait_until, wt};

#[test]
fn an_agent_may_ask_for_its_own_task_and_for_nothing_of_the_operators() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("sibling");
    sandbox.spawn("auth");
    let before = sandbox.git(&["for-each-ref"]);
    let refused = [
        "resume auth --because x --operator me",
        "merge auth",
        "merge sibling",
        "spawn other",
        "rm auth --force",
        "rm sibling",
        "restore auth",
        "init",
        "doctor --fix",
        "run auth -- true",
        "scope grant auth 'x/**' --operator me",
        "scope release auth 'x/**' --operator me",
        "plan approve auth --operator me",
        "plan reject auth --because x --operator me",
        "plan submit sibling",
        "plan show sibling",
        "validate sibling",
        "validate auth --accept-weakened-tests --operator me",
        "show sibling",
        "explain sibling -m x",
        "note add --task sibling x",
        "note show sibling",
        "note edit auth",
        "note supersede auth --because x",
        "note approve auth --operator me",
        "memory rebuild",
        "path sibling",
        "log sibling",
        "rules render sibling",
        "-C .. list",
        "-C . validate",
        "_sweep /tmp",
        "_judge /nowhere auth 1",
    ];
    // Also by who sets the variables itself, or leaves them out.
    let script: String = refused
        .iter()
        .map(|args| {
            format!(
                "wt {args} >/dev/null 2>.wt/why; s=$?; echo \"$s {}\"; [ $s = 4 ] || cat .wt/why >&2\n",
                args.replace('\'', "")
            )
        })
        .collect();
    let ran = caged(&sandbox, "auth", &script);
    for line in ran.out.lines() {
        let internal = line.contains(" _");
        assert!(line.starts_with("4 ") || internal, "{line}\n{}", ran.err);
    }
    assert_eq!(ran.out.lines().count(), refused.len());
    for prefix in [
        "env -u WT_SOCKET",
        "env -u WT_WORKTREE",
        "env WT_CAGED=sibling WT_CAGED_IN=../../repo/.git",
    ] {
        let ran = caged(
            &sandbox,
            "auth",
            &format!(
                "{prefix} wt resume auth --because x --operator me; {prefix} wt validate sibling"
            ),
        );
        assert_ne!(ran.code, Some(0), "{prefix}: {}", ran.out);
    }
    caged(&sandbox, "auth", "env -u WT_SOCKET wt validate auth")
        .expect(4)
        .says("error: <root>/repo/.git/wt/locks/auth can't be written from here");
    assert_eq!(sandbox.git(&["for-each-ref"]), before);
    for task in ["auth", "sibling"] {
        assert_eq!(sandbox.task_state(task), "working");
    }

    let ran = caged(
        &sandbox,
        "auth",
        "set -e; wt list >&2; wt show --json | grep -c '\"task\": \"auth\"'; wt path; wt rules render >/dev/null; wt log auth >/dev/null
         wt scope show >&2; wt scope explain README.md >&2; mkdir d; cd d; wt validate auth --json | grep -c VALIDATION_OK; cd ..; rmdir d
         echo typed | { wt explain --file - || echo refused; }
         echo learnt | wt note add --gotcha; wt note show | grep learnt; wt recall learnt; wt memory list",
    );
    ran.expect(0);
    assert_eq!(
        ran.out,
        "1\n<root>/repo.wt/auth\n1\nrefused\n- (agent) learnt\n"
    );
    let resumed = r#"echo '{"hook_event_name":"SessionStart","source":"resume"}' | wt hook claude"#;
    let ran = caged(
        &sandbox,
        "auth",
        &format!("echo x > x; git add x; git commit -qm private; wt brief >&2; {resumed}"),
    );
    ran.expect(0).says("## Done so far");
    let told = &ran.json()["hookSpecificOutput"]["additionalContext"];
    let told = told.as_str().expect("text");
    assert!(told.contains(" \"private\"\n"), "{told}");
    assert_closed(&sandbox, "auth");
}

#[test]
fn a_caller_that_is_not_in_the_cage_is_not_heard() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    sandbox.spawn("sibling");
    let running = start(
        &sandbox,
        "auth",
        "echo \"$WT_SOCKET\" > socket; touch .wt/sign; while [ -f .wt/sign ]; do sleep 0.01; done",
    );
    wait_for_sign(&worktree);
    let path = PathBuf::from(sandbox.read(worktree.join("socket")).trim());

    // From outside, and from the cage of another task.
    let caller = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).expect("a socket");
    connect(&caller, &SocketAddrUnix::new(&path).expect("a path")).expect("connected");
    let _ = send(
        &caller,
        br#"{"kind":"call","args":["list"],"folder":"/"}"#,
        SendFlags::NOSIGNAL,
    );
    let mut answer = [0; 16];
    let heard = recv(&caller, &mut answer[..], RecvFlags::empty());
    assert!(!heard.is_ok_and(|(_, bytes)| bytes > 0));
    let ran = caged(
        &sandbox,
        "sibling",
        &format!("WT_SOCKET={} {} validate auth", path.display(), wt()),
    );
    ran.expect(4).says("does not answer");
    wait_until("both are noted", || {
        sandbox
            .events("auth")
            .iter()
            .filter(|e| *e == "socket-refused")
            .count()
            == 2
    });
    std::fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.finish(&sandbox).expect(0);
    assert!(!path.exists());
}

#[test]
fn a_forged_request_does_no_harm() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    let perl = sandbox.command("perl").arg("-e1").status();
    if !perl.is_ok_and(|status| status.success()) {
        return crate::sandbox::skipped("`perl` is not here");
    }
    // Packets as they come: garbage, too long, without streams, for another folder; and callers that say nothing.
    let script = r#"
        use Socket;
        sub call { socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die; connect($s, sockaddr_un($ENV{WT_SOCKET})) or die; $s }
        my @silent = map { call() } 1..40;
        for my $packet ('', 'x', '{', '{"kind":"call"}', 'x' x 140000, "{\"kind\":\"call\",\"args\":[\"list\"],\"folder\":\"/\"}",
                        "{\"kind\":\"call\",\"args\":[\"rm\",\"auth\",\"--force\"],\"folder\":\"$ENV{WT_WORKTREE}\"}",
                        "{\"kind\":\"event\",\"event\":\"landed\",\"facts\":{}}") {
            my $s = call(); send($s, $packet, 0); my $a = ''; recv($s, $a, 1000, 0); print length($packet) > 99999 ? "long" : $packet, " -> $a\n";
        }"#;
    sandbox.write(worktree.join("forge.pl"), script);
    let ran = caged(
        &sandbox,
        "auth",
        "perl forge.pl; rm forge.pl; wt list >/dev/null && echo served",
    );
    ran.expect(0).prints("served\n");
    // An event that is none of a hook's is heard, and not noted.
    let done = ran.out.lines().filter(|line| line.contains("\"exit\":0"));
    assert!(
        done.clone().all(|line| line.contains("event")),
        "{}",
        ran.out
    );
    let events = sandbox.events("auth");
    assert!(!events.contains(&"landed".to_owned()), "{events:?}");
    assert_closed(&sandbox, "auth");
}

#[test]
fn who_reads_no_answer_holds_nobody_up() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    let worktree = sandbox.spawn("auth");
    // So that there is something to say before anything is judged.
    let rules = format!(
        "[rules]\ninvariants = [\"Keep it.\"]\n{}",
        crate::sandbox::CONTRACT
    );
    sandbox.write("wt.toml", &rules);
    sandbox.commit(&sandbox.repo(), "rules");
    let script = "mkfifo .wt/pipe; exec 3<>.wt/pipe
                  dd if=/dev/zero of=/dev/fd/3 bs=4096 count=16 2>/dev/null
                  wt validate >&3 2>&3 &
                  touch .wt/sign; while [ -f .wt/sign ]; do sleep 0.01; done; kill $!";
    let running = start(&sandbox, "auth", script);
    wait_for_sign(&worktree);
    wait_until("it is judged", || sandbox.task_state("auth") == "validated");
    sandbox.wt(&["show", "auth", "--status"]).expect(0);
    std::fs::remove_file(worktree.join(".wt/sign")).expect("removed");
    running.finish(&sandbox);
}

/// The requests of [`caller_in_a_cage`], a line each.
const REQUESTS: &str = "FORGED_REQUESTS";

/// Run by a test in a cage: sends requests as no `wt` does, with its streams, and prints what it is answered.
#[test]
#[ignore = "another test runs it in a cage"]
fn caller_in_a_cage() {
    let (Ok(requests), Ok(path)) = (std::env::var(REQUESTS), std::env::var("WT_SOCKET")) else {
        return;
    };
    for request in requests.lines() {
        let caller = socket(AddressFamily::UNIX, SocketType::SEQPACKET, None).expect("a socket");
        connect(&caller, &SocketAddrUnix::new(&path).expect("a path")).expect("connected");
        let (stdin, stdout, stderr) = (std::io::stdin(), std::io::stdout(), std::io::stderr());
        let streams = [stdin.as_fd(), stdout.as_fd(), stderr.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(3))];
        let mut along = SendAncillaryBuffer::new(&mut space);
        assert!(along.push(SendAncillaryMessage::ScmRights(&streams)));
        let bytes = [IoSlice::new(request.as_bytes())];
        sendmsg(&caller, &bytes, &mut along, SendFlags::NOSIGNAL).expect("sent");
        let mut answer = [0; 1000];
        let (_, count) = recv(&caller, &mut answer[..], RecvFlags::empty()).expect("heard");
        let answer = String::from_utf8_lossy(&answer[..count]);
        writeln!(std::io::stdout(), "answered {answer}").expect("said");
    }
}

#[test]
fn no_other_arguments_and_no_other_folder_lead_out() {
    if !held() {
        return;
    }
    let mut sandbox = Sandbox::new();
    sandbox.spawn("sibling");
    let worktree = sandbox.spawn("auth");
    let (home, root) = (sandbox.home(), sandbox.root());
    let trash = root.join("trash/x.gone");
    std::fs::create_dir_all(&trash).expect("made");
    std::os::unix::fs::symlink("/", worktree.join("way")).expect("linked");
    let here = worktree.to_str().expect("text");
    let call = |args: &[&str], folder: &str| {
        serde_json::json!({ "kind": "call", "args": args, "folder": folder }).to_string()
    };
    let touched = home.join("escaped");
    let touched = touched.to_str().expect("text");
    let sibling = sandbox.worktree("sibling");
    let requests = [
        call(&["_cage", "--", "touch", touched], here),
        call(
            &["_sweep", root.join("trash").to_str().expect("text")],
            here,
        ),
        call(
            &[
                "_judge",
                sandbox.repo().join(".git").to_str().expect("text"),
                "sibling",
                "1",
            ],
            here,
        ),
        call(&["hook", "install", "claude", "--user"], here),
        call(&["hook", "claude"], here),
        call(&["-C", sibling.to_str().expect("text"), "validate"], here),
        call(&["validate", "sibling"], here),
        call(&["rm", "auth", "--force"], here),
        call(&["run", "auth", "--", "touch", touched], here),
        call(&["list"], sibling.to_str().expect("text")),
        call(&["list"], &format!("{here}/../sibling")),
        call(&["list"], &format!("{here}/way")),
        call(&["list"], "/"),
        call(&["list"], &format!("{here}/no-such")),
    ];
    sandbox.set(REQUESTS, &requests.join("\n"));
    let before = sandbox.picture();
    let own = std::env::current_exe().expect("a path");
    let ran = sandbox.wt(&[
        "run",
        "auth",
        "--",
        own.to_str().expect("text"),
        "--ignored",
        "--exact",
        "--nocapture",
        "caged::socket::caller_in_a_cage",
    ]);
    ran.expect(0);
    let answers: Vec<&str> = ran
        .out
        .lines()
        .filter(|l| l.starts_with("answered "))
        .collect();
    assert_eq!(answers.len(), requests.len(), "{}", ran.out);
    for (answer, request) in answers.iter().zip(&requests) {
        // A hook's refusal is a denial.
        let exit = if request.contains("\"claude\"]") {
            2
        } else {
            4
        };
        let wanted = format!("answered {{\"exit\":{exit},");
        assert!(answer.starts_with(&wanted), "{request}: {answer}");
    }
    assert!(!home.join("escaped").exists() && trash.is_dir());
    sandbox.assert_as(&before);
    std::fs::remove_file(worktree.join("way")).expect("removed");
    assert_closed(&sandbox, "auth");
}

#[test]
fn who_is_cut_off_in_the_cage_does_not_stop_its_judge() {
    if !held() {
        return;
    }
    let step = "while [ ! -f \"$(cat go)\" ]; do sleep 0.01; done\n";
    let sandbox = Sandbox::with(&[("wt.toml", crate::sandbox::CONTRACT), ("test.sh", step)]);
    let worktree = sandbox.spawn("auth");
    let go = sandbox.home().join("go");
    sandbox.write(worktree.join("go"), go.to_str().expect("text"));
    let running = start(
        &sandbox,
        "auth",
        "wt validate & v=$!; until wt show | grep -q 'a judge is at work'; do sleep 0.01; done; kill -TERM $v; wait $v; echo \"cut off: $?\"
         touch .wt/sign; wt validate",
    );
    wait_for_sign(&worktree);
    sandbox.write(&go, "");
    let ran = running.finish(&sandbox);
    ran.expect(0)
        .prints("cut off: 143\n")
        .prints("VALIDATION_OK")
        .says("a judge is at work on this already");
    let runs = std::fs::read_dir(sandbox.state().join("tasks/auth/runs")).expect("listed");
    assert_eq!(runs.count(), 1);

    // Ctrl-C is another thing: it stops the judging.
    std::fs::remove_file(&go).expect("removed");
    let ran = caged(
        &sandbox,
        "auth",
        "echo more > more.txt
         perl -e '$SIG{INT} = \"DEFAULT\"; exec @ARGV' wt validate & v=$!
         until wt show | grep -q 'a judge is at work'; do sleep 0.01; done; kill -INT $v; wait $v; echo \"stopped: $?\"",
    );
    ran.prints("stopped: 130\n");
    assert_eq!(sandbox.show("auth")["attempts"], 0);
}

#[test]
fn a_hook_decides_in_the_cage_and_asks_outside_what_is_owed() {
    if !held() {
        return;
    }
    let sandbox = Sandbox::new();
    sandbox.spawn("auth");
    let stop = r#"{"hook_event_name":"Stop","stop_hook_active":false}"#;
    let tool = r#"{"hook_event_name":"PreToolUse","tool_name":"Bash","tool_input":{"command":"git push"}}"#;
    let ran = caged(
        &sandbox,
        "auth",
        &format!(
            "echo '{tool}' | wt hook claude; echo \"push: $?\"; echo '{stop}' | wt hook claude; echo \"clean: $?\"
             echo x > x.txt; echo '{stop}' | wt hook claude; echo \"changed: $?\"
             git add x.txt; git commit -qm x; echo '{stop}' | wt hook claude; echo \"committed: $?\"
             wt validate >/dev/null; echo '{stop}' | wt hook claude; echo \"judged: $?\""
        ),
    );
    ran.expect(0).says("commit, then: wt validate");
    assert_eq!(
        ran.out, "push: 2\nclean: 0\nchanged: 2\ncommitted: 2\njudged: 0\n",
        "{}",
        ran.err
    );
    let noted = |word: &str| sandbox.events("auth").iter().filter(|e| *e == word).count();
    wait_until("all is noted", || {
        (noted("hook-denied"), noted("hook-held")) == (1, 2)
    });
}
