//! `Preprocess`: from a record to what a network sees: augmentation, mean subtraction, crop. One path for training,
//! validation, test pictures and export; a pure function of (image, seed, epoch, index).
//!
//! Source: `digits/tools/torch/data.lua` and `main.lua`; the order of steps is DIGITS' (HSV, noise, mean, flip,
//! quarter turn, rotation and scale, crop; of its TensorFlow tool contrast and whitening). What moves an image's pixels moves
//! those of a label image of its size too; in DIGITS labels stay as they are.

use std::ops::Sub;

use serde::{Deserialize, Serialize};

use super::{
    mean::Mean,
    planes::{Pixels, Planes, Values, shape_text},
    random::Random,
};
use crate::error::{Error, Kind, Result};

mod augment;
mod moves;

pub use augment::{Augment, Flip, QuarterTurn};
use moves::{Moves, Sampling};

/// What is subtracted from each pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Subtract {
    /// The mean image, pixel by pixel.
    #[default]
    Image,
    /// One number a channel: the average of the mean image.
    Pixel,
    /// Nothing.
    None,
}

/// The element type of a batch's images: a [`Real`], or bytes for a device that does the rest of the plan ([`Rest`]).
pub trait Element: Copy + Send + Sync + 'static {
    /// libtorch's name of the type.
    const KIND: tch::Kind;
    /// One record's part of a batch, and where its pixels went; none when it cannot be represented in this type.
    fn write(
        plan: &Preprocess,
        image: Pixels<'_>,
        draw: Option<Draw>,
        scratch: &mut Scratch,
        out: &mut [Self],
    ) -> Option<Placement>;
}

/// The element type of preprocessed images.
pub trait Real: Element + Sub<Output = Self> + From<u8> + From<f32> {
    /// The nearest value.
    fn from_f64(value: f64) -> Self;
}

impl Element for u8 {
    const KIND: tch::Kind = tch::Kind::Uint8;
    fn write(
        plan: &Preprocess,
        image: Pixels<'_>,
        draw: Option<Draw>,
        _: &mut Scratch,
        out: &mut [u8],
    ) -> Option<Placement> {
        let Pixels::Bytes(values) = image else { return None };
        let [_, h, w] = plan.shape;
        let window = plan.window([h, w], draw.map(Draw::random).as_mut());
        plan.cut_into(values, window, out, |_, _, out, values| out.copy_from_slice(values));
        Some(Placement { moves: Moves::default(), window })
    }
}

impl Element for f32 {
    const KIND: tch::Kind = tch::Kind::Float;
    fn write(
        plan: &Preprocess,
        image: Pixels<'_>,
        draw: Option<Draw>,
        scratch: &mut Scratch,
        out: &mut [f32],
    ) -> Option<Placement> {
        Some(plan.apply_to(image, draw, scratch, out))
    }
}

impl Element for f64 {
    const KIND: tch::Kind = tch::Kind::Double;
    fn write(
        plan: &Preprocess,
        image: Pixels<'_>,
        draw: Option<Draw>,
        scratch: &mut Scratch,
        out: &mut [f64],
    ) -> Option<Placement> {
        Some(plan.apply_to(image, draw, scratch, out))
    }
}

impl Real for f32 {
    fn from_f64(value: f64) -> f32 {
        value as f32
    }
}

impl Real for f64 {
    fn from_f64(value: f64) -> f64 {
        value
    }
}

/// Which random numbers a train record meets. Validation and test have no `Draw`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Draw {
    /// The run's seed.
    pub seed: u64,
    /// Epochs from 1.
    pub epoch: u64,
    /// The place in the epoch, so that a record drawn twice is changed in two ways.
    pub index: u64,
}

impl Draw {
    fn random(self) -> Random {
        Random::new(&[self.seed, self.epoch, self.index])
    }
}

/// Where a record's pixels went: what was drawn for its image, for its label image.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Placement {
    moves: Moves,
    /// Top and left edge of what was cut out.
    window: (usize, usize),
}

/// Working memory that is kept from one record to the next.
#[derive(Default)]
pub struct Scratch {
    image: Vec<f32>,
    other: Vec<f32>,
}

/// The way from a record to a network's input.
#[derive(Debug, Clone)]
pub struct Preprocess {
    /// What is subtracted, if anything.
    pub subtract: Subtract,
    /// The mean image; none when nothing is subtracted.
    pub mean: Option<Mean>,
    /// The side of the square that is cut out: at random in training, the middle otherwise.
    pub crop: Option<i64>,
    /// Random changes in training.
    pub augment: Augment,
    /// `[c, h, w]` of the records.
    shape: [i64; 3],
    /// The average of each channel of the mean.
    pixel: Vec<f64>,
}

impl Preprocess {
    /// A plan for records of `[c, h, w]`.
    ///
    /// # Errors
    /// When a mean is wanted and none is given or it has another size, the crop is larger than the image, or an
    /// augmentation cannot be done on this shape.
    pub fn new(
        shape: [i64; 3],
        subtract: Subtract,
        mean: Option<&Mean>,
        crop: Option<i64>,
        augment: Augment,
    ) -> Result<Preprocess> {
        let mean = match (subtract, mean) {
            (Subtract::None, _) => None,
            (_, Some(mean)) => {
                mean.check(shape)?;
                Some(mean.clone())
            }
            (_, None) => {
                return Err(Error::new(Kind::Usage, "a mean is to be subtracted, but the dataset has none")
                    .with_help("give --mean mean.binaryproto, or --subtract-mean none"));
            }
        };
        Preprocess::check_crop(shape, crop)?;
        augment.check(shape, crop)?;
        let pixel = mean.as_ref().map(Mean::pixel).unwrap_or_default();
        Ok(Preprocess { subtract, mean, crop, augment, shape, pixel })
    }

    /// Whether a square of so many pixels can be cut from images `[c, h, w]`.
    ///
    /// # Errors
    /// When it is larger than they are.
    pub fn check_crop(shape: [i64; 3], crop: Option<i64>) -> Result<()> {
        let smallest = shape[1].min(shape[2]);
        match crop.filter(|crop| !(1..=smallest).contains(crop)) {
            Some(crop) => Err(Error::new(Kind::Usage, format!("a crop of {crop} pixels does not fit the images"))
                .with_fact("the images", format!("{} (channels x height x width)", shape_text(shape)))
                .with_help(format!("choose a crop from 1 to {smallest}"))),
            None => Ok(()),
        }
    }

    /// `[c, h, w]` of what goes in.
    #[must_use]
    pub fn input_shape(&self) -> [i64; 3] {
        self.shape
    }

    /// `[c, h, w]` of what comes out.
    #[must_use]
    pub fn output_shape(&self) -> [i64; 3] {
        match self.crop {
            Some(crop) => [self.shape[0], crop, crop],
            None => self.shape,
        }
    }

    /// What is subtracted from an image whose middle is cut out, `[c, h, w]`, row-major; none when nothing is.
    #[must_use]
    pub fn subtracted(&self) -> Option<Vec<f32>> {
        self.mean.as_ref()?;
        let count = |shape: [i64; 3]| shape.iter().product::<i64>() as usize;
        let (black, mut out) = (vec![0; count(self.shape)], vec![0f32; count(self.output_shape())]);
        self.apply_to(Pixels::Bytes(&black), None, &mut Scratch::default(), &mut out);
        Some(out.into_iter().map(|value| -value).collect())
    }

    /// Carries out the plan on one record of the input shape; `out` has the output shape's number of values. Without
    /// a `draw` only the mean is subtracted and the middle cut out.
    ///
    /// # Panics
    /// When `image` or `out` has another number of values than the plan's shapes.
    pub fn apply<T: Real>(&self, image: &Planes, draw: Option<Draw>, scratch: &mut Scratch, out: &mut [T]) {
        assert_eq!(image.shape, self.shape, "the caller checks shapes");
        self.apply_to(image.pixels(), draw, scratch, out);
    }

    /// `[c, h, w]` of what becomes of a label of this shape: one as high and wide as the records is an image, which is
    /// moved and cut as theirs are; any other stays as it is, and is none here.
    #[must_use]
    pub fn label_shape(&self, [c, h, w]: [i64; 3]) -> Option<[i64; 3]> {
        let is_image = [h, w] == self.shape[1..] && h * w > 1;
        is_image.then(|| self.crop.map_or([c, h, w], |crop| [c, crop, crop]))
    }

    /// Where pixels go outside of training: the middle is cut out.
    #[must_use]
    pub fn middle(&self) -> Placement {
        Placement { moves: Moves::default(), window: self.window([self.shape[1], self.shape[2]], None) }
    }

    /// Moves and cuts a label image as its image was; classes, which one channel of bytes may be, are never mixed. `out` has
    /// the values of [`label_shape`](Self::label_shape).
    ///
    /// # Panics
    /// When the label has another height or width than the records, or `out` another number of values.
    pub fn apply_to_label<T: Real>(
        &self,
        label: &Planes,
        Placement { moves, window: (top, left) }: Placement,
        scratch: &mut Scratch,
        out: &mut [T],
    ) {
        let [c, h, w] = label.shape.map(|d| d as usize);
        let shape = self.label_shape(label.shape).expect("the caller checks shapes");
        assert_eq!(out.len(), shape.iter().product::<i64>() as usize, "the caller sizes the output");
        let Scratch { image, other } = scratch;
        image.clear();
        let sampling = match &label.values {
            Values::Bytes(values) => {
                image.extend(values.iter().map(|&v| f32::from(v)));
                if c == 1 { Sampling::Nearest } else { Sampling::Bilinear }
            }
            Values::Floats(values) => {
                image.extend_from_slice(values);
                Sampling::Bilinear
            }
        };
        let (h, w) = moves.apply([c, h, w], image, other, sampling);
        let [_, rows, columns] = shape.map(|d| d as usize);
        cut([h, w], [rows, columns], (top, left), image, out);
    }

    /// [`Preprocess::apply`] on values that lie somewhere else.
    ///
    /// # Panics
    /// As there.
    pub fn apply_to<T: Real>(
        &self,
        image: Pixels<'_>,
        draw: Option<Draw>,
        scratch: &mut Scratch,
        out: &mut [T],
    ) -> Placement {
        let count = self.shape.iter().product::<i64>() as usize;
        assert_eq!(image.len(), count, "the caller checks shapes");
        let mut random = draw.map(Draw::random);
        match random.as_mut().filter(|_| self.augment.any()) {
            None => {
                let [_, h, w] = self.shape;
                let window = self.window([h, w], random.as_mut());
                match image {
                    Pixels::Bytes(values) => self.subtract_into(values, window, out),
                    Pixels::Floats(values) => self.subtract_into(values, window, out),
                }
                Placement { moves: Moves::default(), window }
            }
            Some(random) => {
                scratch.image.clear();
                match image {
                    Pixels::Bytes(values) => scratch.image.extend(values.iter().map(|&v| f32::from(v))),
                    Pixels::Floats(values) => scratch.image.extend_from_slice(values),
                }
                self.augment.colour(&mut scratch.image, random);
                self.subtract_in_place(&mut scratch.image);
                let [c, h, w] = self.shape.map(|d| d as usize);
                let Scratch { image, other } = scratch;
                let moves = self.augment.moves(random);
                let (h, w) = moves.apply([c, h, w], image, other, Sampling::Bilinear);
                let window = self.window([h as i64, w as i64], Some(random));
                let [_, rows, columns] = self.output_shape().map(|d| d as usize);
                if self.augment.has_tone() {
                    other.clear();
                    other.resize(c * rows * columns, 0.0);
                    cut([h, w], [rows, columns], window, image, other);
                    self.augment.tone(other, rows * columns, random);
                    out.iter_mut().zip(&*other).for_each(|(out, &value)| *out = T::from(value));
                } else {
                    cut([h, w], [rows, columns], window, image, out);
                }
                Placement { moves, window }
            }
        }
    }

    /// Top and left edge of the crop in an image of `[h, w]`. DIGITS takes the height's offset for both in validation
    /// (quirk 12); each side has its own here.
    fn window(&self, [h, w]: [i64; 2], random: Option<&mut Random>) -> (usize, usize) {
        let Some(crop) = self.crop else { return (0, 0) };
        let (y, x) = (h - crop, w - crop);
        match random {
            Some(random) => {
                let top = random.below(y as u64 + 1) as usize;
                (top, random.below(x as u64 + 1) as usize)
            }
            None => ((y / 2) as usize, (x / 2) as usize),
        }
    }

    /// The fast path: conversion, subtraction and crop in one pass.
    fn subtract_into<S: Copy, T: Real + From<S>>(&self, values: &[S], window: (usize, usize), out: &mut [T]) {
        self.cut_into(values, window, out, |plane, start, out, values| match (&self.mean, self.subtract) {
            (Some(mean), Subtract::Image) => {
                let mean = &mean.values[start..start + out.len()];
                for ((out, &value), &mean) in out.iter_mut().zip(values).zip(mean) {
                    *out = T::from(value) - <T as From<f32>>::from(mean);
                }
            }
            (Some(_), Subtract::Pixel) => {
                let mean = T::from_f64(self.pixel[plane]);
                for (out, &value) in out.iter_mut().zip(values) {
                    *out = T::from(value) - mean;
                }
            }
            _ => {
                for (out, &value) in out.iter_mut().zip(values) {
                    *out = T::from(value);
                }
            }
        });
    }

    /// Cuts out the window: `write` gets a stretch's plane, its start in the image, where it goes, and its values.
    #[inline(always)]
    fn cut_into<S, T>(
        &self,
        values: &[S],
        (top, left): (usize, usize),
        out: &mut [T],
        write: impl Fn(usize, usize, &mut [T], &[S]),
    ) {
        let [_, h, w] = self.shape.map(|d| d as usize);
        let [_, rows, columns] = self.output_shape().map(|d| d as usize);
        // Whole planes in one stretch when nothing is cut, rows otherwise.
        let (stretch, rows) = if self.crop.is_none() { (h * w, 1) } else { (columns, rows) };
        assert_eq!(out.len(), self.output_shape().iter().product::<i64>() as usize, "the caller sizes the output");
        for (i, out) in out.chunks_exact_mut(stretch.max(1)).enumerate() {
            let (plane, y) = (i / rows, i % rows);
            let start = if rows == 1 && self.crop.is_none() { i * stretch } else { (plane * h + y + top) * w + left };
            write(plane, start, out, &values[start..start + stretch]);
        }
    }

    /// What is left of the plan when batches of bytes go to `device`, for training or not: all but the crop. `None` when
    /// it cannot be left: augmentation works on numbers, and a mean image meets each random crop at another place.
    ///
    /// # Errors
    /// When the device has no memory left.
    pub fn rest(&self, train: bool, kind: tch::Kind, device: tch::Device) -> Result<Option<Rest>> {
        let is_moving = train && (self.augment.any() || self.crop.is_some() && self.subtract == Subtract::Image);
        if is_moving {
            return Ok(None);
        }
        let [c, rows, columns] = self.output_shape();
        let mean = match (&self.mean, self.subtract) {
            (Some(mean), Subtract::Image) => {
                let (top, left) = self.window([self.shape[1], self.shape[2]], None);
                let whole = tch::Tensor::f_from_slice(&mean.values)?.f_view(self.shape)?;
                Some(whole.f_narrow(1, top as i64, rows)?.f_narrow(2, left as i64, columns)?)
            }
            (Some(_), Subtract::Pixel) => Some(tch::Tensor::f_from_slice(&self.pixel)?.f_view([c, 1, 1])?),
            _ => None,
        };
        let mean = mean.map(|mean| mean.f_to_device(device)?.f_to_kind(kind)?.f_contiguous()).transpose()?;
        Ok(Some(Rest { kind, mean }))
    }

    fn subtract_in_place(&self, image: &mut [f32]) {
        match (&self.mean, self.subtract) {
            (Some(mean), Subtract::Image) => image.iter_mut().zip(&mean.values).for_each(|(v, m)| *v -= m),
            (Some(_), Subtract::Pixel) => {
                let area = (self.shape[1] * self.shape[2]) as usize;
                for (plane, &mean) in image.chunks_exact_mut(area).zip(&self.pixel) {
                    plane.iter_mut().for_each(|v| *v -= mean as f32);
                }
            }
            _ => {}
        }
    }
}

/// Cuts `[rows, columns]` out of planes `[h, w]`.
fn cut<T: Real>(
    [h, w]: [usize; 2],
    [rows, columns]: [usize; 2],
    (top, left): (usize, usize),
    image: &[f32],
    out: &mut [T],
) {
    for (row, out) in out.chunks_exact_mut(columns).enumerate() {
        let (plane, y) = (row / rows, row % rows);
        let start = (plane * h + y + top) * w + left;
        for (out, &value) in out.iter_mut().zip(&image[start..start + columns]) {
            *out = T::from(value);
        }
    }
}

/// The part of a plan that a device does with a batch of bytes, bit for bit what [`Preprocess::apply`] gives: an image
/// travels in a quarter of the bytes.
pub struct Rest {
    kind: tch::Kind,
    /// `[c, h, w]` or `[c, 1, 1]`, on the device.
    mean: Option<tch::Tensor>,
}

impl Rest {
    /// The network's input of `bytes`, `[n, c, h, w]` on the device.
    ///
    /// # Errors
    /// When libtorch refuses.
    pub fn of(&self, bytes: &tch::Tensor) -> Result<tch::Tensor> {
        let mut values = bytes.f_to_kind(self.kind)?;
        if let Some(mean) = &self.mean {
            let _ = values.f_sub_(mean)?;
        }
        Ok(values)
    }
}

#[cfg(test)]
mod tests;
