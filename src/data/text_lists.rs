//! Text files that name images and their classes become lists, as DIGITS' "Use Text Files" does.
//!
//! Source: `digits/dataset/images/classification/views.py`, `digits/tools/create_db.py`.

use std::path::{Path, PathBuf};

use super::{
    dataset::read_labels,
    folder::{Item, Lists},
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

/// The lists behind the text files. Line i of `labels` (from 0) names class i.
///
/// # Errors
/// When a file cannot be read, none of its lines ends in a number, or a number has no name in `labels`.
pub fn parse(train: &TextList, val: Option<&TextList>, test: Option<&TextList>, labels: &Path) -> Result<Lists> {
    let labels = read_labels(labels)?;
    let read = |list: Option<&TextList>| list.map_or_else(|| Ok(vec![]), |list| items(list, labels.len()));
    let (train, val, test) = (items(train, labels.len())?, read(val)?, read(test)?);
    Ok(Lists { train, val, test, labels, ..Lists::default() })
}

/// The images of one file. A line that does not end in white space and a whole number is passed over.
fn items(list: &TextList, classes: usize) -> Result<Vec<Item>> {
    let text = input::read_text(&list.file, Form::List)?;
    let beside = list.file.parent().unwrap_or(Path::new("."));
    let folder = list.folder.as_deref().unwrap_or(beside);
    let mut items = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let parts = line.trim_end().rsplit_once(char::is_whitespace);
        let Some((path, Ok(label))) = parts.map(|(path, label)| (path.trim_end(), label.parse::<i64>())) else {
            continue;
        };
        let Some(label) = usize::try_from(label).ok().filter(|&label| label < classes) else {
            return Err(Error::new(Kind::Data, format!("class {label} has no name"))
                .with_fact("the line", format!("{}:{}: {line}", list.file.display(), number + 1))
                .with_fact("names", format!("{classes}, for the classes from 0 on"))
                .with_help("give a labels file with a line for each class"));
        };
        items.push(Item { name: folder.join(path).to_string_lossy().into_owned(), label, index: 0 });
    }
    if items.is_empty() {
        return Err(Error::new(Kind::Data, format!("{} names no image", list.file.display()))
            .with_fact("it wants", "lines of a path and the number of a class, from 0: images/cat1.png 0"));
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
        let train = write("train.txt", "a b.png 0\r\n# a comment\n\n/abs/c.png\t1 \nd.png one\n");
        let val = TextList { folder: Some("/images".into()), ..write("val.txt", "e.png 1\n") };
        let lists = parse(&train, Some(&val), None, &labels).unwrap();
        assert_eq!(lists.labels, ["cat", "dog"]);
        let found: Vec<_> = lists.train.iter().chain(&lists.val).map(|item| (&item.name[..], item.label)).collect();
        let beside = root.path().join("a b.png");
        assert_eq!(found, [(beside.to_str().unwrap(), 0), ("/abs/c.png", 1), ("/images/e.png", 1)]);
        assert!(lists.test.is_empty());

        let page = parse(&write("far.txt", "a.png 0\nb.png 2\n"), None, None, &labels).unwrap_err().to_string();
        assert!(page.contains("class 2 has no name") && page.contains("far.txt:2: b.png 2"), "{page}");
        assert!(parse(&write("below.txt", "a.png -1\n"), None, None, &labels).is_err());
        let page = parse(&write("none.txt", "a.png\n"), None, None, &labels).unwrap_err();
        assert!(page.message().contains("names no image"), "{page}");
        assert!(parse(&TextList { file: root.path().join("gone"), folder: None }, None, None, &labels).is_err());
    }
}
