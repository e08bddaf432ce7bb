//! The normal form of a glob, and what is refused because no path is meant by it.

use super::lexer::{Fault, Token};

/// As long as a path can be. Longer ones are slips, and shorter ones stay within the limits of the matcher.
pub(super) const MAX_BYTES: usize = 4096;

const FROM_ROOT: &str = "globs name paths from the repository's root, as in 'src/**'";

/// Refuses what no path is written with.
pub(super) fn refuse_characters(source: &str) -> Result<(), Fault> {
    if source.is_empty() {
        return Err(Fault::new("is empty", "write '**' for every path"));
    }
    if source.len() > MAX_BYTES {
        return Err(Fault::new(
            format!("is longer than {MAX_BYTES} bytes"),
            "write it as several globs",
        ));
    }
    if let Some(control) = source.chars().find(|char| char.is_control()) {
        return Err(Fault::new(
            format!("holds the control character U+{:04X}", u32::from(control)),
            "write '?' in its place",
        ));
    }
    if source.contains(is_decomposed) {
        return Err(Fault::new(
            "spells one letter in several characters (Unicode form NFD)",
            "write it as one character (NFC), or '*' in its place",
        ));
    }
    Ok(())
}

/// Marks that combine with a Latin, Greek or Cyrillic letter or with a kana, and the parts of Hangul: what
/// takes part in composition on the file systems that decompose names.
pub(super) fn is_decomposed(char: char) -> bool {
    matches!(
        char,
        '\u{0300}'..='\u{036f}' | '\u{1100}'..='\u{11ff}' | '\u{3099}' | '\u{309a}'
    )
}

/// A glob in its normal form.
pub(super) struct Normal<'t, 's> {
    /// What stands between its top-level slashes.
    pub(super) segments: Vec<&'t [Token<'s>]>,
    /// Whether what lies beneath its matches is meant too.
    pub(super) beneath: bool,
}

/// `a`, `a/`, `./a` and `a/**` become the one `a` that means itself and all beneath. After a wildcard, `a/*`
/// stays in its folder and `*/**` does not take the files beside.
pub(super) fn normalise<'t, 's>(tokens: &'t [Token<'s>]) -> Result<Normal<'t, 's>, Fault> {
    const ANY_DEPTH: &[Token<'static>] = &[Token::Wild("**")];
    if matches!(
        tokens,
        [Token::Slash, ..] | [Token::Brace("{"), Token::Slash, ..]
    ) {
        return Err(Fault::new("is absolute", FROM_ROOT));
    }
    let mut segments: Vec<&[Token]> = Vec::new();
    let mut names_folder = true;
    for segment in split_segments(tokens) {
        let literal = literal_text(segment);
        names_folder = matches!(literal.as_deref(), Some("" | "."));
        match literal.as_deref() {
            Some("" | ".") => {}
            Some("..") => return Err(Fault::new("leads through '..'", FROM_ROOT)),
            Some(name) if name.eq_ignore_ascii_case(".git") => {
                return Err(Fault::new(
                    "leads into '.git'",
                    "git tracks nothing there, so there is nothing to own",
                ));
            }
            _ if segment == ANY_DEPTH && segments.last() == Some(&ANY_DEPTH) => {}
            _ => {
                refuse_inert_braces(segment)?;
                segments.push(segment);
            }
        }
    }
    if names_folder && segments.last() != Some(&ANY_DEPTH) {
        segments.push(ANY_DEPTH);
    }
    if let [.., folder, last] = segments[..]
        && last == ANY_DEPTH
        && !folder.iter().any(Token::is_wild)
    {
        segments.pop();
    }
    let beneath = segments
        .last()
        .is_some_and(|last| !last.iter().any(Token::is_wild));
    Ok(Normal { segments, beneath })
}

/// A `/` between braces can make an alternative that looks well and matches nothing, as in `{src/,lib/}`.
fn refuse_inert_braces(segment: &[Token]) -> Result<(), Fault> {
    if !segment.contains(&Token::Slash) {
        return Ok(());
    }
    let ends_in_slash = |pair: &[Token]| matches!(pair, [Token::Slash, Token::Brace("," | "}")]);
    if segment.windows(2).any(ends_in_slash) {
        return Err(Fault::new(
            "has a '/' at the end of what stands between braces",
            "leave that '/' out",
        ));
    }
    let mut parts = segment.split(|token| matches!(token, Token::Slash | Token::Brace(_)));
    if parts.any(|part| literal_text(part).as_deref() == Some("..")) {
        return Err(Fault::new("leads through '..'", FROM_ROOT));
    }
    Ok(())
}

fn split_segments<'t, 's>(tokens: &'t [Token<'s>]) -> impl Iterator<Item = &'t [Token<'s>]> {
    let mut depth = 0_usize;
    tokens.split(move |token| {
        match token {
            Token::Brace("{") => depth += 1,
            Token::Brace("}") => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && *token == Token::Slash
    })
}

fn literal_text(segment: &[Token]) -> Option<String> {
    segment
        .iter()
        .map(|token| match token {
            Token::Literal { char, .. } => Some(*char),
            _ => None,
        })
        .collect()
}
