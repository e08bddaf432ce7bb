use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::scope::{Case, Globs};

const VAGUE: [&str; 5] = ["etc", "as needed", "somehow", "handle appropriately", "TBD"];

fn read_here(text: &str) -> Result<Read, Vec<Flaw>> {
    read(text, &VAGUE.map(str::to_owned))
}

/// A plan with `text` in the place of one section.
fn with(section: Section, text: &str) -> String {
    let part = |of: Section| {
        let filled = match of {
            Section::Cause => "The clock is read twice.",
            Section::Files => "- `src/clock.rs`: one read",
            Section::Invariants => "- Times never go back.",
            Section::Risks => "- A caller may rely on the second read.",
            Section::Validation => "- `cargo test clock`",
        };
        let body = if of == section { text } else { filled };
        format!("## {}\n{body}\n", of.title())
    };
    Section::ALL.map(part).concat()
}

fn flaws(text: &str) -> String {
    let flaws = read_here(text).expect_err("no plan");
    let lines: Vec<String> = flaws
        .iter()
        .map(|flaw| format!("{} ({})", flaw.message(), flaw.hint))
        .collect();
    lines.join("\n")
}

#[test]
fn a_plan_is_read_however_its_lists_are_written() {
    let text = "\u{feff}# A plan\r\n\r\n## RISKS:\n1. One\n   goes on\n2) Two\n## root cause ##\n\nIt is read twice.\n\n```\n## Files\n```\n\
        <!-- a hint -->\n## Files\n* `src/a.rs` - the `etc` table, somewhat\n+ `!src/gen`\n- docs/**\n\n## Validation\n- `` echo `date` ``: shows it\n\
        - $ cargo test --lib\n```sh\n# both\ncargo build\n$ cargo test\n```\n## Invariants\n- Nothing\u{202e} else\u{7} moves.\n";
    let plan = read_here(text).expect("a plan").plan;
    insta::assert_snapshot!(render(&plan), @r"
    ## Root cause

    It is read twice.

    ```
    ## Files
    ```

    ## Files

    - `src/a.rs`: the `etc` table, somewhat
    - `!src/gen`
    - `docs/**`

    ## Invariants

    - Nothing\u{202e} else\u{7} moves.

    ## Risks

    - One goes on
    - Two

    ## Validation

    - `` echo `date` ``: shows it
    - `cargo test --lib`
    - `cargo build`
    - `cargo test`
    ");
    assert_eq!(
        plan.beyond_gate(&["cargo  build", "cargo test"]),
        ["echo `date`", "cargo test --lib"]
    );
}

#[test]
fn what_hedges_is_named_by_its_line_and_names_of_code_are_not() {
    insta::assert_snapshot!(
        flaws(&with(
            Section::Risks,
            "- Callers, etc.\n- It is handled as\n  needed, SOMEHOW\n- `etc`, /etc/hosts, etc.conf, sometbd and\n  ``as needed``\n- tbd"
        )),
        @r"
    line 8 of the plan: `etc` in Risks leaves open what is meant (say what exactly; names of files and commands go in back-ticks)
    line 9 of the plan: `as needed` in Risks leaves open what is meant (say what exactly; names of files and commands go in back-ticks)
    line 10 of the plan: `somehow` in Risks leaves open what is meant (say what exactly; names of files and commands go in back-ticks)
    line 13 of the plan: `TBD` in Risks leaves open what is meant (say what exactly; names of files and commands go in back-ticks)
    "
    );
    let own = ["wohl".to_owned()];
    assert!(read(&with(Section::Cause, "Wohl die Uhr."), &own).is_err());
    assert!(read(&with(Section::Cause, "etc somehow"), &own).is_ok());
}

#[test]
fn what_is_no_plan_is_told_line_by_line() {
    let many = "Some words.\n# Files\n## Root couse\n- x\n## Files\n- src/a.rs is changed\n- `src/b.rs` and `src/c.rs`\n- `../x`\n- `x\n-\nloose\n\nlooser\n\
        ## Files\n## Zebra\n## Risks\n- …\n```\ncode\n```\n## Validation\n<!-- not ended\n";
    insta::assert_snapshot!(flaws(many), @r#"
    line 1 of the plan: text before the first section (begin with `## Root cause`; the form: wt plan template)
    line 2 of the plan: Files is a section, and its heading has 1 `#` (write `## Files`)
    line 3 of the plan: no section of a plan: "Root couse" (did you mean `## Root cause`?)
    line 6 of the plan: a path, and words beside it (put the path in back-ticks: - `src/lib.rs`: why)
    line 7 of the plan: two paths in one item (give each path an item of its own)
    line 8 of the plan: glob '../x' leads through '..' (globs name paths from the repository's root, as in 'src/**')
    line 9 of the plan: a back-tick without its other (close it)
    line 13 of the plan: no item of a list (begin it with `- `)
    line 14 of the plan: Files is there already, on line 5 (make one section of the two)
    line 15 of the plan: no section of a plan: "Zebra" (the sections are: Root cause, Files, Invariants, Risks, Validation; within one begin a heading with three `#`)
    line 17 of the plan: an item that says nothing (say it, or leave the item out)
    line 19 of the plan: no item of a list (begin it with `- `)
    line 21 of the plan: Validation is empty (name the commands that are to show it: - `cargo test`)
    line 22 of the plan: the comment that begins here has no end (end it)
    the plan: the section `## Root cause` is missing (the form: wt plan template)
    the plan: the section `## Invariants` is missing (the form: wt plan template)
    "#);
    for section in Section::ALL {
        let text = flaws(&with(section, "<!-- to be filled in -->\n"));
        assert!(
            text.contains(&format!("{} is empty", section.title())),
            "{text}"
        );
    }
    assert!(flaws(&with(Section::Files, "- `!src`")).contains("only take paths out"));
    assert!(flaws(&"x".repeat(70_000)).contains("65536 are the most"));
}

#[test]
fn the_form_is_no_plan_before_it_is_filled_in() {
    let owns = ["src/**".to_owned()];
    let steps = ["cargo test", "cargo clippy\n--all"];
    let form = |owns: &[String], steps: &[&str]| {
        form(&Form {
            task: "auth",
            owns,
            steps,
        })
    };
    insta::assert_snapshot!(form(&owns, &steps), @r"
    # Plan of task auth

    <!-- Fill in every section, then: wt plan submit --file FILE (or on standard input). Lines like this one are no part of the plan. Words that leave open what is meant are refused. -->

    ## Root cause

    <!-- Why things are as they are, as far as you have looked: the place in the code, and how you know. -->

    ## Files

    <!-- What is to change, one path or glob an item, in back-ticks: nothing else may be changed once the plan is approved. -->
    <!-- Within: `src/**` -->

    ## Invariants

    <!-- What must hold afterwards as before, one an item. -->

    ## Risks

    <!-- What could go wrong, and how it would be seen, one an item. -->

    ## Validation

    <!-- The exact commands that are to show it, one an item. -->
    - `cargo test`
    ");
    let text = flaws(&form(&[], &[]));
    let empty = text.lines().filter(|line| line.contains("is empty"));
    assert_eq!((empty.count(), text.lines().count()), (5, 5), "{text}");
}

#[test]
fn a_plan_stands_beside_its_change() {
    let planned = Globs::parse(&["src/a", "docs/**", "!src/a/gen", "new.rs"], Case::Exact);
    let paths = ["src/a/x.rs", "src/a/gen/y.rs", "new.rs", "other"].map(str::to_owned);
    let beside = beside(&planned.expect("globs"), &paths);
    assert_eq!(beside.changed, ["src/a/x.rs", "new.rs"]);
    assert_eq!(beside.untouched, ["docs"]);
    assert_eq!(beside.unplanned, ["src/a/gen/y.rs", "other"]);
}

/// Lines that a plan may be made of, and such as look like something else.
fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => select(&["", "## Files", "## Root cause", "## Risks", "## Validation", "## Invariants", "### Files", "```", "~~~~", "```sh",
            "- `**`", "- `src/a.rs`: why", "- `` a`b ``", "1. two", "-", "  goes on", "<!-- x -->", "<!--", "-->", "- - x", "- $ $ x", "# x", "    ## Risks"][..])
            .prop_map(str::to_owned),
        3 => "- [a-z`:#$ !*\u{7}\u{2028}é-]{0,12}",
        1 => "\\PC{0,12}",
    ]
}

/// One of the five sections with such lines.
fn body() -> impl Strategy<Value = String> {
    vec(line(), 0..4).prop_map(|lines| lines.join("\n"))
}

/// An item's text of signs that mean something to Markdown.
fn words() -> impl Strategy<Value = String> {
    "[a-z0-9][a-z`:#$ !*<>é-]{0,10}[a-z`*]"
}

fn entry(code: impl Strategy<Value = String>) -> impl Strategy<Value = Entry> {
    let remark = prop_oneof![Just(String::new()), "[b-z(][a-z` :é-]{0,10}[a-z)]"];
    (code, remark).prop_map(|(code, remark)| Entry { code, remark })
}

/// A plan as one is read.
fn plan() -> impl Strategy<Value = Plan> {
    let glob =
        "[a-z*`][a-z*`/é ]{0,8}[a-z*`]".prop_filter("a glob", |g| Globs::normal_form(g).is_ok());
    let command =
        "[a-z`$][a-z`$ |>é-]{0,10}[a-z`]".prop_filter("no prompt", |c| !c.starts_with("$ "));
    let cause = vec(prop_oneof![Just(String::new()), words()], 0..4);
    (
        cause,
        vec(entry(glob), 1..4),
        vec(words(), 1..4),
        vec(words(), 1..4),
        vec(entry(command), 1..4),
    )
        .prop_map(|(cause, files, invariants, risks, validation)| {
            let cause = format!("why\n{}", cause.join("\n")).trim_end().to_owned();
            Plan {
                cause,
                files,
                invariants,
                risks,
                validation,
            }
        })
}

proptest! {
    #[test]
    fn every_plan_comes_back_from_its_text(plan in plan()) {
        let text = render(&plan);
        let read = read(&text, &[]).map_err(|flaws| TestCaseError::fail(format!("{flaws:?}\n{text}")))?;
        prop_assert_eq!(read.plan, plan, "{}", text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]
    #[test]
    fn what_is_read_is_rendered_and_read_as_the_same(
        bodies in [body(), body(), body(), body(), body()],
        filled in vec(proptest::bool::weighted(0.9), 5),
        ends in select(&["\n", "\r\n"][..]),
    ) {
        let mut text = String::new();
        for ((section, body), filled) in Section::ALL.into_iter().zip(&bodies).zip(filled) {
            let kept = if filled { "- `x`" } else { "" };
            text.push_str(&format!("## {}\n{kept}\n{body}\n", section.title()));
        }
        if let Ok(Read { plan, lines }) = read(&text.replace('\n', ends), &[]) {
            let rendered = render(&plan);
            let again = read(&rendered, &[]).map_err(|flaws| TestCaseError::fail(format!("{flaws:?}\n{rendered}")))?;
            prop_assert_eq!(&again.plan, &plan, "{}", rendered);
            prop_assert_eq!(render(&again.plan), rendered);
            prop_assert_eq!(lines.len(), plan.files.len());
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(\\PC|\n){0,60}") {
        if let Err(flaws) = read(&text, &VAGUE.map(str::to_owned)) {
            prop_assert!(!flaws.is_empty());
        }
    }
}
