//! What is the operator's alone.

use super::check_denied;

#[test]
fn what_is_the_operators_is_denied() {
    for (script, denied) in [
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
        check_denied(script, denied);
    }
}
