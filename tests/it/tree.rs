//! The repository's own files, for the tests that read them.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::OnceLock,
};

/// Every `.rs` file below `folder` (relative to the repository), as (path below `folder`, text), sorted.
pub(crate) fn rust_files(folder: &str) -> Vec<(String, String)> {
    files(folder)
        .into_iter()
        .filter(|path| path.ends_with(".rs"))
        .map(|path| {
            let text = fs::read_to_string(root().join(folder).join(&path)).expect("a file that was just listed");
            (path, text)
        })
        .collect()
}

/// Every file below `folder`, as sorted paths relative to it with `/` between the names.
pub(crate) fn files(folder: &str) -> Vec<String> {
    let start = root().join(folder);
    let mut found: Vec<String> = walkdir::WalkDir::new(&start)
        .into_iter()
        .map(|entry| entry.expect("the repository is readable"))
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| {
            let path = entry.path().strip_prefix(&start).expect("walked from start");
            path.to_str().expect("our names are UTF-8").replace('\\', "/")
        })
        .collect();
    found.sort();
    found
}

/// The repository's folder; where these tests were carried to another machine, the one that `DIGITS_TEST_ROOT` names.
pub(crate) fn root() -> &'static Path {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    ROOT.get_or_init(|| {
        env::var_os("DIGITS_TEST_ROOT").map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from)
    })
}

/// `text` without its `//` comments: what the compiler reads, near enough for a search.
pub(crate) fn code(text: &str) -> String {
    text.lines().map(|line| line.split("//").next().unwrap_or("")).collect::<Vec<_>>().join("\n")
}
