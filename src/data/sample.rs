//! The sample of MNIST that is built into the program: 10,000 digits, so that it trains with nothing else at hand.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use super::{codec::Encoding, dataset::Dataset, idx::Idx, lock, mnist::MnistOptions, progress::Silent};
use crate::error::Result;

const IMAGES: &[u8] = include_bytes!("../../networks/mnist-sample/images-idx3-ubyte.gz");
const LABELS: &[u8] = include_bytes!("../../networks/mnist-sample/labels-idx1-ubyte.gz");

/// The shape of an image.
pub const SHAPE: [i64; 3] = [1, 28, 28];
/// The number of classes.
pub const CLASSES: i64 = 10;

/// How long another process may take over making the sample.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the dataset folder `dir` of the sample, unless it is there already; answers its path. Two processes may ask
/// at once: the second waits.
///
/// # Errors
/// When the folder holds something else or cannot be written.
pub fn ensure(dir: &Path) -> Result<PathBuf> {
    let mut waited = Duration::ZERO;
    loop {
        if Dataset::is_at(dir) {
            return Ok(dir.to_path_buf());
        }
        match make(dir) {
            Ok(()) => return Ok(dir.to_path_buf()),
            Err(_) if Dataset::is_at(dir) => return Ok(dir.to_path_buf()),
            Err(e) if lock::is_locked(&e) && waited < PATIENCE => {
                let pause = Duration::from_millis(50);
                std::thread::sleep(pause);
                waited += pause;
            }
            Err(e) => return Err(e),
        }
    }
}

fn make(dir: &Path) -> Result<()> {
    let train = Idx::parse(IMAGES, LABELS)?;
    // Raw pixels: the first epoch of a first try need not decode anything.
    let options = MnistOptions { encoding: Encoding::None, ..MnistOptions::default() };
    options.create(dir, &train, None, 0, &Silent).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_what_its_shape_and_classes_say() {
        let idx = Idx::parse(IMAGES, LABELS).unwrap();
        assert_eq!([1, idx.height as i64, idx.width as i64], SHAPE);
        assert_eq!(idx.labels.iter().copied().max().map(|last| i64::from(last) + 1), Some(CLASSES));
    }
}
