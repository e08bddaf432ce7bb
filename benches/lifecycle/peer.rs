//! A second tool to be compared: how it is told to make and remove a worktree.

use std::path::Path;
use std::process::Command;

use crate::project::Project;

/// By default it is asked as git is, so that another git can be named without more words.
const CREATE: &str = "{peer} worktree add -b {name} {path}";
const REMOVE: &str = "{peer} worktree remove --force {path}";

/// Command lines for `sh`, called in the repository, in which `{peer}`, `{name}` and `{path}` are replaced.
pub(crate) struct Peer {
    program: String,
    create: String,
    remove: String,
}

impl Peer {
    /// The one that `WT_PEER` names, if any.
    pub(crate) fn read() -> Option<Self> {
        let variable = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        Some(Self {
            program: variable("WT_PEER")?,
            create: variable("WT_PEER_CREATE").unwrap_or_else(|| CREATE.to_owned()),
            remove: variable("WT_PEER_REMOVE").unwrap_or_else(|| REMOVE.to_owned()),
        })
    }

    /// Its name in the table.
    pub(crate) fn name(&self) -> String {
        let path = Path::new(&self.program);
        let name = path.file_name().unwrap_or(path.as_os_str());
        format!("{} (WT_PEER)", name.to_string_lossy())
    }

    /// Makes a worktree for a new branch of this name, at the path beside the repository if it takes one.
    pub(crate) fn create(&self, project: &Project, name: &str) -> Command {
        self.command(project, &self.create, name)
    }

    pub(crate) fn remove(&self, project: &Project, name: &str) -> Command {
        self.command(project, &self.remove, name)
    }

    fn command(&self, project: &Project, template: &str, name: &str) -> Command {
        let path = project.beside(name);
        let line = template
            .replace("{peer}", &self.program)
            .replace("{name}", name)
            .replace("{path}", &path.to_string_lossy());
        project.command("sh", &["-c", &line])
    }
}
