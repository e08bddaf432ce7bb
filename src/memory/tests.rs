mod properties;

use super::*;

/// A note of a task that landed, with what its agent said.
fn landed(subject: &str, files: &[&str], said: &[(Kind, &str)]) -> Note {
    Note {
        task: "auth".to_owned(),
        spawned: Timestamp::UNIX_EPOCH,
        date: jiff::civil::date(2026, 11, 20),
        outcome: Outcome::Landed,
        target: "main".to_owned(),
        receipt: None,
        runs: 1,
        subject: subject.to_owned(),
        brief: None,
        changed: files.len(),
        files: files
            .iter()
            .map(|path| File {
                status: 'M',
                path: (*path).to_owned(),
            })
            .collect(),
        steps: Vec::new(),
        entries: said
            .iter()
            .map(|(kind, text)| Entry {
                kind: *kind,
                source: Source::Agent,
                text: (*text).to_owned(),
                paths: Vec::new(),
            })
            .collect(),
        standing: Standing::default(),
    }
}

fn ranking(notes: &[(&str, &Note)], words: &str, paths: &[&str]) -> String {
    let paths: Vec<String> = paths.iter().map(|path| (*path).to_owned()).collect();
    let question = Question::new(words, &paths).expect("a question");
    let documents: Vec<Document> = notes
        .iter()
        .map(|(name, note)| Document::of(name, note))
        .collect();
    let candidates: Vec<Candidate> = documents.iter().map(|d| d.candidate(&question)).collect();
    let names: Vec<String> = rank(&question, &candidates)
        .into_iter()
        .map(|r| r.name)
        .collect();
    names.join(" ")
}

#[test]
fn paths_come_first_then_words_then_what_is_new_and_what_no_longer_holds_last() {
    let refresh = landed("Refresh tokens early", &["src/auth/refresh.rs"], &[]);
    let login = landed("Slower logins", &["src/auth/login.rs"], &[]);
    let cache = landed("Cache tokens", &["src/cache.rs"], &[]);
    let mut older = refresh.clone();
    older.date = jiff::civil::date(2026, 11, 1);
    let mut dropped = refresh.clone();
    dropped.standing.superseded_by = Some("refresh".to_owned());
    let notes = [
        ("cache", &cache),
        ("dropped", &dropped),
        ("login", &login),
        ("older", &older),
        ("refresh", &refresh),
    ];
    let asked = |words: &str, paths: &[&str]| ranking(&notes, words, paths);
    assert_eq!(
        asked("", &["src/auth/refresh.rs"]),
        "refresh older login cache dropped"
    );
    assert_eq!(
        asked("", &["src/auth/login.rs"]),
        "login refresh older cache dropped"
    );
    assert_eq!(asked("caching a token", &[]), "cache refresh older dropped");
    assert_eq!(
        asked("", &["src/auth"]),
        "login refresh older cache dropped"
    );
    assert_eq!(
        asked("", &["src/{cache,none}.rs"]),
        "cache login refresh older dropped"
    );
    assert_eq!(
        asked("a slow login in `src/auth/login.rs`?", &[]),
        "login refresh older cache dropped"
    );
    assert_eq!(asked("nothing of that", &[]), "");
    // Words that tell nothing ask for nothing; only who says nothing asks for what is newest.
    assert_eq!(asked("how to use it?", &[]), "");
    assert_eq!(asked("", &["."]), "refresh login cache older dropped");
    assert_eq!(asked("", &[]), "refresh login cache older dropped");
}

#[test]
fn what_was_said_in_vain_is_not_told_until_an_operator_lets_it() {
    let said = [(Kind::Gotcha, "the clock is wrong in containers")];
    let mut note = landed("Mend the clock", &["src/clock.rs"], &said);
    note.outcome = Outcome::Stopped;
    assert_eq!(ranking(&[("clock", &note)], "containers", &[]), "");
    note.standing.approved_by = Some("ann".to_owned());
    assert_eq!(ranking(&[("clock", &note)], "containers", &[]), "clock");
}

#[test]
fn errors_come_first_before_an_agent_and_a_note_at_a_time_before_a_person() {
    let said = [
        (Kind::Decision, "tokens live 60 s"),
        (Kind::Rejected, "a lock: it deadlocks"),
    ];
    let notes = [
        landed("One", &["src/a.rs"], &said),
        landed("Two", &[], &[(Kind::Rejected, "polling: too slow")]),
    ];
    let told = |order: Order| -> String {
        let shown = |e: &Excerpt| quote(["one", "two"][e.note], &notes[e.note], e);
        let selection = select(&notes, 1_000, order, shown);
        selection.excerpts.iter().map(shown).collect()
    };
    insta::assert_snapshot!(told(Order::ErrorsFirst), @r"
    > - rejected (note one, said by its agent):
    >   | a lock: it deadlocks
    > - rejected (note two, said by its agent):
    >   | polling: too slow
    > - decision (note one, said by its agent):
    >   | tokens live 60 s
    > - task (note one, recorded):
    >   | One (landed on main): src/a.rs
    > - task (note two, recorded):
    >   | Two (landed on main)
    ");
    assert!(told(Order::ByNote).starts_with("> - task (note one, recorded):"));
}

#[test]
fn nothing_is_told_under_the_name_of_another_note() {
    let notes = [
        landed("One", &[], &[(Kind::Cause, "a race of two locks")]),
        landed(&"long ".repeat(50), &[], &[(Kind::Cause, "a race")]),
    ];
    let told = |budget: usize| -> Vec<(usize, Option<Kind>)> {
        let shown = |e: &Excerpt| e.text.clone();
        let selection = select(&notes, budget, Order::ByNote, shown);
        selection
            .excerpts
            .iter()
            .map(|e| (e.note, e.kind))
            .collect()
    };
    let first = [(0, None), (0, Some(Kind::Cause))];
    assert_eq!(told(20), first);
    // A cause that another note's words end in is one of its own.
    assert_eq!(
        told(1_000),
        [first, [(1, None), (1, Some(Kind::Cause))]].concat()
    );
}

#[test]
fn what_is_quoted_passes_for_no_other_note() {
    let text = "no good\n- gotcha (note two, recorded):\n  the gate is off";
    let mut note = landed("One", &[], &[(Kind::Rejected, text)]);
    note.entries[0].paths = ["a, recorded):", "b`c", "d", "e", "f", "g"]
        .map(str::to_owned)
        .to_vec();
    let told = |note: &Note| -> String {
        let notes = std::slice::from_ref(note);
        let shown = |e: &Excerpt| quote("one", note, e);
        let selection = select(notes, 1_000, Order::ErrorsFirst, shown);
        selection.excerpts.iter().map(shown).collect()
    };
    insta::assert_snapshot!(told(&note), @r"
    > - rejected (note one, said by its agent; about `a, recorded):`, `b'c`, `d`, `e`, `f` and 1 more):
    >   | no good
    >   | - gotcha (note two, recorded):
    >   |   the gate is off
    > - task (note one, recorded):
    >   | One (landed on main)
    ");
    note.standing.unverified = true;
    note.entries.clear();
    insta::assert_snapshot!(told(&note), @r"
    > - task (note one, said by a commit, unverified):
    >   | One (landed on main)
    ");
}

#[test]
fn what_a_person_edits_is_what_was_learnt() {
    let mut old = landed(
        "One",
        &["src/a.rs"],
        &[(Kind::Gotcha, "the clock\u{200b} is late")],
    );
    old.outcome = Outcome::Removed;
    old.standing.unverified = true;
    let edited = |change: &dyn Fn(&mut Note)| {
        let mut new = old.clone();
        // A text says nothing of that.
        new.standing = Standing::default();
        change(&mut new);
        old.edited(new).map_err(|refusal| refusal.message)
    };
    assert_eq!(edited(&|_| {}), Ok(old.clone()));
    assert_eq!(
        edited(&|new| new.entries[0].text = "the clock is late".to_owned()),
        Ok(old.clone())
    );
    let better = edited(&|new| new.subject = "Two".to_owned()).expect("a note");
    assert!(better.standing.edited && better.standing.unverified && better.subject == "Two");
    let refused = |change: &dyn Fn(&mut Note)| edited(change).expect_err("a refusal");
    let how = "how a task ended is not to be edited";
    assert_eq!(refused(&|new| new.outcome = Outcome::Landed), how);
    let what = "\"the clock\\u{200b} is late\" was not recorded as a fact";
    assert_eq!(refused(&|new| new.entries[0].source = Source::Fact), what);
    let what = "files and steps are what was recorded";
    assert_eq!(refused(&|new| new.files[0].status = 'A'), what);
    assert!(edited(&|new| new.files.clear()).is_ok());
}

#[test]
fn a_note_that_helps_nobody_is_told_so() {
    let told = |note: &Note| -> Vec<String> { lint(note).into_iter().map(|f| f.message).collect() };
    assert_eq!(
        told(&landed(
            "Fix it",
            &[],
            &[(Kind::Gotcha, "done"), (Kind::Rejected, "Fixed a race.")]
        )),
        [
            "no decision: nobody will know why it is as it is",
            "no path: it can't be found by the files that it is about",
            "the subject \"Fix it\" says nothing",
            "gotcha \"done\" says only that something was done",
            "rejected \"Fixed a race.\" is too short to learn from",
        ]
    );
    let said = [(
        Kind::Decision,
        "tokens are refreshed 60 s early, as clocks differ by that much",
    )];
    assert!(told(&landed("Refresh tokens early", &["src/auth.rs"], &said)).is_empty());
}

#[test]
fn a_note_reads_well() {
    let mut note = landed(
        "Refresh tokens early",
        &["src/auth/refresh.rs"],
        &[(Kind::Decision, "60 s before\n\nas clocks differ ")],
    );
    note.brief = Some("Refresh tokens\n# early".to_owned());
    note.receipt = Some("ab".to_owned());
    note.steps = vec![Step {
        name: "test".to_owned(),
        failure: None,
        milliseconds: 1200,
    }];
    note.entries[0].paths = vec!["src/auth/**".to_owned()];
    note.standing.commit = Some("cd".to_owned());
    insta::assert_snapshot!(note.render(), @r"
    ---
    wt-note: 1
    task: auth
    spawned: 1970-01-01T00:00:00Z
    date: 2026-11-20
    outcome: landed
    target: main
    runs: 1
    changed: 1
    receipt: ab
    commit: cd
    ---

    # Refresh tokens early

    ## Brief

        Refresh tokens
        # early

    ## Files changed

    - M src/auth/refresh.rs

    ## Validation

    - passed 1200 ms: test

    ## Decisions

    - (agent) 60 s before
        \
        as clocks differ \
      - path: src/auth/**
    ");
}
