//! What git is set to, asked in the background: its children answer while something else is done.

use std::collections::HashMap;
use std::path::PathBuf;

use super::command::Git;
use super::read::records;
use crate::threads::Background;

/// What the machine, the user and the repository set.
pub(crate) struct Settings {
    /// By their keys, in lower case as far as git has them so; of several with one key the last, which counts.
    values: HashMap<String, String>,
    /// The files of attributes of the machine and of the user; nothing where this git does not tell, as before 2.42.
    pub(crate) attribute_files: Option<Vec<PathBuf>>,
}

impl Settings {
    /// A setting in lower case.
    pub(crate) fn value(&self, key: &str) -> Option<String> {
        self.values.get(key).map(|value| value.to_ascii_lowercase())
    }

    pub(crate) fn is_on(&self, key: &str) -> bool {
        let is_off = |value: &str| matches!(value, "false" | "no" | "off" | "0" | "");
        self.value(key).is_some_and(|value| !is_off(&value))
    }
}

/// Settings that were asked for. Git's children are waited for even where nobody wants to know any more: they hold the
/// locks that this process has.
pub(crate) struct AskedSettings {
    values: Background<anyhow::Result<Vec<u8>>>,
    attribute_files: [Background<anyhow::Result<Option<Vec<PathBuf>>>>; 2],
}

impl Git {
    /// Begins to ask for the settings.
    pub(crate) fn ask_settings(&self) -> AskedSettings {
        let attribute_file = |name| self.ask(move |git| git.attribute_file(name));
        AskedSettings {
            values: self.ask(|git| git.command(["config", "--list", "-z"]).bytes()),
            attribute_files: ["GIT_ATTR_SYSTEM", "GIT_ATTR_GLOBAL"].map(attribute_file),
        }
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Git) -> T + Send + 'static,
    ) -> Background<T> {
        let git = self.clone();
        Background::start(move || question(&git))
    }

    /// A file of attributes, in a list that is empty where there is none; nothing where this git does not tell.
    fn attribute_file(&self, name: &str) -> anyhow::Result<Option<Vec<PathBuf>>> {
        let output = self.command(["var", name]).output()?;
        Ok(match output.status.code() {
            Some(0) => {
                let path = String::from_utf8_lossy(&output.stdout);
                Some(vec![PathBuf::from(path.trim_end())])
            }
            Some(1) => Some(Vec::new()),
            _ => None,
        })
    }
}

impl AskedSettings {
    /// Waits for the answers.
    ///
    /// # Errors
    /// Where git does not answer.
    pub(crate) fn wait(self) -> anyhow::Result<Settings> {
        let list = self.values.wait()?;
        let read = |record: &[u8]| {
            let text = String::from_utf8_lossy(record);
            // A key alone means yes.
            let (key, value) = text.split_once('\n').unwrap_or((&text, "true"));
            (key.to_owned(), value.to_owned())
        };
        let mut attribute_files = Some(Vec::new());
        for asked in self.attribute_files {
            match (asked.wait()?, &mut attribute_files) {
                (Some(file), Some(files)) => files.extend(file),
                _ => attribute_files = None,
            }
        }
        Ok(Settings {
            values: records(&list).map(read).collect(),
            attribute_files,
        })
    }
}
