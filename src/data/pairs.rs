//! A folder of inputs and a folder of label images, paired by name, become two databases a split: for segmentation and
//! image-to-image tasks.
//!
//! Source: DIGITS `digits/extensions/data/imageSegmentation` and `imageProcessing`.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use rayon::prelude::*;

use super::{
    class_files::keep_images,
    codec::Encoding,
    create::{CreateOptions, Report},
    datum,
    decoded::Decoded,
    folder::{self, EXTENSIONS},
    label_image::LabelImages,
    lmdb::Writer,
    lock::Creation,
    manifest::{Manifest, SplitEntry},
    mean::MeanSum,
    progress::{self, Progress},
    random::Random,
};
use crate::error::{Error, Kind, Result};

/// An input and its label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The input image.
    pub input: PathBuf,
    /// The image of the same name.
    pub label: PathBuf,
}

/// What two pairs of folders hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs {
    /// To train on.
    pub train: Vec<Pair>,
    /// To validate on.
    pub val: Vec<Pair>,
    /// What has no partner: its path, and why.
    pub left_out: Vec<(String, String)>,
}

/// Pairs the images of two folders by their paths below them, endings aside, and divides them.
///
/// # Errors
/// When a folder cannot be read, the percentage is none, or no image has a partner.
pub fn divide(folders: [&Path; 2], val: Option<[&Path; 2]>, val_percent: f64, seed: u64) -> Result<Pairs> {
    if !(0.0..=100.0).contains(&val_percent) {
        return Err(Error::new(Kind::Usage, format!("{val_percent} % for validation"))
            .with_help("give a percentage from 0 to 100"));
    }
    let mut left_out = Vec::new();
    let mut pairs = paired(folders, &mut left_out)?;
    if let Some(folders) = val {
        let val = paired(folders, &mut left_out)?;
        return Ok(Pairs { train: pairs, val, left_out });
    }
    Random::new(&[seed, 0xF01D]).shuffle(&mut pairs);
    let [train, _, _] = folder::cut_sizes(pairs.len(), val_percent, 0.0);
    let val = pairs.split_off(train);
    Ok(Pairs { train: pairs, val, left_out })
}

fn paired([inputs, labels]: [&Path; 2], left_out: &mut Vec<(String, String)>) -> Result<Vec<Pair>> {
    let (of_inputs, mut of_labels) = (folder::images_by_stem(inputs)?, folder::images_by_stem(labels)?);
    let mut pairs = Vec::new();
    for (stem, input) in of_inputs {
        match of_labels.remove(&stem) {
            Some(label) => pairs.push(Pair { input, label }),
            None => left_out.push((input.display().to_string(), "has no label of its name".into())),
        }
    }
    left_out
        .extend(of_labels.into_values().map(|label| (label.display().to_string(), "has no input of its name".into())));
    keep_images(&mut pairs, |pair| vec![pair.input.clone(), pair.label.clone()], left_out);
    if pairs.is_empty() {
        return Err(Error::new(Kind::Data, "no input has a label of its name")
            .with_fact("inputs", inputs.display().to_string())
            .with_fact("labels", labels.display().to_string())
            .with_fact("images end in", EXTENSIONS.join(", "))
            .with_help("an input 12.jpg and its label 12.png belong together, also in folders of the same names"));
    }
    Ok(pairs)
}

/// Makes the dataset folder `out` of pairs, whole or not at all.
///
/// # Errors
/// When `out` exists, another process is making it, the disk is full, or no pair can be read; `Kind::Interrupted` when
/// `progress` wants it stopped.
pub fn create(
    out: &Path,
    pairs: &Pairs,
    labels: &LabelImages,
    options: CreateOptions,
    progress: &dyn Progress,
) -> Result<Report> {
    let creation = Creation::begin(out)?;
    let folder = creation.path();
    let mut skipped = pairs.left_out.clone();
    let mut reduced = 0;
    let mut values = [false; 256];
    let mut of_other_shape = 0u64;
    let mut manifest = Manifest {
        format: 1,
        kind: "pairs".to_string(),
        shape: options.shape,
        labels: labels.names().len(),
        encoding: Some(options.encoding),
        resize: Some(options.resize),
        seed: Some(options.seed),
        splits: BTreeMap::new(),
        mean: None,
        skipped: 0,
        texts: false,
    };
    let write = |name: &str, text: String| {
        let path = folder.join(name);
        fs::write(&path, text).map_err(|e| Error::io("write", &path, &e))
    };
    write("labels.txt", labels.names().iter().fold(String::new(), |text, name| text + name + "\n"))?;
    for (name, of_split) in [("train", &pairs.train), ("val", &pairs.val)] {
        if of_split.is_empty() {
            continue;
        }
        let names = [format!("{name}_db/features"), format!("{name}_db/labels")];
        progress.stage(&format!("{name}_db"), of_split.len() as u64);
        fs::create_dir_all(folder.join(format!("{name}_db")))
            .map_err(|e| Error::io("make the folder", &folder.join(name), &e))?;
        let mut inputs = Writer::create(&folder.join(&names[0]))?;
        let mut targets = Writer::create(&folder.join(&names[1]))?;
        let mut sum = MeanSum::new(options.shape);
        let (mut entries, mut seen, mut help) = (0u64, 0u64, None);
        for chunk in of_split.chunks(AT_ONCE) {
            progress::go_on(progress, out)?;
            let made: Vec<_> = chunk.par_iter().map(|pair| records(pair, labels, options)).collect();
            for (pair, made) in chunk.iter().zip(made) {
                seen += 1;
                match made {
                    Ok(MadePair { input, record, target, is_reduced, seen, is_of_other_shape }) => {
                        of_other_shape += u64::from(is_of_other_shape);
                        values.iter_mut().zip(seen).for_each(|(all, seen)| *all |= seen);
                        sum.add(&input);
                        reduced += u64::from(is_reduced);
                        let key = format!("{entries:08}").into_bytes();
                        inputs.put(key.clone(), record)?;
                        targets.put(key, target)?;
                        entries += 1;
                    }
                    Err(error) => {
                        let (name, reason) = (pair.input.display().to_string(), error.reason());
                        help = error.help().map(str::to_string);
                        progress.skipped(&name, &reason);
                        skipped.push((name, reason));
                    }
                }
            }
            progress.done(seen);
        }
        if entries == 0 {
            return Err(nothing(of_split.len(), &skipped, help.as_deref()));
        }
        inputs.finish()?;
        targets.finish()?;
        if let ("train", Some(mean)) = (name, sum.mean()) {
            mean.write(&folder.join("mean.binaryproto"))?;
            mean.image()?.save_png(&folder.join("mean.png"))?;
            manifest.mean = Some("mean.binaryproto".into());
        }
        let [images, labels] = names.map(PathBuf::from);
        manifest.splits.insert(name.into(), SplitEntry { images, labels: Some(labels), entries, classes: None });
    }
    if !skipped.is_empty() {
        write("skipped.txt", skipped.iter().fold(String::new(), |text, (name, why)| text + name + "\t" + why + "\n"))?;
    }
    manifest.skipped = skipped.len() as u64;
    progress::go_on(progress, out)?;
    manifest.write(folder)?;
    creation.finish()?;
    let mut notes = labels.notes(&values);
    if of_other_shape > 0 {
        notes.push(format!(
            "{of_other_shape} pairs are an input and a label of other proportions: both were fitted to one size, and what lies at one place in both is another thing in each"
        ));
    }
    Ok(Report { manifest, skipped, reduced, notes })
}

/// Pairs in memory at once.
const AT_ONCE: usize = 64;

/// The input, its record, and its label's.
fn records(pair: &Pair, labels: &LabelImages, options: CreateOptions) -> Result<MadePair> {
    let [c, h, w] = options.shape.map(|d| d as usize);
    let mut noise = Random::new(&[options.seed]);
    let input = Decoded::open(&pair.input)?;
    let was_deep = input.is_deep();
    let own = input.size();
    let input = input.with_channels(c).resized(w, h, options.resize, &mut noise)?;
    let input = if options.encoding == Encoding::Jpg { input.reduced().into() } else { input };
    let (label, is_label_reduced, of_label) = labels.open(&pair.label, [c, h, w], options.resize)?;
    let across = |[w, h]: [usize; 2], [other_w, other_h]: [usize; 2]| (w * other_h).abs_diff(h * other_w);
    let record = datum::encode_decoded(&input, 0, options.encoding)?;
    // What is a class number must come back as it is.
    let kept = if labels.are_classes() { Encoding::Png } else { options.encoding };
    let mut seen = [false; 256];
    label.pixels.iter().for_each(|&value| seen[usize::from(value)] = true);
    Ok(MadePair {
        seen,
        // A pixel or two that a camera or a program cut off are none.
        is_of_other_shape: across(own, of_label) * 20 > own[0] * of_label[1],
        is_reduced: was_deep && !input.is_deep() || is_label_reduced,
        target: datum::encode(&label, 0, kept)?,
        input,
        record,
    })
}

/// Two records, with the image in the first.
struct MadePair {
    input: Decoded,
    record: Vec<u8>,
    target: Vec<u8>,
    is_reduced: bool,
    is_of_other_shape: bool,
    /// The values of the label's pixels.
    seen: [bool; 256],
}

fn nothing(count: usize, skipped: &[(String, String)], help: Option<&str>) -> Error {
    let (name, reason) = skipped.last().cloned().unwrap_or_default();
    let help =
        help.unwrap_or("the others have something like it: digits-rs dataset pairs --help says what pairs must be");
    Error::new(Kind::Data, format!("none of {count} pairs can be read"))
        .with_fact("the last one", name)
        .with_cause(reason)
        .with_help(help)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Dataset, Image, Resize, Silent, Target, Values};

    #[test]
    fn inputs_and_labels_meet_by_name_and_classes_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        for folder in ["in/a", "out/a"] {
            fs::create_dir_all(at(folder)).unwrap();
        }
        let image =
            |channels: usize, value: u8| Image { width: 4, height: 4, channels, pixels: vec![value; 16 * channels] };
        for i in 0..8u8 {
            image(3, 10 * i).save_png(&at(&format!("in/a/{i}.png"))).unwrap();
            image(1, i % 3).save_png(&at(&format!("out/a/{i}.png"))).unwrap();
        }
        image(1, 9).save_png(&at("in/alone.png")).unwrap();
        fs::write(at("names.txt"), "sky\ntree\nroad\n").unwrap();
        let pairs = divide([&at("in"), &at("out")], None, 25.0, 1).unwrap();
        assert_eq!((pairs.train.len(), pairs.val.len(), pairs.left_out.len()), (6, 2, 1));
        let labels = LabelImages::classes(Some(&at("names.txt")), None).unwrap();
        let options =
            CreateOptions { shape: [3, 2, 2], resize: Resize::Squash, encoding: Encoding::Jpg, seed: 1, shuffle: true };
        create(&at("set"), &pairs, &labels, options, &Silent).unwrap();
        let set = Dataset::open(&at("set")).unwrap();
        let train = set.train().unwrap();
        assert_eq!((train.len(), set.labels.len(), set.shape), (6, 3, [3, 2, 2]));
        let Target::Planes(label) = train.get(0).unwrap().target else { panic!("labels are images") };
        let Values::Bytes(values) = label.values else { panic!("labels are bytes") };
        assert!(label.shape == [1, 2, 2] && values.iter().all(|value| *value < 3), "{values:?}");
        assert!(divide([&at("in"), &at("set")], None, 25.0, 1).is_err());
    }
}
