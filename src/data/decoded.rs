//! `Decoded`: an image as its file holds it: pixels of 8 bits, or grey ones of 16.

use super::{deep::DeepImage, fit::Resize, image::Image, planes::Planes, random::Random};
use crate::error::Result;

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

    /// Width and height.
    #[must_use]
    pub fn size(&self) -> [usize; 2] {
        match self {
            Decoded::Bytes(image) => [image.width, image.height],
            Decoded::Deep(deep) => [deep.width, deep.height],
        }
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
