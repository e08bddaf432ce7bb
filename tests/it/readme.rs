//! README.md does as it says: the lines of its shell blocks are run, what it names is there, and what it shows is
//! answered.

mod named;
mod run;

use crate::sandbox::{self, Sandbox};

const README: &str = include_str!("../../README.md");

/// A block between two fences, and the number of its first line.
struct Block {
    language: &'static str,
    first: usize,
    lines: Vec<&'static str>,
}

fn blocks() -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let mut open = false;
    for (at, line) in README.lines().enumerate() {
        match (line.strip_prefix("```"), blocks.last_mut()) {
            (Some(language), _) if !open => blocks.push(Block {
                language,
                first: at + 2,
                lines: Vec::new(),
            }),
            (None, Some(block)) if open => block.lines.push(line),
            _ => {}
        }
        open ^= line.starts_with("```");
    }
    assert!(!open, "a block has no end");
    blocks
}

/// What a test run of cargo prints of one failure, after so many lines.
const FAILING: &str = "if [ -e src/auth/refresh.rs ]; then
for _ in $(seq 1190); do echo 'test auth::parse::one ... ok'; done
cat <<'END'

failures:

---- auth::refresh::expired_token stdout ----

thread 'auth::refresh::expired_token' panicked at src/auth/refresh.rs:88:9:
assertion failed: token.is_fresh()
note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace


failures:
    auth::refresh::expired_token


END
exit 101
fi
";

#[test]
fn a_failure_is_answered_as_the_readme_shows_it() {
    let blocks = blocks();
    let mut shown = blocks.iter().filter(|block| block.language.is_empty());
    let (Some(shown), None) = (shown.next(), shown.next()) else {
        panic!("one block shows what is answered");
    };
    let sandbox = Sandbox::with(&[("wt.toml", sandbox::CONTRACT), ("test.sh", FAILING)]);
    let worktree = sandbox.spawn("auth");
    sandbox.write(worktree.join("src/auth/refresh.rs"), "fn refresh() {}\n");
    let answered = sandbox.wt_in(&worktree, &["validate"]);
    answered.expect(1);
    assert_eq!(
        answered.steady(),
        sandbox::steady(&shown.lines.join("\n")),
        "README.md:{}",
        shown.first
    );
}

#[test]
fn no_block_of_the_readme_is_without_a_test() {
    // `toml` is parsed beside the contract, `markdown` is submitted as a plan.
    let tested = ["sh", "toml", "markdown", ""];
    for Block {
        language, first, ..
    } in blocks()
    {
        assert!(tested.contains(&language), "README.md:{first}: {language}");
    }
}
