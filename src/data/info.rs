//! What is in a dataset: counts, shape, classes, mean, disk size; and a contact sheet of its records.

use std::fs;

use serde::Serialize;

use super::{
    dataset::Dataset, deep::DeepImage, image::Image, mean::Mean, planes::Planes, record::Target, records::Records,
};
use crate::error::{Error, Kind, Result};

/// A dataset in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Info {
    /// `classification` or `generic`.
    pub kind: String,
    /// `[c, h, w]`
    pub shape: [i64; 3],
    /// The splits that can be trained or validated on.
    pub splits: Vec<SplitInfo>,
    /// The classes' names.
    pub labels: Vec<String>,
    /// The average of each channel of the mean image, 0..=255; empty without one.
    pub mean: Vec<f64>,
    /// The darkest and the brightest value of the mean image, 0..=255; none without one.
    pub mean_range: Option<[f64; 2]>,
    /// Bytes of the databases.
    pub disk_size: u64,
    /// Images that could not be read when it was made.
    pub skipped: u64,
    /// See [`Dataset::fingerprint`].
    pub fingerprint: String,
}

/// A split in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct SplitInfo {
    /// `train`, `val` or `test`.
    pub name: String,
    /// The folder of its images.
    pub folder: String,
    /// The folder of its labels, where they have a database of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<String>,
    /// How many records.
    pub entries: u64,
    /// Records of each class, in the order of `labels`; empty without classes.
    pub classes: Vec<u64>,
}

impl Info {
    /// Looks at a dataset; classes are counted in the records when `dataset.json` does not say.
    ///
    /// # Errors
    /// When a record cannot be read.
    pub fn of(dataset: &Dataset) -> Result<Info> {
        let mut splits = Vec::new();
        let mut disk_size = 0;
        for (name, records) in [("train", dataset.train()), ("val", dataset.val())] {
            let Some(records) = records else { continue };
            disk_size += records.disk_size();
            let known = dataset.manifest.as_ref().and_then(|manifest| manifest.splits.get(name)?.classes.clone());
            let classes = match known {
                Some(classes) => classes,
                // The classes of label images are counted by nobody: a record of them has no one class.
                None if dataset.labels.is_empty() || records.label_folder().is_some() => Vec::new(),
                None => count(&records, dataset.labels.len())?,
            };
            let folder = records.folder().display().to_string();
            let labels = records.label_folder().map(|labels| labels.display().to_string());
            splits.push(SplitInfo { name: name.to_string(), folder, labels, entries: records.len(), classes });
        }
        // Nothing but a test reads the third one: `dataset.json` says what it holds.
        let of_test = dataset.manifest.as_ref().and_then(|manifest| manifest.splits.get("test"));
        let beside = dataset
            .train()
            .or_else(|| dataset.val())
            .and_then(|records| Some(records.folder().parent()?.to_path_buf()));
        if let (Some(entry), Some(beside)) = (of_test, beside) {
            let folder = beside.join(&entry.images);
            disk_size += fs::metadata(folder.join("data.mdb")).map_or(0, |data| data.len());
            splits.push(SplitInfo {
                name: "test".into(),
                folder: folder.display().to_string(),
                labels: entry.labels.as_ref().map(|labels| beside.join(labels).display().to_string()),
                entries: entry.entries,
                classes: entry.classes.clone().unwrap_or_default(),
            });
        }
        let kind = match &dataset.manifest {
            Some(manifest) => manifest.kind.clone(),
            None if dataset.labels.is_empty() => "generic".to_string(),
            None => "classification".to_string(),
        };
        Ok(Info {
            kind,
            shape: dataset.shape,
            splits,
            labels: dataset.labels.clone(),
            mean: dataset.mean.as_ref().map(Mean::pixel).unwrap_or_default(),
            mean_range: dataset.mean.as_ref().and_then(Mean::range),
            disk_size,
            skipped: dataset.manifest.as_ref().map_or(0, |manifest| manifest.skipped),
            fingerprint: dataset.fingerprint()?.word().to_string(),
        })
    }
}

fn count(records: &Records, classes: usize) -> Result<Vec<u64>> {
    let mut counts = vec![0; classes];
    for label in records.labels()? {
        // A number without a name in labels.txt belongs to no class.
        if let Some(count) = usize::try_from(label).ok().and_then(|label| counts.get_mut(label)) {
            *count += 1;
        }
    }
    Ok(counts)
}

/// The first `count` records as one picture. Label images stand to the right of theirs when they have the same size.
///
/// # Errors
/// When a record cannot be read, or is no image of 1 or 3 channels.
pub fn explore(records: &Records, count: u64) -> Result<Image> {
    let mut images = Vec::new();
    for index in 0..count.min(records.len()) {
        let sample = records.get(index)?;
        images.push(shown(&sample.image)?);
        if let Target::Planes(planes) = &sample.target
            && planes.shape[1..] == sample.image.shape[1..]
            && let Ok(label) = shown(planes)
        {
            images.push(label);
        }
    }
    contact_sheet(&images)
}

/// An image of either depth, as 8 bits.
fn shown(planes: &Planes) -> Result<Image> {
    match DeepImage::from_planes(planes) {
        Some(deep) => Ok(deep.reduced()),
        None => Image::from_planes(planes),
    }
}

/// Images of one size in a grid that is about as wide as it is high, two grey pixels between them.
///
/// # Errors
/// When there is no image, or they differ in size.
pub fn contact_sheet(images: &[Image]) -> Result<Image> {
    let Some(first) = images.first() else {
        return Err(Error::new(Kind::Usage, "a contact sheet of no images").with_help("ask for 1 or more"));
    };
    if images.iter().any(|image| (image.width, image.height) != (first.width, first.height)) {
        return Err(Error::new(Kind::Data, "the images of a contact sheet differ in size"));
    }
    const GAP: usize = 2;
    let aspect = first.height as f64 / first.width as f64;
    let columns = ((images.len() as f64 * aspect).sqrt().round() as usize).clamp(1, images.len());
    let rows = images.len().div_ceil(columns);
    let channels = images.iter().map(|image| image.channels).max().unwrap_or(1);
    let (cell_width, cell_height) = (first.width + GAP, first.height + GAP);
    let (width, height) = (columns * cell_width + GAP, rows * cell_height + GAP);
    let mut sheet = Image { width, height, channels, pixels: vec![128; width * height * channels] };
    for (i, image) in images.iter().enumerate() {
        let image = image.clone().with_channels(channels);
        let (left, top) = (GAP + i % columns * cell_width, GAP + i / columns * cell_height);
        for (y, row) in image.pixels.chunks_exact(image.width * channels).enumerate() {
            let start = ((top + y) * width + left) * channels;
            sheet.pixels[start..start + row.len()].copy_from_slice(row);
        }
    }
    Ok(sheet)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sheet_is_a_grid() {
        let grey = Image { width: 2, height: 2, channels: 1, pixels: vec![9; 4] };
        let colour = Image { width: 2, height: 2, channels: 3, pixels: vec![7; 12] };
        let sheet = contact_sheet(&[grey.clone(), colour, grey.clone(), grey]).unwrap();
        assert_eq!((sheet.width, sheet.height, sheet.channels), (10, 10, 3));
        assert_eq!(sheet.pixels[(2 * 10 + 2) * 3], 9);
        assert_eq!(sheet.pixels[(2 * 10 + 6) * 3], 7);
        assert_eq!(sheet.pixels[0], 128);
        assert!(contact_sheet(&[]).is_err());
    }
}
