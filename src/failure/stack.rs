//! Stack frames of JavaScript: which place they name, and whose code that is.

use super::text::{in_repository, place};

/// The place that a frame names (`at f (src/a.js:1:2)`, ` ❯ src/a.js:1:2`), if it lies in the repository.
pub(super) fn frame(line: &str) -> Option<String> {
    let line = line.trim_end();
    let place_text = match line.strip_suffix(')') {
        Some(open) => open.rsplit_once('(')?.1,
        None => line.rsplit_once(' ')?.1,
    };
    own(place_text)
}

/// The place that is all of a line, as node writes it above the source it could not read (`src/a.js:1`).
pub(super) fn source_line(line: &str) -> Option<String> {
    let line = line.trim();
    (!line.contains(' ')).then(|| own(line))?
}

fn own(text: &str) -> Option<String> {
    let place = place(text)?;
    (in_repository(&place) && place.contains('.')).then_some(place)
}

/// Whether the line is a frame of node itself.
pub(super) fn is_internal(line: &str) -> bool {
    line.contains("(node:")
        || line.trim_start().starts_with("node:")
        || line.trim_start().starts_with("at node:")
        || line.contains(" node:internal")
}

/// Whether the line is a frame of a library, of the runner, say.
pub(super) fn in_library(line: &str) -> bool {
    line.trim_start().starts_with("at ") && line.contains("node_modules/")
}
