//! First failures in recorded output of eslint, xo and npm.

use super::told;

#[test]
fn findings_of_eslint() {
    let told = told(&[
        "eslint/several",
        "eslint/parse",
        "eslint/colour",
        "eslint/warnings",
        "eslint/xo",
    ]);
    insta::assert_snapshot!(told, @r"
    eslint/several
      no-unused-vars: 'a' is assigned a value but never used at lib/index.js:1
        | lib/index.js
        |   1:7  error  'a' is assigned a value but never used        no-unused-vars
        |   3:1  error  Expected indentation of 2 spaces but found 6  indent
    eslint/parse
      Parsing error: Unexpected token ; at test/a.js:1
        | test/a.js
        |   1:14  error  Parsing error: Unexpected token ;
    eslint/colour
      no-unused-vars: 'a' is assigned a value but never used at lib/index.js:1
        | lib/index.js
        |   1:7  error  'a' is assigned a value but never used        no-unused-vars
        |   3:1  error  Expected indentation of 2 spaces but found 6  indent
    eslint/warnings
      ESLint found too many warnings (maximum: 0).
        | ESLint found too many warnings (maximum: 0).
        | lib/error.js
        |   1:1  warning  Unexpected console statement  no-console
        |
        | ✖ 1 problem (0 errors, 1 warning)
    eslint/xo
      no-unused-vars: a is assigned a value but never used. Allowed unused vars must match /^_/u at index.js:1
        | index.js:1:7
        | ✖  1:7   a is assigned a value but never used. Allowed unused vars must match /^_/u.  no-unused-vars
        | ✖  1:12  Missing semicolon.                                                           @stylistic/semi
        | ✖  2:1   Unexpected default export of anonymous function                              import-x/no-anonymous-default-export
        | ✖  2:16  The function should be named.                                                unicorn/no-anonymous-default-export
        | ✖  3:1   Expected indentation of 1 tab but found 6 spaces.                            @stylistic/indent
    ");
}

#[test]
fn errors_of_npm() {
    let told = told(&[
        "npm/missing",
        "npm/tag",
        "npm/script",
        "npm/enoent",
        "npm/json",
        "npm/workspace",
        "npm/build",
        "npm/lockfile",
    ]);
    insta::assert_snapshot!(told, @r#"
    npm/missing
      npm error Missing script: "nope"
        | npm error Missing script: "nope"
        | npm error
        | npm error To see a list of scripts, run:
        | npm error   npm run
    npm/tag
      npm error Invalid tag name ">>" of package "ms@>>": Tags may not have any characters that encodeURIComponent encodes.
        | npm error code EINVALIDTAGNAME
        | npm error Invalid tag name ">>" of package "ms@>>": Tags may not have any characters that encodeURIComponent encodes.
    npm/script
      npm error command failed: sh -c node -e "console.error(1);console.error(\"no compiler here\");process.exit(1)"
        | npm error code 1
        | npm error path node_modules/dep
        | npm error command failed
        | npm error command sh -c node -e "console.error(1);console.error(\"no compiler here\");process.exit(1)"
        | npm error 1
        | npm error no compiler here
    npm/enoent
      npm error enoent ENOENT: no such file or directory, open 'gone.tgz'
        | npm warn tarball tarball data for dep@file:../gone.tgz (null) seems to be corrupted. Trying again.
        | npm warn tarball tarball data for dep@file:../gone.tgz (null) seems to be corrupted. Trying again.
        | npm error code ENOENT
        | npm error syscall open
        | npm error path gone.tgz
        | npm error errno -2
        | npm error enoent ENOENT: no such file or directory, open 'gone.tgz'
        | npm error enoent This is related to npm not being able to find a file.
        | npm error enoent
    npm/json
      npm error JSON.parse Invalid package.json: JSONParseError: Expected double-quoted property name in JSON at position 30 while parsing near "...\",\"version\":\"1.0.0\",}\n"
        | npm error code EJSONPARSE
        | npm error JSON.parse Invalid package.json: JSONParseError: Expected double-quoted property name in JSON at position 30 while parsing near "...\",\"version\":\"1.0.0\",}\n"
        | npm error JSON.parse Failed to parse JSON data.
        | npm error JSON.parse Note: package.json must be actual JSON, not just JavaScript.
    npm/workspace
      npm error command failed: sh -c exit 4
        | > b@1.0.0 t
        | > exit 4
        |
        | npm error Lifecycle script `t` failed with error:
        | npm error code 4
        | npm error path b
        | npm error workspace b@1.0.0
        | npm error location b
        | npm error command failed
        | npm error command sh -c exit 4
    npm/build
      cannot build
        | > demo@1.0.0 build
        | > node build.js
        |
        | cannot build
    npm/lockfile
      npm error The `npm ci` command can only install with an existing package-lock.json or
        | npm error code EUSAGE
        | npm error
        | npm error The `npm ci` command can only install with an existing package-lock.json or
        | npm error npm-shrinkwrap.json with lockfileVersion >= 1. Run an install with npm@5 or
        | npm error later to generate a package-lock.json file, then try again.
        | npm error
        | npm error Clean install a project
        | npm error
    "#);
}
