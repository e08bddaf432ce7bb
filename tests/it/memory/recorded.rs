//! Whether what is remembered is found: questions with known answers over a recorded set of notes.

use std::path::Path;

use super::questions::{load, mean, remember};
use crate::sandbox::Sandbox;

/// The part of the answers that stand among the first five, on the mean of all questions.
const LEAST: f64 = 0.9;

#[test]
fn nine_of_ten_answers_are_among_the_first_five() {
    let set = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/memory");
    let sandbox = Sandbox::new();
    let notes = remember(&set, &sandbox.state());
    let questions = load(&set);
    let asked = questions.len();
    assert!(
        notes >= 40 && asked >= 20,
        "{notes} notes, {asked} questions"
    );
    let mut parts = Vec::new();
    let mut missed = String::new();
    for question in &questions {
        let answer = sandbox.wt(&question.args()).expect(0).json();
        let part = question.recall(&answer);
        if part < 1.0 {
            missed.push_str(&format!("\n{part:.2} {}", question.words));
        }
        parts.push(part);
    }
    let mean = mean(&parts);
    assert!(mean >= LEAST, "recall at 5: {mean:.3}{missed}");
}
