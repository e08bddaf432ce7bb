//! One verb a file: its arguments, its help and its behaviour; it sequences, no more.

pub(crate) mod cage;
pub(crate) mod cd;
pub(crate) mod completions;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod explain;
pub(crate) mod hook;
pub(crate) mod init;
pub(crate) mod judge;
pub(crate) mod list;
pub(crate) mod log;
pub(crate) mod merge;
pub(crate) mod owed;
pub(crate) mod path;
pub(crate) mod restore;
pub(crate) mod resume;
pub(crate) mod rm;
pub(crate) mod rules;
pub(crate) mod run;
pub(crate) mod scope;
pub(crate) mod shell_init;
pub(crate) mod show;
pub(crate) mod spawn;
pub(crate) mod sweep;
pub(crate) mod sync;
pub(crate) mod validate;
