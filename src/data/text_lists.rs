//! Text files that name images and their classes become lists, as DIGITS' "Use Text Files" does.
//!
//! Source: `digits/dataset/images/classification/views.py`, `digits/tools/create_db.py`.

use std::path::{Path, PathBuf};

use super::{
    class_files::keep_images,
    dataset::read_labels,
    folder::{Item, Lists},
    list_line,
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// A list of images: `path label` on each line, the label a number from 0.
#[derive(Debug, Clone)]
pub struct TextList {
    /// The text file.
    pub file: PathBuf,
    /// What relative paths start from; the text file's own folder when there is none.
    pub folder: Option<PathBuf>,
}

/// The lists behind the text files. Line i of `labels` (from 0) names class i. Lines that name no image and class are among
/// those left out.
///
/// # Errors
/// When a file cannot be read, none of its lines names an image and a class, or a number has no name in `labels`.
pub fn parse(train: &TextList, val: Option<&TextList>, test: Option<&TextList>, labels: &Path) -> Result<Lists> {
    let labels = read_labels(labels)?;
    let mut left_out = Vec::new();
    let mut read =
        |list: Option<&TextList>| list.map_or_else(|| Ok(vec![]), |list| items(list, &labels, &mut left_out));
    let (mut train, mut val, mut test) = (read(Some(train))?, read(val)?, read(test)?);
    for items in [&mut train, &mut val, &mut test] {
        keep_images(items, |item| vec![PathBuf::from(&item.name)], &mut left_out);
    }
    Ok(Lists { train, val, test, labels, left_out, ..Lists::default() })
}

/// The images of one file: a path, and the number or the name of a class, on each line.
fn items(list: &TextList, labels: &[String], left_out: &mut Vec<(String, String)>) -> Result<Vec<Item>> {
    let text = input::read_text(&list.file, Form::List)?;
    let beside = list.file.parent().unwrap_or(Path::new("."));
    let folder = list.folder.as_deref().unwrap_or(beside);
    let mut items = Vec::new();
    for (number, line) in list_line::lines(&text) {
        let place = || format!("{}:{number}: {line}", list.file.display());
        let by_name = || {
            labels.iter().enumerate().filter(|(_, label)| !label.is_empty()).find_map(|(class, label)| {
                let path = line.strip_suffix(label.as_str())?.strip_suffix([' ', '\t', ','])?;
                Some((list_line::unquoted(path.trim_end().trim_end_matches(',')), class as i64))
            })
        };
        let (path, word) = list_line::split(line);
        let numbered = word.and_then(|word| Some((path, word.parse::<i64>().ok()?)));
        let called = || {
            let class = labels.iter().position(|label| Some(label.as_str()) == word)?;
            Some((path, class as i64))
        };
        let Some((path, label)) = numbered.or_else(called).or_else(by_name) else {
            left_out.push((place(), "no class: a line is a path and a class, as a number from 0 or by name".into()));
            continue;
        };
        let Some(label) = usize::try_from(label).ok().filter(|&label| label < labels.len()) else {
            return Err(Error::new(Kind::Data, format!("class {label} has no name"))
                .with_fact("the line", place())
                .with_fact("names", format!("{}, for the classes from 0 on", labels.len()))
                .with_help(if label < 0 {
                    "classes are counted from 0"
                } else {
                    "give a labels file with a line for each class"
                }));
        };
        match list_line::place(path, folder) {
            // Whole, so that the lists that a dataset keeps are read from any folder.
            Ok(path) => {
                let path = std::path::absolute(&path).unwrap_or(path);
                items.push(Item { name: path.to_string_lossy().into_owned(), label, index: 0 });
            }
            Err(reason) => left_out.push((place(), reason)),
        }
    }
    if items.is_empty() {
        let page = Error::new(Kind::Data, format!("{} names no image", list.file.display()))
            .with_fact("it wants", "lines of a path and a class, by number from 0 or by name: images/cat1.png 0");
        return Err(left_out
            .last()
            .map_or(page.clone(), |(line, reason)| page.with_fact("a line", line).with_cause(reason)));
    }
    Ok(items)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn lines_name_images_and_classes() {
        let root = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            fs::write(root.path().join(name), text).unwrap();
            TextList { file: root.path().join(name), folder: None }
        };
        let labels = write("labels.txt", "cat\ndog\n").file;
        let train = write(
            "train.txt",
            "\u{feff}a b.png 0\r\n# a comment\n\n/abs/c.png\t1 \nd.png one\n\"d e.png\" dog\nhttps://host/f.png 1\n",
        );
        let val = TextList { folder: Some("/images".into()), ..write("val.txt", "e.png 1\n") };
        let lists = parse(&train, Some(&val), None, &labels).unwrap();
        assert_eq!(lists.labels, ["cat", "dog"]);
        let found: Vec<_> = lists.train.iter().chain(&lists.val).map(|item| (&item.name[..], item.label)).collect();
        let beside = root.path().join("a b.png");
        let quoted = root.path().join("d e.png");
        let (beside, quoted) = (beside.to_str().unwrap(), quoted.to_str().unwrap());
        assert_eq!(found, [(beside, 0), ("/abs/c.png", 1), (quoted, 1), ("/images/e.png", 1)]);
        let reasons: Vec<bool> =
            lists.left_out.iter().map(|(line, _)| line.contains("train.txt:5: d.png one")).collect();
        assert_eq!(reasons, [true, false], "{:?}", lists.left_out);
        assert!(lists.left_out[1].1.contains("not fetched"));
        assert!(lists.test.is_empty());

        let page = parse(&write("far.txt", "a.png 0\nb.png 2\n"), None, None, &labels).unwrap_err().to_string();
        assert!(page.contains("class 2 has no name") && page.contains("far.txt:2: b.png 2"), "{page}");
        assert!(parse(&write("below.txt", "a.png -1\n"), None, None, &labels).is_err());
        let page = parse(&write("none.txt", "a.png\n"), None, None, &labels).unwrap_err();
        assert!(page.message().contains("names no image"), "{page}");
        assert!(parse(&TextList { file: root.path().join("gone"), folder: None }, None, None, &labels).is_err());
    }
}
