//! `DeepImage`: grey pixels of 16 bits, as microscopes, X-rays and depth cameras give them.
//!
//! In a record they are grey levels 0..=255 like all others, with steps of 1/257 between them: a mean, a crop, a network and
//! a picture need not know how fine they are. PNG keeps them as 16-bit samples, a raw record as `float_data`.

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};
use image::{ExtendedColorType, ImageEncoder, codecs::png::PngEncoder};

use super::{
    fit::{self, Resize},
    image::Image,
    planes::{Planes, Values},
    random::Random,
};
use crate::error::{Error, Kind, Result};

/// Samples of a grey level: 65535 is 255.
pub(super) const STEPS: u16 = 257;

/// An image of grey pixels 0..=65535.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeepImage {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Row by row: `[h, w]`.
    pub pixels: Vec<u16>,
}

impl DeepImage {
    /// The same with 8 bits a pixel: the nearest grey level.
    #[must_use]
    pub fn reduced(&self) -> Image {
        let level = |&sample: &u16| ((u32::from(sample) + u32::from(STEPS) / 2) / u32::from(STEPS)) as u8;
        Image { width: self.width, height: self.height, channels: 1, pixels: self.pixels.iter().map(level).collect() }
    }

    /// The image at another size, as [`Image::resized`].
    ///
    /// # Errors
    /// As there.
    pub fn resized(self, width: usize, height: usize, mode: Resize, noise: &mut Random) -> Result<DeepImage> {
        let (scaled_width, scaled_height) = fit::scaled_size([self.width, self.height], [width, height], mode);
        let scaled = self.scaled(scaled_width, scaled_height)?;
        let pad = || noise.below(255) as u16 * STEPS;
        let pixels = fit::fitted(scaled.pixels, 1, [scaled.width, scaled.height], [width, height], pad);
        Ok(DeepImage { width, height, pixels })
    }

    fn scaled(self, width: usize, height: usize) -> Result<DeepImage> {
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        let failed = |cause: String| fit::failed([self.width, self.height], [width, height], cause);
        let side = |length: usize| u32::try_from(length).map_err(|e| failed(e.to_string()));
        // The resizer's own memory is aligned for its pixels.
        let mut source = images::Image::new(side(self.width)?, side(self.height)?, PixelType::U16);
        for (two, sample) in source.buffer_mut().chunks_exact_mut(2).zip(&self.pixels) {
            two.copy_from_slice(&sample.to_ne_bytes());
        }
        let mut target = images::Image::new(side(width)?, side(height)?, PixelType::U16);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize(&source, &mut target, &options).map_err(|e| failed(e.to_string()))?;
        let bytes = target.into_vec();
        let pixels = bytes.chunks_exact(2).map(|two| u16::from_ne_bytes([two[0], two[1]])).collect();
        Ok(DeepImage { width, height, pixels })
    }

    /// The image as `[1, h, w]` grey levels 0..=255.
    #[must_use]
    pub fn to_planes(&self) -> Planes {
        let values = self.pixels.iter().map(|&sample| f32::from(sample) / f32::from(STEPS)).collect();
        Planes { shape: [1, self.height as i64, self.width as i64], values: Values::Floats(values) }
    }

    /// The image whose [`to_planes`](Self::to_planes) these are; none where they are other numbers.
    #[must_use]
    pub fn from_planes(planes: &Planes) -> Option<DeepImage> {
        let ([1, height, width], Values::Floats(values)) = (planes.shape, &planes.values) else { return None };
        let sample = |value: &f32| {
            let sample = value * f32::from(STEPS);
            let whole = sample.round();
            ((0.0..=65_535.0).contains(&whole) && (sample - whole).abs() < 0.01).then_some(whole as u16)
        };
        let pixels = values.iter().map(sample).collect::<Option<_>>()?;
        Some(DeepImage { width: width as usize, height: height as usize, pixels })
    }

    /// A PNG file of 16-bit samples.
    ///
    /// # Errors
    /// When the encoder refuses the size.
    pub fn png(&self) -> Result<Vec<u8>> {
        let (width, height) = (self.width as u32, self.height as u32);
        let samples: Vec<u8> = self.pixels.iter().flat_map(|sample| sample.to_ne_bytes()).collect();
        let mut bytes = Vec::new();
        PngEncoder::new(&mut bytes).write_image(&samples, width, height, ExtendedColorType::L16).map_err(|e| {
            Error::new(Kind::Data, format!("an image of {width}x{height} cannot be encoded")).with_cause(e.to_string())
        })?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_grey_levels_and_come_back() {
        let deep = DeepImage { width: 2, height: 2, pixels: vec![0, 257, 128, 65_535] };
        assert_eq!(deep.to_planes().values, Values::Floats(vec![0.0, 1.0, 128.0 / 257.0, 255.0]));
        assert_eq!(DeepImage::from_planes(&deep.to_planes()), Some(deep.clone()));
        assert_eq!(deep.reduced().pixels, [0, 1, 0, 255]);
        let numbers = Planes { shape: [1, 1, 2], values: Values::Floats(vec![0.2, -0.4]) };
        assert_eq!(DeepImage::from_planes(&numbers), None);
    }

    #[test]
    fn it_is_fitted_as_an_image_of_bytes_is() {
        let bytes = Image { width: 7, height: 4, channels: 1, pixels: (0..28).map(|i| i * 9).collect() };
        let pixels = bytes.pixels.iter().map(|&level| u16::from(level) * STEPS).collect();
        let deep = DeepImage { width: 7, height: 4, pixels };
        for mode in [Resize::Squash, Resize::Crop, Resize::Fill, Resize::HalfCrop] {
            let small = bytes.clone().resized(3, 5, mode, &mut Random::new(&[1])).unwrap();
            let fine = deep.clone().resized(3, 5, mode, &mut Random::new(&[1])).unwrap();
            let near = |(&level, &sample): (&u8, &u16)| (f32::from(level) - f32::from(sample) / 257.0).abs() <= 1.0;
            assert!(small.pixels.iter().zip(&fine.pixels).all(near), "{mode:?}: {small:?} {fine:?}");
        }
    }
}
