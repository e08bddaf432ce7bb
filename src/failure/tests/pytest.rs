//! First failures in recorded output of pytest.

use super::told;

#[test]
fn tests_of_pytest() {
    let told = told(&[
        "pytest/one",
        "pytest/several",
        "pytest/quiet",
        "pytest/xdist",
        "pytest/tbline",
        "pytest/tbno",
        "pytest/colour",
        "pytest/collect",
        "pytest/usage",
        "pytest/nothing",
    ]);
    insta::assert_snapshot!(told, @r#"
    pytest/one
      test_expired at tests/test_auth.py:10
        |     def test_expired():
        |         print("asking for a token of age 60")
        | >       assert fresh(60), "a token lives 60 seconds"
        | E       AssertionError: a token lives 60 seconds
        | E       assert False
        | E        +  where False = fresh(60)
        |
        | tests/test_auth.py:10: AssertionError
        | ----------------------------- Captured stdout call -----------------------------
        | asking for a token of age 60
    pytest/several
      setup of test_uses_it at tests/test_broken_fixture.py:6
        |     @pytest.fixture
        |     def server():
        | >       raise RuntimeError("no server")
        | E       RuntimeError: no server
        |
        | tests/test_broken_fixture.py:6: RuntimeError
    pytest/quiet
      setup of test_uses_it at tests/test_broken_fixture.py:6
        | tests/test_broken_fixture.py:6: in server
        |     raise RuntimeError("no server")
        | E   RuntimeError: no server
    pytest/xdist
      setup of test_uses_it at tests/test_broken_fixture.py:6
        | [gw0] linux -- Python 3.11.7 /home/user/.venv/bin/python3
        |
        |     @pytest.fixture
        |     def server():
        | >       raise RuntimeError("no server")
        | E       RuntimeError: no server
        |
        | tests/test_broken_fixture.py:6: RuntimeError
    pytest/tbline
      setup of test_uses_it
        | E   RuntimeError: no server
    pytest/tbno
      tests/test_auth.py::test_expired
        | FAILED tests/test_auth.py::test_expired - AssertionError: a token lives 60 seconds
        | assert False
        |  +  where False = fresh(60)
    pytest/colour
      setup of test_uses_it at tests/test_broken_fixture.py:6
        |     @pytest.fixture
        |     def server():
        | >       raise RuntimeError("no server")
        | E       RuntimeError: no server
        |
        | tests/test_broken_fixture.py:6: RuntimeError
    pytest/collect
      collecting tests/test_auth.py at tests/test_auth.py:1
        | ImportError while importing test module 'tests/test_auth.py'.
        | Hint: make sure your test modules/packages have valid Python names.
        | Traceback:
        | /usr/lib/python3.11/importlib/__init__.py:126: in import_module
        |     return _bootstrap._gcd_import(name[level:], package, level)
        |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
        | tests/test_auth.py:1: in <module>
        |     from auth import fresh, refreshed
        | E   ImportError: cannot import name 'refreshed' from 'auth' (auth.py)
    pytest/usage
      ERROR: file or directory not found: tests/test_gone.py
        | plugins: xdist-3.8.0
        | collected 0 items
        |
        | ============================ no tests ran in 0.00s =============================
        | ERROR: file or directory not found: tests/test_gone.py
    pytest/nothing
      no test was run
        | ============================= test session starts ==============================
        | platform linux -- Python 3.11.7, pytest-9.2.0, pluggy-1.7.0
        | rootdir: .
        | collected 0 items
        |
        | =============================== warnings summary ===============================
        | tests/test_a.py:2
        |   tests/test_a.py:2: DeprecationWarning: old
        |     warnings.warn("old", DeprecationWarning)
        |
        | -- Docs: https://docs.pytest.org/en/stable/how-to/capture-warnings.html
        | ============================== 1 warning in 0.01s ==============================
    "#);
}
