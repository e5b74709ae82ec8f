//! Which subfolders of a folder are classes.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use super::folder_of_sets::is_left_behind;
use crate::error::{Error, Result};

/// The subfolders of a folder, one for each class.
pub(super) struct ClassFolders {
    /// The whole path.
    pub(super) folder: PathBuf,
    /// In the order of their names.
    pub(super) classes: Vec<PathBuf>,
    /// What is there and is no class: its name, and why.
    pub(super) left_out: Vec<(String, String)>,
}

/// Looks which subfolders are classes. A link to another of them, or to a folder that holds them, is none: its images would
/// be in two classes.
pub(super) fn class_folders(folder: &Path) -> Result<ClassFolders> {
    let folder = folder.canonicalize().map_err(|e| Error::io("read the folder", folder, &e))?;
    let entries = std::fs::read_dir(&folder).map_err(|e| Error::io("read the folder", &folder, &e))?;
    let mut found: Vec<(PathBuf, bool)> = entries
        .flatten()
        .map(|entry| (entry.path(), entry.file_type().is_ok_and(|kind| kind.is_symlink())))
        .filter(|(path, _)| !is_left_behind(path))
        .collect();
    // Links last: of two names of a folder the real one is the class.
    found.sort_by(|(a, a_links), (b, b_links)| (a_links, a).cmp(&(b_links, b)));
    let mut real = BTreeMap::<PathBuf, PathBuf>::new();
    let (mut classes, mut left_out) = (Vec::new(), Vec::new());
    for (path, is_link) in found {
        let mut leave_out = |why: String| left_out.push((path.display().to_string(), why));
        if !path.is_dir() {
            if is_link && !path.exists() {
                leave_out("a link that leads nowhere".into());
            }
            continue;
        }
        // What cannot be followed cannot be read either, which its files will say.
        let target = path.canonicalize().unwrap_or_else(|_| path.clone());
        match real.get(&target) {
            Some(other) => leave_out(format!("a link to the class folder {}", other.display())),
            None if folder.starts_with(&target) => leave_out("a link to a folder that holds the classes".into()),
            None => {
                real.insert(target, path.clone());
                classes.push(path);
            }
        }
    }
    classes.sort();
    Ok(ClassFolders { folder, classes, left_out })
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn links_to_classes_are_left_out_and_the_others_are_scanned() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        let elsewhere = tempfile::tempdir().unwrap();
        for name in ["1.png", "2.png"] {
            for class in ["b", "c"] {
                fs::create_dir_all(at(class)).unwrap();
                fs::write(at(class).join(name), "").unwrap();
            }
            fs::write(elsewhere.path().join(name), "").unwrap();
        }
        symlink(at("b"), at("a")).unwrap();
        symlink(root.path(), at("all")).unwrap();
        symlink("gone", at("d")).unwrap();
        symlink(elsewhere.path(), at("e")).unwrap();
        symlink(elsewhere.path(), at("f")).unwrap();
        let found = class_folders(root.path()).unwrap();
        let names: Vec<_> = found.classes.iter().filter_map(|path| path.file_name()?.to_str()).collect();
        assert_eq!(names, ["b", "c", "e"]);
        let real = root.path().canonicalize().unwrap();
        let reasons: Vec<(String, String)> = found
            .left_out
            .iter()
            .map(|(name, why)| {
                (name.replace(&format!("{}/", real.display()), ""), why.replace(real.to_str().unwrap(), "R"))
            })
            .collect();
        let reason = |name: &str, why: &str| (name.to_string(), why.to_string());
        assert_eq!(
            reasons,
            [
                reason("a", "a link to the class folder R/b"),
                reason("all", "a link to a folder that holds the classes"),
                reason("d", "a link that leads nowhere"),
                reason("f", "a link to the class folder R/e"),
            ]
        );
    }
}
