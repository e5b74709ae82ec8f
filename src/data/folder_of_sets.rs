//! Folders that are no classes: `train/` and `val/`, with the page that says so, and what systems leave behind.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, shell_path};

/// The page for a folder whose subfolders are the sets of a dataset, each with the classes in it.
pub(super) fn sets_for_classes(folder: &Path, classes: &[PathBuf]) -> Option<Error> {
    const SETS: [&str; 6] = ["train", "training", "val", "valid", "validation", "test"];
    let set =
        |path: &PathBuf| path.file_name().is_some_and(|name| SETS.iter().any(|set| *set == name.to_ascii_lowercase()));
    let holds_classes = |path: &PathBuf| {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
        inside.filter(|entry| entry.path().is_dir()).count() > 1
    };
    if classes.len() < 2 || !classes.iter().all(|class| set(class) && holds_classes(class)) {
        return None;
    }
    let named = |words: &[&str]| {
        let is_so = |path: &&PathBuf| {
            path.file_name().is_some_and(|name| words.iter().any(|word| *word == name.to_ascii_lowercase()))
        };
        classes.iter().find(is_so).map(|path| shell_path(&folder.join(path.file_name().unwrap_or_default())))
    };
    let train = named(&["train", "training"]).unwrap_or_else(|| shell_path(folder));
    let option = |name: &str, path: Option<String>| path.map_or_else(String::new, |path| format!(" {name} {path}"));
    let val = option("--val-folder", named(&["val", "valid", "validation"]));
    let test = option("--test-folder", named(&["test"]));
    let page = Error::new(Kind::Data, format!("the folders of {} are sets, not classes", folder.display()));
    let names: Vec<_> = classes.iter().filter_map(|path| path.file_name()?.to_str()).collect();
    Some(
        page.with_fact("they are", names.join(", "))
            .with_help(format!("give each its place: digits-rs dataset folder {train}{val}{test}")),
    )
}

/// Folders that systems leave beside those of classes.
pub(super) fn is_left_behind(folder: &Path) -> bool {
    folder.file_name().is_some_and(|name| name == "__MACOSX" || name.as_encoded_bytes().starts_with(b"."))
}
