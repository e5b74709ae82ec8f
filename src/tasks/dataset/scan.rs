//! What folders, lists and pairs would become, before anything is made.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use super::{
    make::{FolderRequest, ListsRequest, division, listed},
    pairs::{PairsRequest, divided},
    report::LeftOut,
};
use crate::{
    data::folder::{Item, Lists},
    error::Result,
};

/// Images shown of each class.
const SAMPLES: usize = 3;
/// Pairs shown.
const PAIRS: usize = 12;

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

/// Looks through the folders of pairs.
///
/// # Errors
/// As making the dataset, but for its images, of which only the beginning is read.
pub fn scan_pairs(request: &PairsRequest) -> Result<Scan> {
    let found = divided(request)?;
    let shown = found.train.iter().take(PAIRS);
    Ok(Scan {
        train: found.train.len(),
        val: found.val.len(),
        pairs: shown.map(|pair| ScannedPair { input: pair.input.clone(), label: pair.label.clone() }).collect(),
        left_out: left_out(found.left_out),
        ..Scan::default()
    })
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
        left_out: left_out(lists.left_out),
    }
}
