//! MNIST as DIGITS makes it: `download_data` (inverted PNG files, one folder a digit) followed by a 75/25 division.
//!
//! Source: `digits/download_data/mnist.py`, `digits/tools/parse_folder.py`. The files between the two steps are not
//! written; `train.txt` and `val.txt` carry the names that they would have.

use std::{fs, path::Path};

use super::{
    codec::Encoding,
    create::{CreateOptions, Report, create},
    fit::Resize,
    folder::{FolderOptions, Item, Lists},
    idx::Idx,
    progress::{self, Progress},
};
use crate::error::{Error, Result};

/// How MNIST is made into a dataset.
#[derive(Debug, Clone, Copy)]
pub struct MnistOptions {
    /// How pixels are kept.
    pub encoding: Encoding,
    /// Black on white (255 − v), as DIGITS has it.
    pub invert: bool,
    /// Percent of each digit for validation.
    pub val_percent: f64,
    /// Seeds the division and the order.
    pub seed: u64,
}

impl Default for MnistOptions {
    fn default() -> Self {
        MnistOptions { encoding: Encoding::Png, invert: true, val_percent: 25.0, seed: 0 }
    }
}

impl MnistOptions {
    /// Makes the dataset `out` of the train set; the first `test_images` of the test set become PNG files
    /// `test/<digit>/<number>.png` inside it.
    ///
    /// # Errors
    /// When `out` exists or cannot be written; `Kind::Interrupted` when `progress` wants it stopped.
    pub fn create(
        &self,
        out: &Path,
        train: &Idx,
        test: Option<&Idx>,
        test_images: usize,
        progress: &dyn Progress,
    ) -> Result<Report> {
        let classes = usize::from(train.labels.iter().copied().max().unwrap_or(0)) + 1;
        let mut lists = Lists::default();
        let division = FolderOptions { val_percent: self.val_percent, seed: self.seed, ..FolderOptions::default() };
        for class in 0..classes {
            let digits = train.labels.iter().enumerate().filter(|&(_, &label)| usize::from(label) == class);
            let items = digits
                .map(|(index, _)| Item { name: format!("train/{class}/{index:05}.png"), label: class, index })
                .collect();
            lists.add_class(class.to_string(), items, &division);
        }
        let options = CreateOptions {
            shuffle: true,
            shape: [1, train.height as i64, train.width as i64],
            resize: Resize::Squash,
            encoding: self.encoding,
            seed: self.seed,
        };
        let invert = self.invert;
        let write_test = |folder: &Path| {
            let Some(test) = test else { return Ok(()) };
            for (index, digit) in test.labels.iter().enumerate().take(test_images) {
                progress::go_on(progress, out)?;
                let folder = folder.join("test").join(digit.to_string());
                fs::create_dir_all(&folder).map_err(|e| Error::io("make the folder", &folder, &e))?;
                test.image(index, invert).save_png(&folder.join(format!("{index:05}.png")))?;
            }
            Ok(())
        };
        create(out, &lists, &|item| Ok(train.image(item.index, invert).into()), options, progress, &write_test)
    }
}
