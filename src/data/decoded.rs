//! `Decoded`: an image as its file holds it: pixels of 8 bits, or grey ones of 16.

use std::{io::Cursor, path::Path};

use image::{DynamicImage, ImageReader};

use super::{deep::DeepImage, fit::Resize, image::Image, planes::Planes, random::Random};
use crate::{
    error::Result,
    input::{self, Form},
};

/// An image of either depth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// 8 bits a value.
    Bytes(Image),
    /// 16 bits a grey pixel.
    Deep(DeepImage),
}

impl From<Image> for Decoded {
    fn from(image: Image) -> Decoded {
        Decoded::Bytes(image)
    }
}

impl Decoded {
    /// Decodes a file's bytes: grey of 16 bits as it is, everything else as [`Image::decode`] does.
    ///
    /// # Errors
    /// As there.
    pub fn decode(bytes: &[u8]) -> Result<Decoded> {
        match deep(bytes) {
            Some(deep) => Ok(Decoded::Deep(deep)),
            None => Image::decode(bytes).map(Decoded::Bytes),
        }
    }

    /// Reads a file and decodes it with its transparency ([`Image::decode_with_alpha`]), which grey of 16 bits has not.
    ///
    /// # Errors
    /// As [`Decoded::open`].
    pub fn open_with_alpha(path: &Path) -> Result<Decoded> {
        let bytes = input::read(path, Form::Image)?;
        let decoded = match deep(&bytes) {
            Some(deep) => Ok(Decoded::Deep(deep)),
            None => Image::decode_with_alpha(&bytes).map(Decoded::Bytes),
        };
        decoded.map_err(|e| e.with_fact("in the file", path.display().to_string()))
    }

    /// Reads and decodes a file.
    ///
    /// # Errors
    /// When it cannot be read or decoded; the path is in the page.
    pub fn open(path: &Path) -> Result<Decoded> {
        let bytes = input::read(path, Form::Image)?;
        Decoded::decode(&bytes).map_err(|e| e.with_fact("in the file", path.display().to_string()))
    }

    /// As [`Image::with_channels`]; 16 bits a pixel are kept in one channel alone.
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Decoded {
        match self {
            Decoded::Deep(deep) if channels == 1 => Decoded::Deep(deep),
            other => Decoded::Bytes(other.reduced().with_channels(channels)),
        }
    }

    /// 8 bits a value.
    #[must_use]
    pub fn reduced(self) -> Image {
        match self {
            Decoded::Bytes(image) => image,
            Decoded::Deep(deep) => deep.reduced(),
        }
    }

    /// Whether it has 16 bits a pixel.
    #[must_use]
    pub fn is_deep(&self) -> bool {
        matches!(self, Decoded::Deep(_))
    }

    /// 1 to 4.
    #[must_use]
    pub fn channels(&self) -> usize {
        match self {
            Decoded::Bytes(image) => image.channels,
            Decoded::Deep(_) => 1,
        }
    }

    /// The image at another size, as [`Image::resized`].
    ///
    /// # Errors
    /// As there.
    pub fn resized(self, width: usize, height: usize, mode: Resize, noise: &mut Random) -> Result<Decoded> {
        Ok(match self {
            Decoded::Bytes(image) => Decoded::Bytes(image.resized(width, height, mode, noise)?),
            Decoded::Deep(deep) => Decoded::Deep(deep.resized(width, height, mode, noise)?),
        })
    }

    /// `[c, h, w]` grey levels 0..=255.
    #[must_use]
    pub fn to_planes(&self) -> Planes {
        match self {
            Decoded::Bytes(image) => image.to_planes(),
            Decoded::Deep(deep) => deep.to_planes(),
        }
    }
}

/// The grey pixels of 16 bits of a file; none of any other.
fn deep(bytes: &[u8]) -> Option<DeepImage> {
    let decode = || ImageReader::new(Cursor::new(bytes)).with_guessed_format().ok()?.decode().ok();
    let DynamicImage::ImageLuma16(image) = may_be_deep(bytes).then(decode)?? else { return None };
    let (width, height) = (image.width() as usize, image.height() as usize);
    Some(DeepImage { width, height, pixels: image.into_raw() })
}

/// Whether a file's first bytes leave it open that it is grey of 16 bits: records of 8 bits are decoded once.
fn may_be_deep(bytes: &[u8]) -> bool {
    let is_png = bytes.starts_with(b"\x89PNG\r\n\x1a\n");
    let is_tiff = bytes.starts_with(b"II*\0") || bytes.starts_with(b"MM\0*");
    let is_pgm = bytes.starts_with(b"P5") || bytes.starts_with(b"P2");
    is_png && bytes.get(24..26) == Some(&[16, 0]) || is_tiff || is_pgm
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sixteen_bits_of_grey_are_kept_and_reduced_where_they_must() {
        let deep = DeepImage { width: 2, height: 1, pixels: vec![300, 65_000] };
        let read = Decoded::decode(&deep.png().unwrap()).unwrap();
        assert_eq!(read, Decoded::Deep(deep.clone()));
        assert_eq!(read.clone().with_channels(1), read);
        assert_eq!(read.with_channels(3).reduced().pixels, [1, 1, 1, 253, 253, 253]);
        let pgm = Decoded::decode(b"P5 2 1 65535\n\x01\x2c\xfd\xe8").unwrap();
        assert_eq!(pgm, Decoded::Deep(deep));
        assert!(!Decoded::decode(b"P5 2 1 255\n\x01\x02").unwrap().is_deep());
    }
}
