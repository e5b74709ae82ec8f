//! The text file behind a list: a path a line, perhaps followed by its class.

use std::path::{Path, PathBuf};

use serde::Serialize;
use walkdir::WalkDir;

use crate::{
    data::{
        folder::{self, EXTENSIONS},
        list_line,
    },
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// Endings of the arrays in a folder, beside its images'.
const ARRAYS: &[&str] = &["npy", "npz", "t7"];

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// From 0.
    pub(super) class: Option<usize>,
}

/// An image of a list that is not tested, or not as the list wants it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotTested {
    /// The file, or the line that names none.
    pub image: PathBuf,
    /// Why, in a line.
    pub reason: String,
}

/// What a list or a folder names.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The images.
    pub(super) entries: Vec<Entry>,
    /// What is none, and why.
    pub(super) passed_over: Vec<NotTested>,
    /// Images whose class is none of the job's: they are tested without it.
    pub(super) unknown: Vec<NotTested>,
}

/// Reads the list, or a folder; `texts` says that the job's records are texts.
///
/// # Errors
/// When it cannot be read, or names no image.
pub(super) fn read(list: &Path, labels: &[String], texts: bool) -> Result<Listing> {
    if list.is_dir() {
        let found = of_folder(list, labels, texts);
        if found.entries.is_empty() {
            let page = Error::new(Kind::Data, format!("{} holds no image", list.display()))
                .with_fact("images end in", [EXTENSIONS, ARRAYS].concat().join(", "));
            return Err(match found.passed_over.as_slice() {
                [] => page,
                [first, ..] => page
                    .with_fact("passed over", format!("{} files", found.passed_over.len()))
                    .with_fact("the first", format!("{}: {}", first.image.display(), first.reason)),
            });
        }
        return Ok(found);
    }
    let text = input::read_text(list, Form::List)?;
    let found = of_lines(&text, list.parent().unwrap_or(Path::new("")), labels);
    if found.entries.is_empty() {
        let page = Error::new(Kind::Data, format!("{} names no image", list.display()))
            .with_help("write a path a line, perhaps followed by its class: images/7.png 7");
        return Err(match found.passed_over.first() {
            Some(first) => page.with_fact("a line", first.image.display().to_string()).with_cause(first.reason.clone()),
            None => page,
        });
    }
    Ok(found)
}

/// The images below a folder, by name. One in a folder that is called like a class is of that class.
fn of_folder(folder: &Path, labels: &[String], texts: bool) -> Listing {
    let class = |path: &Path| {
        let above = path.parent()?.file_name()?.to_string_lossy().into_owned();
        // Datasets of folders call the class `big cat` whose folder is `big_cat`.
        labels.iter().position(|label| *label == above || *label == above.replace('_', " "))
    };
    let mut found = Listing::default();
    for entry in WalkDir::new(folder).follow_links(true).sort_by_file_name() {
        let (path, reason) = match entry {
            Ok(entry) if entry.file_type().is_dir() => continue,
            Ok(entry) if !entry.file_type().is_file() => (entry.into_path(), "it is no regular file".to_string()),
            Ok(entry) if !is_image(entry.path(), texts) => {
                (entry.into_path(), "its name does not end as an image's".to_string())
            }
            Ok(entry) => {
                found.entries.push(Entry { class: class(entry.path()), path: entry.into_path() });
                continue;
            }
            Err(error) => {
                let reason = error.io_error().map_or_else(|| "a link leads in a circle".into(), ToString::to_string);
                (error.path().unwrap_or(folder).to_path_buf(), reason)
            }
        };
        found.passed_over.push(NotTested { image: path, reason });
    }
    found
}

fn is_image(path: &Path, texts: bool) -> bool {
    folder::is_image(path) || is_array(path) || texts && ending(path) == "txt"
}

/// Whether its name ends as that of a file of numbers.
pub(in crate::tasks) fn is_array(path: &Path) -> bool {
    ARRAYS.contains(&ending(path).as_str())
}

fn ending(path: &Path) -> String {
    path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default()
}

/// Every file that the lines of a list may mean; none when it cannot be read.
pub(in crate::tasks) fn images(list: &Path) -> Vec<PathBuf> {
    let folder = list.parent().unwrap_or(Path::new(""));
    let text = input::read_text(list, Form::List).unwrap_or_default();
    let place = |path: &str| list_line::place(path, folder).ok();
    let of_line = |(_, line)| [place(list_line::unquoted(line)), place(list_line::split(line).0)];
    list_line::lines(&text).flat_map(of_line).flatten().filter(|path| path.is_file()).collect()
}

/// The images of a list. Paths are relative to the list's folder. The last word of a line is a class when it is a
/// number or a class' name and no file of the whole line's name exists.
fn of_lines(text: &str, folder: &Path, labels: &[String]) -> Listing {
    let mut found = Listing::default();
    for (number, line) in list_line::lines(text) {
        let (path, word) = list_line::split(line);
        let (whole, alone) = match (list_line::place(list_line::unquoted(line), folder), list_line::place(path, folder))
        {
            (Ok(whole), Ok(alone)) => (whole, alone),
            (Err(reason), _) | (_, Err(reason)) => {
                found.passed_over.push(NotTested { image: line.into(), reason: format!("line {number}: {reason}") });
                continue;
            }
        };
        let class = word.and_then(|word| class_of(word, labels));
        let entry = match (class, word) {
            _ if whole.is_file() => Entry { path: whole, class: None },
            // Numbers mean nothing to a job without classes.
            (Some(class), _) if class < labels.len() || labels.is_empty() => Entry { path: alone, class: Some(class) },
            (class, Some(word)) if class.is_some() || alone.is_file() => {
                let reason = format!("line {number}: '{word}' is none of the job's {} classes", labels.len());
                found.unknown.push(NotTested { image: alone.clone(), reason });
                Entry { path: alone, class: None }
            }
            _ => Entry { path: whole, class: None },
        };
        found.entries.push(entry);
    }
    found
}

fn class_of(word: &str, labels: &[String]) -> Option<usize> {
    let by_name = labels.iter().position(|label| label == word);
    // DIGITS' lists carry numbers; a class that is called `7` and is number 7 is both.
    word.parse().ok().or(by_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_a_class_by_number_or_name_or_none() {
        let labels = ["cat".to_string(), "dog".to_string()];
        let text = "# images\na b.png 1\n\nb.png dog\nc d.png\n/abs/e.png\tcat\n";
        let list = of_lines(text, Path::new("lists"), &labels).entries;
        let short: Vec<(String, Option<usize>)> =
            list.iter().map(|entry| (entry.path.display().to_string(), entry.class)).collect();
        let wanted =
            [("lists/a b.png", Some(1)), ("lists/b.png", Some(1)), ("lists/c d.png", None), ("/abs/e.png", Some(0))];
        assert_eq!(short, wanted.map(|(path, class)| (path.to_string(), class)));
    }

    #[test]
    fn unknown_classes_and_addresses_are_named_with_their_lines() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.png"), "").unwrap();
        let labels = ["cat".to_string(), "dog".to_string()];
        let found = of_lines("a.png 2\na.png dgo\na.png dog\nhttps://host/b.png 1\n", dir.path(), &labels);
        let classes: Vec<Option<usize>> = found.entries.iter().map(|entry| entry.class).collect();
        assert_eq!(classes, [None, None, Some(1)]);
        assert!(found.entries.iter().all(|entry| entry.path.ends_with("a.png")));
        let reasons: Vec<&str> = found.unknown.iter().map(|one| one.reason.as_str()).collect();
        let wanted = ["line 1: '2' is none of the job's 2 classes", "line 2: 'dgo' is none of the job's 2 classes"];
        assert_eq!(reasons, wanted);
        assert!(found.passed_over[0].reason.starts_with("line 4: addresses are not fetched"));
    }

    #[test]
    fn pipes_links_to_nothing_and_other_files_of_a_folder_are_named() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        std::fs::create_dir(at("cat")).unwrap();
        std::fs::write(at("cat/a.png"), "").unwrap();
        std::fs::write(at("notes.md"), "").unwrap();
        std::os::unix::fs::symlink("gone", at("c.png")).unwrap();
        let _listener = std::os::unix::net::UnixListener::bind(at("b.png")).unwrap();
        let found = read(dir.path(), &["cat".into()], false).unwrap();
        assert_eq!(found.entries, [Entry { path: at("cat/a.png"), class: Some(0) }]);
        let names: Vec<_> = found.passed_over.iter().map(|one| one.image.file_name().unwrap().to_owned()).collect();
        assert_eq!(names, ["b.png", "c.png", "notes.md"]);
        std::fs::remove_file(at("cat/a.png")).unwrap();
        let page = read(dir.path(), &[], false).unwrap_err().to_string();
        assert!(page.contains("3 files") && page.contains("b.png: it is no regular file"), "{page}");
    }
}
