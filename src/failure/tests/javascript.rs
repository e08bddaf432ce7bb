//! First failures in recorded output of vitest, node and tsc.

use super::told;

#[test]
fn tests_of_vitest() {
    let told = told(&[
        "vitest/one",
        "vitest/several",
        "vitest/colour",
        "vitest/broken",
        "vitest/unhandled",
    ]);
    insta::assert_snapshot!(told, @r"
    vitest/one
      auth > refuses an expired token at vitest/one.spec.mjs:9
        | AssertionError: expected false to be true // Object.is equality
        |
        | - Expected
        | + Received
        |
        | - true
        | + false
        |
        |  ❯ vitest/one.spec.mjs:9:23
        |       7|   it('refuses an expired token', () => {
        |       8|     console.log('asking for a token of age 60');
        |       9|     expect(fresh(60)).toBe(true);
        |        |                       ^
        |      10|   });
        |      11| });
    vitest/several
      auth > refresh > throws at src/auth.js:3
        | Error: no token
        |  ❯ exports.refresh src/auth.js:3:21
        |       1| exports.fresh = (age) => age < 60;
        |       2| exports.refresh = (token) => {
        |       3|   if (!token) throw new Error('no token');
        |        |                     ^
        |       4|   return token;
        |       5| };
        |  ❯ vitest/several.spec.mjs:6:7
    vitest/colour
      auth > refuses an expired token at vitest/one.spec.mjs:9
        | AssertionError: expected false to be true // Object.is equality
        |
        | - Expected
        | + Received
        |
        | - true
        | + false
        |
        |  ❯ vitest/one.spec.mjs:9:23
        |       7|   it('refuses an expired token', () => {
        |       8|     console.log('asking for a token of age 60');
        |       9|     expect(fresh(60)).toBe(true);
        |        |                       ^
        |      10|   });
        |      11| });
    vitest/broken
      test file failed to run at vitest/broken.spec.mjs
        | Error: Failed to parse source for import analysis because the content contains invalid JS syntax. If you are using JSX, make sure to name the file with the .jsx or .tsx extension.
        |   Plugin: vite:import-analysis
        |   File: vitest/broken.spec.mjs:1:0
        |   1  |  import { describe, expect, it } from 'vitest';
        |      |  ^
        |   2  |  import { fresh, refresh } from '../src/auth.js';
        |   3  |  describe('auth', () => {
    vitest/unhandled
      Unhandled Rejection: Error: nobody listens at vitest/unhandled.spec.mjs:4
        | Error: nobody listens
        |  ❯ vitest/unhandled.spec.mjs:4:18
        |       2|
        |       3| it('passes and yet', async () => {
        |       4|   Promise.reject(new Error('nobody listens'));
        |        |                  ^
        |       5|   await new Promise((done) => setTimeout(done, 5));
        |       6|   expect(1).toBe(1);
    ");
}

#[test]
fn tests_of_node() {
    let told = told(&[
        "node/one-tap",
        "node/several-tap",
        "node/todo-tap",
        "node/broken-tap",
        "node/one-spec",
        "node/several-spec",
        "node/colour-spec",
        "node/todo-spec",
        "node/broken-spec",
    ]);
    insta::assert_snapshot!(told, @r"
    node/one-tap
      auth > refuses an expired token at node/one.check.js:10
        | error: |-
        |   Expected values to be strictly equal:
        |
        |   false !== true
        |
        | code: 'ERR_ASSERTION'
        | name: 'AssertionError'
        | expected: true
        | actual: false
        | operator: 'strictEqual'
        |   TestContext.<anonymous> (node/one.check.js:10:12)
        |   async Promise.all (index 0)
    node/several-tap
      auth > refresh > throws at src/auth.js:3
        | error: 'no token'
        | code: 'ERR_TEST_FAILURE'
        |   exports.refresh (src/auth.js:3:21)
        |   TestContext.<anonymous> (node/several.check.js:7:7)
        |   new Promise (<anonymous>)
    node/todo-tap
      falls at node/todo.check.js:6
        | error: 'not a token'
        | code: 'ERR_TEST_FAILURE'
        | name: 'TypeError'
        |   TestContext.<anonymous> (node/todo.check.js:6:9)
    node/broken-tap
      test file failed to run at node/broken.check.js:6
        | node/broken.check.js:6
        |     assert.strictEqual(fresh(1), true;
        |                                  ^^^^
        | SyntaxError: missing ) after argument list
        |   exitCode: 1
        |   signal: ~
        |   error: 'test failed'
        |   code: 'ERR_TEST_FAILURE'
    node/one-spec
      auth > refuses an expired token at node/one.check.js:10
        | AssertionError [ERR_ASSERTION]: Expected values to be strictly equal:
        |
        | false !== true
        |
        |     at TestContext.<anonymous> (node/one.check.js:10:12)
        |     at async Promise.all (index 0)
        |   generatedMessage: true,
        |   code: 'ERR_ASSERTION',
        |   actual: false,
        |   expected: true,
        |   operator: 'strictEqual'
        | }
    node/several-spec
      auth > refresh > throws at src/auth.js:3
        | Error: no token
        |     at exports.refresh (src/auth.js:3:21)
        |     at TestContext.<anonymous> (node/several.check.js:7:7)
        |     at new Promise (<anonymous>)
    node/colour-spec
      auth > refresh > throws at src/auth.js:3
        | Error: no token
        |     at exports.refresh (src/auth.js:3:21)
        |     at TestContext.<anonymous> (node/several.check.js:7:7)
        |     at new Promise (<anonymous>)
    node/todo-spec
      falls at node/todo.check.js:6
        | TypeError [Error]: not a token
        |     at TestContext.<anonymous> (node/todo.check.js:6:9)
    node/broken-spec
      test file failed to run at node/broken.check.js:6
        | node/broken.check.js:6
        |     assert.strictEqual(fresh(1), true;
        |                                  ^^^^
        |
        | SyntaxError: missing ) after argument list
        |
        |   'test failed'
    ");
}

#[test]
fn errors_of_tsc() {
    let told = told(&["tsc/several", "tsc/pretty", "tsc/config"]);
    insta::assert_snapshot!(told, @r#"
    tsc/several
      TS2365: Operator '<' cannot be applied to types 'number' and 'string' at ts/auth.ts:5
        | ts/auth.ts(5,10): error TS2365: Operator '<' cannot be applied to types 'number' and 'string'.
    tsc/pretty
      TS2365: Operator '<' cannot be applied to types 'number' and 'string' at ts/auth.ts:5
        | ts/auth.ts:5:10 - error TS2365: Operator '<' cannot be applied to types 'number' and 'string'.
        |
        | 5   return token.age < "60";
        |            ~~~~~~~~~~~~~~~~
    tsc/config
      TS5058: The specified path does not exist: 'gone.json'.
        | error TS5058: The specified path does not exist: 'gone.json'.
    "#);
}
