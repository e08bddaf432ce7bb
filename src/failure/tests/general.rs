//! First failures in recorded output that no reader owns, and of several tools in one log.

use super::told;

#[test]
fn other_tools() {
    let told = told(&[
        "general/make",
        "general/gcc",
        "general/manifest",
        "general/traceback",
        "general/uncaught",
        "tsc/pass",
        "cargo/pass",
    ]);
    insta::assert_snapshot!(told, @r#"
    general/make
      check.sh: 2: echoo: not found
        | 0 errors so far
        | checking, no errors yet
        | check.sh: 2: echoo: not found
        | make: *** [Makefile:3: check] Error 3
    general/gcc
      app.c:2:15: error: ‘now’ undeclared (first use in this function)
        | app.c: In function ‘main’:
        | app.c:2:15: error: ‘now’ undeclared (first use in this function)
        |     2 |     int age = now;
        |       |               ^~~
        | app.c:2:15: note: each undeclared identifier is reported only once for each function it appears in
    general/manifest
      error: unexpected character 'x' while parsing major version number at Cargo.toml:3
        | error: unexpected character 'x' while parsing major version number
        |  --> Cargo.toml:3:11
        |   |
        | 3 | version = "x"
        |   |           ^^^
    general/traceback
      json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1) at app.py:5
        | Traceback (most recent call last):
        |   File "app.py", line 9, in <module>
        |     load("{")
        |   File "app.py", line 5, in load
        |     return json.loads(text)
        |            ^^^^^^^^^^^^^^^^
        |   File "/usr/lib/python3.11/json/__init__.py", line 346, in loads
        |     return _default_decoder.decode(s)
        |            ^^^^^^^^^^^^^^^^^^^^^^^^^^
        |   File "/usr/lib/python3.11/json/decoder.py", line 337, in decode
        |     obj, end = self.raw_decode(s, idx=_w(s, 0).end())
        |                ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        |   File "/usr/lib/python3.11/json/decoder.py", line 353, in raw_decode
        |     obj, end = self.scan_once(s, idx)
        |                ^^^^^^^^^^^^^^^^^^^^^^
        | json.decoder.JSONDecodeError: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)
    general/uncaught
      TypeError: no token at app.js:2
        | app.js:2
        |   throw new TypeError('no ' + text);
        |   ^
        |
        | TypeError: no token
        |     at load (app.js:2:9)
        |     at Object.<anonymous> (app.js:4:1)
        |     at Module._compile (node:internal/modules/cjs/loader:1521:14)
        |     at Module._extensions..js (node:internal/modules/cjs/loader:1623:10)
        |     at Module.load (node:internal/modules/cjs/loader:1266:32)
        |     at Module._load (node:internal/modules/cjs/loader:1091:12)
        |     at Function.executeUserEntryPoint [as runMain] (node:internal/modules/run_main:164:12)
        |     at node:internal/main/run_main_module:28:49
        |
        | Node.js v20.20.2
    tsc/pass
      no output
    cargo/pass
      test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
        | running 1 test
        | test auth::refresh::tests::new_token ... ok
        |
        | test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
        |
        |    Doc-tests demo
        |
        | running 0 tests
        |
        | test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
    "#);
}

#[test]
fn several_tools() {
    let told = told(&["mixed/rust-python-go"]);
    insta::assert_snapshot!(told, @r#"
    mixed/rust-python-go
      setup of test_uses_it at tests/test_broken_fixture.py:6
        |     @pytest.fixture
        |     def server():
        | >       raise RuntimeError("no server")
        | E       RuntimeError: no server
        |
        | tests/test_broken_fixture.py:6: RuntimeError
    "#);
}
