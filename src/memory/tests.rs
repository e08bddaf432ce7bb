use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select as one_of;

use super::*;

/// What reads like a part of a note, of a message or of a mail, and the bytes that one or another drops.
const TRAPS: &[&str] = &[
    "\n",
    "\n\n",
    "\r\n",
    "\r",
    " ",
    "\t",
    "\\",
    "    ",
    "---",
    "# x",
    "#",
    "## Brief",
    "- (fact) x",
    "  - path: z",
    "Wt-Task: other",
    "Wt-Note: 1 sha256:00",
    "What wt remembers of this task:",
    "```",
    "~~~",
    "\0",
    "\u{1b}[31m",
    "# ------------------------ >8 ------------------------",
    "diff --git a/x b/x",
    "From 0123 Mon",
    "Signed-off-by: a",
    "\u{85}",
    "\u{2028}",
    "\u{202e}",
    "ü",
    "wt-note: 2",
    ".",
    ">",
    "passed 1 ms: a",
];

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => one_of(TRAPS).prop_map(|trap| trap.as_bytes().to_vec()),
        2 => "\\PC{0,12}".prop_map(String::into_bytes),
        1 => vec(any::<u8>(), 0..6),
    ];
    vec(part, 0..10).prop_map(|parts| parts.concat())
}

prop_compose! {
    fn text()(bytes in bytes()) -> String { take_in(&bytes) }
}

prop_compose! {
    fn one_line()(bytes in bytes()) -> String { line(&bytes) }
}

prop_compose! {
    fn entry()(
        kind in one_of(&Kind::ALL[..]), source in one_of(&Source::ALL[..]), text in text(), paths in vec(one_line(), 0..3),
    ) -> Entry {
        Entry { kind, source, text, paths }
    }
}

prop_compose! {
    fn standing()(
        commit in proptest::option::of("[0-9a-f]{40}"), unverified in any::<bool>(), edited in any::<bool>(),
        approved_by in proptest::option::of(one_line()), superseded_by in proptest::option::of(one_line()),
    ) -> Standing {
        Standing { commit, unverified, edited, approved_by, superseded_by }
    }
}

prop_compose! {
    fn ending()(
        spawned in 0_i64..4_000_000_000, day in 0_i32..20_000, outcome in one_of(&Outcome::ALL[..]), runs in any::<u32>(),
        receipt in proptest::option::of("[0-9a-f]{64}"),
    ) -> Note {
        Note {
            task: "auth".to_owned(),
            spawned: Timestamp::from_second(spawned).expect("a time"),
            date: jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).expect("a date"),
            outcome,
            target: "main".to_owned(),
            receipt,
            runs,
            subject: String::new(),
            brief: None,
            changed: 7,
            files: Vec::new(),
            steps: Vec::new(),
            entries: Vec::new(),
            standing: Standing::default(),
        }
    }
}

prop_compose! {
    fn note()(
        note in ending(), subject in one_line(), target in one_line(), brief in proptest::option::of(text()),
        files in vec(("[AMD]", one_line()), 0..4), steps in vec((one_line(), proptest::option::of("[A-Z_]{1,9}"), any::<u64>()), 0..3),
        entries in vec(entry(), 0..6), standing in standing(),
    ) -> Note {
        let files = files.into_iter().map(|(status, path)| File { status: status.chars().next().expect("one"), path });
        let steps = steps.into_iter().map(|(name, failure, milliseconds)| Step { name, failure, milliseconds });
        let mut note = Note {
            subject, target, brief, standing, files: files.collect(), steps: steps.collect(), entries, ..note
        };
        note.entries.sort_by_key(|entry| entry.kind);
        note
    }
}

/// What git does to a message that somebody edits: space at the ends of lines, empty lines in a row and comments go.
fn cleaned(message: &str) -> String {
    let mut lines: Vec<&str> = Vec::new();
    for line in message.split('\n').map(str::trim_ascii_end) {
        let repeats = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !line.starts_with('#') && !repeats {
            lines.push(line);
        }
    }
    lines.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_is_taken_in_can_be_seen_and_stays_as_it_is(bytes in bytes()) {
        let text = take_in(&bytes);
        prop_assert!(text.chars().all(|c| c == '\n' || c == '\t' || !c.is_control()), "{:?}", text);
        prop_assert_eq!(take_in(text.as_bytes()), text);
        prop_assert!(!line(&bytes).contains('\n'));
    }

    #[test]
    fn a_note_is_read_as_it_was_written(note in note()) {
        let text = note.render();
        prop_assert_eq!(Note::parse(&text).map_err(|r| r.message), Ok(note), "{}", text);
    }

    #[test]
    fn what_is_no_note_is_refused(note in note(), at in any::<proptest::sample::Index>(), bytes in bytes()) {
        let text = note.render();
        let cut = beginning(&text, at.index(text.len())).len();
        let other = format!("{}{}{}", &text[..cut], String::from_utf8_lossy(&bytes), &text[cut..]);
        // It must not panic; and what it takes for a note is one.
        if let Ok(read) = Note::parse(&other) {
            prop_assert_eq!(Note::parse(&read.render()).map_err(|r| r.message), Ok(read));
        }
    }

    #[test]
    fn a_note_survives_in_a_message(note in note(), words in bytes()) {
        let block = Block::of(&note);
        let words = String::from_utf8_lossy(&words).replace('\0', "");
        let trailers = format!("Co-authored-by: a\nWt-Task: auth\n{TRAILER_NOTE}: {}", block.trailer());
        let message = block.put_into(&format!("Land it\n\n{words}\n\n{trailers}\n"));
        let told = Some(note.in_history());
        let found = |message: &str| Block::find(message).map_err(|refusal| refusal.message);
        prop_assert_eq!(found(&message), Ok(told.clone()), "{}", message);
        prop_assert!(message.ends_with(&["\n\n", &trailers, "\n"].concat()));
        prop_assert_eq!(found(&cleaned(&message)), Ok(told), "{}", message);
        let other = message.replacen("\n    task: auth", "\n    task: other", 1);
        prop_assert!(found(&other).is_err());
    }

    #[test]
    fn an_index_answers_as_the_notes_do(notes in vec(note(), 0..6), asked in text()) {
        let documents: Vec<(Stamp, Document)> = notes.iter().enumerate().map(|(at, note)| {
            let name = format!("{at:02}");
            (Stamp { name: name.clone(), size: 1, modified: 2 }, Document::of(&name, note))
        }).collect();
        let stamps: Vec<Stamp> = documents.iter().map(|(stamp, _)| stamp.clone()).collect();
        let question = Question::new(&asked, &[]).map_err(|r| TestCaseError::fail(r.message))?;
        let bytes = Index::write(&documents);
        let index = Index::read(&bytes).expect("an index");
        let known = index.known(&stamps);
        let direct: Vec<Candidate> = documents.iter().map(|(_, document)| document.candidate(&question)).collect();
        prop_assert_eq!(index.candidates(&question, &known), direct);
        prop_assert!(Index::read(&bytes[..bytes.len() - 1]).is_none());
        let touched: Vec<Stamp> = stamps.into_iter().map(|stamp| Stamp { modified: 3, ..stamp }).collect();
        prop_assert!(index.candidates(&question, &index.known(&touched)).is_empty());
    }

    #[test]
    fn what_is_told_is_whole_quoted_and_within_the_budget(notes in vec(note(), 0..5), budget in 0_usize..400) {
        let shown = |excerpt: &Excerpt| quote("2026-11-20-auth", excerpt);
        let selection = select(&notes, budget, Order::ErrorsFirst, shown);
        prop_assert!(selection.tokens <= budget);
        for excerpt in &selection.excerpts {
            let note = &notes[excerpt.note];
            let quoted = shown(excerpt);
            prop_assert!(quoted.lines().all(|line| line.starts_with("> ")), "{}", quoted);
            prop_assert!(!quoted.contains(['\u{202e}', '\u{2028}', '\u{1b}']), "{:?}", quoted);
            let said_by_an_agent = excerpt.source == Source::Agent;
            prop_assert!(!said_by_an_agent || note.outcome == Outcome::Landed || note.standing.approved_by.is_some());
        }
    }
}

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
        let selection = select(&notes, 1_000, order, |excerpt| quote("n", excerpt));
        selection
            .excerpts
            .iter()
            .map(|e| quote(["one", "two"][e.note], e))
            .collect()
    };
    insta::assert_snapshot!(told(Order::ErrorsFirst), @r"
    > - rejected (note one, said by its agent):
    >   a lock: it deadlocks
    > - rejected (note two, said by its agent):
    >   polling: too slow
    > - decision (note one, said by its agent):
    >   tokens live 60 s
    > - task (note one, recorded):
    >   One (landed on main): src/a.rs
    > - task (note two, recorded):
    >   Two (landed on main)
    ");
    assert!(told(Order::ByNote).starts_with("> - task (note one, recorded):"));
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
