//! What `wt` takes for granted about a repository without a contract, read from the files of one tree.

use std::rc::Rc;

use super::Contract;

mod cargo;
mod draft;
mod go;
mod node;
mod python;
mod runner;

use draft::{Draft, Files, Place};

/// Variables that tell tools where they, their certificates and the way to the network are. They are
/// captured from the operator without being asked for, since no step runs elsewhere without them.
pub(crate) const TOOLCHAIN_VARIABLES: &[&str] = &[
    // Where tools are, and which of several.
    "ASDF_DATA_DIR",
    "ASDF_DIR",
    "BUN_INSTALL",
    "CARGO_HOME",
    "COREPACK_HOME",
    "DEVELOPER_DIR",
    "FNM_DIR",
    "GOPATH",
    "GOROOT",
    "GOTOOLCHAIN",
    "JAVA_HOME",
    "MISE_DATA_DIR",
    "NVM_DIR",
    "PNPM_HOME",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "RBENV_ROOT",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SDKROOT",
    "VOLTA_HOME",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
    // Certificates.
    "CARGO_HTTP_CAINFO",
    "CURL_CA_BUNDLE",
    "NIX_SSL_CERT_FILE",
    "NODE_EXTRA_CA_CERTS",
    "PIP_CERT",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    // Proxies.
    "ALL_PROXY",
    "HTTPS_PROXY",
    "HTTP_PROXY",
    "NO_PROXY",
    "all_proxy",
    "https_proxy",
    "http_proxy",
    "no_proxy",
];

/// Read access to the files of one commit's tree. Few of its folders are looked into: large trees have thousands.
pub(crate) trait Tree {
    /// What is in a folder, by its path from the root, which itself has none; empty where there is no such folder.
    fn folder(&self, path: &str) -> Rc<Folder>;

    /// A file's text; `None` when there is no such file or it is no UTF-8.
    fn read(&self, path: &str) -> Option<String>;
}

/// The names of what is in one folder, without those that are no UTF-8.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Folder {
    files: Vec<String>,
    folders: Vec<String>,
}

impl Folder {
    pub(crate) fn new(mut files: Vec<String>, mut folders: Vec<String>) -> Self {
        files.sort_unstable();
        folders.sort_unstable();
        Self { files, folders }
    }

    fn has(&self, file: &str) -> bool {
        self.files
            .binary_search_by(|other| other.as_str().cmp(file))
            .is_ok()
    }
}

/// A contract that was found rather than written.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Detected {
    pub(crate) contract: Contract,
    /// What was taken for granted, one line each, for the operator to read.
    pub(crate) assumptions: Vec<String>,
}

/// What a tool makes of one folder.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Found {
    /// Not a project of this tool.
    Nothing,
    /// A project with nothing to judge by.
    Bare,
    /// A project whose steps judge it alone.
    Alone,
    /// A project whose steps judge the projects of the same tool below it as well.
    Whole,
}

type Detector = fn(&Files<'_>, &Place, &mut Draft) -> Found;

/// In the order of their steps in one folder.
const LANGUAGES: [(&str, Detector); 4] = [
    ("cargo", cargo::detect),
    ("go", go::detect),
    ("node", node::detect),
    ("python", python::detect),
];

/// The contract that the tree's own tools suggest: the root's first, then those of folders one or two
/// levels down whose tool does not judge a folder above.
pub(crate) fn detect(tree: &dyn Tree) -> Detected {
    let files = Files::new(tree);
    let mut draft = Draft::default();
    let root = Place::root();
    let mut whole: Vec<(&str, Place)> = Vec::new();
    let mut visit = |place: &Place, draft: &mut Draft| {
        let mut judged = false;
        for (tool, detector) in LANGUAGES {
            if whole
                .iter()
                .any(|(by, above)| *by == tool && above.holds(place))
            {
                continue;
            }
            let found = detector(&files, place, draft);
            judged |= matches!(found, Found::Alone | Found::Whole);
            if found == Found::Whole {
                whole.push((tool, place.clone()));
            }
        }
        judged
    };
    if !visit(&root, &mut draft) {
        runner::detect(&files, &mut draft);
    }
    for place in files.folders() {
        visit(&place, &mut draft);
    }
    draft.finish()
}

#[cfg(test)]
pub(super) mod tests;
