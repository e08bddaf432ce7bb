//! First failures in recorded output of cargo, rustc, clippy, rustfmt and cargo nextest.

use super::told;

#[test]
fn tests_of_libtest() {
    let told = told(&[
        "cargo/one",
        "cargo/several",
        "cargo/quiet",
        "cargo/nocapture",
        "cargo/should-panic-nocapture",
        "cargo/backtrace",
        "cargo/library",
        "cargo/library-backtrace",
        "cargo/library-nocapture",
        "cargo/warn",
        "cargo/colour",
        "cargo/doc",
        "cargo/crash",
    ]);
    insta::assert_snapshot!(told, @r#"
    cargo/one
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | asking for a token of age 60
        |
        | thread 'auth::refresh::expiry::expired_token' (22492) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    cargo/several
      auth::refresh::more::answers_an_error
        | Error: "error: the server said no"
    cargo/quiet
      auth::refresh::more::answers_an_error
        | Error: "error: the server said no"
    cargo/nocapture
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | thread 'auth::refresh::expiry::expired_token' (23043) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    cargo/should-panic-nocapture
      auth::refresh::tests::d_steady at src/auth/refresh.rs:14
        | thread 'auth::refresh::tests::d_steady' (17698) panicked at src/auth/refresh.rs:14:9:
        | every time
    cargo/backtrace
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | asking for a token of age 60
        |
        | thread 'auth::refresh::expiry::expired_token' (23019) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    cargo/library
      tests::a_wide_ruler
        | thread 'tests::a_wide_ruler' (26280) panicked at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/alloc/src/slice.rs:523:50:
        | capacity overflow
    cargo/library-backtrace
      tests::a_wide_ruler at src/lib.rs:5
        | thread 'tests::a_wide_ruler' (26288) panicked at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/alloc/src/slice.rs:523:50:
        | capacity overflow
    cargo/library-nocapture
      tests::a_wide_ruler at src/lib.rs:5
        | thread 'tests::a_wide_ruler' (32444) panicked at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/alloc/src/slice.rs:523:50:
        | capacity overflow
    cargo/warn
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:24
        | asking for a token of age 60
        |
        | thread 'auth::refresh::expiry::expired_token' (22940) panicked at src/auth/refresh.rs:24:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    cargo/colour
      auth::refresh::more::answers_an_error
        | Error: "error: the server said no"
    cargo/doc
      doctest auth::refresh::fresh at src/auth/refresh.rs:3
        | Test executable failed (exit status: 101).
        |
        | stderr:
        |
        | thread 'main' (22803) panicked at /var/tmp/rustdoctestfEpHl3/doctest_bundle_2024.rs:6:1:
        | assertion failed: demo::auth::refresh::fresh(60)
    cargo/crash
      test program ended: signal: 6, SIGABRT: process abort signal
        |    Compiling demo v0.1.0 (.)
        |     Finished `test` profile [unoptimized + debuginfo] target(s) in 0.28s
        |      Running unittests src/lib.rs (target/debug/deps/demo-8348ca7a80742723)
        |
        | running 2 tests
        | test auth::refresh::tests::new_token ... ok
        |
        | thread 'auth::refresh::crash::overflows' (22870) has overflowed its stack
        | fatal runtime error: stack overflow, aborting
        | error: test failed, to rerun pass `--lib`
        |
        | Caused by:
        |   process didn't exit successfully: `target/debug/deps/demo-8348ca7a80742723` (signal: 6, SIGABRT: process abort signal)
    "#);
}

#[test]
fn errors_of_rustc() {
    let told = told(&[
        "cargo/compile",
        "cargo/compile-colour",
        "cargo/clippy",
        "cargo/fmt",
    ]);
    insta::assert_snapshot!(told, @r"
    cargo/compile
      error[E0425]: cannot find type `Token` in this scope at src/auth/refresh.rs:16
        | error[E0425]: cannot find type `Token` in this scope
        |   --> src/auth/refresh.rs:16:21
        |    |
        | 16 | pub fn unknown() -> Token {
        |    |                     ^^^^^ not found in this scope
    cargo/compile-colour
      error[E0425]: cannot find type `Token` in this scope at src/auth/refresh.rs:16
        | error[E0425]: cannot find type `Token` in this scope
        |   --> src/auth/refresh.rs:16:21
        |    |
        | 16 | pub fn unknown() -> Token {
        |    |                     ^^^^^ not found in this scope
    cargo/clippy
      error: unneeded `return` statement at src/auth/refresh.rs:3
        | error: unneeded `return` statement
        |  --> src/auth/refresh.rs:3:5
        |   |
        | 3 |     return age < 60;
        |   |     ^^^^^^^^^^^^^^^
        |   |
        |   = help: for further information visit https://rust-lang.github.io/rust-clippy/rust-1.95.0/index.html#needless_return
        |   = note: `-D clippy::needless-return` implied by `-D warnings`
        |   = help: to override `-D warnings` add `#[allow(clippy::needless_return)]`
        | help: remove `return`
        |   |
        | 3 -     return age < 60;
        | 3 +     age < 60
        |   |
    cargo/fmt
      not formatted at src/auth/refresh.rs:1
        |  /// Whether a token is still good.
        |  pub fn fresh(age: u32) -> bool {
        | -  age<60
        | +    age < 60
        |  }
        |
        |  #[cfg(test)]
    ");
}

#[test]
fn tests_of_nextest() {
    let told = told(&[
        "nextest/one",
        "nextest/several",
        "nextest/nofailfast",
        "nextest/should-panic",
        "nextest/retries",
        "nextest/crash",
        "nextest/colour",
        "nextest/compile",
        "nextest/library",
    ]);
    insta::assert_snapshot!(told, @r#"
    nextest/one
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | thread 'auth::refresh::expiry::expired_token' (23155) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    nextest/several
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | thread 'auth::refresh::expiry::expired_token' (23194) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    nextest/nofailfast
      auth::refresh::more::answers_an_error
        | Error: "error: the server said no"
    nextest/should-panic
      auth::refresh::more::must_panic at src/auth/refresh.rs:31
        | note: test did not panic as expected at src/auth/refresh.rs:31:8
    nextest/retries
      auth::refresh::tests::d_steady at src/auth/refresh.rs:14
        | thread 'auth::refresh::tests::d_steady' (17686) panicked at src/auth/refresh.rs:14:9:
        | every time
    nextest/crash
      auth::refresh::crash::overflows
        | thread 'auth::refresh::crash::overflows' (23308) has overflowed its stack
        | fatal runtime error: stack overflow, aborting
        |
        | (test aborted with signal 6: SIGABRT)
    nextest/colour
      auth::refresh::expiry::expired_token at src/auth/refresh.rs:23
        | thread 'auth::refresh::expiry::expired_token' (23381) panicked at src/auth/refresh.rs:23:9:
        | assertion `left == right` failed: a token lives 60 seconds
        |   left: false
        |  right: true
    nextest/compile
      error[E0425]: cannot find type `Token` in this scope at src/auth/refresh.rs:16
        | error[E0425]: cannot find type `Token` in this scope
        |   --> src/auth/refresh.rs:16:21
        |    |
        | 16 | pub fn unknown() -> Token {
        |    |                     ^^^^^ not found in this scope
    nextest/library
      tests::a_wide_ruler at src/lib.rs:5
        | thread 'tests::a_wide_ruler' (26332) panicked at /rustc/59807616e1fa2540724bfbac14d7976d7e4a3860/library/alloc/src/slice.rs:523:50:
        | capacity overflow
    "#);
}
