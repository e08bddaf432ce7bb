//! The words of a text as they are counted: lower case, apart where names join them, without their endings.

use super::text::beginning;

/// Further into a text nothing is counted.
const MOST: usize = 1 << 16;

/// Words that tell nothing of what a text is about, in order.
const EMPTY: &[&str] = &[
    "a", "about", "after", "again", "all", "also", "an", "and", "any", "are", "as", "at", "be",
    "because", "been", "before", "but", "by", "can", "could", "did", "do", "does", "for", "from",
    "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "just", "may", "more",
    "most", "no", "not", "of", "on", "once", "one", "only", "or", "other", "our", "out", "over",
    "should", "so", "some", "such", "than", "that", "the", "their", "them", "then", "there",
    "these", "they", "this", "to", "too", "up", "use", "used", "very", "was", "we", "were", "what",
    "when", "where", "which", "while", "who", "why", "will", "with", "would", "you",
];

/// The words that are counted of `text`, in order.
pub(super) fn words(text: &str) -> impl Iterator<Item = String> {
    let parts = beginning(text, MOST).split(|c: char| !c.is_alphanumeric());
    let pieces = parts.flat_map(pieces).flat_map(pairs);
    pieces.filter_map(|piece| {
        let word = piece.to_lowercase();
        EMPTY
            .binary_search(&word.as_str())
            .is_err()
            .then(|| stem(word))
    })
}

/// The parts of a name such as `refreshToken` or `HTTPServer`.
fn pieces(name: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut begin = 0;
    let characters: Vec<(usize, char)> = name.char_indices().collect();
    for window in 1..characters.len() {
        let (before, (at, this)) = (characters[window - 1].1, characters[window]);
        let next = characters.get(window + 1).map(|(_, next)| *next);
        let rises = before.is_lowercase() && this.is_uppercase();
        let ends_capitals =
            before.is_uppercase() && this.is_uppercase() && next.is_some_and(char::is_lowercase);
        if rises || ends_capitals {
            found.push(&name[begin..at]);
            begin = at;
        }
    }
    found.push(&name[begin..]);
    found.retain(|piece| !piece.is_empty());
    found
}

/// What is written without spaces, in pairs of characters that overlap, as nobody tells where its words end; all else
/// as it is.
fn pairs(piece: &str) -> Vec<&str> {
    if piece.is_ascii() {
        return vec![piece];
    }
    let mut found = Vec::new();
    let mut rest = piece;
    while let Some(first) = rest.chars().next() {
        let kind = is_unspaced(first);
        let end = rest.find(|c| is_unspaced(c) != kind);
        let (run, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        if !kind || run.chars().nth(1).is_none() {
            found.push(run);
            continue;
        }
        let ends = run.char_indices().map(|(at, c)| at + c.len_utf8()).skip(1);
        let pairs = run.char_indices().zip(ends);
        found.extend(pairs.map(|((begin, _), end)| &run[begin..end]));
    }
    found
}

/// Whether a character is of a script that is written without spaces between words, or joins their endings to them.
fn is_unspaced(character: char) -> bool {
    matches!(
        character,
        '\u{e00}'..='\u{eff}'
            | '\u{1000}'..='\u{109f}'
            | '\u{1780}'..='\u{17ff}'
            | '\u{3005}'..='\u{30ff}'
            | '\u{31f0}'..='\u{31ff}'
            | '\u{3400}'..='\u{9fff}'
            | '\u{ac00}'..='\u{d7af}'
            | '\u{f900}'..='\u{faff}'
            | '\u{20000}'..='\u{3ffff}'
    )
}

/// A word without the endings that only bend it: `parsing`, `parsed` and `parses` are one.
fn stem(mut word: String) -> String {
    if !word.is_ascii() || word.bytes().any(|b| b.is_ascii_digit()) {
        return word;
    }
    let cut = |word: &mut String, ending: &str, least: usize| {
        let cuts = word.len() >= least + ending.len() && word.ends_with(ending);
        if cuts {
            word.truncate(word.len() - ending.len());
        }
        cuts
    };
    if cut(&mut word, "ies", 2) {
        word.push('y');
    } else if !["ss", "us", "is"].iter().any(|end| word.ends_with(end)) {
        cut(&mut word, "s", 3);
    }
    if cut(&mut word, "ing", 3) || cut(&mut word, "ed", 3) {
        let mut last = word.bytes().rev();
        let twice = last.next().filter(|b| !b"aeiouls".contains(b));
        let twice = twice.is_some() && twice == last.next();
        if twice || (word.len() > 5 && word.ends_with("ick")) {
            word.pop();
        }
    }
    cut(&mut word, "e", 3);
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_words_are_in_order() {
        assert!(EMPTY.is_sorted());
    }

    #[test]
    fn words_are_one_however_they_are_bent_or_joined() {
        let counted = |text: &str| words(text).collect::<Vec<_>>().join(" ");
        assert_eq!(
            counted("parsing parsed parses parse"),
            "pars pars pars pars"
        );
        assert_eq!(
            counted("HTTPServer refreshToken expired_tokens"),
            "http server refresh token expir token"
        );
        assert_eq!(
            counted("why is the queue stopped? retries, SHA256"),
            "queu stop retry sha256"
        );
        assert_eq!(counted("panics panicked dropped"), "panic panic drop");
        assert_eq!(counted("class status größe"), "class status größe");
        assert_eq!(
            counted("認証token更新時 のutf8 ok"),
            "認証 token 更新 新時 の utf8 ok"
        );
    }
}
