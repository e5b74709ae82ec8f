//! Images: decoded by DIGITS' rules for pixel formats, resized by its four modes, encoded as PNG or JPEG.
//!
//! Source: `digits/utils/image.py` (`load_image`, `image_to_array`, `resize_image`) on Pillow.

use std::{fs, io::Cursor, path::Path};

use fast_image_resize::{FilterType, PixelType, ResizeAlg, ResizeOptions, Resizer, images};
use image::{DynamicImage, ExtendedColorType, ImageEncoder, ImageReader, codecs::jpeg::JpegEncoder};
use serde::{Deserialize, Serialize};

use super::{Planes, Random, Values, png};
use crate::{
    error::{Error, Kind, Result},
    input::{self, Form},
};

/// How pixels are kept in a database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// PNG: lossless.
    #[default]
    Png,
    /// JPEG, quality 90.
    Jpg,
    /// Raw bytes, channel by channel; three channels as blue, green, red.
    None,
}

/// What happens to an image of another shape than the dataset's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Resize {
    /// Both sides are fitted; the proportions change.
    #[default]
    Squash,
    /// The image covers the target and the long side is cut.
    Crop,
    /// The image fits into the target and the short side is padded with noise.
    Fill,
    /// Half way between the two.
    #[value(name = "half_crop")]
    HalfCrop,
}

/// An image of 8-bit pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 1 (grey) or 3 (red, green, blue).
    pub channels: usize,
    /// Row by row, the channels of one pixel beside each other: `[h, w, c]`.
    pub pixels: Vec<u8>,
}

impl Image {
    /// Decodes a PNG, JPEG, BMP, GIF, TIFF, WebP or PNM file. Grey stays grey, everything else becomes RGB;
    /// transparent pixels are laid on white.
    ///
    /// # Errors
    /// When the bytes are no such image, are damaged, or have more than 8 bits a grey pixel.
    pub fn decode(bytes: &[u8]) -> Result<Image> {
        if let Some(image) = png::decode(bytes) {
            return Ok(image);
        }
        let undecodable = |cause: String| {
            Error::new(Kind::Data, "the image cannot be decoded")
                .with_cause(cause)
                .with_help("use a PNG, JPEG, BMP, PPM or PGM file that an image viewer opens")
        };
        let reader =
            ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| undecodable(e.to_string()))?;
        let decoded = reader.decode().map_err(|e| undecodable(e.to_string()))?;
        let (width, height) = (decoded.width() as usize, decoded.height() as usize);
        // Pillow keeps a PNG's "transparent colour" apart from the pixels: such an image counts as opaque.
        let opaque = bytes.starts_with(b"\x89PNG") && matches!(bytes.get(25), Some(0 | 2));
        let (channels, pixels) = match decoded {
            DynamicImage::ImageLuma8(image) => (1, image.into_raw()),
            DynamicImage::ImageRgb8(image) => (3, image.into_raw()),
            DynamicImage::ImageLumaA8(image) => (1, on_white(image.as_raw(), 1, opaque)),
            DynamicImage::ImageRgba8(image) => (3, on_white(image.as_raw(), 3, opaque)),
            // Pillow reads the high byte of 16-bit colour.
            DynamicImage::ImageRgb16(image) => (3, high_bytes(image.as_raw())),
            DynamicImage::ImageRgba16(image) => (3, on_white(&high_bytes(image.as_raw()), 3, opaque)),
            DynamicImage::ImageLumaA16(image) => (1, on_white(&high_bytes(image.as_raw()), 1, opaque)),
            DynamicImage::ImageLuma16(_) => {
                return Err(Error::new(Kind::Data, "the image has 16 bits a grey pixel")
                    .with_help("save it with 8 bits a pixel: DIGITS does not take 16 either"));
            }
            other => return Err(undecodable(format!("pixels of type {:?}", other.color()))),
        };
        Ok(Image { width, height, channels, pixels })
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// When it cannot be read or decoded; the path is in the page.
    pub fn open(path: &Path) -> Result<Image> {
        let bytes = input::read(path, Form::Image)?;
        Image::decode(&bytes).map_err(|e| e.with_fact("in the file", path.display().to_string()))
    }

    /// The same image with 1 or 3 channels: luma 0.299 R + 0.587 G + 0.114 B, or grey repeated.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Image {
        let pixels = match (self.channels, channels) {
            (3, 1) => self.pixels.chunks_exact(3).map(|p| luma(p[0], p[1], p[2])).collect(),
            (1, 3) => self.pixels.iter().flat_map(|&p| [p, p, p]).collect(),
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
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        let (w, h) = (self.width as f64, self.height as f64);
        let (wide, tall) = (w / width as f64, h / height as f64);
        // f64::round is Python 2's round: half away from zero. A very long image must keep one row.
        let scaled = |length: f64, ratio: f64| ((length / ratio).round() as usize).max(1);
        let even = |length: usize, target: usize| length + usize::from(target.abs_diff(length) % 2 == 1);
        let (new_width, new_height) = match mode {
            _ if wide == tall => (width, height),
            Resize::Squash => (width, height),
            Resize::Crop if wide > tall => (scaled(w, tall), height),
            Resize::Crop => (width, scaled(h, wide)),
            Resize::Fill if wide > tall => (width, even(scaled(h, wide), height)),
            Resize::Fill => (even(scaled(w, tall), width), height),
            Resize::HalfCrop => {
                let ratio = (wide + tall) / 2.0;
                let (new_width, new_height) = (scaled(w, ratio), scaled(h, ratio));
                if wide > tall { (new_width, even(new_height, height)) } else { (even(new_width, width), new_height) }
            }
        };
        Ok(self.scaled(new_width, new_height)?.fitted(width, height, noise))
    }

    /// Bilinear with a support that grows when shrinking, like Pillow's `Image.resize(…, BILINEAR)`.
    fn scaled(self, width: usize, height: usize) -> Result<Image> {
        if (self.width, self.height) == (width, height) {
            return Ok(self);
        }
        let failed = |cause: String| {
            Error::new(
                Kind::Data,
                format!("an image of {}x{} cannot be resized to {width}x{height}", self.width, self.height),
            )
            .with_cause(cause)
        };
        let side = |length: usize| u32::try_from(length).map_err(|e| failed(e.to_string()));
        let pixel = if self.channels == 1 { PixelType::U8 } else { PixelType::U8x3 };
        let source = images::ImageRef::new(side(self.width)?, side(self.height)?, &self.pixels, pixel)
            .map_err(|e| failed(e.to_string()))?;
        let mut target = images::Image::new(side(width)?, side(height)?, pixel);
        let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
        Resizer::new().resize(&source, &mut target, &options).map_err(|e| failed(e.to_string()))?;
        Ok(Image { width, height, channels: self.channels, pixels: target.into_vec() })
    }

    /// Cuts what is too long around its middle, pads what is too short on both sides with noise.
    fn fitted(self, width: usize, height: usize, noise: &mut Random) -> Image {
        if (self.width, self.height) == (width, height) {
            return self;
        }
        let start = |long: usize, target: usize| (long.saturating_sub(target) as f64 / 2.0).round() as usize;
        let pad = |short: usize, target: usize| target.saturating_sub(short) / 2;
        let (left, top) = (start(self.width, width), start(self.height, height));
        let (pad_left, pad_top) = (pad(self.width, width), pad(self.height, height));
        let c = self.channels;
        let mut pixels: Vec<u8> = Vec::with_capacity(width * height * c);
        for y in 0..height {
            for x in 0..width {
                let inside = (y + top).checked_sub(pad_top).zip((x + left).checked_sub(pad_left));
                match inside.filter(|&(y, x)| y < self.height && x < self.width) {
                    Some((y, x)) => pixels.extend_from_slice(&self.pixels[(y * self.width + x) * c..][..c]),
                    None => pixels.extend((0..c).map(|_| noise.below(255) as u8)),
                }
            }
        }
        Image { width, height, channels: c, pixels }
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

    /// An image from `[1, h, w]` or `[3, h, w]` bytes.
    ///
    /// # Errors
    /// When there are other numbers of channels, or values that are not bytes.
    pub fn from_planes(planes: &Planes) -> Result<Image> {
        let [c, h, w] = planes.shape.map(|d| d as usize);
        let (Values::Bytes(values), 1 | 3) = (&planes.values, c) else {
            return Err(Error::new(
                Kind::Data,
                format!("an array of {} cannot be shown as an image", super::datum::shape_text(planes.shape)),
            )
            .with_help("images have 1 or 3 channels of bytes"));
        };
        let area = h * w;
        let pixels = (0..area).flat_map(|i| (0..c).map(move |k| values[k * area + i])).collect();
        Ok(Image { width: w, height: h, channels: c, pixels })
    }

    /// The file contents in PNG or JPEG (quality 90); `Encoding::None` gives the bare pixels.
    ///
    /// # Errors
    /// When the encoder refuses the size.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let colour = if self.channels == 1 { ExtendedColorType::L8 } else { ExtendedColorType::Rgb8 };
        let (width, height) = (self.width as u32, self.height as u32);
        match encoding {
            Encoding::None => return Ok(self.pixels.clone()),
            Encoding::Png if !self.pixels.is_empty() => return Ok(png::encode(self)),
            Encoding::Png => Err(image::ImageError::Parameter(image::error::ParameterError::from_kind(
                image::error::ParameterErrorKind::DimensionMismatch,
            ))),
            Encoding::Jpg => {
                JpegEncoder::new_with_quality(&mut bytes, 90).write_image(&self.pixels, width, height, colour)
            }
        }
        .map_err(|e| {
            Error::new(Kind::Data, format!("an image of {width}x{height} cannot be encoded")).with_cause(e.to_string())
        })?;
        Ok(bytes)
    }

    /// Writes a PNG file.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn save_png(&self, path: &Path) -> Result<()> {
        fs::write(path, self.encode(Encoding::Png)?).map_err(|e| Error::io("write", path, &e))
    }
}

/// Pillow's `convert("L")`.
fn luma(r: u8, g: u8, b: u8) -> u8 {
    ((u32::from(r) * 19595 + u32::from(g) * 38470 + u32::from(b) * 7471 + 0x8000) >> 16) as u8
}

fn high_bytes(values: &[u16]) -> Vec<u8> {
    values.iter().map(|v| (v >> 8) as u8).collect()
}

/// Drops the alpha channel behind `colours` channels, mixing with white in Pillow's rounding unless `opaque`.
fn on_white(values: &[u8], colours: usize, opaque: bool) -> Vec<u8> {
    let mix = |value: u8, alpha: u8| {
        let sum = 255 * (255 - u32::from(alpha)) + u32::from(value) * u32::from(alpha) + 128;
        (((sum >> 8) + sum) >> 8) as u8
    };
    values
        .chunks_exact(colours + 1)
        .flat_map(|pixel| {
            let alpha = if opaque { 255 } else { pixel[colours] };
            pixel[..colours].iter().map(move |&value| mix(value, alpha))
        })
        .collect()
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

    #[test]
    fn alpha_is_laid_on_white() {
        assert_eq!(on_white(&[0, 255, 0, 0, 10, 128], 1, false), [0, 255, 132]);
        assert_eq!(on_white(&[0, 0], 1, true), [0]);
    }

    #[test]
    fn sixteen_bit_grey_is_refused_and_rubbish_too() {
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(&[0; 8], 2, 2, ExtendedColorType::L16).unwrap();
        assert!(Image::decode(&bytes).unwrap_err().message().contains("16 bits"));
        assert!(Image::decode(b"GIF89a").is_err());
        assert!(Image::decode(b"").is_err());
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
