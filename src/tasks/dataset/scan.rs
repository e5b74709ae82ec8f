//! What folders, lists and pairs would become, before anything is made.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    time::{Duration, Instant},
};

use rayon::prelude::*;
use serde::Serialize;

use super::{
    make::{FolderRequest, ListsRequest, division, listed},
    pairs::{PairsRequest, divided, meaning},
    report::LeftOut,
};
use crate::{
    data::{
        folder::{Item, Lists},
        label_image::LabelImages,
        pairs::{Pair, Pairs},
    },
    error::{Error, Result},
};

/// Images shown of each class.
const SAMPLES: usize = 3;
/// Pairs shown.
const PAIRS: usize = 12;
/// So long label images of classes are opened to see whether they can be: whoever types waits for it.
const LOOK: Duration = Duration::from_secs(2);
/// Label images opened at once.
const AT_ONCE: usize = 64;

/// One class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScannedClass {
    /// Its name.
    pub name: String,
    /// Images to train on.
    pub train: usize,
    /// Images to validate on.
    pub val: usize,
    /// Images to test on.
    pub test: usize,
    /// Why it is left out, when it is.
    pub left_out: Option<String>,
}

/// An input and its label.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScannedPair {
    /// The input.
    pub input: PathBuf,
    /// The label of its name.
    pub label: PathBuf,
}

/// What would be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Scan {
    /// The classes in order.
    pub classes: Vec<ScannedClass>,
    /// Images to train on.
    pub train: usize,
    /// Images to validate on.
    pub val: usize,
    /// Images to test on.
    pub test: usize,
    /// A few images of each class: the file and its class.
    pub samples: Vec<(PathBuf, String)>,
    /// A few of the pairs.
    pub pairs: Vec<ScannedPair>,
    /// Of how many pairs the label's classes were looked at; none where labels are values to repeat.
    pub looked_at: Option<usize>,
    /// What is found and not taken.
    pub left_out: Vec<LeftOut>,
}

/// Looks through the folders of a request.
///
/// # Errors
/// As making the dataset, but for its images, of which only the beginning is read.
pub fn scan(request: &FolderRequest) -> Result<Scan> {
    division(request).map(of_lists)
}

/// Reads the lists of a request.
///
/// # Errors
/// As making the dataset, but for its images, of which only the beginning is read.
pub fn scan_lists(request: &ListsRequest) -> Result<Scan> {
    listed(request).map(of_lists)
}

/// Looks through the folders of pairs, and into the label images of classes as far as two seconds reach.
///
/// # Errors
/// As making the dataset, but for its inputs, of which only the beginning is read.
pub fn scan_pairs(request: &PairsRequest) -> Result<Scan> {
    let labels = meaning(request)?;
    let mut found = divided(request)?;
    let looked_at = labels.are_classes().then(|| keep_classes(request, &labels, &mut found)).transpose()?;
    let shown = found.train.iter().take(PAIRS);
    Ok(Scan {
        train: found.train.len(),
        val: found.val.len(),
        looked_at,
        pairs: shown.map(|pair| ScannedPair { input: pair.input.clone(), label: pair.label.clone() }).collect(),
        left_out: left_out(found.left_out),
        ..Scan::default()
    })
}

/// Leaves out the pairs whose label image making would leave out; gives how many were looked at.
fn keep_classes(request: &PairsRequest, labels: &LabelImages, found: &mut Pairs) -> Result<usize> {
    let size = &request.images.size;
    let shape = [1, size.height as usize, size.width as usize];
    let begun = Instant::now();
    let (mut looked_at, mut wrong) = (0, BTreeMap::<PathBuf, Error>::new());
    let all: Vec<&Pair> = found.train.iter().chain(&found.val).collect();
    for chunk in all.chunks(AT_ONCE) {
        if begun.elapsed() > LOOK {
            break;
        }
        let open =
            |pair: &&Pair| Some((pair.label.clone(), labels.open(&pair.label, shape, request.images.resize).err()?));
        wrong.extend(chunk.par_iter().filter_map(open).collect::<Vec<_>>());
        looked_at += chunk.len();
    }
    let first = all.iter().find_map(|pair| wrong.get(&pair.label).map(|page| (pair.label.clone(), page.clone())));
    if let Some((label, page)) = first.filter(|_| wrong.len() == looked_at) {
        let is_of_names = page.message().starts_with("a pixel is of class");
        let names = request.class_names.iter().filter(|_| is_of_names);
        let page = names.fold(page, |page, names| page.with_fact("the names are in", names.display().to_string()));
        return Err(page.with_fact("in the label image", label.display().to_string()));
    }
    let Pairs { train, val, left_out } = found;
    for pairs in [train, val] {
        pairs.retain(|pair| {
            let page = wrong.get(&pair.label);
            left_out.extend(page.map(|page| (pair.label.display().to_string(), page.reason())));
            page.is_none()
        });
    }
    Ok(looked_at)
}

fn left_out(found: Vec<(String, String)>) -> Vec<LeftOut> {
    found.into_iter().map(|(image, reason)| LeftOut { image, reason }).collect()
}

fn of_lists(lists: Lists) -> Scan {
    let count = |items: &[Item]| {
        let mut counts = vec![0; lists.labels.len()];
        items.iter().filter_map(|item| counts.get_mut(item.label).map(|count| *count += 1)).for_each(drop);
        counts
    };
    let (train, val, test) = (count(&lists.train), count(&lists.val), count(&lists.test));
    let taken = lists.labels.iter().enumerate().map(|(label, name)| ScannedClass {
        name: name.clone(),
        train: train[label],
        val: val[label],
        test: test[label],
        left_out: None,
    });
    let dropped = lists.small.iter().map(|(name, images)| ScannedClass {
        name: name.clone(),
        train: 0,
        val: 0,
        test: 0,
        left_out: Some(if *images == 1 { "too few: 1 image".into() } else { format!("too few: {images} images") }),
    });
    let classes: Vec<ScannedClass> = taken.chain(dropped).collect();
    let mut shown = BTreeMap::<usize, Vec<PathBuf>>::new();
    for item in &lists.train {
        let of_class = shown.entry(item.label).or_default();
        if of_class.len() < SAMPLES {
            of_class.push(item.name.clone().into());
        }
    }
    let samples = shown.into_iter().flat_map(|(label, files)| {
        let name = lists.labels.get(label).cloned().unwrap_or_default();
        files.into_iter().map(move |file| (file, name.clone()))
    });
    Scan {
        samples: samples.collect(),
        classes,
        train: lists.train.len(),
        val: lists.val.len(),
        test: lists.test.len(),
        pairs: Vec::new(),
        looked_at: None,
        left_out: left_out(lists.left_out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        data::Image,
        tasks::dataset::{ImageOptions, LabelsAre},
    };

    /// Eight pairs; the labels of the first `odd` have a pixel of class 2.
    fn request(folder: &std::path::Path, odd: usize, names: &[u8]) -> PairsRequest {
        let at = |below: &str, i: usize| folder.join(below).join(format!("{i}.png"));
        for below in ["in", "out"] {
            std::fs::create_dir_all(folder.join(below)).unwrap();
        }
        for i in 0..8 {
            let label = vec![0, 1, 0, if i < odd { 2 } else { 1 }];
            for (below, pixels) in [("in", vec![9; 4]), ("out", label)] {
                Image { width: 2, height: 2, channels: 1, pixels }.save_png(&at(below, i)).unwrap();
            }
        }
        std::fs::write(folder.join("names"), names).unwrap();
        PairsRequest {
            inputs: folder.join("in"),
            labels: folder.join("out"),
            val_inputs: None,
            val_labels: None,
            val_percent: 25.0,
            labels_are: LabelsAre::Classes,
            class_names: Some(folder.join("names")),
            colors: None,
            images: ImageOptions::new(folder.join("set")),
        }
    }

    #[test]
    fn labels_that_making_leaves_out_are_left_out_of_the_scan() {
        let dir = tempfile::tempdir().unwrap();
        let found = scan_pairs(&request(dir.path(), 3, b"sky\ntree\n")).unwrap();
        assert_eq!((found.train + found.val, found.left_out.len(), found.looked_at), (5, 3, Some(8)));
        assert!(found.left_out[0].reason.contains("a pixel is of class 2"), "{:?}", found.left_out);
    }

    #[test]
    fn labels_of_which_none_fits_and_names_that_are_no_text_are_errors() {
        let dir = tempfile::tempdir().unwrap();
        let page = scan_pairs(&request(dir.path(), 8, b"sky\ntree\n")).unwrap_err();
        let names = dir.path().join("names").display().to_string();
        assert!(page.facts().iter().any(|(_, value)| *value == names), "{page}");
        let page = scan_pairs(&request(dir.path(), 0, b"\x89PNG\xff")).unwrap_err();
        assert!(page.message().contains("not text in UTF-8"), "{page}");
        let mut grey = request(dir.path(), 0, b"sky\ntree\n");
        grey.images.resize = crate::data::Resize::Crop;
        assert!(scan_pairs(&grey).unwrap_err().message().contains("squash alone"));
    }
}
