//! Records of a database, a page of them at a time: keys, labels, pictures, bytes.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::{
    data::{Dataset, DeepImage, Encoding, Image, Planes, Records, Target, Values, datum, label_image, lmdb::Database},
    error::{Error, Kind, Result},
    inspect::{label_image::truth_picture, picture::Picture},
    tasks::{
        bounds,
        class_sets::{self, ClassSet},
    },
};

/// Longest side of the picture of an image as a dataset would hold it, pixels.
const SHOWN: usize = 2048;
/// No more records are listed at once.
const MOST: u64 = 500;

/// A database, with the names of its classes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum DatabaseChoice {
    /// A split of a dataset folder.
    Split {
        /// The dataset's folder.
        dataset: PathBuf,
        /// `train`, `val` or `test`.
        split: String,
    },
    /// Any LMDB of Datum records.
    Path {
        /// Its folder.
        path: PathBuf,
    },
}

/// Which records are listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordsRequest {
    /// The database.
    pub database: DatabaseChoice,
    /// The first, from 0, of those that pass.
    pub first: u64,
    /// How many, 500 at most.
    pub count: u64,
    /// Only records of this class, from 0.
    #[serde(default)]
    pub class: Option<i32>,
    /// Only records whose key begins so, whose number it is, or whose class has this name.
    #[serde(default)]
    pub search: Option<String>,
}

/// One record in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordRow {
    /// From 0, in the order of keys.
    pub index: u64,
    /// The key as text.
    pub key: String,
    /// Its class by name, or its label in words.
    pub label: Option<String>,
    /// Its class, from 0.
    pub class: Option<i32>,
    /// Whether the label is an image of its own.
    pub has_label_picture: bool,
}

/// A page of records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordsPage {
    /// Records that pass.
    pub total: u64,
    /// Those asked for.
    pub records: Vec<RecordRow>,
}

/// Everything about one record.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RecordFacts {
    /// As in the list.
    #[serde(flatten)]
    pub row: RecordRow,
    /// Bytes of its value.
    pub bytes: u64,
    /// How its pixels are kept.
    pub encoding: Encoding,
    /// `[c, h, w]`
    pub shape: [i64; 3],
    /// The first 256 bytes of its value, base64.
    pub head: String,
    /// The first 64 values of a record of floats.
    pub floats: Option<Vec<f32>>,
}

/// What a database is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DatabaseFacts {
    /// Its folder.
    pub path: PathBuf,
    /// How many records.
    pub records: u64,
    /// `[c, h, w]` of the first.
    pub shape: Option<[i64; 3]>,
    /// How the first one's pixels are kept.
    pub encoding: Option<Encoding>,
    /// `class numbers`, `floats [1, 1, 2]`.
    pub labels: String,
    /// Bytes of its file.
    pub bytes: u64,
    /// Who made it, by the look of its keys.
    pub made_by: String,
}

/// Which of a record's two images.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// What goes in.
    #[default]
    Image,
    /// What should come out.
    Label,
}

/// A database that stays open, with its labels once somebody has asked for them.
pub struct OpenDatabase {
    records: Arc<Records>,
    classes: Vec<String>,
    known: Option<Known>,
}

/// What is known of the classes of all records.
enum Known {
    /// One of each.
    Numbers(Vec<i32>),
    /// Those of each label image.
    Sets(Vec<ClassSet>),
}

impl OpenDatabase {
    /// Opens it.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open(choice: &DatabaseChoice) -> Result<OpenDatabase> {
        let (records, classes) = match choice {
            DatabaseChoice::Path { path } => (Arc::new(Records::open(path, None)?), Vec::new()),
            DatabaseChoice::Split { dataset: folder, split } => {
                let dataset = Dataset::open(folder)?;
                let known = match split.as_str() {
                    "train" => dataset.train(),
                    "val" => dataset.val(),
                    _ => None,
                };
                let records = match known {
                    Some(records) => records,
                    None => {
                        let entry = dataset.manifest.as_ref().and_then(|manifest| manifest.splits.get(split.as_str()));
                        let entry = entry.ok_or_else(|| {
                            Error::new(Kind::Data, format!("{} has no split '{split}'", folder.display()))
                        })?;
                        let labels = entry.labels.as_ref().map(|labels| folder.join(labels));
                        Arc::new(Records::open(&folder.join(&entry.images), labels.as_deref())?)
                    }
                };
                (records, dataset.labels)
            }
        };
        Ok(OpenDatabase { records, classes, known: None })
    }

    /// A page of the records that pass.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn page(&mut self, request: &RecordsRequest) -> Result<RecordsPage> {
        let count = request.count.min(MOST) as usize;
        let search = request.search.as_deref().map(str::trim).filter(|text| !text.is_empty());
        let class = request.class.or_else(|| {
            let name = search?;
            self.classes.iter().position(|class| class == name).and_then(|at| i32::try_from(at).ok())
        });
        let is_name = class.is_some() && request.class.is_none();
        let search = search.filter(|_| !is_name);
        if class.is_none() && search.is_none() {
            let range = request.first..request.first.saturating_add(count as u64).min(self.records.len());
            let records = range.map(|index| self.row(index)).collect::<Result<_>>()?;
            return Ok(RecordsPage { total: self.records.len(), records });
        }
        let keys = if search.is_some() { self.records.keys()? } else { Vec::new() };
        let mut passing = Vec::new();
        for index in 0..self.records.len() {
            if let Some(class) = class
                && !self.has_class(index, class)?
            {
                continue;
            }
            if let Some(text) = search
                && !keys[index as usize].starts_with(text.as_bytes())
                && text.parse() != Ok(index)
            {
                continue;
            }
            passing.push(index);
        }
        let total = passing.len() as u64;
        let first = usize::try_from(request.first).unwrap_or(usize::MAX);
        let records =
            passing.into_iter().skip(first).take(count).map(|index| self.row(index)).collect::<Result<_>>()?;
        Ok(RecordsPage { total, records })
    }

    /// Whether a record is of a class, or its label image has pixels of it. The first question reads all labels.
    fn has_class(&mut self, index: u64, class: i32) -> Result<bool> {
        if self.known.is_none() {
            self.known = Some(match self.records.label_folder() {
                Some(_) => Known::Sets(class_sets::of(&self.records)?),
                None => Known::Numbers(self.records.labels()?),
            });
        }
        let at = index as usize;
        Ok(match &self.known {
            Some(Known::Numbers(labels)) => labels.get(at) == Some(&class),
            Some(Known::Sets(sets)) => sets.get(at).is_some_and(|set| set.holds(class)),
            None => false,
        })
    }

    fn row(&self, index: u64) -> Result<RecordRow> {
        let key = String::from_utf8_lossy(&self.records.key(index)?).into_owned();
        let sample = self.records.get(index)?;
        let (label, class, has_label_picture) = match &sample.target {
            Target::Label(class) => {
                let name = usize::try_from(*class).ok().and_then(|at| self.classes.get(at).cloned());
                (Some(name.unwrap_or_else(|| class.to_string())), Some(*class), false)
            }
            Target::Planes(planes) => (Some(in_words(planes)), None, is_picture(planes)),
        };
        Ok(RecordRow { index, key, label, class, has_label_picture })
    }

    /// Everything about one record.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn facts(&self, index: u64) -> Result<RecordFacts> {
        let row = self.row(index)?;
        let sample = self.records.get(index)?;
        let database = Database::open(self.records.folder())?;
        let mut buffer = Vec::new();
        let value = database.value(index, &mut buffer)?.unwrap_or_default();
        let floats = match &sample.image.values {
            Values::Floats(values) => Some(values.iter().take(64).copied().collect()),
            Values::Bytes(_) => None,
        };
        Ok(RecordFacts {
            row,
            bytes: value.len() as u64,
            encoding: encoding(value),
            shape: sample.image.shape,
            head: STANDARD.encode(&value[..value.len().min(256)]),
            floats,
        })
    }

    /// One of a record's images as a PNG; a longer side than `max` pixels is shrunk to it.
    ///
    /// # Errors
    /// When the record cannot be read, or is no image.
    pub fn picture(&self, index: u64, side: Side, max: Option<usize>) -> Result<Vec<u8>> {
        let sample = self.records.get(index)?;
        let planes = match (side, &sample.target) {
            (Side::Image, _) => &sample.image,
            (Side::Label, Target::Planes(planes)) => planes,
            (Side::Label, Target::Label(_)) => return Err(Error::new(Kind::Data, "the label is a number, no image")),
        };
        let image = match (DeepImage::from_planes(planes), Image::from_planes(planes)) {
            (Some(deep), _) => deep.reduced(),
            (None, Ok(image)) => image,
            (None, Err(_)) => return of_numbers(planes),
        };
        let image = if side == Side::Label { in_class_colors(image, !self.classes.is_empty()) } else { image };
        shrunk(image, max)?.encode(Encoding::Png)
    }
}

/// A label image whose values are classes in the colours that a test's pictures have: where that is known, and where it would
/// be black otherwise.
fn in_class_colors(image: Image, are_classes: bool) -> Image {
    if image.channels != 1 || !(are_classes || label_image::is_dark(&image.pixels)) {
        return image;
    }
    let class = |level: &u8| Some(usize::from(*level)).filter(|_| *level != label_image::NO_CLASS);
    let classes: Vec<Option<usize>> = image.pixels.iter().map(class).collect();
    let Picture { width, height, rgb } = truth_picture(image.width, &classes);
    Image { width, height, channels: 3, pixels: rgb }
}

/// What the database in a folder is.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn database(path: &Path) -> Result<DatabaseFacts> {
    let database = Database::open(path)?;
    let records = Records::open(path, None)?;
    let mut buffer = Vec::new();
    let value = database.value(0, &mut buffer)?.unwrap_or_default();
    let key = String::from_utf8_lossy(&records.key(0)?).into_owned();
    let labels = match records.get(0)?.image.values {
        Values::Floats(_) => format!("floats {:?}", records.shape()),
        Values::Bytes(_) => "class numbers".into(),
    };
    let digits = key.split_once('_').map(|(number, rest)| (number.len(), !rest.is_empty()));
    let made_by = match digits {
        Some((8, true)) => "DIGITS, Caffe or digits-rs",
        _ if key.len() == 9 && key.bytes().all(|byte| byte.is_ascii_digit()) => "DIGITS",
        _ => "unknown",
    };
    Ok(DatabaseFacts {
        path: path.to_path_buf(),
        records: records.len(),
        shape: Some(records.shape()),
        encoding: Some(encoding(value)),
        labels,
        bytes: database.file_length(),
        made_by: made_by.into(),
    })
}

/// An image file as a dataset of this shape would hold it, as a PNG; a label's classes in their colours.
///
/// # Errors
/// When it cannot be read as an image.
pub fn resized(file: &Path, shape: [usize; 3], resize: crate::data::Resize, side: Side) -> Result<Vec<u8>> {
    let [channels, mut height, mut width] = shape;
    let sides = 1..=bounds::SIDE as usize;
    if !sides.contains(&width) || !sides.contains(&height) {
        return Err(Error::new(Kind::Usage, format!("{width} x {height} is no size of an image"))
            .with_fact("it must be", format!("1 to {} pixels a side", bounds::SIDE)));
    }
    // A larger one looks the same, as nobody's window shows it whole.
    let longest = width.max(height);
    if longest > SHOWN {
        (width, height) = ((width * SHOWN / longest).max(1), (height * SHOWN / longest).max(1));
    }
    let mut noise = crate::data::Random::new(&[0]);
    let image = Image::open(file)?;
    let image = if side == Side::Label { in_class_colors(image, false) } else { image };
    image.with_channels(channels).resized(width, height, resize, &mut noise)?.encode(Encoding::Png)
}

fn shrunk(image: Image, max: Option<usize>) -> Result<Image> {
    let longest = image.width.max(image.height);
    let Some(max) = max.filter(|max| *max >= 1 && *max < longest) else { return Ok(image) };
    let side = |pixels: usize| (pixels * max / longest).max(1);
    let (width, height) = (side(image.width), side(image.height));
    image.resized(width, height, crate::data::Resize::Squash, &mut crate::data::Random::new(&[0]))
}

/// Numbers, or planes of another count than 1 or 3: their mean over the channels, darkest black.
fn of_numbers(planes: &Planes) -> Result<Vec<u8>> {
    let values = planes.values.to_floats();
    let picture = Picture::stretched(&planes.shape, &values);
    picture.ok_or_else(|| Error::new(Kind::Data, "the record holds no values"))?.png()
}

fn is_picture(planes: &Planes) -> bool {
    planes.shape[1] > 1 && planes.shape[2] > 1
}

/// `1.5, 2`, `image 1 × 32 × 32`
fn in_words(planes: &Planes) -> String {
    if is_picture(planes) {
        let [c, h, w] = planes.shape;
        return format!("image {c} × {h} × {w}");
    }
    let values = planes.values.to_floats();
    let mut words: Vec<String> = values.iter().take(6).map(f32::to_string).collect();
    if values.len() > 6 {
        words.push("…".into());
    }
    words.join(", ")
}

/// How the pixels of a Datum are kept, by the bytes of its data.
fn encoding(value: &[u8]) -> Encoding {
    let holds = |magic: &[u8]| value.windows(magic.len()).take(64).any(|window| window == magic);
    match (holds(b"\x89PNG\r\n"), holds(b"\xff\xd8\xff"), datum::decode(value).is_ok()) {
        (true, _, true) => Encoding::Png,
        (_, true, true) => Encoding::Jpg,
        _ => Encoding::None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{
        Resize, Silent,
        create::{CreateOptions, create},
        folder::{Item, Lists},
    };

    #[test]
    fn classes_of_a_label_are_seen_and_a_grey_one_stays_as_it_is() {
        let of = |pixels: Vec<u8>, are_classes| {
            in_class_colors(Image { width: pixels.len(), height: 1, channels: 1, pixels }, are_classes)
        };
        let seen = of(vec![0, 1, 255], false);
        assert_eq!((seen.channels, &seen.pixels[6..]), (3, &[255; 3][..]), "a pixel of no class is white");
        assert_ne!(seen.pixels[..3], seen.pixels[3..6]);
        assert_eq!(of(vec![0, 200], false).channels, 1, "a mask of grey levels");
        assert_eq!(of(vec![0, 200], true).channels, 3);
    }

    fn dataset() -> (tempfile::TempDir, DatabaseChoice) {
        let dir = tempfile::tempdir().unwrap();
        let item = |index: usize| Item { name: format!("{index}.png"), label: index % 2, index };
        let lists = Lists {
            labels: vec!["dark".into(), "bright".into()],
            train: (0..6).map(item).collect(),
            ..Lists::default()
        };
        let load =
            |item: &Item| Ok(Image { width: 8, height: 4, channels: 1, pixels: vec![item.index as u8; 32] }.into());
        let (resize, encoding) = (Resize::Squash, Encoding::Png);
        let options = CreateOptions { shape: [1, 4, 8], resize, encoding, seed: 0, shuffle: false };
        create(&dir.path().join("set"), &lists, &load, options, &Silent, &|_| Ok(())).unwrap();
        let choice = DatabaseChoice::Split { dataset: dir.path().join("set"), split: "train".into() };
        (dir, choice)
    }

    fn request(choice: &DatabaseChoice, class: Option<i32>, search: Option<&str>) -> RecordsRequest {
        RecordsRequest { database: choice.clone(), first: 1, count: 2, class, search: search.map(String::from) }
    }

    #[test]
    fn a_page_can_be_filtered_by_class_and_by_key() {
        let (_dir, choice) = dataset();
        let mut open = OpenDatabase::open(&choice).unwrap();
        let found = |open: &mut OpenDatabase, class, search| {
            let page = open.page(&request(&choice, class, search)).unwrap();
            (page.total, page.records.iter().map(|row| row.index).collect::<Vec<_>>())
        };
        assert_eq!(found(&mut open, None, None), (6, vec![1, 2]));
        assert_eq!(found(&mut open, Some(1), None), (3, vec![3, 5]));
        assert_eq!(found(&mut open, None, Some("dark")), (3, vec![2, 4]));
        assert_eq!(found(&mut open, None, Some("00000004")), (1, vec![]));
    }

    #[test]
    fn a_record_has_its_facts_and_its_picture() {
        let (dir, choice) = dataset();
        let open = OpenDatabase::open(&choice).unwrap();
        let facts = open.facts(3).unwrap();
        assert_eq!(
            (facts.shape, facts.encoding, facts.row.label.as_deref()),
            ([1, 4, 8], Encoding::Png, Some("bright"))
        );
        let picture = Image::decode(&open.picture(3, Side::Image, Some(4)).unwrap()).unwrap();
        assert_eq!((picture.width, picture.height, picture.pixels[0]), (4, 2, 3));
        let facts = database(&dir.path().join("set/train_db")).unwrap();
        assert_eq!((facts.records, facts.labels.as_str()), (6, "class numbers"));
        assert!(database(&dir.path().join("nothing")).is_err());
    }
}
