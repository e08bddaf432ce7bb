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

/// What decides which crates are needed, and from where.
const FETCH_INPUTS: [&str; 5] = [
    "**/Cargo.toml",
    ".cargo/**",
    "Cargo.lock",
    "rust-toolchain",
    "rust-toolchain.toml",
];
/// Where `cargo fetch` keeps crates. Nothing that it runs is the task's own as long as that leaves cargo's settings
/// alone; a step could change the sources that every build of the operator's takes on trust.
const CRATES: [&str; 3] = [
    "$CARGO_HOME/registry/",
    "$CARGO_HOME/git/",
    "$CARGO_HOME/.package-cache",
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
    if wants_crates(&manifest, files.read(place, "Cargo.lock").as_deref()) {
        draft.setup(
            place,
            &[fetch(files, place)],
            &FETCH_INPUTS.map(str::to_owned),
        );
        draft.open_to_setup(&CRATES);
    }
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

/// Whether anything may have to be fetched.
fn wants_crates(manifest: &toml::Table, lock: Option<&str>) -> bool {
    if let Some(lock) = lock {
        return lock.lines().any(|line| line.starts_with("source = "));
    }
    let lists = ["dependencies", "dev-dependencies", "build-dependencies"];
    ["workspace", "target"]
        .into_iter()
        .chain(lists)
        .any(|key| manifest.contains_key(key))
}

/// Fetches what a build for this machine needs: on others' behalf much more would be.
fn fetch(files: &Files<'_>, place: &Place) -> String {
    let host = "--target $(rustc -vV | sed -n 's/^host: //p')";
    if files.has(place, "Cargo.lock") {
        format!("cargo fetch --locked {host}")
    } else if files.ignores(place, "Cargo.lock") {
        format!("cargo fetch {host}")
    } else {
        // Left there, tasks would commit it.
        format!("cargo fetch {host} && rm -f Cargo.lock")
    }
}
