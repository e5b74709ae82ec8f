//! `Mean`: the mean image of the train records, exact, and its file `mean.binaryproto`.
//!
//! Source: `digits/tools/create_db.py` (`_save_means`) and Caffe's `BlobProto`. DIGITS gives Torch the mean through a
//! JPEG file; here it stays exact (quirk 5).

use std::{fs, path::Path};

use prost::Message;

use super::{
    datum::proto::BlobProto,
    decoded::Decoded,
    deep::STEPS,
    image::Image,
    planes::{Planes, Values, shape_text},
};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// A mean image; three channels are red, green, blue in memory, and blue, green, red in the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Mean {
    /// `[c, h, w]`
    pub shape: [i64; 3],
    /// Channel, row, column order, 0..=255.
    pub values: Vec<f32>,
}

impl Mean {
    /// Reads `mean.binaryproto`, in the old form (num, channels, height, width) or the new one (shape).
    ///
    /// # Errors
    /// When the file cannot be read, is no `BlobProto`, or its size does not fit its values.
    pub fn read(path: &Path) -> Result<Mean> {
        let bytes = input::read(path, Form::Mean)?;
        let help = "give the mean.binaryproto that was made with the dataset";
        let blob = BlobProto::decode(bytes.as_slice()).map_err(|e| {
            Error::new(Kind::Data, format!("{} is not a mean image", path.display()))
                .with_fact("it wants", "a BlobProto, as Caffe's compute_image_mean writes it")
                .with_cause(e.to_string())
                .with_help(help)
        })?;
        let dims: Vec<i64> = match &blob.shape {
            Some(shape) if !shape.dim.is_empty() => shape.dim.clone(),
            _ => [blob.num, blob.channels, blob.height, blob.width].map(|d| i64::from(d.unwrap_or(0))).to_vec(),
        };
        let values =
            if blob.data.is_empty() { blob.double_data.iter().map(|&v| v as f32).collect() } else { blob.data };
        let shape = match dims.as_slice() {
            [c, h, w] | [0 | 1, c, h, w] => [*c, *h, *w],
            _ => [0; 3],
        };
        let count = shape.iter().try_fold(1i64, |n, &d| if d > 0 { n.checked_mul(d) } else { None });
        if count != Some(values.len() as i64) {
            return Err(Error::new(Kind::Data, format!("{} is not a mean image", path.display()))
                .with_fact("its size", format!("{dims:?}"))
                .with_fact("it holds", format!("{} values", values.len()))
                .with_help(help));
        }
        let mut mean = Mean { shape, values };
        mean.swap_red_and_blue();
        Ok(mean)
    }

    /// Writes `mean.binaryproto` in the old form, which every reader knows.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, path: &Path) -> Result<()> {
        fs::write(path, self.to_bytes()).map_err(|e| Error::io("write", path, &e))
    }

    /// The bytes of `mean.binaryproto`, in the old form.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut swapped = self.clone();
        swapped.swap_red_and_blue();
        let [channels, height, width] = self.shape.map(|d| Some(d as i32));
        let blob = BlobProto { num: Some(1), channels, height, width, data: swapped.values, ..Default::default() };
        blob.encode_to_vec()
    }

    /// The darkest and the brightest value.
    #[must_use]
    pub fn range(&self) -> Option<[f64; 2]> {
        let values = || self.values.iter().map(|value| f64::from(*value));
        values().reduce(f64::min).zip(values().reduce(f64::max)).map(|(low, high)| [low, high])
    }

    /// The average of each channel, in f64.
    #[must_use]
    pub fn pixel(&self) -> Vec<f64> {
        let area = (self.shape[1] * self.shape[2]) as usize;
        self.values
            .chunks_exact(area.max(1))
            .map(|plane| plane.iter().map(|&v| f64::from(v)).sum::<f64>() / area as f64)
            .collect()
    }

    /// The mean as a picture, values rounded.
    ///
    /// # Errors
    /// When it has neither 1 nor 3 channels.
    pub fn image(&self) -> Result<Image> {
        let bytes = self.values.iter().map(|v| v.round_ties_even().clamp(0.0, 255.0) as u8).collect();
        Image::from_planes(&Planes { shape: self.shape, values: Values::Bytes(bytes) })
    }

    /// Refuses a mean that does not fit records of `shape`.
    ///
    /// # Errors
    /// When the sizes differ.
    pub fn check(&self, shape: [i64; 3]) -> Result<()> {
        if self.shape == shape {
            return Ok(());
        }
        Err(Error::new(Kind::Data, "the mean image has another size than the records")
            .with_fact("the mean", format!("{} (channels x height x width)", shape_text(self.shape)))
            .with_fact("the records", shape_text(shape))
            .with_help("give the mean.binaryproto of this dataset, or --subtract-mean none"))
    }

    fn swap_red_and_blue(&mut self) {
        if self.shape[0] == 3 {
            let plane = self.values.len() / 3;
            let (first, rest) = self.values.split_at_mut(plane);
            first.swap_with_slice(&mut rest[plane..]);
        }
    }
}

/// The running sum behind a mean: whole numbers, so exact in any order.
pub struct MeanSum {
    shape: [i64; 3],
    /// In steps of 1/257 of a grey level, which images of 8 and of 16 bits have in common.
    sums: Vec<u64>,
    count: u64,
    has_deep: bool,
}

impl MeanSum {
    /// A sum over images of `[c, h, w]`.
    #[must_use]
    pub fn new(shape: [i64; 3]) -> MeanSum {
        MeanSum { shape, sums: vec![0; shape.iter().product::<i64>().max(0) as usize], count: 0, has_deep: false }
    }

    /// Adds one image of that shape.
    pub fn add(&mut self, image: &Decoded) {
        match image {
            Decoded::Bytes(image) => {
                let area = image.width * image.height;
                for (i, pixel) in image.pixels.chunks_exact(image.channels).enumerate() {
                    for (c, &value) in pixel.iter().enumerate() {
                        self.sums[c * area + i] += u64::from(value) * u64::from(STEPS);
                    }
                }
            }
            Decoded::Deep(deep) => {
                self.sums.iter_mut().zip(&deep.pixels).for_each(|(sum, &sample)| *sum += u64::from(sample));
                self.has_deep = true;
            }
        }
        self.count += 1;
    }

    /// Sum / count, rounded half to even to whole grey levels, as DIGITS stores it; not rounded where images have steps
    /// between them; none without images.
    #[must_use]
    pub fn mean(&self) -> Option<Mean> {
        let (count, steps) = (self.count as f64, u64::from(STEPS));
        let value = |&sum: &u64| match self.has_deep {
            true => (sum as f64 / steps as f64 / count) as f32,
            false => ((sum / steps) as f64 / count).round_ties_even() as f32,
        };
        let values = self.sums.iter().map(value).collect();
        (self.count > 0).then_some(Mean { shape: self.shape, values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::DeepImage;

    #[test]
    fn rounds_half_to_even() {
        let mut sum = MeanSum::new([1, 1, 2]);
        for pixels in [[0, 1], [1, 2]] {
            sum.add(&Image { width: 2, height: 1, channels: 1, pixels: pixels.to_vec() }.into());
        }
        assert_eq!(sum.mean().unwrap().values, [0.0, 2.0]);
        sum.add(&Decoded::Deep(DeepImage { width: 2, height: 1, pixels: vec![257, 0] }));
        assert_eq!(sum.mean().unwrap().values, [2.0 / 3.0, 1.0]);
        assert!(MeanSum::new([1, 1, 1]).mean().is_none());
    }

    #[test]
    fn the_file_is_blue_green_red() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mean.binaryproto");
        let mean = Mean { shape: [3, 1, 2], values: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        mean.write(&path).unwrap();
        let blob = BlobProto::decode(fs::read(&path).unwrap().as_slice()).unwrap();
        assert_eq!(blob.data, [5.0, 6.0, 3.0, 4.0, 1.0, 2.0]);
        assert_eq!((blob.num, blob.channels, blob.height, blob.width), (Some(1), Some(3), Some(1), Some(2)));
        assert_eq!(Mean::read(&path).unwrap(), mean);
        assert_eq!(mean.pixel(), [1.5, 3.5, 5.5]);
        assert!(mean.check([3, 2, 1]).unwrap_err().to_string().contains("3x1x2"));
    }

    #[test]
    fn a_foreign_file_gets_a_page() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mean.binaryproto");
        fs::write(&path, b"\x89PNG....").unwrap();
        assert!(Mean::read(&path).unwrap_err().message().contains("not a mean image"));
        fs::write(&path, b"").unwrap();
        assert!(Mean::read(&path).unwrap_err().message().contains("not a mean image"));
        assert!(Mean::read(&folder.path().join("none")).is_err());
    }
}
