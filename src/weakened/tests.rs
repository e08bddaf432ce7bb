use proptest::prelude::*;

use super::*;

fn told(files: &[(&str, Option<&str>, Option<&str>)]) -> Vec<String> {
    let files: Vec<FileText> = files
        .iter()
        .map(|(path, before, after)| FileText {
            path,
            before: before.map(str::as_bytes),
            after: after.map(str::as_bytes),
        })
        .collect();
    weakened(&files).iter().map(Weakening::to_string).collect()
}

fn line(path: &str, before: &str, after: &str) -> Vec<String> {
    told(&[(path, Some(before), Some(after))])
}

#[test]
fn each_way_to_skip_a_test_is_seen_in_each_language() {
    for (path, skip) in [
        ("src/a.rs", "#[ignore]"),
        ("src/a.rs", "    #[ignore = \"flaky\"]"),
        ("src/a.rs", "#[cfg_attr(windows, ignore)]"),
        ("src/a.rs", "#[cfg(any())]"),
        ("tests/a.rs", "#![cfg(any())]"),
        ("src/a.rs", "#[should_panic(expected = \"x\")]"),
        ("a.test.js", "  t.skip('x'); return"),
        ("a.test.js", "it('a', { timeout: 5, skip: true }, (t) => {"),
        ("conftest.py", "collect_ignore = ['tests']"),
        ("a_test.go", "//go:build ignore"),
        ("a.test.ts", "it.skip('x', () => {"),
        ("a.spec.js", "describe.only('x', () => {"),
        ("__tests__/a.jsx", "xit('x', () => {"),
        ("test/a.mjs", "test('x', { skip: true }, () => {"),
        ("test_a.py", "@pytest.mark.xfail(strict=False)"),
        ("tests/a.py", "@unittest.skip('x')"),
        ("tests/a.py", "    self.skipTest('x')"),
        ("tests/conftest.py", "collect_ignore = ['a.py']"),
        ("a_test.go", "\tt.Skip(\"flaky\")"),
        ("src/test/java/ATest.java", "@Disabled"),
        ("ATests.cs", "[Fact(Skip = \"x\")]"),
        ("spec/a_spec.rb", "  xit 'does' do"),
        ("test/a_test.exs", "@tag :skip"),
    ] {
        // A test that is new with it takes nothing away.
        let before = skip
            .replace(".skip(", "(")
            .replace("{ skip: true }, ", "")
            .replace(", skip: true", "");
        let before = if before == skip { "" } else { &before };
        let found = line(path, before, skip);
        assert!(
            found.iter().any(|f| f.contains("is new")),
            "{path}: {skip}: {found:?}"
        );
        let undone = line(path, skip, "");
        assert!(
            !undone.iter().any(|f| f.contains("is new")),
            "{path}: {skip}"
        );
    }
    for (path, line_) in [
        ("src/a.py", "@skip"),
        ("src/a.ts", "list.skip(1)"),
        ("src/a.go", "t.Skip(1)"),
        ("src/a.rs", "// #[ignore]"),
        ("README.md", "#[ignore]"),
        ("tests/a.rs", "#[test]"),
    ] {
        assert_eq!(line(path, "", line_), [""; 0], "{path}: {line_}");
    }
}

#[test]
fn removed_tests_and_assertions_are_counted_and_moved_ones_are_not() {
    let test =
        "#[test]\nfn adds() {\n    assert_eq!(add(1, 2), 3);\n    assert!(add(0, 0) == 0);\n}\n";
    assert_eq!(
        line("src/a.rs", test, "fn other() {}\n"),
        ["src/a.rs: 1 test fewer", "src/a.rs: 2 assertions fewer"]
    );
    assert_eq!(
        told(&[("tests/a.rs", Some(test), None)]),
        ["tests/a.rs: the test file is removed"]
    );
    // Moved to another file, renamed, indented, an expectation changed: all of it is there still.
    assert_eq!(
        told(&[
            ("tests/a.rs", Some(test), None),
            ("tests/b.rs", None, Some(test))
        ]),
        [""; 0]
    );
    let indented = test
        .replace('\n', "\n    ")
        .replace("adds", "adds_up")
        .replace("3)", "4)");
    assert_eq!(line("src/a.rs", test, &indented), [""; 0]);
    // Put out of the way by a comment, or made to hold always.
    let commented = test.replace("    assert_eq", "    // assert_eq");
    assert_eq!(
        line("src/a.rs", test, &commented),
        ["src/a.rs: 1 assertion fewer"]
    );
    let always = test.replace("assert!(add(0, 0) == 0)", "assert!(true)");
    assert_eq!(
        line("src/a.rs", test, &always),
        ["src/a.rs:4: an assertion that always holds is new"]
    );
    assert_eq!(
        line(
            "test_a.py",
            "def test_a():\n    assert a() == 1\n",
            "def test_a():\n    a()\n"
        ),
        ["test_a.py: 1 assertion fewer"]
    );
    assert_eq!(
        line(
            "a_test.go",
            "func TestA(t *testing.T) {\n\tt.Errorf(\"x\")\n}\n",
            ""
        ),
        ["a_test.go: 1 test fewer", "a_test.go: 1 assertion fewer"]
    );
    assert_eq!(
        line(
            "a.test.js",
            "it('a', () => {\n  expect(a()).toBe(1)\n})\n",
            "it('a', () => {})\n"
        ),
        ["a.test.js: 1 assertion fewer"]
    );
}

#[test]
fn what_is_told_is_bounded() {
    let many: Vec<Weakening> = (1..=9)
        .map(|line| Weakening {
            path: "a\u{1b}".to_owned(),
            line: Some(line),
            what: "x".to_owned(),
        })
        .collect();
    let lines = lines_of(&many, 3);
    assert_eq!(lines.len(), 4);
    assert!(
        lines[3] == "  … and 6 more" && !lines[0].contains('\u{1b}'),
        "{lines:?}"
    );
    assert_eq!(lines_of(&many[..3], 3).len(), 3);
}

#[test]
fn what_no_tool_looks_for_any_more_is_gone() {
    let py = "class TestX:\n    def test_a(self):\n        assert a() == 1\n";
    let go = "package a\n\nfunc TestA(t *testing.T) {\n\tt.Errorf(\"x\")\n}\n";
    let js = "it('a', () => {\n  expect(a()).toBe(1)\n})\n";
    for (from, to, text) in [
        ("tests/test_x.py", "tests/cases_x.py", py),
        ("a_test.go", "a_tst.go", go),
        ("a.test.js", "a.tst.js", js),
    ] {
        let moved = told(&[(from, Some(text), None), (to, None, Some(text))]);
        assert_eq!(moved, [format!("{from}: the test file is removed")]);
        let back = told(&[(to, Some(text), None), (from, None, Some(text))]);
        assert_eq!(back, [""; 0], "{to}");
    }
    assert_eq!(
        line("test_x.py", py, &py.replace("TestX", "XCases")),
        ["test_x.py: 1 test fewer"]
    );
    assert_eq!(
        line("a_test.go", go, &go.replace("TestA", "Testa")),
        ["a_test.go: 1 test fewer"]
    );
    let string = format!("\"\"\"\n{py}\"\"\"\n");
    assert_eq!(
        line("test_x.py", py, &string),
        ["test_x.py: 2 tests fewer", "test_x.py: 1 assertion fewer"]
    );
    let documented = py.replace(":\n    def", ":\n    '''Why \"\"\" is.'''\n    def");
    assert_eq!(line("test_x.py", py, &documented), [""; 0]);
    let rs = "#[test]\nfn it() {\n    assert!(a());\n}\n";
    assert_eq!(
        line("tests/a.rs", rs, &format!("/*\n{rs}*/\n")),
        ["tests/a.rs: 1 test fewer", "tests/a.rs: 1 assertion fewer"]
    );
}

#[test]
fn a_new_test_that_is_skipped_makes_nothing_weaker_and_an_old_one_by_another_name_does() {
    let old = "def test_a():\n    assert a() == 1\n";
    let skip = "@pytest.mark.skipif(WIN, reason=\"x\")\n";
    let new = "def test_b():\n    assert b() == 2\n";
    let py = |after: &str| line("test_x.py", old, after);
    assert_eq!(py(&format!("{old}\n\n{skip}{new}")), [""; 0]);
    assert_eq!(py(&format!("{skip}{new}\n\n{old}")), [""; 0]);
    assert_eq!(
        py(&format!("{old}\n\n{new}    pytest.skip('x')\n")),
        [""; 0]
    );
    for after in [
        format!("{skip}{old}"),
        format!("{skip}{new}"),
        format!("{new}\n\n{skip}{old}"),
        format!("{skip}class TestX:\n    {}", old.replace('\n', "\n    ")),
        format!("{new}\n\npytestmark = pytest.mark.skip\n{old}"),
        format!("{old}\n\ndef helper():\n    pytest.skip('x')\n"),
    ] {
        let found = py(&after);
        assert!(
            found.iter().any(|f| f.contains("is new")),
            "{after}: {found:?}"
        );
    }
    // What a skipped test asserts makes up for nothing.
    let found = py(&format!("def test_a():\n    a()\n\n\n{skip}{new}"));
    assert_eq!(found, ["test_x.py: 1 assertion fewer"]);
    let rs = "#[test]\nfn it() {\n    assert!(a());\n}\n";
    let more = "#[test]\n#[should_panic]\nfn other() {\n    b();\n}\n";
    assert_eq!(line("src/a.rs", rs, &format!("{more}{rs}")), [""; 0]);
    assert_eq!(line("src/a.rs", rs, &format!("{rs}{more}")), [""; 0]);
    let ignored = rs.replace("fn it", "#[ignore]\nfn it");
    assert_eq!(
        line("src/a.rs", rs, &format!("{more}{ignored}")),
        ["src/a.rs:7: `#[ignore]` is new"]
    );
    let js = "it('a', () => {\n  expect(a()).toBe(1)\n})\n";
    assert_eq!(
        line("a.test.js", js, &format!("{js}it.skip('b')\n")),
        [""; 0]
    );
    assert_eq!(
        line("a.test.js", js, &format!("{js}it.only('b')\n")).len(),
        1
    );
}

#[test]
fn what_is_asserted_without_a_test_is_no_test() {
    let code = "pub fn g(a: usize) {\n    debug_assert!(a > 0);\n}\n";
    assert_eq!(line("src/g.rs", code, "pub fn g(_: usize) {}\n"), [""; 0]);
    let tests =
        "#[cfg(test)]\nmod tests {\n    fn holds() {\n        assert!(it_is());\n    }\n}\n";
    assert_eq!(
        line("src/g.rs", &format!("{code}{tests}"), code),
        ["src/g.rs: 1 assertion fewer"]
    );
}

#[test]
fn tests_that_move_and_change_are_held_against_the_new_files() {
    let old = "#[test]\nfn it() {\n    assert_eq!(1 + 1, 2);\n}\n";
    let grown = "#[test]\nfn one() {\n    let got = 1 + 1;\n    assert_eq!(got, 2, \"sum\");\n}\n#[test]\nfn two() {\n    assert_eq!(2, 2);\n}\n";
    let gone = ("tests/it.rs", Some(old), None);
    assert_eq!(told(&[gone, ("tests/sum.rs", None, Some(grown))]), [""; 0]);
    // In a file that was there before it makes up for nothing.
    let there = ("tests/sum.rs", Some("//! Sums.\n"), Some(grown));
    assert_eq!(told(&[gone, there]), ["tests/it.rs: 1 assertion fewer"]);
}

proptest! {
    #[test]
    fn more_tests_are_never_weaker(
        before in "(assert x\n|def test_a\\(\\):\n|pass\n){0,8}", more in "(assert y\n|def test_b\\(\\):\n|pass\n){0,4}",
    ) {
        let after = before.clone() + &more;
        prop_assert!(line("tests/a.py", &before, &after).is_empty());
        prop_assert!(line("tests/a.py", "", &before).is_empty());
    }
}
