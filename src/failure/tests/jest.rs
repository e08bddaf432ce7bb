//! First failures in recorded output of jest.

use super::told;

#[test]
fn tests() {
    let told = told(&["jest/one", "jest/several", "jest/all", "jest/colour"]);
    insta::assert_snapshot!(told, @r"
    jest/one
      auth › refuses an expired token at jest/one.test.js:8
        | expect(received).toBe(expected) // Object.is equality
        |
        | Expected: true
        | Received: false
        |
        |    6 |   it('refuses an expired token', () => {
        |    7 |     console.log('asking for a token of age 60');
        | >  8 |     expect(fresh(60)).toBe(true);
        |      |                       ^
        |    9 |   });
        |   10 | });
        |   11 |
        |
        |   at Object.toBe (jest/one.test.js:8:23)
    jest/several
      auth › refresh › throws at src/auth.js:3
        | no token
        |
        |   1 | exports.fresh = (age) => age < 60;
        |   2 | exports.refresh = (token) => {
        | > 3 |   if (!token) throw new Error('no token');
        |     |                     ^
        |   4 |   return token;
        |   5 | };
        |   6 |
        |
        |   at exports.refresh (src/auth.js:3:21)
        |   at Object.refresh (jest/several.test.js:5:7)
    jest/all
      auth › refresh › throws at src/auth.js:3
        | no token
        |
        |   1 | exports.fresh = (age) => age < 60;
        |   2 | exports.refresh = (token) => {
        | > 3 |   if (!token) throw new Error('no token');
        |     |                     ^
        |   4 |   return token;
        |   5 | };
        |   6 |
        |
        |   at exports.refresh (src/auth.js:3:21)
        |   at Object.refresh (jest/several.test.js:5:7)
    jest/colour
      auth › refresh › throws at src/auth.js:3
        | no token
        |
        |   1 | exports.fresh = (age) => age < 60;
        |   2 | exports.refresh = (token) => {
        | > 3 |   if (!token) throw new Error('no token');
        |     |                     ^
        |   4 |   return token;
        |   5 | };
        |   6 |
        |
        |   at exports.refresh (src/auth.js:3:21)
        |   at Object.refresh (jest/several.test.js:5:7)
    ");
}

#[test]
fn files_that_did_not_run() {
    let told = told(&[
        "jest/broken",
        "jest/broken-source",
        "jest/unread-source",
        "jest/missing",
    ]);
    insta::assert_snapshot!(told, @r#"
    jest/broken
      Test suite failed to run at jest/broken.test.js:4
        | SyntaxError: jest/broken.test.js: Unexpected token, expected "," (4:30)
        |
        |   2 | describe('auth', () => {
        |   3 |   it('is not closed', () => {
        | > 4 |     expect(fresh(1)).toBe(true;
        |     |                               ^
        |   5 |   });
        |   6 | });
        |   7 |
    jest/broken-source
      Test suite failed to run at index.js:6
        | SyntaxError: index.js: Unexpected token, expected "," (6:3)
        |
        |   4 |   refresh: (token) => {
        |   5 |     return token
        | > 6 |   };
        |     |    ^
        |   7 | };
        |   8 |
        |
        | > 1 | const { fresh } = require('./index');
        |     |                   ^
        |   2 |
        |   3 | test('fresh', () => { expect(fresh(1)).toBe(true); });
        |   4 |
        |
        |       at parser.next (<anonymous>)
        |       at normalizeFile.next (<anonymous>)
        |       at run.next (<anonymous>)
        |       at transform.next (<anonymous>)
        |   at Object.require (test.js:1:19)
    jest/unread-source
      Test suite failed to run at index.js:6
        | You'll find more details and examples of these config options in the docs:
        | https://jestjs.io/docs/configuration
        | For information about custom transformations, see:
        | https://jestjs.io/docs/code-transformation
        |
        | Details:
        |
        | index.js:6
        |   };
        |    ^
        |
        | SyntaxError: Unexpected token ';'
        |
        | > 1 | const { fresh } = require('./index');
        |     |                   ^
        |   2 |
        |   3 | test('fresh', () => { expect(fresh(1)).toBe(true); });
        |   4 |
        |
        |   at Object.<anonymous> (test.js:1:19)
    jest/missing
      Test suite failed to run at lib/throws.js:1
        | Cannot find module './none.js' from 'lib/throws.js'
        |
        | Require stack:
        |   lib/throws.js
        |   gone.test.js
        |
        | > 1 | const y = require("./none.js");
        |     |           ^
        |   2 |
        |
        |   at Object.require (lib/throws.js:1:11)
        |   at Object.require (gone.test.js:1:11)
    "#);
}
