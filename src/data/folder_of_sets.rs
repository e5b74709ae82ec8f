//! Folders that are no classes: `train/` and `val/`, with the page that says so, and what systems leave behind.

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, shell_path};

const TRAIN: &[&str] = &["train", "training"];
const VAL: &[&str] = &["val", "valid", "validation"];
const TEST: &[&str] = &["test"];

/// The page for a folder whose subfolders are the sets of a dataset, each with the classes in it.
pub(super) fn sets_for_classes(folder: &Path, classes: &[PathBuf]) -> Option<Error> {
    let called = |path: &Path, words: &[&str]| {
        path.file_name().is_some_and(|name| words.iter().any(|word| *word == name.to_ascii_lowercase()))
    };
    let is_set = |path: &Path| [TRAIN, VAL, TEST].iter().any(|words| called(path, words));
    let holds_classes = |path: &Path| {
        let inside = std::fs::read_dir(path).into_iter().flatten().flatten();
        inside.filter(|entry| entry.path().is_dir()).count() > 1
    };
    if classes.len() < 2 || !classes.iter().all(|class| is_set(class) && holds_classes(class)) {
        return None;
    }
    let place = |words: &[&str]| {
        let name = classes.iter().find(|class| called(class, words))?.file_name()?;
        Some(shell_path(&folder.join(name)))
    };
    let train = place(TRAIN).unwrap_or_else(|| shell_path(folder));
    let option = |name: &str, words| place(words).map_or_else(String::new, |path| format!(" {name} {path}"));
    let (val, test) = (option("--val-folder", VAL), option("--test-folder", TEST));
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
