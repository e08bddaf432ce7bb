//! Rust: a package or a workspace with a `Cargo.toml`.

use super::super::Kind;
use super::Found;
use super::draft::{Draft, Files, Place, Suggestion};

/// What decides which tests run and how they are built, in this folder and in the workspace's packages.
const INPUTS: [&str; 11] = [
    ".cargo/**",
    ".config/nextest.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
    "Cargo.toml#profile",
    "Cargo.toml#workspace.default-members",
    "Cargo.toml#workspace.exclude",
    "**/Cargo.toml#lib.test",
    "**/Cargo.toml#lib.harness",
    "**/Cargo.toml#package.autotests",
    "**/Cargo.toml#test",
];

pub(super) fn detect(files: &Files<'_>, place: &Place, draft: &mut Draft) -> Found {
    let Some(source) = files.read(place, "Cargo.toml") else {
        return Found::Nothing;
    };
    let manifest: toml::Table = source.parse().unwrap_or_default();
    let workspace = manifest.get("workspace");
    // Cargo runs the default members where they are named, else the root package alone.
    let all = workspace.is_some_and(|table| table.get("default-members").is_none());
    let locked = files.has(place, "Cargo.lock");
    let run = format!(
        "cargo test{}{}",
        if all { " --workspace" } else { "" },
        if locked { " --locked" } else { "" },
    );
    let test = Suggestion {
        name: "test",
        kind: Kind::Test,
        run: &run,
        from: "Cargo.toml",
    };
    draft.step("cargo", place, &test);
    draft.inputs(place, &INPUTS);
    if !place.is_root() {
        // Cargo and rustup look in every folder above as well.
        draft.inputs(&Place::root(), &INPUTS[..4]);
    }
    draft.pass(&["CARGO_HOME"]);
    draft.fingerprint(&["rustc -V"]);
    draft.warm("cargo", files, place, "target");
    if workspace.is_some() {
        Found::Whole
    } else {
        Found::Alone
    }
}
