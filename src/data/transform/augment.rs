//! DIGITS' augmentations: HSV shifts, noise, flips, quarter turns, rotation with scale, contrast, whitening. Images are
//! `[c, h, w]` floats.
//!
//! Source: `digits/tools/torch/data.lua` and `digits/tools/torch/utils.lua`; contrast and whitening are of
//! `digits/tools/tensorflow/tf_data.py`.

use serde::{Deserialize, Serialize};

use super::{
    super::{planes::shape_text, random::Random},
    moves::{Moves, Warp},
};
use crate::error::{Error, Kind, Result};

/// Mirroring, each axis with probability ½.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Flip {
    /// Never.
    #[default]
    None,
    /// Left and right.
    #[value(name = "fliplr")]
    FlipLr,
    /// Up and down.
    #[value(name = "flipud")]
    FlipUd,
    /// Both, independently.
    #[value(name = "fliplrud")]
    FlipLrUd,
}

/// Turning by multiples of 90 degrees, each outcome equally likely.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum QuarterTurn {
    /// Never.
    #[default]
    None,
    /// 0, 90 degrees left or 90 degrees right.
    Rot90,
    /// 0 or 180 degrees.
    Rot180,
    /// 0, 90, 180 or 270 degrees.
    #[value(name = "rotall")]
    RotAll,
}

/// What changes at random from one epoch to the next. The default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Augment {
    /// Mirroring.
    pub flip: Flip,
    /// Quarter turns.
    pub quarter_turn: QuarterTurn,
    /// Rotation by up to this many degrees either way.
    pub rotate: f64,
    /// Standard deviation of the scale; 0.1 means about ±10 %.
    pub scale: f64,
    /// Standard deviation of the noise, as a share of 255.
    pub noise: f64,
    /// Standard deviation of the hue, in turns; DIGITS takes the saturation's here by mistake (quirk 4).
    pub hue: f64,
    /// Standard deviation of the saturation, 0..1.
    pub saturation: f64,
    /// Standard deviation of the value, 0..1.
    pub value: f64,
    /// The contrast is multiplied by up to this much more or less than 1, 0..=1.
    pub contrast: f64,
    /// Whether each image gets mean 0 and variance 1.
    pub whitening: bool,
}

impl Augment {
    /// Whether anything changes at all.
    #[must_use]
    pub fn any(&self) -> bool {
        *self != Augment::default()
    }

    fn hsv(&self) -> bool {
        self.hue > 0.0 || self.saturation > 0.0 || self.value > 0.0
    }

    pub(super) fn check(&self, shape: [i64; 3], crop: Option<i64>) -> Result<()> {
        let amounts = [
            ("rotation", self.rotate),
            ("scale", self.scale),
            ("noise", self.noise),
            ("hue", self.hue),
            ("saturation", self.saturation),
            ("value", self.value),
            ("contrast", self.contrast),
        ];
        if let Some((name, amount)) = amounts.iter().find(|(_, amount)| !amount.is_finite() || *amount < 0.0) {
            return Err(Error::new(Kind::Usage, format!("the augmentation's {name} is {amount}"))
                .with_help("give 0 or a positive number"));
        }
        if self.contrast > 1.0 {
            return Err(Error::new(Kind::Usage, format!("the augmentation's contrast is {}", self.contrast))
                .with_help("give at most 1: the contrast is multiplied by 1 ± this, and must not turn negative"));
        }
        let images = format!("{} (channels x height x width)", shape_text(shape));
        if self.hsv() && shape[0] != 3 {
            return Err(Error::new(Kind::Usage, "hue, saturation and value need images of 3 channels")
                .with_fact("the images", images)
                .with_help("leave --aug-hsv-h, --aug-hsv-s and --aug-hsv-v out, or make the dataset in colour"));
        }
        let turns = matches!(self.quarter_turn, QuarterTurn::Rot90 | QuarterTurn::RotAll);
        if turns && crop.is_none() && shape[1] != shape[2] {
            return Err(Error::new(Kind::Usage, "turning by 90 degrees needs square images")
                .with_fact("the images", images)
                .with_help("use rot180, or a crop, which is always square"));
        }
        Ok(())
    }

    /// The steps before the mean is subtracted: values 0..=255.
    pub(super) fn colour(&self, image: &mut [f32], random: &mut Random) {
        if self.hsv() {
            let draw = |sigma: f64, random: &mut Random| if sigma > 0.0 { random.normal(sigma) as f32 } else { 0.0 };
            let (hue, saturation, value) =
                (draw(self.hue, random), draw(self.saturation, random), draw(self.value, random));
            shift_hsv(image, hue, saturation, value, [self.saturation > 0.0, self.value > 0.0]);
        }
        if self.noise > 0.0 {
            let sigma = 255.0 * self.noise;
            image.iter_mut().for_each(|v| *v += random.normal(sigma) as f32);
        }
    }

    /// Draws the steps after it.
    pub(super) fn moves(&self, random: &mut Random) -> Moves {
        let coin = |random: &mut Random| random.below(2) == 1;
        let flip_lr = matches!(self.flip, Flip::FlipLr | Flip::FlipLrUd) && coin(random);
        let flip_ud = matches!(self.flip, Flip::FlipUd | Flip::FlipLrUd) && coin(random);
        let quarters = match self.quarter_turn {
            QuarterTurn::None => 0,
            QuarterTurn::Rot90 => [0, 1, 3][random.below(3) as usize],
            QuarterTurn::Rot180 => 2 * random.below(2),
            QuarterTurn::RotAll => random.below(4),
        };
        let warp = (self.rotate > 0.0 || self.scale > 0.0).then(|| {
            let scale = if self.scale > 0.0 { random.normal(self.scale) } else { 0.0 };
            let shift = [random.uniform(-scale, scale), random.uniform(-scale, scale)];
            let degrees = random.uniform(-self.rotate, self.rotate);
            Warp { scale, shift, angle: degrees.to_radians() }
        });
        Moves { flip_lr, flip_ud, quarters, warp }
    }

    /// Whether [`Augment::tone`] does anything.
    pub(super) fn has_tone(&self) -> bool {
        self.contrast > 0.0 || self.whitening
    }

    /// The last steps, on what was cut out, planes of `area` pixels.
    ///
    /// Source: `tf.image.random_contrast`, `tf.image.per_image_standardization`.
    pub(super) fn tone(&self, image: &mut [f32], area: usize, random: &mut Random) {
        let mean = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        if self.contrast > 0.0 {
            let factor = random.uniform(1.0 - self.contrast, 1.0 + self.contrast);
            for plane in image.chunks_exact_mut(area) {
                let mean = mean(plane);
                plane.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) * factor + mean) as f32);
            }
        }
        if self.whitening {
            let (mean, count) = (mean(image), image.len() as f64);
            let variance = image.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
            // A flat image has none: its variance is taken for that of one differing pixel.
            let deviation = variance.sqrt().max(1.0 / count.sqrt());
            image.iter_mut().for_each(|v| *v = ((f64::from(*v) - mean) / deviation) as f32);
        }
    }
}

/// Adds to hue (which wraps), saturation and value (kept in 0..=1 where they are shifted) of `[3, h, w]`.
fn shift_hsv(image: &mut [f32], hue: f32, saturation: f32, value: f32, clamp: [bool; 2]) {
    let plane = image.len() / 3;
    let (red, rest) = image.split_at_mut(plane);
    let (green, blue) = rest.split_at_mut(plane);
    for ((r, g), b) in red.iter_mut().zip(green).zip(blue) {
        let [mut h, mut s, mut v] = rgb_to_hsv([*r / 255.0, *g / 255.0, *b / 255.0]);
        h += hue;
        s += saturation;
        v += value;
        if clamp[0] {
            s = s.clamp(0.0, 1.0);
        }
        if clamp[1] {
            v = v.clamp(0.0, 1.0);
        }
        [*r, *g, *b] = hsv_to_rgb([h, s, v]).map(|x| x * 255.0);
    }
}

/// Hue in turns 0..1, saturation, value.
fn rgb_to_hsv([r, g, b]: [f32; 3]) -> [f32; 3] {
    let (max, min) = (r.max(g).max(b), r.min(g).min(b));
    let range = max - min;
    if range <= 0.0 {
        return [0.0, 0.0, max];
    }
    let sixth = if max == r {
        (g - b) / range
    } else if max == g {
        2.0 + (b - r) / range
    } else {
        4.0 + (r - g) / range
    };
    [(sixth / 6.0).rem_euclid(1.0), range / max, max]
}

fn hsv_to_rgb([h, s, v]: [f32; 3]) -> [f32; 3] {
    let sixth = h.rem_euclid(1.0) * 6.0;
    let (i, f) = (sixth.floor(), sixth - sixth.floor());
    let (p, q, t) = (v * (1.0 - s), v * (1.0 - f * s), v * (1.0 - (1.0 - f) * s));
    match i as u8 % 6 {
        0 => [v, t, p],
        1 => [q, v, p],
        2 => [p, v, t],
        3 => [p, q, v],
        4 => [t, p, v],
        _ => [v, p, q],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hsv_and_back_is_the_same_colour() {
        for rgb in [[0.1, 0.5, 0.9], [0.9, 0.2, 0.1], [0.3, 0.3, 0.3], [0.0, 0.0, 0.0], [0.7, 0.7, 0.1]] {
            for (a, b) in hsv_to_rgb(rgb_to_hsv(rgb)).iter().zip(rgb) {
                assert!((a - b).abs() < 1e-6, "{rgb:?}");
            }
        }
        // A third of a turn: red becomes green.
        let mut red = vec![255.0, 0.0, 0.0];
        shift_hsv(&mut red, 1.0 / 3.0, 0.0, 0.0, [false; 2]);
        assert!(red[0].abs() < 1e-3 && (red[1] - 255.0).abs() < 1e-3 && red[2].abs() < 1e-3, "{red:?}");
    }
}
