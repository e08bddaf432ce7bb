//! First failures in recorded output of go.

use super::told;

#[test]
fn tests_of_go() {
    let told = told(&["go/one", "go/several", "go/verbose", "go/panic"]);
    insta::assert_snapshot!(told, @r"
    go/one
      demo/auth.TestExpired at auth_test.go:12
        | auth_test.go:12: asking for a token of age 60
        | auth_test.go:14: Fresh(60) = false, want true
        |     a token lives 60 seconds
    go/several
      demo/auth.TestTable/j at auth_test.go:16
        | auth_test.go:16: Fresh(61) = false
    go/verbose
      demo/auth.TestTable/j at auth_test.go:16
        | auth_test.go:16: Fresh(61) = false
    go/panic
      demo/auth.TestPanics at auth/auth_test.go:13
        | panic: assignment to entry in nil map [recovered]
        |     panic: assignment to entry in nil map
        |
        | goroutine 7 [running]:
        | testing.tRunner.func1.2({0x508ec0, 0x551c90})
        |     /usr/lib/go-1.19/src/testing/testing.go:1396 +0x24e
        | testing.tRunner.func1()
        |     /usr/lib/go-1.19/src/testing/testing.go:1399 +0x39f
        | panic({0x508ec0, 0x551c90})
        |     /usr/lib/go-1.19/src/runtime/panic.go:884 +0x212
        | demo/auth.TestPanics(0xc000007860?)
        |     auth/auth_test.go:13 +0x2e
        | testing.tRunner(0xc000007ba0, 0x52f2e8)
        |     /usr/lib/go-1.19/src/testing/testing.go:1446 +0x10b
        | created by testing.(*T).Run
        |     /usr/lib/go-1.19/src/testing/testing.go:1493 +0x35f
    ");
}

#[test]
fn errors_of_go() {
    let told = told(&["go/compile", "go/vet"]);
    insta::assert_snapshot!(told, @r#"
    go/compile
      undefined: limit at auth/auth.go:4
        | auth/auth.go:4:41: undefined: limit
    go/vet
      (*testing.common).Errorf format %d has arg "x" of wrong type string at auth/auth_test.go:12
        | auth/auth_test.go:12:2: (*testing.common).Errorf format %d has arg "x" of wrong type string
    "#);
}
