//! What holds of any note, however strange its texts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select as one_of;

use super::super::*;

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
        let shown = |excerpt: &Excerpt| quote("2026-11-20-auth", &notes[excerpt.note], excerpt);
        let selection = select(&notes, budget, Order::ErrorsFirst, shown);
        prop_assert!(selection.tokens <= budget);
        for excerpt in &selection.excerpts {
            let note = &notes[excerpt.note];
            let quoted = shown(excerpt);
            let mut lines = quoted.lines();
            prop_assert!(lines.next().is_some_and(|head| head.starts_with("> - ") && head.ends_with("):")), "{}", quoted);
            prop_assert!(lines.all(|line| line.starts_with(">   |")), "{}", quoted);
            prop_assert!(!quoted.contains(['\u{202e}', '\u{2028}', '\u{1b}']), "{:?}", quoted);
            let said_by_an_agent = excerpt.source == Source::Agent;
            prop_assert!(!said_by_an_agent || note.outcome == Outcome::Landed || note.standing.approved_by.is_some());
        }
    }
}
