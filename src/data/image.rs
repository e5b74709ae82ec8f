//! `Image`: 8-bit pixels in memory, grey or RGB, resized by DIGITS' four modes; `codec.rs` reads and writes its files.
//!
//! Source: `digits/utils/image.py` (`image_to_array`, `resize_image`) on Pillow.

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};

use super::{
    fit::{self, Resize},
    planes::{Planes, Values, shape_text},
    random::Random,
};
use crate::error::{Error, Kind, Result};

/// An image of 8-bit pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue); 2 or 4 with transparency behind them.
    pub channels: usize,
    /// Row by row, the channels of one pixel beside each other: `[h, w, c]`.
    pub pixels: Vec<u8>,
}

impl Image {
    /// The same image with 1 or 3 channels: luma 0.299 R + 0.587 G + 0.114 B, or grey repeated.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Image {
        let pixels = match (self.channels, channels) {
            (3, 1) => self.pixels.chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect(),
            (1, 3) => self.pixels.iter().flat_map(|&p| [p, p, p]).collect(),
            // What has no transparency is opaque.
            (3, 4) => self.pixels.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect(),
            (1, 4) => self.pixels.iter().flat_map(|&p| [p, p, p, 255]).collect(),
            (2, 4) => self.pixels.chunks_exact(2).flat_map(|p| [p[0], p[0], p[0], p[1]]).collect(),
            _ => return self,
        };
        Image { channels, pixels, ..self }
    }

    /// The image at another size, as DIGITS' `resize_image` makes it: bilinear, area-aware when shrinking. Padding is
    /// noise 0..=254 drawn from `noise`.
    ///
    /// # Errors
    /// When the image or the target is empty, or larger than the resizer can hold.
    pub fn resized(self, width: usize, height: usize, mode: Resize, noise: &mut Random) -> Result<Image> {
        let (scaled_width, scaled_height) = fit::scaled_size([self.width, self.height], [width, height], mode);
        let scaled = self.scaled(scaled_width, scaled_height)?;
        let channels = scaled.channels;
        let pad = || noise.below(255) as u8;
        let pixels = fit::fitted(scaled.pixels, channels, [scaled.width, scaled.height], [width, height], pad);
        Ok(Image { width, height, channels, pixels })
    }

    /// Bilinear with a support that grows when shrinking, like Pillow's `Image.resize(…, BILINEAR)`.
    fn scaled(self, width: usize, height: usize) -> Result<Image> {
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        let failed = |cause: String| fit::failed([self.width, self.height], [width, height], cause);
        let side = |length: usize| u32::try_from(length).map_err(|e| failed(e.to_string()));
        let pixel = match self.channels {
            1 => PixelType::U8,
            2 => PixelType::U8x2,
            3 => PixelType::U8x3,
            _ => PixelType::U8x4,
        };
        let source = images::ImageRef::new(side(self.width)?, side(self.height)?, &self.pixels, pixel)
            .map_err(|e| failed(e.to_string()))?;
        let mut target = images::Image::new(side(width)?, side(height)?, pixel);
        // A fourth channel is a channel like the others, as in a record.
        let options = ResizeOptions::new().use_alpha(false).resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize(&source, &mut target, &options).map_err(|e| failed(e.to_string()))?;
        Ok(Image { width, height, channels: self.channels, pixels: target.into_vec() })
    }

    /// The image as `[c, h, w]` bytes.
    #[must_use]
    pub fn to_planes(&self) -> Planes {
        let shape = [self.channels as i64, self.height as i64, self.width as i64];
        let values = if self.channels == 1 {
            self.pixels.clone()
        } else {
            (0..self.channels).flat_map(|c| self.pixels.iter().copied().skip(c).step_by(self.channels)).collect()
        };
        Planes { shape, values: Values::Bytes(values) }
    }

    /// An image from `[c, h, w]` bytes of 1 to 4 channels.
    ///
    /// # Errors
    /// When there are other numbers of channels, or values that are not bytes.
    pub fn from_planes(planes: &Planes) -> Result<Image> {
        let [c, h, w] = planes.shape.map(|d| d as usize);
        let (Values::Bytes(values), 1..=4) = (&planes.values, c) else {
            return Err(Error::new(
                Kind::Data,
                format!("an array of {} cannot be shown as an image", shape_text(planes.shape)),
            )
            .with_help("images have 1 to 4 channels of bytes"));
        };
        let area = h * w;
        let pixels = (0..area).flat_map(|i| (0..c).map(move |k| values[k * area + i])).collect();
        Ok(Image { width: w, height: h, channels: c, pixels })
    }
}

/// Pillow's `convert("L")`.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ramp(width: usize, height: usize, channels: usize) -> Image {
        let pixels = (0..width * height * channels).map(|i| (i * 7 % 256) as u8).collect();
        Image { width, height, channels, pixels }
    }

    fn noise() -> Random {
        Random::new(&[1])
    }

    #[test]
    fn crop_keeps_the_middle() {
        let image = Image { width: 4, height: 2, channels: 1, pixels: vec![1, 2, 3, 4, 5, 6, 7, 8] };
        let cut = image.resized(2, 2, Resize::Crop, &mut noise()).unwrap();
        assert_eq!(cut.pixels, [2, 3, 6, 7]);
    }

    #[test]
    fn fill_pads_both_ends_equally() {
        let image = Image { width: 4, height: 2, channels: 1, pixels: vec![200; 8] };
        let filled = image.resized(4, 4, Resize::Fill, &mut noise()).unwrap();
        assert_eq!(filled.pixels[4..12], [200; 8]);
        assert!(filled.pixels[..4] != [200; 4] && filled.pixels[12..] != [200; 4]);
    }

    #[test]
    fn planes_and_luma() {
        let image = Image { width: 2, height: 1, channels: 3, pixels: vec![255, 0, 0, 0, 0, 255] };
        assert_eq!(image.to_planes().values, Values::Bytes(vec![255, 0, 0, 0, 0, 255]));
        assert_eq!(image.with_channels(1).pixels, [76, 29]);
    }

    proptest! {
        #[test]
        fn every_mode_gives_the_target_size(
            w in 1usize..40, h in 1usize..40, width in 1usize..24, height in 1usize..24, colour: bool,
        ) {
            for mode in [Resize::Squash, Resize::Crop, Resize::Fill, Resize::HalfCrop] {
                let channels = if colour { 3 } else { 1 };
                let out = ramp(w, h, channels).resized(width, height, mode, &mut noise()).unwrap();
                prop_assert_eq!((out.width, out.height, out.pixels.len()), (width, height, width * height * channels));
            }
        }
    }
}
