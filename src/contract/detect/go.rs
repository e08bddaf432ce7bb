//! Go: a module with a `go.mod`.

use super::super::Kind;
use super::Found;
use super::draft::{Draft, Files, Place, Suggestion};

pub(super) fn detect(files: &Files<'_>, place: &Place, draft: &mut Draft) -> Found {
    if !files.has(place, "go.mod") {
        return Found::Nothing;
    }
    let is_tested = || files.all(place).any(|path| path.ends_with("_test.go"));
    if !place.is_root() && !is_tested() {
        return Found::Bare;
    }
    let test = Suggestion {
        name: "test",
        kind: Kind::Test,
        run: "go test ./...",
        from: "go.mod",
    };
    draft.step("go", place, &test);
    draft.inputs(place, &["go.work"]);
    // Go looks in every folder above as well.
    draft.inputs(&Place::root(), &["go.work"]);
    draft.pass(&[
        "GOCACHE",
        "GOMODCACHE",
        "GONOSUMDB",
        "GOPRIVATE",
        "GOPROXY",
        "GOSUMDB",
    ]);
    draft.fingerprint(&["go version"]);
    Found::Alone
}
