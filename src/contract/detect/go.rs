//! Go: a module with a `go.mod`.

use super::super::Kind;
use super::Found;
use super::draft::{Draft, Files, Place, Suggestion};

pub(super) fn detect(files: &Files<'_>, place: &Place, draft: &mut Draft) -> Found {
    if !files.has(place, "go.mod") {
        return Found::Nothing;
    }
    let is_tested = || {
        files
            .all(place)
            .iter()
            .any(|path| path.ends_with("_test.go"))
    };
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
    let vendored = files.has(place, "vendor/modules.txt");
    if files.has(place, "go.sum") && !vendored {
        let inputs = ["go.mod", "go.sum", "go.work"].map(str::to_owned);
        draft.setup(place, &["go mod download".to_owned()], &inputs);
        // It runs nothing of the task's; a step could change the sources that every build takes on trust.
        draft.open_to_setup(&["$GOPATH/pkg/mod/"]);
    }
    draft.inputs(place, &["go.work"]);
    // Go looks in every folder above as well.
    draft.inputs(&Place::root(), &["go.work"]);
    draft.pass(&["GOMODCACHE", "GONOSUMDB", "GOPRIVATE", "GOPROXY", "GOSUMDB"]);
    draft.fingerprint(&["go version"]);
    Found::Alone
}
