//! First failures in recorded output of runners that ended a test themselves.

use super::told;

#[test]
fn tests_that_took_too_long() {
    let told = told(&[
        "nextest/timeout",
        "pytest/timeout",
        "go/timeout",
        "jest/timeout",
        "node/timeout-tap",
        "node/timeout-spec",
        "mocha/timeout",
        "ava/timeout",
        "ava/pending",
        "tap/timeout",
    ]);
    insta::assert_snapshot!(told, @r#"
    nextest/timeout
      never_ends
        | stdout ───
        |
        |   running 1 test
        |
        |   (test timed out)
    pytest/timeout
      test_never_ends at tests/test_slow.py:5
        |     def test_never_ends():
        | >       time.sleep(60)
        | E       Failed: Timeout (>1.0s) from pytest-timeout.
        |
        | tests/test_slow.py:5: Failed
    go/timeout
      panic: test timed out after 1s at slow_test.go:11
        | main.main()
        |     _testmain.go:49 +0x1aa
        |
        | goroutine 19 [sleep]:
        | time.Sleep(0x34630b8a000)
        |     /usr/lib/go-1.19/src/runtime/time.go:195 +0x135
        | demo.TestNeverEnds(0xc000098680?)
        |     slow_test.go:11 +0x25
        | testing.tRunner(0xc0000989c0, 0x52f2e0)
        |     /usr/lib/go-1.19/src/testing/testing.go:1446 +0x10b
        | created by testing.(*T).Run
        |     /usr/lib/go-1.19/src/testing/testing.go:1493 +0x35f
    jest/timeout
      never ends at slow.test.js:1
        | thrown: "Exceeded timeout of 50 ms for a test while waiting for `done()` to be called.
        | Add a timeout value to this test to increase the timeout, if this is a long-running test. See https://jestjs.io/docs/api#testname-fn-timeout."
        |
        |       at Array.map (<anonymous>)
        |
        | Cause:
        |     thrown: "Exceeded timeout of 50 ms for a test while waiting for `done()` to be called.
        |     Add a timeout value to this test to increase the timeout, if this is a long-running test. See https://jestjs.io/docs/api#testname-fn-timeout."
        |
        |     > 1 | test('never ends', (done) => {}, 50);
        |         | ^
        |       2 |
        |
        |       at Object.test (slow.test.js:1:1)
    node/timeout-tap
      never ends at slow.check.js:2
        | error: 'test timed out after 50ms'
        | code: 'ERR_TEST_FAILURE'
    node/timeout-spec
      never ends
        | 'test timed out after 50ms'
    mocha/timeout
      slow > never ends at test/slow.js
        | Error: Timeout of 50ms exceeded. For async tests and hooks, ensure "done()" is called; if returning a Promise, ensure it resolves. (test/slow.js)
    ava/timeout
      waits too long
        | Error: Test timeout exceeded
        |
        | Error: Test timeout exceeded
    ava/pending
      never ends: timed out at waits2.test.js
        | ✘ Timed out while running tests
        |
        | 1 tests were pending in waits2.test.js
        |
        | ◌ never ends
    tap/timeout
      test file ended by SIGTERM at test/slow.js
        | timeout: 1000
        | exitCode: null
        | signal: SIGTERM
    "#);
}
