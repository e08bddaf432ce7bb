//! First failures in recorded output of unittest.

use super::told;

#[test]
fn tests_of_unittest() {
    let told = told(&["unittest/several", "unittest/import", "unittest/described"]);
    insta::assert_snapshot!(told, @r#"
    unittest/several
      test_one (test_app.Tokens.test_one) at test_app.py:6
        | Traceback (most recent call last):
        |   File "test_app.py", line 6, in test_one
        |     self.assertEqual(1, 2)
        | AssertionError: 1 != 2
    unittest/import
      test_tokens (unittest.loader._FailedTest.test_tokens) at app/year.py:1
        |     from .lock import held
        |   File "app/lock.py", line 1, in <module>
        |     from .age import age
        |   File "app/age.py", line 1, in <module>
        |     from .year import year
        |   File "app/year.py", line 1, in <module>
        |     from .clock import now_in_utc
        | ImportError: cannot import name 'now_in_utc' from 'app.clock' (app/clock.py)
    unittest/described
      test_fresh (tests.test_tokens.Tokens.test_fresh) at tests/test_tokens.py:9
        | Traceback (most recent call last):
        |   File "tests/test_tokens.py", line 9, in test_fresh
        |     self.assertEqual(
        | AssertionError: {'first': [True, True, False, False], 'second': [True, True, True, True]} != {'first': [True, True, True, True], 'second': [True, True, True, True]}
        | - {'first': [True, True, False, False], 'second': [True, True, True, True]}
        | ?                        ^^^^   ^^^^
        |
        | + {'first': [True, True, True, True], 'second': [True, True, True, True]}
        | ?                        ^^^   ^^^
    "#);
}
