//! Texts and their classes: CSV files of a class and text fields, or folders with a subfolder of text files a class.
//!
//! Source: DIGITS `examples/text-classification/create_dataset.py` and its text-classification extension, whose CSV files
//! have the class first and all further fields as the text.

use std::{collections::BTreeSet, path::Path};

use super::{
    class_files::{Seen, Sought},
    dataset::read_labels,
    folder::{self, FolderOptions, Item, Lists},
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// The file name endings of a class folder's texts.
const ENDINGS: [&str; 2] = ["txt", "text"];
/// Distinct words in the place of a class that a file without a list of classes may have.
const MOST_CLASSES: usize = 10_000;

/// Texts by number, and the lists that name them: `Item::index` is the number.
#[derive(Debug, Default)]
pub struct Texts {
    /// Every text.
    pub texts: Vec<String>,
    /// Which of them are trained on, which validated on.
    pub lists: Lists,
    /// How the classes of a file were read, in a sentence; none where they are names.
    pub note: Option<String>,
}

/// A text with the class that its file gives it.
struct Row {
    /// The file and the line, or the file of the text alone.
    name: String,
    class: String,
    text: String,
}

/// Reads the texts to train on, and those to validate on from `val` or as a share of each class.
///
/// # Errors
/// When a file or a folder cannot be read, holds no text, or names a class that the labels do not have.
pub fn read(train: &Path, val: Option<&Path>, labels: Option<&Path>, division: &FolderOptions) -> Result<Texts> {
    if !(0.0..=100.0).contains(&division.val_percent) {
        return Err(Error::new(Kind::Usage, format!("{} % for validation", division.val_percent))
            .with_help("give a percentage from 0 to 100"));
    }
    let mut left_out = Vec::new();
    let of_train = rows(train, &mut left_out)?;
    let of_val = val.map(|val| rows(val, &mut left_out)).transpose()?;
    let names = labels.map(read_labels).transpose()?;
    let (classes, note) = Classes::of((names, labels), of_train.iter().chain(of_val.iter().flatten()), train)?;
    let mut made = Texts { note, ..Texts::default() };
    let train = made.take(of_train, &classes)?;
    let val = of_val.map(|rows| made.take(rows, &classes)).transpose()?;
    match val {
        Some(val) => {
            made.lists.labels = classes.names;
            (made.lists.train, made.lists.val) = (train, val);
        }
        None => {
            let mut of_class: Vec<Vec<Item>> = classes.names.iter().map(|_| Vec::new()).collect();
            train.into_iter().for_each(|item| of_class[item.label].push(item));
            for (label, items) in classes.names.into_iter().zip(of_class) {
                made.lists.add_class(label, items, division);
            }
        }
    }
    made.lists.left_out = left_out;
    Ok(made)
}

impl Texts {
    /// Keeps the texts of the rows, and answers what names them.
    fn take(&mut self, rows: Vec<Row>, classes: &Classes) -> Result<Vec<Item>> {
        let mut items = Vec::with_capacity(rows.len());
        for Row { name, class, text } in rows {
            let label = classes.number(&class).ok_or_else(|| {
                Error::new(Kind::Data, format!("class '{class}' has no name"))
                    .with_fact("the text", name.clone())
                    .with_fact("names", format!("{}: {}", classes.names.len(), classes.names.join(", ")))
                    .with_help("give a file of labels with a line for each class")
            })?;
            items.push(Item { name, label, index: self.texts.len() });
            self.texts.push(text);
        }
        Ok(items)
    }
}

/// What the word in the place of a class means.
struct Classes {
    names: Vec<String>,
    /// The number of the first class where the words are numbers and no names.
    first: Option<usize>,
}

impl Classes {
    fn of<'a>(
        (names, labels): (Option<Vec<String>>, Option<&Path>),
        rows: impl Iterator<Item = &'a Row>,
        file: &Path,
    ) -> Result<(Classes, Option<String>)> {
        let words: BTreeSet<&str> = rows.map(|row| row.class.as_str()).collect();
        let numbers: Option<BTreeSet<usize>> = words.iter().map(|word| word.parse().ok()).collect();
        if let (Some([]), Some(labels)) = (names.as_deref(), labels) {
            return Err(Error::new(Kind::Data, format!("{} names no class", labels.display()))
                .with_help("write the name of a class on each line, or leave the file out"));
        }
        let Some(names) = names else {
            if words.len() > MOST_CLASSES {
                return Err(Error::new(Kind::Data, format!("{} texts have {} classes", file.display(), words.len()))
                    .with_fact("classes may be", MOST_CLASSES.to_string())
                    .with_help("write the class into the first field of each line, the text into those behind it"));
            }
            // By number where all are: 2 comes before 10.
            let by_number = |numbers: BTreeSet<usize>| numbers.into_iter().map(|number| number.to_string()).collect();
            let plain = || words.iter().map(ToString::to_string).collect();
            let same = numbers.filter(|numbers| numbers.len() == words.len());
            return Ok((Classes { names: same.map_or_else(plain, by_number), first: None }, None));
        };
        if words.iter().all(|word| names.iter().any(|name| name == word)) {
            return Ok((Classes { names, first: None }, None));
        }
        let Some(numbers) = numbers else { return Ok((Classes { names, first: None }, None)) };
        // DIGITS' extension counts from 0; the files of the paper, and DIGITS' script, count from 1.
        let first = usize::from(!numbers.contains(&0) && numbers.contains(&names.len()));
        let note = format!("classes count from {first} in {}: {first} is {}", file.display(), names[0]);
        Ok((Classes { names, first: Some(first) }, Some(note)))
    }

    /// From 0.
    fn number(&self, word: &str) -> Option<usize> {
        match self.first {
            None => self.names.iter().position(|name| name == word),
            Some(first) => word.parse::<usize>().ok()?.checked_sub(first).filter(|class| *class < self.names.len()),
        }
    }
}

/// The texts of a CSV file or of a folder.
fn rows(place: &Path, left_out: &mut Vec<(String, String)>) -> Result<Vec<Row>> {
    let found = if place.is_dir() { of_folder(place, left_out)? } else { of_csv(place, left_out)? };
    if found.is_empty() {
        let page = Error::new(Kind::Data, format!("{} holds no text with a class", place.display()))
            .with_fact("it wants", "lines of a class and a text in CSV, or a folder of .txt files for each class");
        return Err(match left_out.last() {
            Some((name, reason)) => page.with_fact("passed over", name.clone()).with_cause(reason.clone()),
            None => page,
        });
    }
    Ok(found)
}

/// What a column of classes is called in a line of headings, and one of texts.
const CLASS_WORDS: &[&str] = &["label", "labels", "class", "classes", "category", "target", "topic", "sentiment", "y"];
const TEXT_WORDS: &[&str] =
    &["text", "texts", "content", "sentence", "title", "description", "review", "message", "comment", "document", "x"];

fn of_csv(file: &Path, left_out: &mut Vec<(String, String)>) -> Result<Vec<Row>> {
    let text = input::read_text(file, Form::List)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut found = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|cause| {
            Error::new(Kind::Data, format!("{} is no CSV file", file.display())).with_cause(cause.to_string())
        })?;
        let line = record.position().map_or(0, csv::Position::line);
        let name = format!("{}:{line}", file.display());
        let mut fields = record.iter();
        let class = fields.next().unwrap_or_default().trim();
        let is_word = |words: &[&str], field: &str| words.contains(&field.trim().to_lowercase().as_str());
        if line == 1 && record.len() > 1 {
            let last = record.iter().next_back().unwrap_or_default();
            if is_word(CLASS_WORDS, class) && record.iter().skip(1).all(|field| is_word(TEXT_WORDS, field)) {
                left_out.push((name, "the line of headings".into()));
                continue;
            }
            if is_word(TEXT_WORDS, class) && is_word(CLASS_WORDS, last) {
                return Err(Error::new(
                    Kind::Data,
                    format!("{} has the text first and the class last", file.display()),
                )
                .with_fact("its headings", record.iter().collect::<Vec<_>>().join(", "))
                .with_help("write the class into the first field of each line, the text into those behind it"));
            }
        }
        let text: String = fields.collect();
        let reason = match (class.is_empty(), text.trim().is_empty()) {
            (true, _) => "no class in the first field",
            (_, true) => "no text behind the class",
            _ => {
                found.push(Row { name, class: class.into(), text });
                continue;
            }
        };
        left_out.push((name, reason.into()));
    }
    Ok(found)
}

/// The text files of each class' folder, each file once.
fn of_folder(place: &Path, left_out: &mut Vec<(String, String)>) -> Result<Vec<Row>> {
    let (mut seen, mut found) = (Seen::default(), Vec::new());
    for (class, name) in folder::classes(place)? {
        let mut keep = |path: &Path| match input::read_text(path, Form::Labels) {
            Ok(text) if !text.trim().is_empty() => {
                found.push(Row { name: path.to_string_lossy().into_owned(), class: name.clone(), text });
                None
            }
            Ok(_) => Some("it is empty".to_string()),
            Err(page) => Some(page.reason()),
        };
        let sought = Sought { noun: "text", is_named: &is_text, why_none: &mut keep };
        seen.files(&class, usize::MAX, sought, left_out)?;
    }
    Ok(found)
}

fn is_text(path: &Path) -> bool {
    let ending = path.extension().map(|ending| ending.to_string_lossy().to_lowercase()).unwrap_or_default();
    ENDINGS.contains(&ending.as_str())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn all(val_percent: f64) -> FolderOptions {
        FolderOptions { val_percent, ..FolderOptions::default() }
    }

    #[test]
    fn a_csv_file_has_classes_from_one_by_its_labels_and_quoted_fields() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("train.csv"), "\u{feff}\"1\",\"Say \"\"hi\"\"\",\"a\nb\"\r\n2,Two\n,none\n2,\n").unwrap();
        fs::write(at("labels.txt"), "World\nSports\n").unwrap();
        let found = read(&at("train.csv"), None, Some(&at("labels.txt")), &all(0.0)).unwrap();
        assert_eq!(found.texts, ["Say \"hi\"a\nb", "Two"]);
        assert_eq!(found.lists.train.iter().map(|item| item.label).collect::<Vec<_>>(), [0, 1]);
        assert!(found.note.unwrap().contains("1 is World"));
        let reasons: Vec<&str> = found.lists.left_out.iter().map(|(_, why)| why.as_str()).collect();
        assert_eq!(reasons, ["no class in the first field", "no text behind the class"]);
        assert!(found.lists.left_out[0].0.ends_with("train.csv:4"), "{:?}", found.lists.left_out);
        fs::write(at("val.csv"), "7,far\n").unwrap();
        let page = read(&at("train.csv"), Some(&at("val.csv")), Some(&at("labels.txt")), &all(0.0)).unwrap_err();
        assert_eq!(page.message(), "class '7' has no name");
        fs::write(at("zero.csv"), "0,a\n1,b\n").unwrap();
        let found = read(&at("zero.csv"), Some(&at("zero.csv")), Some(&at("labels.txt")), &all(50.0)).unwrap();
        assert_eq!((found.lists.val.len(), found.lists.val[1].label), (2, 1));
        fs::write(at("none.txt"), "\n").unwrap();
        let page = read(&at("zero.csv"), None, Some(&at("none.txt")), &all(0.0)).unwrap_err();
        assert!(page.message().ends_with("none.txt names no class"), "{page}");
    }

    #[test]
    fn without_labels_the_words_are_the_names_and_numbers_are_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.csv");
        fs::write(&file, "10,x\n2,y\n2,z\n").unwrap();
        let found = read(&file, None, None, &all(0.0)).unwrap();
        assert_eq!(found.lists.labels, ["2", "10"]);
        fs::write(&file, "spam,x\nham,y\n").unwrap();
        assert_eq!(read(&file, None, None, &all(0.0)).unwrap().lists.labels, ["ham", "spam"]);
        fs::write(&file, "\n,\n").unwrap();
        assert!(read(&file, None, None, &all(0.0)).unwrap_err().message().contains("holds no text"));
    }

    #[test]
    fn a_folder_has_a_class_a_subfolder_and_names_what_is_no_text() {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in
            [("good_one/a.txt", "yes"), ("good_one/b.TXT", "yes!"), ("bad/c.txt", "no"), ("bad/d.png", "")]
        {
            fs::create_dir_all(dir.path().join(name).parent().unwrap()).unwrap();
            fs::write(dir.path().join(name), text).unwrap();
        }
        let found = read(dir.path(), None, None, &all(0.0)).unwrap();
        assert_eq!(
            (found.lists.labels.as_slice(), found.texts.len()),
            (&["bad".to_string(), "good one".into()][..], 3)
        );
        assert!(found.lists.left_out[0].0.ends_with("d.png"), "{:?}", found.lists.left_out);
    }

    #[test]
    fn links_lead_to_no_text_twice() {
        use std::os::unix::fs::symlink;
        let root = tempfile::tempdir().unwrap();
        let at = |path: &str| root.path().join(path);
        for (path, text) in [("a/1.txt", "one"), ("a/2.txt", "two"), ("b/1.txt", "three"), ("b/2.txt", "")] {
            fs::create_dir_all(at(path).parent().unwrap()).unwrap();
            fs::write(at(path), text).unwrap();
        }
        symlink("1.txt", at("a/again.txt")).unwrap();
        symlink(root.path(), at("a/top")).unwrap();
        symlink("2.txt", at("b/empty.txt")).unwrap();
        symlink("gone.txt", at("b/broken.txt")).unwrap();
        fs::write(at("b/line\nbreak.txt"), "four").unwrap();
        let found = read(root.path(), None, None, &all(0.0)).unwrap();
        assert_eq!(found.texts, ["one", "two", "three"]);
        let left_out: Vec<String> = found.lists.left_out.iter().map(|(_, why)| why.clone()).collect();
        let real = root.path().canonicalize().unwrap();
        assert_eq!(left_out[0], format!("the same file as {}", real.join("a/1.txt").display()));
        assert_eq!(left_out.iter().filter(|why| *why == "it is empty").count(), 2, "{left_out:?}");
        assert!(left_out.iter().any(|why| why.contains("line break")), "{left_out:?}");
        assert_eq!(left_out.len(), 5, "{left_out:?}");

        symlink(at("a/1.txt"), at("b/5.txt")).unwrap();
        let page = read(root.path(), None, None, &all(0.0)).map(|_| ()).unwrap_err();
        assert_eq!(page.message(), "one text file is in two classes");
    }
}
