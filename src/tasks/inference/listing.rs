//! The text file behind a list: a path a line, perhaps followed by its class.

use std::path::{Path, PathBuf};

use walkdir::WalkDir;

use crate::{
    data::list_line,
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// Endings of the images in a folder.
const EXTENSIONS: &[&str] =
    &["png", "jpg", "jpeg", "bmp", "gif", "tif", "tiff", "webp", "ppm", "pgm", "pbm", "pnm", "npy"];

/// One line of the list.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Entry {
    pub(super) path: PathBuf,
    /// From 0.
    pub(super) class: Option<usize>,
}

/// Reads the list.
///
/// # Errors
/// When it cannot be read, or names no image.
pub(super) fn read(list: &Path, labels: &[String]) -> Result<Vec<Entry>> {
    if list.is_dir() {
        let found = of_folder(list, labels);
        if found.is_empty() {
            return Err(Error::new(Kind::Data, format!("{} holds no image", list.display()))
                .with_fact("images end in", EXTENSIONS.join(", ")));
        }
        return Ok(found);
    }
    let text = input::read_text(list, Form::List)?;
    let entries = entries(&text, list.parent().unwrap_or(Path::new("")), labels);
    if entries.is_empty() {
        return Err(Error::new(Kind::Data, format!("{} names no image", list.display()))
            .with_help("write a path a line, perhaps followed by its class: images/7.png 7"));
    }
    Ok(entries)
}

/// The images below a folder, by name. One in a folder that is called like a class is of that class.
fn of_folder(folder: &Path, labels: &[String]) -> Vec<Entry> {
    let walk = WalkDir::new(folder).follow_links(true).sort_by_file_name().into_iter().flatten();
    let images = walk.filter(|entry| entry.file_type().is_file() && is_image(entry.path()));
    let class = |path: &Path| {
        let above = path.parent()?.file_name()?.to_string_lossy().into_owned();
        // Datasets of folders call the class `big cat` whose folder is `big_cat`.
        labels.iter().position(|label| *label == above || *label == above.replace('_', " "))
    };
    images.map(|entry| Entry { class: class(entry.path()), path: entry.into_path() }).collect()
}

fn is_image(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase());
    ending.is_some_and(|ending| EXTENSIONS.contains(&ending.as_str()))
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
fn entries(text: &str, folder: &Path, labels: &[String]) -> Vec<Entry> {
    let place = |path: &str| list_line::place(path, folder).unwrap_or_else(|_| path.into());
    let mut found = Vec::new();
    for (_, line) in list_line::lines(text) {
        let whole = place(list_line::unquoted(line));
        let (path, word) = list_line::split(line);
        let class = word.and_then(|word| class_of(word, labels));
        found.push(match class {
            Some(class) if !whole.is_file() => Entry { path: place(path), class: Some(class) },
            _ => Entry { path: whole, class: None },
        });
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
        let list = entries(text, Path::new("lists"), &labels);
        let short: Vec<(String, Option<usize>)> =
            list.iter().map(|entry| (entry.path.display().to_string(), entry.class)).collect();
        let wanted =
            [("lists/a b.png", Some(1)), ("lists/b.png", Some(1)), ("lists/c d.png", None), ("/abs/e.png", Some(0))];
        assert_eq!(short, wanted.map(|(path, class)| (path.to_string(), class)));
    }
}
