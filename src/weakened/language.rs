//! The words by which a language tells of its tests.

use std::sync::LazyLock;

use regex::Regex;

/// One language, or a family of them with the same test tools.
pub(super) struct Language {
    extensions: &'static [&'static str],
    /// What a line begins with that is a comment.
    comments: &'static [&'static str],
    /// Whether tests stand in any file of it, and not in test files alone.
    tests_anywhere: bool,
    /// What keeps a test from running, or from counting.
    skips: Regex,
    /// The line on which a test begins.
    tests: Regex,
    assertions: Regex,
    /// An assertion that nothing can make fail.
    always: Regex,
}

struct Words {
    extensions: &'static [&'static str],
    comments: &'static [&'static str],
    tests_anywhere: bool,
    skips: &'static str,
    tests: &'static str,
    assertions: &'static str,
    always: &'static str,
}

const C_COMMENTS: &[&str] = &["//", "/*", "*"];
const HASH: &[&str] = &["#"];

const WORDS: [Words; 6] = [
    Words {
        extensions: &["rs"],
        comments: C_COMMENTS,
        tests_anywhere: true,
        skips: r"#!?\[(?:cfg_attr\([^\]]*,\s*)?(?:ignore|should_panic)\b|#!?\[cfg\((?:any\(\s*\)|false|FALSE|not\(all\(\s*\)\))\)",
        tests: r"#\[(?:\w+::)*(?:test|rstest|test_case|case|wasm_bindgen_test|quickcheck)\b",
        assertions: r"\b(?:\w*assert(?:_\w+)?!|\.expect_err\(|\.unwrap_err\()",
        always: r"\bassert!\(\s*true\s*[,)]",
    },
    Words {
        extensions: &[
            "js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte",
        ],
        comments: C_COMMENTS,
        tests_anywhere: false,
        skips: r"\b(?:describe|it|test|suite|context|specify|bench)(?:\.\w+)*\.(?:skip|only|todo|fixme|failing|skipIf|runIf)\b|\b(?:xit|xdescribe|xtest|xcontext|fit|fdescribe)\s*\(|\bthis\.skip\(\)|\{\s*(?:skip|todo)\s*:|,\s*(?:skip|todo)\s*:\s*(?:true\b|['\x22`!])|\bt\.(?:skip|todo)\(",
        tests: r"^\s*(?:it|test|specify)(?:\.\w+)*\s*(?:\(|`)",
        assertions: r"\bexpect(?:TypeOf)?\s*\(|\bassert(?:\.\w+)*\s*\(|\bt\.(?:is|deepEqual|true|false|throws\w*|like|not|regex|snapshot)\(|\.should\b",
        always: r"\bexpect\(\s*true\s*\)\.to(?:Be\(true\)|BeTruthy\(\)|Equal\(true\))|\bassert(?:\.ok)?\(\s*true\s*[,)]",
    },
    Words {
        extensions: &["py"],
        comments: HASH,
        tests_anywhere: false,
        skips: r"\b(?:pytest\.)?mark\.(?:skip|skipif|xfail)\b|\bpytest\.(?:skip|xfail|importorskip)\(|@(?:unittest\.)?(?:skip|skipIf|skipUnless|expectedFailure)\b|\bself\.skipTest\(|\braise\s+(?:unittest\.)?SkipTest\b|\bcollect_ignore(?:_glob)?\b|\b__test__\s*=\s*False",
        tests: r"^\s*(?:async\s+)?def\s+test\w*\s*\(|^\s*class\s+Test\w*",
        assertions: r"^\s*assert\b|\bself\.(?:assert\w+|fail)\(|\bpytest\.(?:raises|warns)\(",
        always: r"^\s*assert\s+(?:True|1)\s*(?:$|[,#])|\bself\.assertTrue\(\s*True\s*[,)]",
    },
    Words {
        extensions: &["go"],
        comments: C_COMMENTS,
        tests_anywhere: false,
        skips: r"\b[tbf]\.(?:Skip|SkipNow|Skipf)\(|\bGinkgoT\(\)\.Skip|\b(?:FIt|FDescribe|XIt|XDescribe|PIt|PDescribe)\(|^//(?:go:build|\s*\+build)\s+ignore\b",
        tests: r"^\s*func\s+(?:\([^)]*\)\s*)?(?:Test|Fuzz|Example)(?:[^\sa-z(]\w*)?\s*\(|\bt\.Run\(|^\s*It\(",
        assertions: r"\b[tbf]\.(?:Error|Errorf|Fatal|Fatalf|Fail|FailNow)\(|\b(?:assert|require)\.\w+\(|\bExpect\(",
        always: r"\b(?:assert|require)\.True\(\s*t\s*,\s*true\s*[,)]",
    },
    Words {
        extensions: &[
            "java", "kt", "kts", "scala", "groovy", "cs", "swift", "php", "dart",
        ],
        comments: C_COMMENTS,
        tests_anywhere: false,
        skips: r"@(?:Ignore|Disabled|DisabledIf|EnabledIf)\b|\[Ignore\b|\bSkip\s*=\s*\x22|\bXCTSkip\b|\bmarkTest(?:Skipped|Incomplete)\(|\bassume(?:True|False|That)\(|\bskip\s*:",
        tests: r"@(?:Test|ParameterizedTest|RepeatedTest)\b|\[(?:Fact|Theory|Test|TestMethod|TestCase)\b|\bfunc(?:tion)?\s+test\w*\s*\(|^\s*test\s*\(",
        assertions: r"\b(?:assert\w*|verify|expect|fail|XCTAssert\w*|XCTFail)\s*\(|\bAssert\.\w+|\bshould\w*\b",
        always: r"\b(?:assertTrue|XCTAssertTrue|Assert\.True|Assert\.IsTrue)\(\s*true\s*[,)]",
    },
    Words {
        extensions: &["rb", "ex", "exs"],
        comments: HASH,
        tests_anywhere: false,
        skips: r"^\s*(?:xit|xdescribe|xcontext|xspecify|fit|fdescribe|pending|skip)\b|@(?:module)?tag\s+:?skip\b|,\s*(?:skip|pending)\s*:",
        tests: r"^\s*(?:it|test|specify|scenario)\b|^\s*def\s+test_\w+",
        assertions: r"^\s*(?:assert\w*|refute\w*|flunk)\b|\bexpect\s*[({]|\bmust_\w+|\bshould\b",
        always: r"^\s*assert\s*\(?\s*true\s*\)?\s*$",
    },
];

static LANGUAGES: LazyLock<Vec<Language>> = LazyLock::new(|| {
    let regex = |words: &str| Regex::new(words).expect("a test compiles every one of them");
    let language = |words: &Words| Language {
        extensions: words.extensions,
        comments: words.comments,
        tests_anywhere: words.tests_anywhere,
        skips: regex(words.skips),
        tests: regex(words.tests),
        assertions: regex(words.assertions),
        always: regex(words.always),
    };
    WORDS.iter().map(language).collect()
});

/// The folders whose files are tests.
const FOLDERS: [&str; 7] = [
    "test",
    "tests",
    "__tests__",
    "spec",
    "specs",
    "e2e",
    "testing",
];

/// The quotes of the string over several lines that is open after a line of Python, where `open` was before it.
fn string_after<'q>(line: &str, open: Option<&'q str>) -> Option<&'q str> {
    let mut open = open;
    let mut rest = line;
    loop {
        let next = match open {
            Some(quotes) => rest.find(quotes).map(|at| (at, quotes)),
            None => ["\"\"\"", "'''"]
                .into_iter()
                .filter_map(|quotes| rest.find(quotes).map(|at| (at, quotes)))
                .min(),
        };
        let Some((at, quotes)) = next else {
            return open;
        };
        // Behind a mark of a comment nothing begins.
        if open.is_none() && rest[..at].trim_start().starts_with('#') {
            return None;
        }
        rest = &rest[at + quotes.len()..];
        open = open.is_none().then_some(quotes);
    }
}

impl Language {
    /// By the extension of a path.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        let extension = path.rsplit_once('.')?.1;
        LANGUAGES
            .iter()
            .find(|language| language.extensions.contains(&extension))
    }

    pub(super) fn is_comment(&self, line: &str) -> bool {
        let begins = self.comments.iter().any(|mark| line.starts_with(mark));
        let tells = ["#[", "#!", "//go:build", "//+build", "// +build"];
        begins && !tells.iter().any(|mark| line.starts_with(mark))
    }

    /// Whether, by its name or by where it lies, all of a file is tests.
    pub(super) fn is_test_file(&self, path: &str) -> bool {
        let (folders, name) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        let lower = stem.to_ascii_lowercase();
        let mut parts = lower.split(['_', '.', '-']);
        let named = |part: &str| matches!(part, "test" | "tests" | "spec" | "specs");
        folders.split('/').any(|folder| FOLDERS.contains(&folder))
            || lower == "conftest"
            || parts.clone().next().is_some_and(named)
            || parts.next_back().is_some_and(named)
            || ["Test", "Tests", "Spec", "TestCase"]
                .iter()
                .any(|end| stem.ends_with(end))
    }

    /// Whether the language's test tool looks for tests in a file of this path, as far as that hangs on its name.
    pub(super) fn is_collected(&self, path: &str) -> bool {
        let name = path.rsplit('/').next().unwrap_or(path);
        let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
        match self.extensions[0] {
            "py" => stem.starts_with("test") || stem.ends_with("_test"),
            "go" => stem.ends_with("_test"),
            _ => self.tests_anywhere || self.is_test_file(path),
        }
    }

    /// What files of the language have in common.
    pub(super) fn name(&self) -> &'static str {
        self.extensions[0]
    }

    /// From which line of `text` on assertions are about tests: beyond the last where none are.
    pub(super) fn tests_from(&self, path: &str, text: &[String]) -> usize {
        if !self.tests_anywhere || self.is_test_file(path) {
            return 1;
        }
        let filled = |at: usize| text[at + 1..].iter().find(|line| !line.trim().is_empty());
        let begins = |at: &usize| {
            let is_module = |line: &String| line.contains("mod ") && line.contains('{');
            self.tests.is_match(&text[*at])
                || text[*at].contains("cfg(test)") && filled(*at).is_some_and(is_module)
        };
        (0..text.len())
            .find(begins)
            .map_or(text.len() + 1, |at| at + 1)
    }

    /// `text` with the lines left empty that comments over several lines, or strings over several, take.
    pub(super) fn without_blocks(&self, text: &[u8]) -> Vec<u8> {
        let mut inside: Option<&str> = None;
        let mut kept = Vec::with_capacity(text.len());
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let read = String::from_utf8_lossy(line);
            let was_inside = inside.is_some();
            inside = if self.comments == C_COMMENTS {
                let begins = was_inside || read.trim_start().starts_with("/*");
                (begins && !read.contains("*/")).then_some("*/")
            } else if self.name() == "py" {
                string_after(&read, inside)
            } else {
                None
            };
            if was_inside {
                kept.extend(line.ends_with(b"\n").then_some(b'\n'));
            } else {
                kept.extend_from_slice(line);
            }
        }
        kept
    }

    /// Whether a line keeps a test from running, or from counting.
    pub(super) fn skips(&self, path: &str, line: &str) -> bool {
        self.tells(path) && self.skips.is_match(line)
    }

    pub(super) fn begins_test(&self, path: &str, line: &str) -> bool {
        self.tells(path) && self.tests.is_match(line)
    }

    pub(super) fn asserts(&self, path: &str, line: &str) -> bool {
        self.tells(path) && self.assertions.is_match(line)
    }

    pub(super) fn holds_always(&self, path: &str, line: &str) -> bool {
        self.tells(path) && self.always.is_match(line)
    }

    /// Whether words on tests in the file at `path` are about tests.
    fn tells(&self, path: &str) -> bool {
        self.tests_anywhere || self.is_test_file(path)
    }
}
