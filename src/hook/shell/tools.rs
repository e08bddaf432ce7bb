//! Programs that write files besides what they are for: patch, find, curl, sort, perl and their like.

use super::reader::Simple;
use super::{Walk, Word};
use crate::hook::wish::Wish;

/// What `find` puts the name of what it found in the place of.
const FOUND: &str = "{}";

/// Notes what a command would do to files, where it is one of these.
pub(super) fn judge(walk: &mut Walk, name: &str, words: &[Word]) {
    match name {
        "chmod" | "chown" | "chgrp" => mode(walk, words),
        "patch" => patch(walk, words),
        "find" => find(walk, words),
        "curl" => output(walk, words, &["-o", "--output"]),
        "wget" => output(walk, words, &["-O", "--output-document"]),
        "sort" => output(walk, words, &["-o", "--output"]),
        "perl" | "ruby" => in_place(walk, words),
        "script" => script(walk, words),
        _ => {}
    }
}

fn write(walk: &mut Walk, word: &Word) {
    let path = walk.path(word).filter(|path| path != "-");
    walk.found.extend(path.map(Wish::Write));
}

fn change_in(walk: &mut Walk, folder: Option<String>, command: &str) {
    let wish = |folder| Wish::ChangeIn {
        folder,
        command: command.to_owned(),
    };
    walk.found.extend(folder.map(wish));
}

/// Whether a word of `chmod` is a mode that takes rights away, and no option.
fn is_mode(text: &str) -> bool {
    let rights = text.strip_prefix('-').unwrap_or_default();
    !rights.is_empty() && rights.chars().all(|c| "rwxXst".contains(c))
}

fn mode(walk: &mut Walk, words: &[Word]) {
    let is_said = |word: &&Word| is_mode(&word.text) || word.text.starts_with("--reference");
    let said = words.iter().any(|word| is_said(&word));
    let operands = words.iter().filter(|word| !word.text.starts_with('-'));
    for word in operands.skip(usize::from(!said)) {
        write(walk, word);
    }
}

/// Which files a patch is for stands in the patch, unless one is named.
fn patch(walk: &mut Walk, words: &[Word]) {
    let has = |option: &str| words.iter().any(|word| word.text == option);
    if has("--dry-run") || has("--help") || has("--version") {
        return;
    }
    const VALUED: [&str; 8] = ["-d", "-i", "-o", "-r", "-B", "-D", "-F", "-p"];
    let mut folder = walk.folder().map(str::to_owned);
    let mut operands = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if VALUED.contains(&text) {
            let value = rest.next();
            match (text, value) {
                ("-d", Some(value)) => folder = walk.path(value),
                ("-o", Some(value)) => return write(walk, value),
                _ => {}
            }
        } else if !text.starts_with('-') {
            operands.push(word);
        }
    }
    match operands.first() {
        Some(file) => write(walk, file),
        None => change_in(walk, folder, "patch"),
    }
}

/// What `find` deletes, or has a command do to what it finds, lies below the places where it looks.
fn find(walk: &mut Walk, words: &[Word]) {
    let leads = words
        .iter()
        .take_while(|word| ["-H", "-L", "-P"].contains(&word.text.as_str()));
    let words = &words[leads.count()..];
    let is_place = |word: &&Word| !word.text.starts_with(['-', '(', '!']);
    let places = words.iter().take_while(is_place);
    let mut places: Vec<Option<String>> = places.map(|word| walk.path(word)).collect();
    if places.is_empty() {
        places.push(walk.folder().map(str::to_owned));
    }
    let mut rest = words;
    while let Some((word, more)) = rest.split_first() {
        rest = more;
        match word.text.as_str() {
            "-delete" => {
                for place in &places {
                    change_in(walk, place.clone(), "find -delete");
                }
            }
            "-exec" | "-execdir" | "-ok" | "-okdir" => {
                let is_end = |word: &Word| [";", "+"].contains(&word.text.as_str());
                let end = more.iter().position(is_end).unwrap_or(more.len());
                run(walk, &more[..end], &places);
                rest = &more[end..];
            }
            "-fprint" | "-fprint0" | "-fprintf" | "-fls" => {
                more.first().inspect(|file| write(walk, file));
            }
            _ => {}
        }
    }
}

/// The command that `find` runs; what it does to what was found, it does in one of `places`.
fn run(walk: &mut Walk, words: &[Word], places: &[Option<String>]) {
    let before = walk.found.len();
    let named = words.iter().cloned().map(|word| Word {
        plain: word.plain || word.text == FOUND,
        ..word
    });
    walk.command(&Simple {
        words: named.collect(),
        ..Simple::default()
    });
    let wishes = walk.found.split_off(before);
    let program = words.first().map_or("", |word| &word.text);
    for wish in wishes {
        match wish {
            Wish::Write(path) | Wish::Remove(path) | Wish::WriteInto(path, _)
                if path.ends_with(FOUND) =>
            {
                for place in places {
                    change_in(walk, place.clone(), &format!("find -exec {program}"));
                }
            }
            wish => walk.found.push(wish),
        }
    }
}

/// A file that an option names for what a program would print.
fn output(walk: &mut Walk, words: &[Word], [short, long]: &[&str; 2]) {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        if text == "--" {
            return;
        }
        if [*short, *long].contains(&text) {
            rest.next().inspect(|file| write(walk, file));
            continue;
        }
        let joined = text
            .strip_prefix(long)
            .and_then(|rest| rest.strip_prefix('='));
        if let Some(file) = joined.or_else(|| text.strip_prefix(short)) {
            let text = file.to_owned();
            write(
                walk,
                &Word {
                    text,
                    ..word.clone()
                },
            );
        }
    }
}

/// `-i` of perl and ruby: the files are written.
fn in_place(walk: &mut Walk, words: &[Word]) {
    let short = |text: &str| text.starts_with('-') && !text.starts_with("--");
    let has = |text: &str, letter: char| {
        // What follows the first letter that takes a word is that word.
        short(text) && text.chars().find(|c| "eEiIMmF".contains(*c)) == Some(letter)
    };
    let is_script =
        |text: &str| short(text) && text.ends_with(['e', 'E']) && !text.contains(['I', 'M']);
    let (mut writes, mut scripted) = (false, false);
    let mut operands = Vec::new();
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        writes |= has(&word.text, 'i');
        if is_script(&word.text) {
            scripted = true;
            rest.next();
        } else if !word.text.starts_with('-') {
            operands.push(word);
        }
    }
    for word in operands
        .into_iter()
        .skip(usize::from(!scripted))
        .filter(|_| writes)
    {
        write(walk, word);
    }
}

/// `script` runs a command, and writes down what is seen of it.
fn script(walk: &mut Walk, words: &[Word]) {
    let mut rest = words.iter();
    while let Some(word) = rest.next() {
        let text = word.text.as_str();
        let runs = text == "--command"
            || (!text.starts_with("--") && text.starts_with('-') && text.ends_with('c'));
        if runs {
            if let Some(command) = rest.next() {
                walk.script_aside(&command.text);
            }
        } else if let Some(command) = text.strip_prefix("--command=") {
            walk.script_aside(command);
        } else if !text.starts_with('-') && text != "/dev/null" {
            write(walk, word);
        }
    }
}
