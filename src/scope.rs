//! Which paths a task may change: globs, whether two claims can meet, and whose a path is.
//!
//! A glob names paths from the repository's root, in globset's syntax and with these readings:
//!
//! - `src`, `src/`, `./src` and `src/**` all mean the path `src` and everything beneath it. So does every glob
//!   whose last segment has no wildcard, as `**/tests`. After a wildcard nothing is added: `src/*` is what lies
//!   directly in `src`, `*/**` leaves the files at the root out.
//! - `**` spans folders only as a whole segment; elsewhere, as in `a**`, it is a `*`. No wildcard and no class,
//!   negated or not, matches a `/`. `.` is `**`.
//! - `?` and a class match one byte, as in git's own pathspecs. Paths are the bytes that git records: `é` as one
//!   character and as two are different paths, and a glob spelled in the second way is refused.
//! - `{a,b}` is either, `{,x}` may be nothing.
//! - A list matches what any of its globs matches and none of its `!globs` does, whatever their order.

mod automaton;
mod certain;
mod folders;
mod globs;
mod lexer;
mod normal;
mod overlap;
mod pattern;
mod standing;
mod summary;
mod territory;

pub(crate) use certain::is_surely_own;
pub(crate) use globs::Globs;
pub(crate) use overlap::{Overlap, beyond, overlap};
pub(crate) use pattern::Case;
pub(crate) use standing::Standing;
pub(crate) use summary::by_folder;
pub(crate) use territory::{Claim, Territory, Whose};
