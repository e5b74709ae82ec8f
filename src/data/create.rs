//! Lists of images become a dataset folder: databases, mean, labels, lists, `dataset.json`.
//!
//! Source: `digits/tools/create_db.py`. Images are loaded in parallel and written in order, so that one seed gives one
//! database, byte for byte. An image that cannot be read is counted, listed with the reason, and left out.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::{
    characters,
    class_files::NOT_UTF8,
    codec::Encoding,
    datum,
    decoded::Decoded,
    fit::Resize,
    folder::{self, Item, Lists},
    lmdb::Writer,
    lock::Creation,
    manifest::{Manifest, SplitEntry},
    mean::{Mean, MeanSum},
    progress::{self, Progress},
    random::Random,
    texts::Texts,
};
use crate::error::{Error, Kind, Result};

/// Side of a record's image at most, pixels.
pub const SIDE: i64 = 65_535;

/// What all images of a dataset are turned into.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CreateOptions {
    /// `[c, h, w]`, c is 1, 3 or 4.
    pub shape: [i64; 3],
    /// How images of another shape are fitted.
    pub resize: Resize,
    /// How pixels are kept.
    pub encoding: Encoding,
    /// Seeds the order of the records and the padding noise.
    pub seed: u64,
    /// Whether the records are written in another order than the lists have.
    #[serde(default = "yes")]
    pub shuffle: bool,
}

/// Datasets of before there was a choice were shuffled.
fn yes() -> bool {
    true
}

impl CreateOptions {
    /// Refuses what no image can be turned into.
    ///
    /// # Errors
    /// `Kind::Usage`; the page begins with the setting's name.
    pub fn check(&self) -> Result<()> {
        let [channels, height, width] = self.shape;
        let page = |name: &str, value: i64, wanted: String| {
            Err(Error::new(Kind::Usage, format!("{name} is {value}")).with_fact("it must be", wanted))
        };
        for (name, side) in [("width", width), ("height", height)] {
            if !(1..=SIDE).contains(&side) {
                return page(name, side, format!("1 to {SIDE} pixels"));
            }
        }
        if !matches!(channels, 1 | 3 | 4) {
            return page("channels", channels, "1 (grey), 3 (colour) or 4 (colour and transparency)".into());
        }
        if channels == 4 && self.encoding == Encoding::Jpg {
            return Err(
                Error::new(Kind::Usage, "encoding is jpg, which has no fourth channel").with_help("choose png or none")
            );
        }
        Ok(())
    }
}

/// Where images come from: answers the image of an item.
pub type Load<'a> = &'a (dyn Fn(&Item) -> Result<Decoded> + Sync);

/// What was made.
#[derive(Debug, Clone)]
pub struct Report {
    /// The contents of `dataset.json`.
    pub manifest: Manifest,
    /// Images that were left out: name and reason.
    pub skipped: Vec<(String, String)>,
    /// Images of 16 bits a grey pixel whose records hold 8.
    pub reduced: u64,
    /// Sentences about what the user should know of it.
    pub notes: Vec<String>,
}

/// Loads a file; the `load` of folder datasets.
///
/// # Errors
/// When the file cannot be read or decoded.
pub fn load_file(item: &Item) -> Result<Decoded> {
    named(item, Decoded::open(Path::new(&item.name)))
}

/// As [`load_file`], with the image's transparency as a channel of its own.
///
/// # Errors
/// When the file cannot be read or decoded.
pub fn load_file_with_alpha(item: &Item) -> Result<Decoded> {
    named(item, Decoded::open_with_alpha(Path::new(&item.name)))
}

fn named(item: &Item, image: Result<Decoded>) -> Result<Decoded> {
    image.map_err(|e| match item.name.contains('\u{FFFD}') {
        true => Error::new(Kind::Data, NOT_UTF8),
        false => e,
    })
}

/// Makes the dataset folder `out`, whole or not at all. `extra` may write further files into it at the end.
///
/// # Errors
/// When `out` exists, another process is making it, the disk is full, or no image can be read;
/// `Kind::Interrupted` when `progress` wants it stopped.
pub fn create(
    out: &Path,
    lists: &Lists,
    load: Load<'_>,
    options: CreateOptions,
    progress: &dyn Progress,
    extra: &dyn Fn(&Path) -> Result<()>,
) -> Result<Report> {
    options.check()?;
    create_of(out, lists, load, options, progress, extra, false)
}

/// Makes the dataset folder `out` of texts, whole or not at all: records of bytes, as the numbers of characters are, and
/// no mean of them.
///
/// # Errors
/// As [`create`], but for the sizes of images.
pub fn create_of_texts(
    out: &Path,
    texts: &Texts,
    shape: [i64; 3],
    seed: u64,
    shuffle: bool,
    progress: &dyn Progress,
) -> Result<Report> {
    let options = CreateOptions { shape, resize: Resize::default(), encoding: Encoding::None, seed, shuffle };
    let load = |item: &Item| Ok(characters::image(&texts.texts[item.index], shape).into());
    create_of(out, &texts.lists, &load, options, progress, &|_| Ok(()), true)
}

fn create_of(
    out: &Path,
    lists: &Lists,
    load: Load<'_>,
    options: CreateOptions,
    progress: &dyn Progress,
    extra: &dyn Fn(&Path) -> Result<()>,
    texts: bool,
) -> Result<Report> {
    lists.labels.iter().try_for_each(|label| folder::check_name(label))?;
    let creation = Creation::begin(out)?;
    let dir = creation.path();
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
    };
    write("labels.txt", lists.labels.iter().fold(String::new(), |text, label| text + label + "\n"))?;
    let mut reduced = 0;
    let mut skipped = lists.left_out.clone();
    skipped.iter().for_each(|(name, reason)| progress.skipped(name, reason));
    let mut manifest = Manifest { texts, ..manifest(options, lists.labels.len()) };
    for (number, (name, items)) in
        [("train", &lists.train), ("val", &lists.val), ("test", &lists.test)].into_iter().enumerate()
    {
        if items.is_empty() {
            continue;
        }
        let lines = items.iter().fold(String::new(), |mut text, item| {
            let _ = writeln!(text, "{} {}", item.name, item.label);
            text
        });
        write(&format!("{name}.txt"), lines)?;
        let mut order: Vec<&Item> = items.iter().collect();
        if options.shuffle {
            Random::new(&[options.seed, number as u64, 0xDB]).shuffle(&mut order);
        }
        let database = format!("{name}_db");
        progress.stage(&database, order.len() as u64);
        let split = Split { out, order: &order, load, options, classes: lists.labels.len(), progress };
        let written = split.write(&dir.join(&database), &mut skipped)?;
        if name == "train" && !texts {
            all_learned(lists, &written.classes, &skipped)?;
        }
        reduced += written.reduced;
        if let ("train", Some(mean), false) = (name, &written.mean, texts) {
            mean.write(&dir.join("mean.binaryproto"))?;
            mean.image()?.save_png(&dir.join("mean.png"))?;
            manifest.mean = Some("mean.binaryproto".into());
        }
        let entry = SplitEntry {
            images: database.into(),
            labels: None,
            entries: written.classes.iter().sum(),
            classes: Some(written.classes),
        };
        manifest.splits.insert(name.to_string(), entry);
    }
    if manifest.splits.is_empty() {
        return Err(Error::new(Kind::Data, "there is no image to make a dataset of"));
    }
    if !skipped.is_empty() {
        let lines = skipped.iter().fold(String::new(), |text, (name, reason)| text + name + "\t" + reason + "\n");
        write("skipped.txt", lines)?;
    }
    manifest.skipped = skipped.len() as u64;
    extra(dir)?;
    progress::go_on(progress, out)?;
    manifest.write(dir)?;
    creation.finish()?;
    Ok(Report { manifest, skipped, reduced, notes: Vec::new() })
}

/// Refuses a class of which no image to train on could be read: it would be there, and nothing could be of it.
fn all_learned(lists: &Lists, written: &[u64], skipped: &[(String, String)]) -> Result<()> {
    let mut listed = vec![None; written.len()];
    lists.train.iter().for_each(|item| listed[item.label] = Some(&item.name));
    let lost = listed.iter().zip(written).position(|(listed, written)| listed.is_some() && *written == 0);
    let Some((label, image)) = lost.and_then(|label| Some((label, listed[label]?))) else { return Ok(()) };
    let page = Error::new(Kind::Data, format!("no image of the class {} can be read", lists.labels[label]))
        .with_fact("one of them", image);
    let cause = skipped.iter().rev().find(|(name, _)| name == image).map(|(_, reason)| reason.clone());
    Err(cause.into_iter().fold(page, Error::with_cause).with_help("mend its images, or take the class out"))
}

/// Of a dataset of classes that has no splits yet.
fn manifest(options: CreateOptions, labels: usize) -> Manifest {
    Manifest {
        format: 1,
        kind: "classification".to_string(),
        shape: options.shape,
        labels,
        encoding: Some(options.encoding),
        resize: Some(options.resize),
        seed: Some(options.seed),
        splits: BTreeMap::new(),
        mean: None,
        skipped: 0,
        texts: false,
    }
}

/// One database in the making.
struct Split<'a> {
    out: &'a Path,
    order: &'a [&'a Item],
    load: Load<'a>,
    options: CreateOptions,
    classes: usize,
    progress: &'a dyn Progress,
}

struct Written {
    mean: Option<Mean>,
    classes: Vec<u64>,
    reduced: u64,
}

/// Images in memory at once.
const AT_ONCE: usize = 256;

impl Split<'_> {
    fn write(&self, path: &Path, skipped: &mut Vec<(String, String)>) -> Result<Written> {
        let mut writer = Writer::create(path)?;
        let mut sum = MeanSum::new(self.options.shape);
        let mut classes = vec![0; self.classes];
        let mut written = 0u64;
        let (mut seen, mut reduced) = (0u64, 0u64);
        for chunk in self.order.chunks(AT_ONCE) {
            let made: Vec<Result<Made>> = chunk.par_iter().map(|item| self.make(item)).collect();
            for (item, made) in chunk.iter().zip(made) {
                progress::go_on(self.progress, self.out)?;
                seen += 1;
                match made {
                    Ok(Made { image, value, is_reduced }) => {
                        sum.add(&image);
                        reduced += u64::from(is_reduced);
                        writer.put(format!("{written:08}_{}", item.label).into_bytes(), value)?;
                        written += 1;
                        classes[item.label] += 1;
                    }
                    Err(error) => {
                        let reason = error.reason();
                        self.progress.skipped(&item.name, &reason);
                        skipped.push((item.name.clone(), reason));
                    }
                }
            }
            self.progress.done(seen);
        }
        if written == 0 {
            let (name, reason) = skipped.last().cloned().unwrap_or_default();
            return Err(Error::new(Kind::Data, format!("none of {} images can be read", self.order.len()))
                .with_fact("the last one", name)
                .with_cause(reason)
                .with_help("look whether they open in an image viewer"));
        }
        writer.finish()?;
        Ok(Written { mean: sum.mean(), classes, reduced })
    }

    fn make(&self, item: &Item) -> Result<Made> {
        progress::go_on(self.progress, self.out)?;
        let [c, h, w] = self.options.shape.map(|d| d as usize);
        // Keyed by the item, not by the thread or the time.
        let name = blake3::hash(item.name.as_bytes());
        let word = u64::from_le_bytes(name.as_bytes()[..8].try_into().expect("a hash has 32 bytes"));
        let mut noise = Random::new(&[self.options.seed, word]);
        let (encoding, loaded) = (self.options.encoding, (self.load)(item)?);
        let was_deep = loaded.is_deep();
        let image = loaded.with_channels(c).resized(w, h, self.options.resize, &mut noise)?;
        // The mean is that of what the records hold.
        let image = if encoding == Encoding::Jpg { image.reduced().into() } else { image };
        let value = datum::encode_decoded(&image, item.label as i32, encoding)?;
        Ok(Made { is_reduced: was_deep && !image.is_deep(), image, value })
    }
}

/// A record, with the image in it.
struct Made {
    image: Decoded,
    value: Vec<u8>,
    is_reduced: bool,
}
