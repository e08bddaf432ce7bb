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
        let found = line(path, "", skip);
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
