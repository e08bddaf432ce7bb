//! The files of a commit, for detection: folder by folder, as they are asked for.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use anyhow::Context as _;

use crate::contract::{Folder, Tree};
use crate::git::Reader;
use crate::oid::Oid;

/// How many folders deep files are listed where git can only list them all.
const DEPTH: usize = 3;

/// A commit's tree. What can't be read of it counts as empty: what was found in it holds only once
/// [`Self::require_read`] was asked.
pub(crate) struct CommitFiles<'r> {
    read: &'r Reader,
    tree: Oid,
    folders: RefCell<HashMap<String, Known>>,
    failure: RefCell<Option<anyhow::Error>>,
}

/// What is known of a folder.
#[derive(Clone)]
enum Known {
    Tree(Oid),
    Content(Rc<Folder>),
}

impl<'r> CommitFiles<'r> {
    pub(crate) fn new(read: &'r Reader, commit: &Oid) -> anyhow::Result<Self> {
        let tree = read.tree_of(commit)?;
        let root = (String::new(), Known::Tree(tree.clone()));
        Ok(Self {
            read,
            tree,
            folders: RefCell::new(HashMap::from([root])),
            failure: RefCell::default(),
        })
    }

    pub(crate) fn tree(&self) -> &Oid {
        &self.tree
    }

    /// # Errors
    /// Of the first reading that failed.
    pub(crate) fn require_read(self) -> anyhow::Result<()> {
        self.failure.into_inner().map_or(Ok(()), Err)
    }

    /// What was read; where that failed, the failure is kept, and nothing was.
    fn note<T: Default>(&self, done: anyhow::Result<T>) -> T {
        done.unwrap_or_else(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            T::default()
        })
    }

    /// What is known of the folder at `path`, once the one that it is in was listed.
    fn find(&self, path: &str) -> Option<Known> {
        let known = || self.folders.borrow().get(path).cloned();
        known().or_else(|| {
            self.folder(split(path).0);
            known()
        })
    }

    /// Reads what is in the folder at `path`, whose tree this is.
    fn list(&self, path: &str, tree: &Oid) -> anyhow::Result<Rc<Folder>> {
        let Some(listing) = self.read.folder(tree)? else {
            self.list_all()?;
            return Ok(match self.find(path) {
                Some(Known::Content(content)) => content,
                _ => Rc::default(),
            });
        };
        let (names, trees): (Vec<_>, Vec<_>) = listing.folders.into_iter().unzip();
        let mut folders = self.folders.borrow_mut();
        for (name, tree) in names.iter().zip(trees) {
            folders.insert(join(path, name), Known::Tree(tree));
        }
        Ok(Rc::new(Folder::new(listing.files, names)))
    }

    /// Has git list all files at once.
    fn list_all(&self) -> anyhow::Result<()> {
        let mut all: HashMap<String, (Vec<String>, Vec<String>)> = HashMap::new();
        all.insert(String::new(), Default::default());
        for path in self.read.paths(&self.tree, DEPTH)? {
            let (mut folder, file) = split(&path);
            let mut is_new = !all.contains_key(folder);
            let files = &mut all.entry(folder.to_owned()).or_default().0;
            files.push(file.to_owned());
            while is_new {
                let (above, name) = split(folder);
                is_new = !all.contains_key(above);
                let folders = &mut all.entry(above.to_owned()).or_default().1;
                folders.push(name.to_owned());
                folder = above;
            }
        }
        let known = all.into_iter().map(|(path, (files, folders))| {
            let content = Folder::new(files, folders);
            (path, Known::Content(Rc::new(content)))
        });
        self.folders.borrow_mut().extend(known);
        Ok(())
    }
}

impl Tree for CommitFiles<'_> {
    fn folder(&self, path: &str) -> Rc<Folder> {
        match self.find(path) {
            Some(Known::Content(content)) => content,
            Some(Known::Tree(tree)) => {
                let listed = self.list(path, &tree);
                let content =
                    self.note(listed.with_context(|| format!("can't list the files of {tree}")));
                // One that can't be read is not tried again and again.
                let known = Known::Content(Rc::clone(&content));
                self.folders.borrow_mut().insert(path.to_owned(), known);
                content
            }
            None => Rc::default(),
        }
    }

    fn read(&self, path: &str) -> Option<String> {
        let read = self.read.file(&self.tree, path);
        let bytes =
            self.note(read.with_context(|| format!("can't read {path} of {}", self.tree)))?;
        String::from_utf8(bytes).ok()
    }
}

/// A path as its folder and its name there; the root has no path.
fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::git::{Repo, Scratch};

    /// A repository with one commit of these files, each with its own path as its content.
    fn commit(paths: &[&str]) -> (Scratch, Repo, Oid) {
        let scratch = Scratch::new();
        for path in paths {
            scratch.write(path, path);
        }
        scratch.commit("main-line");
        let repo = scratch.repo();
        let head = repo.read.commit("HEAD").expect("read").expect("a commit");
        (scratch, repo, head)
    }

    #[test]
    fn folder_by_folder_and_all_at_once_the_same_is_found() {
        let (_scratch, repo, commit) =
            commit(&["a-b/x", "a.py", "a/b/c/e", "a/f", "b/g/h", "root"]);
        let by_folder = CommitFiles::new(&repo.read, &commit).expect("a commit");
        let at_once = CommitFiles::new(&repo.read, &commit).expect("a commit");
        at_once.list_all().expect("listed");
        for path in [
            "a/b/c", "", "a", "b", "a/b", "a-b", "b/g", "root", "gone", "a/gone/x",
        ] {
            assert_eq!(by_folder.folder(path), at_once.folder(path), "{path}");
        }
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let root = Folder::new(owned(&["a.py", "root"]), owned(&["a", "a-b", "b"]));
        assert_eq!(*by_folder.folder(""), root);
        assert_eq!(by_folder.read("b/g/h").as_deref(), Some("b/g/h"));
        by_folder.require_read().expect("nothing failed");
    }

    #[test]
    fn a_folder_that_can_not_be_read_is_an_error_in_the_end() {
        let (scratch, repo, commit) = commit(&["a/b"]);
        let files = CommitFiles::new(&repo.read, &commit).expect("a commit");
        let root = repo.read.folder(files.tree()).expect("read");
        let (_, tree) = &root.expect("listed").folders[0];
        let (begin, end) = tree.as_str().split_at(2);
        let object = scratch.root().join(format!(".git/objects/{begin}/{end}"));
        std::fs::remove_file(object).expect("there");
        assert_eq!(*files.folder("a"), Folder::default());
        let error = files.require_read().expect_err("it is gone").to_string();
        assert!(error.contains(tree.as_str()), "{error}");
    }
}
