//! First failures in recorded output of mocha, AVA and node-tap.

use super::told;

#[test]
fn tests_of_mocha() {
    let told = told(&[
        "mocha/several",
        "mocha/supertest",
        "mocha/hook",
        "mocha/broken",
        "mocha/dot",
        "mocha/colour",
        "mocha/tap-spec",
        "mocha/none",
    ]);
    insta::assert_snapshot!(told, @r#"
    mocha/several
      throws at src/auth.js:3
        | Error: no token
        |  at exports.refresh (src/auth.js:3:21)
        |  at Context.<anonymous> (test/auth.js:14:22)
    mocha/supertest
      example app(s) > complex methods > OPTIONS works at test/example-app.js:66
        | Error: expected 204 "No Content", got 200 "OK"
        |  at Context.<anonymous> (test/example-app.js:66:12)
    mocha/hook
      with a hook > "before all" hook: connects for "never runs" at test/hook.js:2
        | TypeError: no server
        |  at Context.<anonymous> (test/hook.js:2:36)
    mocha/broken
      SyntaxError: missing ) after argument list at test/zbroken.js:2
        |  Exception during run: test/zbroken.js:2
        |   it("y", () => { expect(1;
        |                          ^
        |
        | SyntaxError: missing ) after argument list
        |     at wrapSafe (node:internal/modules/cjs/loader:1464:18)
        |     at Module._compile (node:internal/modules/cjs/loader:1495:20)
        |     at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
        |     at Module.load (node:internal/modules/cjs/loader:1266:32)
        |     at Module._load (node:internal/modules/cjs/loader:1091:12)
        |     at cjsLoader (node:internal/modules/esm/translators:298:15)
        |     at ModuleWrap.<anonymous> (node:internal/modules/esm/translators:240:7)
        |     at ModuleJob.run (node:internal/modules/esm/module_job:325:25)
        |     at async ModuleLoader.import (node:internal/modules/esm/loader:606:24)
        |     at async formattedImport (node_modules/mocha/lib/nodejs/esm-utils.cjs:11:14)
        |     at async Object.requireModule [as requireOrImport] (node_modules/mocha/lib/nodejs/esm-utils.cjs:106:30)
        |     at async exports.loadFilesAsync (node_modules/mocha/lib/nodejs/esm-utils.cjs:182:20)
        |     at async singleRun (node_modules/mocha/lib/cli/run-helpers.cjs:174:3)
        |     at async exports.handler (node_modules/mocha/lib/cli/run.cjs:143:5)
    mocha/dot
      throws at src/auth.js:3
        | Error: no token
        |  at exports.refresh (src/auth.js:3:21)
        |  at Context.<anonymous> (test/auth.js:14:22)
    mocha/colour
      throws at src/auth.js:3
        | Error: no token
        |  at exports.refresh (src/auth.js:3:21)
        |  at Context.<anonymous> (test/auth.js:14:22)
    mocha/tap-spec
      test/par.js two a token lives 60 seconds at test/par.js:5
        | Error: a token lives 60 seconds
        | + expected - actual
        |
        | -false
        | +true
        |
        | at Test.<anonymous> (test/par.js:5:46)
        | at Object.<anonymous> (test/par.js:5:3)
    mocha/none
      no test was run
        | 0 passing (0ms)
    "#);
}

#[test]
fn tests_of_ava() {
    let told = told(&[
        "ava/several",
        "ava/files",
        "ava/long",
        "ava/throws",
        "ava/uncaught",
        "ava/broken",
        "ava/none",
        "ava/tap",
    ]);
    insta::assert_snapshot!(told, @r#"
    ava/several
      refuses an expired token at test.js:7
        | test.js:7
        |
        |  6:   t.log('asking for a token of age 60');
        |  7:   t.is(fresh(60), true);
        |  8: });
        |
        | Difference (- actual, + expected):
        |
        | - false
        | + true
    ava/files
      slow › never ends
        | Error: Promise returned by test never resolved
        |
        | Error: Promise returned by test never resolved
    ava/long
      shared context with a limited provider helper at test.js:109
        | test.js:109
        |
        |  108:
        |  109:   t.is(limit.activeCount, 1);
        |  110:   t.is(limit.pendingCount, 1);
        |
        | Difference (- actual, + expected):
        |
        | - 2
        | + 1
        |
        | › test.js:109:4
    ava/throws
      throws at src/auth.js:3
        | Error thrown in test:
        |
        | Error {
        |   message: 'no token',
        | }
        |
        | Error: no token
        |     at refresh (src/auth.js:3:21)
        |     at throws.test.js:3:25
        |     at async Promise.all (index 0)
    ava/uncaught
      Uncaught exception: Error: nobody listens at late.test.js:2
        | late.test.js:2
        |
        |  1: import test from 'ava';
        |  2: test('passes and yet', (t) => { setTimeout(() => { throw new Error('nobod…
        |  3:
        |
        | Error: nobody listens
        |
        | › Timeout._onTimeout (late.test.js:2:58)
    ava/broken
      Uncaught exception: SyntaxError: missing ) after argument list at broken.test.js
        | SyntaxError: missing ) after argument list
    ava/none
      ✘ No tests found in none.test.js, make sure to import "ava" at the top of your test file
        | 1
        |   ✘ No tests found in none.test.js, make sure to import "ava" at the top of your test file
        |   ─
    ava/tap
      refuses an expired token
        | #   asking for a token of age 60
        |     name: AssertionError
        |     assertion: t.is()
        |     details:
        |       'Difference (- actual, + expected):': |-
        |         - false
        |         + true
        |     message: ''
    "#);
}

#[test]
fn tests_of_node_tap() {
    let told = told(&[
        "tap/several",
        "tap/diff",
        "tap/broken",
        "tap/braces",
        "tap/braces-broken",
    ]);
    insta::assert_snapshot!(told, @r#"
    tap/several
      test/classes/auth.js > expiry > refuses an expired token > should be equal at test/classes/auth.js:6
        | found: false
        | wanted: true
        | compare: ===
        | stack: |
        |   Test.<anonymous> (test/classes/auth.js:6:7)
        |   Test.<anonymous> (test/classes/auth.js:5:5)
        |   Object.<anonymous> (test/classes/auth.js:4:3)
        | source: |2
        |     t.test('refuses an expired token', (t) => {
        |       t.equal(fresh(60), true);
        |   ------^
        |       t.equal(fresh(1), true, 'one is fresh');
        |       t.end();
    tap/diff
      test/late.js > same objects at test/late.js:2
        | diff: |
        |   --- expected
        |   +++ actual
        |   @@ -1,4 +1,4 @@
        |    Object {
        |      "a": 1,
        |   -  "b": 3,
        |   +  "b": 2,
        |    }
        | stack: |
        |   Object.<anonymous> (test/late.js:2:3)
        | source: |
        |   const t = require('tap');
        |   t.same({a: 1, b: 2}, {a: 1, b: 3}, 'same objects');
        |   --^
    tap/broken
      test file failed to run at test/zbroken.js:2
        | test/zbroken.js:2
        | t.ok(1;
        |      ^
        |
        | SyntaxError: missing ) after argument list
        |
        |   timeout: 30000
        |   exitCode: 1
    tap/braces
      test/classes/auth.js > expiry > refuses an expired token > should be equal at test/classes/auth.js:6
        | found: false
        | wanted: true
        | compare: ===
        | stack: |
        |   Test.<anonymous> (test/classes/auth.js:6:7)
        |   Test.<anonymous> (test/classes/auth.js:5:5)
        |   Object.<anonymous> (test/classes/auth.js:4:3)
        | source: |2
        |     t.test('refuses an expired token', (t) => {
        |       t.equal(fresh(60), true);
        |   ------^
        |       t.equal(fresh(1), true, 'one is fresh');
        |       t.end();
    tap/braces-broken
      test file failed to run at test/zbroken.js:2
        | test/zbroken.js:2
        | t.ok(1;
        |      ^
        |
        | SyntaxError: missing ) after argument list
        |     at Generator.next (<anonymous>)
        |
        |   timeout: 30000
        |   exitCode: 1
    "#);
}
