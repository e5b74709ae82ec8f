//! `Resize`: how an image comes to another size, in whole pixels; what the pixels are does not matter here.
//!
//! Source: `digits/utils/image.py` (`resize_image`) on Pillow.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Kind};

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

/// Width and height that an image is scaled to before it is cut or padded to the target.
pub(super) fn scaled_size([w, h]: [usize; 2], [width, height]: [usize; 2], mode: Resize) -> (usize, usize) {
    if (w, h) == (width, height) {
        return (w, h);
    }
    let (w, h) = (w as f64, h as f64);
    let (wide, tall) = (w / width as f64, h / height as f64);
    // f64::round is Python 2's round: half away from zero. A very long image must keep one row.
    let scaled = |length: f64, ratio: f64| ((length / ratio).round() as usize).max(1);
    let even = |length: usize, target: usize| length + usize::from(target.abs_diff(length) % 2 == 1);
    match mode {
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
    }
}

/// Cuts what is too long around its middle, pads what is too short on both sides with what `pad` gives. Pixels are
/// `[h, w, c]`.
pub(super) fn fitted<T: Copy>(
    pixels: Vec<T>,
    c: usize,
    [w, h]: [usize; 2],
    [width, height]: [usize; 2],
    mut pad: impl FnMut() -> T,
) -> Vec<T> {
    if (w, h) == (width, height) {
        return pixels;
    }
    let start = |long: usize, target: usize| (long.saturating_sub(target) as f64 / 2.0).round() as usize;
    let margin = |short: usize, target: usize| target.saturating_sub(short) / 2;
    let (left, top) = (start(w, width), start(h, height));
    let (pad_left, pad_top) = (margin(w, width), margin(h, height));
    let mut fitted: Vec<T> = Vec::with_capacity(width * height * c);
    for y in 0..height {
        for x in 0..width {
            let inside = (y + top).checked_sub(pad_top).zip((x + left).checked_sub(pad_left));
            match inside.filter(|&(y, x)| y < h && x < w) {
                Some((y, x)) => fitted.extend_from_slice(&pixels[(y * w + x) * c..][..c]),
                None => fitted.extend((0..c).map(|_| pad())),
            }
        }
    }
    fitted
}

/// The page of a size that the resizer refuses.
pub(super) fn failed([w, h]: [usize; 2], [width, height]: [usize; 2], cause: String) -> Error {
    Error::new(Kind::Data, format!("an image of {w}x{h} cannot be resized to {width}x{height}")).with_cause(cause)
}
