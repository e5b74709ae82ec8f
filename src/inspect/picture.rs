//! `Picture`: an RGB image in memory: made from values, enlarged, set side by side, written as PNG.

use std::io::Cursor;

use super::values::ends;
use crate::error::{Error, Kind, Result};

/// Rows of RGB bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Pixels across.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// 3 bytes a pixel, row after row: `[height, width, 3]`.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// A picture in one colour.
    #[must_use]
    pub fn filled(width: usize, height: usize, color: [u8; 3]) -> Picture {
        Picture { width, height, rgb: color.repeat(width * height) }
    }

    /// The picture of an image `[c, h, w]` with 1 (grey) or 3 (RGB) channels; values from `lo` (black) to `hi`
    /// (white), clipped. Of any other number of channels the mean is shown. `None` when the sizes do not fit.
    #[must_use]
    pub fn image(size: &[i64], values: &[f32], lo: f32, hi: f32) -> Option<Picture> {
        let [channels, height, width] = dimensions(size, values.len())?;
        let plane = height * width;
        let scale = if hi > lo { 255.0 / (hi - lo) } else { 0.0 };
        let byte = |v: f32| ((v - lo) * scale).round().clamp(0.0, 255.0) as u8;
        let mut rgb = Vec::with_capacity(plane * 3);
        for i in 0..plane {
            if channels == 3 {
                rgb.extend((0..3).map(|c| byte(values[c * plane + i])));
            } else {
                let mean = (0..channels).map(|c| values[c * plane + i]).sum::<f32>() / channels as f32;
                rgb.extend([byte(mean); 3]);
            }
        }
        Some(Picture { width, height, rgb })
    }

    /// The same with the smallest value black and the largest white.
    #[must_use]
    pub fn stretched(size: &[i64], values: &[f32]) -> Option<Picture> {
        let [lo, hi] = ends(values);
        Picture::image(size, values, lo, hi)
    }

    /// A signed difference `[c, h, w]`, channels averaged: 0 is white, `-reach` blue, `reach` red.
    #[must_use]
    pub fn difference(size: &[i64], values: &[f32], reach: f32) -> Option<Picture> {
        let [channels, height, width] = dimensions(size, values.len())?;
        let plane = height * width;
        let mut rgb = Vec::with_capacity(plane * 3);
        for i in 0..plane {
            let mean = (0..channels).map(|c| values[c * plane + i]).sum::<f32>() / channels as f32;
            let share = if reach > 0.0 { (mean / reach).clamp(-1.0, 1.0) } else { 0.0 };
            // The two ends differ in lightness from the middle equally, so neither sign looks larger.
            let end: [f32; 3] = if share < 0.0 { [33.0, 85.0, 168.0] } else { [186.0, 41.0, 31.0] };
            rgb.extend(end.map(|e| (255.0 + (e - 255.0) * share.abs()).round() as u8));
        }
        Some(Picture { width, height, rgb })
    }

    /// Nearest-neighbour enlargement by a whole factor.
    #[must_use]
    pub fn enlarged(&self, factor: usize) -> Picture {
        let factor = factor.max(1);
        self.resampled(self.width * factor, self.height * factor, |at| at / factor)
    }

    /// A small picture by a whole factor, to at least 200 pixels across where that does not exceed 256.
    #[must_use]
    pub fn magnified(&self) -> Picture {
        self.enlarged(224usize.div_ceil(self.width.max(self.height).max(1)))
    }

    /// Nearest-neighbour copy of `width` × `height`; `source` maps a new coordinate to an old one.
    pub(super) fn resampled(&self, width: usize, height: usize, source: impl Fn(usize) -> usize) -> Picture {
        let mut rgb = Vec::with_capacity(width * height * 3);
        for y in 0..height {
            let row = source(y).min(self.height.saturating_sub(1)) * self.width;
            for x in 0..width {
                let at = (row + source(x).min(self.width.saturating_sub(1))) * 3;
                rgb.extend_from_slice(&self.rgb[at..at + 3]);
            }
        }
        Picture { width, height, rgb }
    }

    /// Copies `other` onto this picture with its corner at (`left`, `top`); what lies outside is cut off.
    pub fn paste(&mut self, other: &Picture, left: usize, top: usize) {
        let columns = other.width.min(self.width.saturating_sub(left));
        for y in 0..other.height.min(self.height.saturating_sub(top)) {
            let to = ((top + y) * self.width + left) * 3;
            let from = y * other.width * 3;
            self.rgb[to..to + columns * 3].copy_from_slice(&other.rgb[from..from + columns * 3]);
        }
    }

    /// All pictures in one row, tops aligned, `gap` white pixels between them.
    #[must_use]
    pub fn beside(pictures: &[Picture], gap: usize) -> Picture {
        let width = pictures.iter().map(|p| p.width).sum::<usize>() + gap * pictures.len().saturating_sub(1);
        let height = pictures.iter().map(|p| p.height).max().unwrap_or(0);
        let mut row = Picture::filled(width, height, [255; 3]);
        let mut left = 0;
        for picture in pictures {
            row.paste(picture, left, 0);
            left += picture.width + gap;
        }
        row
    }

    /// The colour of a pixel.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 3;
        [self.rgb[at], self.rgb[at + 1], self.rgb[at + 2]]
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// When the picture has no pixels.
    pub fn png(&self) -> Result<Vec<u8>> {
        let failed = |what: String| Error::new(Kind::Data, format!("cannot write a picture as PNG: {what}"));
        let image = image::RgbImage::from_raw(self.width as u32, self.height as u32, self.rgb.clone())
            .filter(|image| !image.is_empty())
            .ok_or_else(|| failed(format!("{} × {} pixels", self.width, self.height)))?;
        let mut bytes = Cursor::new(Vec::new());
        image.write_to(&mut bytes, image::ImageFormat::Png).map_err(|source| failed(source.to_string()))?;
        Ok(bytes.into_inner())
    }
}

/// `[c, h, w]` of an image; a matrix `[h, w]` has one channel.
fn dimensions(size: &[i64], count: usize) -> Option<[usize; 3]> {
    let [c, h, w] = match *size {
        [h, w] => [1, h, w],
        [c, h, w] => [c, h, w],
        _ => return None,
    };
    let sizes = [usize::try_from(c).ok()?, usize::try_from(h).ok()?, usize::try_from(w).ok()?];
    (count > 0 && sizes.iter().product::<usize>() == count).then_some(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_become_grey_or_colour() {
        let grey = Picture::image(&[1, 1, 3], &[-1.0, 0.0, 3.0], -1.0, 1.0).unwrap();
        assert_eq!(grey.rgb, [0, 0, 0, 128, 128, 128, 255, 255, 255]);
        let color = Picture::image(&[3, 1, 2], &[255.0, 0.0, 0.0, 255.0, 0.0, 0.0], 0.0, 255.0).unwrap();
        assert_eq!(color.rgb, [255, 0, 0, 0, 255, 0]);
        assert!(Picture::image(&[1, 2, 2], &[0.0; 3], 0.0, 1.0).is_none());
        assert_eq!(Picture::image(&[1, 1, 1], &[f32::NAN], 0.0, 1.0).unwrap().rgb, [0, 0, 0]);
    }

    #[test]
    fn a_difference_is_white_at_zero_and_coloured_by_sign() {
        let picture = Picture::difference(&[1, 1, 3], &[0.0, -2.0, 9.0], 2.0).unwrap();
        assert_eq!(picture.pixel(0, 0), [255; 3]);
        assert_eq!(picture.pixel(1, 0), [33, 85, 168]);
        assert_eq!(picture.pixel(2, 0), [186, 41, 31]);
    }

    #[test]
    fn pictures_stand_in_a_row_and_survive_png() {
        let black = Picture::filled(1, 2, [0; 3]).enlarged(2);
        let row = Picture::beside(&[black, Picture::filled(1, 1, [9, 8, 7])], 1);
        assert_eq!((row.width, row.height), (4, 4));
        assert_eq!(
            (row.pixel(1, 3), row.pixel(2, 0), row.pixel(3, 0), row.pixel(3, 1)),
            ([0; 3], [255; 3], [9, 8, 7], [255; 3])
        );
        let back = image::load_from_memory(&row.png().unwrap()).unwrap().into_rgb8();
        assert_eq!(back.into_raw(), row.rgb);
        assert!(Picture::beside(&[], 3).png().is_err());
    }
}
