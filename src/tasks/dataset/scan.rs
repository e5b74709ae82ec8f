//! What a folder of class folders would become, before anything is made.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Serialize;

use super::make::{FolderRequest, division};
use crate::{data::folder::Item, error::Result};

/// Images shown of each class.
const SAMPLES: usize = 3;

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

/// What would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderScan {
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
}

/// Looks through the folders of a request.
///
/// # Errors
/// As making the dataset, but for its images, which are not opened.
pub fn scan(request: &FolderRequest) -> Result<FolderScan> {
    let lists = division(request)?;
    let count = |items: &[Item], label: usize| items.iter().filter(|item| item.label == label).count();
    let classes = lists.labels.iter().enumerate().map(|(label, name)| ScannedClass {
        name: name.clone(),
        train: count(&lists.train, label),
        val: count(&lists.val, label),
        test: count(&lists.test, label),
        left_out: None,
    });
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
    Ok(FolderScan {
        classes: classes.collect(),
        train: lists.train.len(),
        val: lists.val.len(),
        test: lists.test.len(),
        samples: samples.collect(),
    })
}
