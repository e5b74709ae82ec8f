//! Maps of values: tiles in two colours around 0, or in DIGITS' jet, for a light or a dark ground.

use std::io::Cursor;

use serde::{Deserialize, Serialize};

use super::layer;
use crate::error::{Error, Kind, Result};

/// How values become colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Colors {
    /// Blue below 0, orange above, 0 transparent.
    #[default]
    Diverging,
    /// DIGITS': from the lowest value blue to the highest red.
    Jet,
}

/// What the map is seen on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ground {
    /// White or nearly.
    #[default]
    Light,
    /// Black or nearly.
    Dark,
}

impl Ground {
    /// The colours of the lowest and of the highest value.
    fn ends(self) -> [[u8; 3]; 2] {
        match self {
            Ground::Light => [[0x1b, 0x64, 0xa8], [0xc2, 0x5a, 0x00]],
            Ground::Dark => [[0x6c, 0xb2, 0xf0], [0xf5, 0x9b, 0x45]],
        }
    }
}

/// A tensor as tiles.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Tiles {
    /// How many.
    pub count: usize,
    /// Of each.
    pub height: usize,
    /// Of each.
    pub width: usize,
}

impl Tiles {
    /// The tiles of a tensor of this shape; none for one that has no picture.
    #[must_use]
    pub fn of(shape: &[i64]) -> Option<Tiles> {
        let sizes: Vec<usize> = shape.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<_>>()?;
        let [count, height, width] = match *sizes {
            [n] => [n, 1, 1],
            [h, w] => [1, h, w],
            [n, h, w] => [n, h, w],
            [n, m, h, w] => [n * m, h, w],
            _ => return None,
        };
        (count * height * width > 0).then_some(Tiles { count, height, width })
    }
}

/// The value drawn in full colour: the largest distance from 0.
#[must_use]
pub fn reach(values: &[f32]) -> f32 {
    values.iter().copied().filter(|value| value.is_finite()).fold(0.0, |most, value| most.max(value.abs()))
}

/// The PNG of a tensor's first `most` tiles.
///
/// # Errors
/// When the shape has no picture, or does not fit the values.
pub fn png(shape: &[i64], values: &[f32], most: usize, colors: Colors, ground: Ground) -> Result<Vec<u8>> {
    let none = || Error::new(Kind::Data, format!("values of shape {shape:?} have no picture"));
    let tiles = Tiles::of(shape).filter(|tiles| tiles.count * tiles.height * tiles.width == values.len());
    let tiles = tiles.ok_or_else(none)?;
    let count = tiles.count.min(most.max(1));
    let size = tiles.height * tiles.width;
    let shown = &values[..count * size];
    if colors == Colors::Jet {
        let sizes = [count as i64, tiles.height as i64, tiles.width as i64];
        return layer::picture(&sizes, shown).ok_or_else(none)?.png();
    }
    let reach = reach(values);
    let [below, above] = ground.ends();
    let columns = columns(count, tiles);
    let gap = usize::from(size > 1);
    let (across, down) = (tiles.width + gap, tiles.height + gap);
    let (width, height) = (columns * across - gap, count.div_ceil(columns) * down - gap);
    let factor = (96 / width.min(height).max(1)).clamp(1, 24);
    let mut image = image::RgbaImage::new((width * factor) as u32, (height * factor) as u32);
    for (at, &value) in shown.iter().enumerate() {
        let (tile, inside) = (at / size, at % size);
        let x = tile % columns * across + inside % tiles.width;
        let y = tile / columns * down + inside / tiles.width;
        let share = if reach > 0.0 && value.is_finite() { (value / reach).clamp(-1.0, 1.0) } else { 0.0 };
        let [r, g, b] = if share < 0.0 { below } else { above };
        let pixel = image::Rgba([r, g, b, (share.abs().sqrt() * 255.0).round() as u8]);
        for row in 0..factor {
            for column in 0..factor {
                image.put_pixel((x * factor + column) as u32, (y * factor + row) as u32, pixel);
            }
        }
    }
    let mut bytes = Cursor::new(Vec::new());
    let failed = |source: image::ImageError| Error::new(Kind::Data, format!("cannot write a picture: {source}"));
    image.write_to(&mut bytes, image::ImageFormat::Png).map_err(failed)?;
    Ok(bytes.into_inner())
}

/// About as wide as high; single values in one row of at most 50.
fn columns(count: usize, tiles: Tiles) -> usize {
    if tiles.height * tiles.width == 1 {
        return count.min(50);
    }
    let aspect = tiles.height as f64 / tiles.width as f64;
    ((count as f64 * aspect).sqrt().ceil() as usize).clamp(1, count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zero_is_transparent_and_the_signs_have_their_colours() {
        let bytes = png(&[3], &[-2.0, 0.0, 1.0], 10, Colors::Diverging, Ground::Light).unwrap();
        let image = image::load_from_memory(&bytes).unwrap().to_rgba8();
        let at = |tile: u32| image.get_pixel(tile * image.width() / 3 + 1, 1).0;
        assert_eq!((at(0), at(1)[3]), ([0x1b, 0x64, 0xa8, 255], 0));
        assert_eq!((at(2)[0], at(2)[3]), (0xc2, 180));
        assert!(png(&[3], &[-2.0, 0.0, 1.0], 10, Colors::Jet, Ground::Dark).is_ok());
        assert!(png(&[2, 2], &[0.0; 3], 10, Colors::Jet, Ground::Dark).is_err());
    }

    #[test]
    fn no_more_tiles_are_drawn_than_asked_for() {
        let values = vec![1.0; 9 * 4];
        let width = |most: usize| {
            let bytes = png(&[9, 2, 2], &values, most, Colors::Diverging, Ground::Light).unwrap();
            let image = image::load_from_memory(&bytes).unwrap();
            (image.width() as f64 / image.height() as f64 * 10.0).round() / 10.0
        };
        assert_eq!((width(9), width(4), width(2)), (1.0, 1.0, 2.5));
    }
}
