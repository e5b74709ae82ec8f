//! Image files: decoded by DIGITS' rules for pixel formats, encoded as PNG or JPEG.
//!
//! Source: `digits/utils/image.py` (`load_image`) on Pillow.

use std::{
    fs,
    io::{BufReader, Cursor},
    path::Path,
};

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder as _, ImageEncoder, ImageReader, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};

/// Bytes at a file's beginning in which a camera's remarks lie.
const EXIF_WITHIN: usize = 128 << 10;
use serde::{Deserialize, Serialize};

use super::{decoded::Decoded, deep::DeepImage, image::Image, png};
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

impl Decoded {
    /// Decodes a PNG, JPEG, BMP, GIF, TIFF, WebP or PNM file. Grey stays grey, everything else becomes RGB; transparent
    /// pixels are laid on white. 16 bits of grey are kept, of colour the high byte.
    ///
    /// # Errors
    /// When the bytes are no such image, or are damaged.
    pub fn decode(bytes: &[u8]) -> Result<Decoded> {
        match png::decode(bytes) {
            Some(image) => Ok(image.into()),
            None => opaque(dynamic(bytes)?, bytes),
        }
    }

    /// As [`Decoded::decode`], but transparency is a channel of its own: the second behind grey, the fourth behind colour.
    ///
    /// # Errors
    /// As [`Decoded::decode`].
    pub fn decode_with_alpha(bytes: &[u8]) -> Result<Decoded> {
        let Ok(decoded) = dynamic(bytes) else { return Decoded::decode(bytes) };
        with_alpha(decoded, bytes)
    }

    /// As [`Decoded::decode`], of a file of a user's: turned as its camera says it is to be seen (EXIF), which records are not.
    ///
    /// # Errors
    /// As [`Decoded::decode`].
    pub fn decode_file(bytes: &[u8]) -> Result<Decoded> {
        match orientation(bytes) {
            None => Decoded::decode(bytes),
            Some(orientation) => opaque(turned(dynamic(bytes)?, orientation), bytes),
        }
    }

    /// As [`Decoded::decode_file`], with its transparency as [`Decoded::decode_with_alpha`] has it.
    ///
    /// # Errors
    /// As [`Decoded::decode`].
    pub fn decode_file_with_alpha(bytes: &[u8]) -> Result<Decoded> {
        let Ok(decoded) = dynamic(bytes) else { return Decoded::decode(bytes) };
        let decoded = match orientation(bytes) {
            Some(orientation) => turned(decoded, orientation),
            None => decoded,
        };
        with_alpha(decoded, bytes)
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// When it cannot be read or decoded; the path is in the page.
    pub fn open(path: &Path) -> Result<Decoded> {
        opened(path, Decoded::decode_file)
    }

    /// Reads as much of a file as tells that it is an image.
    ///
    /// # Errors
    /// When it cannot be read, or does not begin as an image does.
    pub fn look(path: &Path) -> Result<()> {
        let file = BufReader::new(input::open(path, Form::Image)?);
        let undecodable = |cause: String| undecodable(cause).with_fact("in the file", path.display().to_string());
        let reader = ImageReader::new(file).with_guessed_format().map_err(|e| undecodable(e.to_string()))?;
        reader.into_dimensions().map(drop).map_err(|e| undecodable(e.to_string()))
    }

    /// Reads a file and decodes it with its transparency.
    ///
    /// # Errors
    /// As [`Decoded::open`].
    pub fn open_with_alpha(path: &Path) -> Result<Decoded> {
        opened(path, Decoded::decode_file_with_alpha)
    }
}

fn opened(path: &Path, decode: fn(&[u8]) -> Result<Decoded>) -> Result<Decoded> {
    decode(&input::read(path, Form::Image)?).map_err(|e| e.with_fact("in the file", path.display().to_string()))
}

fn undecodable(cause: String) -> Error {
    Error::new(Kind::Data, "the image cannot be decoded")
        .with_cause(cause)
        .with_help("use a PNG, JPEG, BMP, PPM or PGM file that an image viewer opens")
}

fn dynamic(bytes: &[u8]) -> Result<DynamicImage> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().map_err(|e| undecodable(e.to_string()))?;
    reader.decode().map_err(|e| undecodable(e.to_string()))
}

/// How an image is to be turned to be seen upright; none where it lies so, or does not say.
fn orientation(bytes: &[u8]) -> Option<Orientation> {
    // Only cameras write it, in front of the pixels: most images are not looked at twice.
    let head = &bytes[..bytes.len().min(EXIF_WITHIN)];
    if !head.windows(4).any(|word| matches!(word, b"Exif" | b"eXIf" | b"EXIF"))
        && !head.starts_with(b"II*")
        && !head.starts_with(b"MM\0*")
    {
        return None;
    }
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?;
    let found = reader.into_decoder().ok()?.orientation().ok()?;
    (found != Orientation::NoTransforms).then_some(found)
}

fn turned(mut image: DynamicImage, orientation: Orientation) -> DynamicImage {
    image.apply_orientation(orientation);
    image
}

fn with_alpha(decoded: DynamicImage, bytes: &[u8]) -> Result<Decoded> {
    let (width, height) = (decoded.width() as usize, decoded.height() as usize);
    let (channels, pixels) = match decoded {
        DynamicImage::ImageLumaA8(image) => (2, image.into_raw()),
        DynamicImage::ImageRgba8(image) => (4, image.into_raw()),
        DynamicImage::ImageLumaA16(image) => (2, high_bytes(image.as_raw())),
        DynamicImage::ImageRgba16(image) => (4, high_bytes(image.as_raw())),
        other => return opaque(other, bytes),
    };
    Ok(Image { width, height, channels, pixels }.into())
}

/// The image without transparency; `bytes` are its file's.
fn opaque(decoded: DynamicImage, bytes: &[u8]) -> Result<Decoded> {
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
        DynamicImage::ImageLuma16(image) => {
            return Ok(Decoded::Deep(DeepImage { width, height, pixels: image.into_raw() }));
        }
        other => return Err(undecodable(format!("pixels of type {:?}", other.color()))),
    };
    Ok(Image { width, height, channels, pixels }.into())
}

impl Image {
    /// [`Decoded::decode`] with 8 bits a value.
    ///
    /// # Errors
    /// As there.
    pub fn decode(bytes: &[u8]) -> Result<Image> {
        Decoded::decode(bytes).map(Decoded::reduced)
    }

    /// [`Decoded::open`] with 8 bits a value.
    ///
    /// # Errors
    /// As there.
    pub fn open(path: &Path) -> Result<Image> {
        Decoded::open(path).map(Decoded::reduced)
    }

    /// The file contents in PNG or JPEG (quality 90); `Encoding::None` gives the bare pixels.
    ///
    /// # Errors
    /// When the encoder refuses the size.
    pub fn encode(&self, encoding: Encoding) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let (width, height) = (self.width as u32, self.height as u32);
        let colour = match self.channels {
            1 => ExtendedColorType::L8,
            2 => ExtendedColorType::La8,
            3 => ExtendedColorType::Rgb8,
            _ => ExtendedColorType::Rgba8,
        };
        let has_alpha = matches!(self.channels, 2 | 4);
        match encoding {
            Encoding::Png if has_alpha && !self.pixels.is_empty() => {
                image::codecs::png::PngEncoder::new(&mut bytes).write_image(&self.pixels, width, height, colour)
            }
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
    use super::*;

    #[test]
    fn alpha_is_laid_on_white() {
        assert_eq!(on_white(&[0, 255, 0, 0, 10, 128], 1, false), [0, 255, 132]);
        assert_eq!(on_white(&[0, 0], 1, true), [0]);
    }

    #[test]
    fn sixteen_bit_grey_is_reduced_and_rubbish_refused() {
        let mut bytes = Vec::new();
        image::codecs::png::PngEncoder::new(&mut bytes).write_image(&[255; 8], 2, 2, ExtendedColorType::L16).unwrap();
        assert_eq!(Image::decode(&bytes).unwrap().pixels, [255; 4]);
        assert!(Image::decode(b"GIF89a").is_err());
        assert!(Image::decode(b"").is_err());
    }

    #[test]
    fn a_camera_s_files_are_turned_and_records_are_not() {
        // One entry: tag 0x0112, the orientation, is 6: the top of the scene is at the right.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0".to_vec();
        let mut bytes = Vec::new();
        let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 100);
        encoder.set_exif_metadata(exif).unwrap();
        let pixels: Vec<u8> = (0..32 * 16).map(|at| if at % 32 < 16 { 20 } else { 220 }).collect();
        encoder.write_image(&pixels, 32, 16, ExtendedColorType::L8).unwrap();
        let size = |image: Decoded| image.size();
        assert_eq!(size(Decoded::decode(&bytes).unwrap()), [32, 16]);
        let turned = Decoded::decode_file(&bytes).unwrap();
        assert_eq!(turned.size(), [16, 32]);
        let image = turned.reduced();
        assert!(image.pixels[0] < 60 && image.pixels[31 * 16] > 180, "the left half is the upper one");
        assert_eq!(size(Decoded::decode_file_with_alpha(&bytes).unwrap()), [16, 32]);
    }
}
