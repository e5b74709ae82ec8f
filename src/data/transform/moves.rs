//! `Moves`: where augmentation takes the pixels of one image: flips, quarter turns, rotation with scale. An image and its
//! label image are moved alike.
//!
//! Source: `digits/tools/torch/data.lua` and `digits/tools/torch/utils.lua`.

/// What one draw does to the pixels of `[c, h, w]`. The default moves none.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Moves {
    pub(super) flip_lr: bool,
    pub(super) flip_ud: bool,
    /// Quarter turns against the clock.
    pub(super) quarters: u64,
    pub(super) warp: Option<Warp>,
}

/// A rotation around the centre, with scale and shift.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Warp {
    /// 0 keeps the size, above it shows more.
    pub(super) scale: f64,
    /// Half images, in (y, x).
    pub(super) shift: [f64; 2],
    /// Radians.
    pub(super) angle: f64,
}

/// What a pixel between others is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sampling {
    /// A mixture of its four neighbours.
    Bilinear,
    /// The nearest one: numbers of classes have no mixture.
    Nearest,
}

impl Moves {
    /// Leaves the result in `image` and answers its height and width.
    pub(super) fn apply(
        self,
        [c, mut h, mut w]: [usize; 3],
        image: &mut Vec<f32>,
        other: &mut Vec<f32>,
        sampling: Sampling,
    ) -> (usize, usize) {
        if self.flip_lr {
            image.chunks_exact_mut(w).for_each(<[f32]>::reverse);
        }
        if self.flip_ud {
            flip_rows(image, h, w);
        }
        for _ in 0..self.quarters {
            turn_left([c, h, w], image, other);
            std::mem::swap(image, other);
            (h, w) = (w, h);
        }
        if let Some(drawn) = self.warp {
            warp([c, h, w], image, other, drawn, sampling);
            std::mem::swap(image, other);
        }
        (h, w)
    }
}

fn flip_rows(image: &mut [f32], h: usize, w: usize) {
    for plane in image.chunks_exact_mut(h * w) {
        for y in 0..h / 2 {
            let (top, bottom) = plane.split_at_mut((h - 1 - y) * w);
            top[y * w..][..w].swap_with_slice(&mut bottom[..w]);
        }
    }
}

/// A quarter turn against the clock: `[c, h, w]` to `[c, w, h]`.
fn turn_left([c, h, w]: [usize; 3], image: &[f32], out: &mut Vec<f32>) {
    out.clear();
    for plane in image.chunks_exact(h * w).take(c) {
        for x in (0..w).rev() {
            out.extend((0..h).map(|y| plane[y * w + x]));
        }
    }
}

/// Samples the image at R(θ)·u + centre·(1 + m), where u runs over ±(1 + s) half images around the centre; the border is
/// repeated. s > 0 shows more than the image (zooms out). `shift` is m in (y, x).
fn warp([c, h, w]: [usize; 3], image: &[f32], out: &mut Vec<f32>, warp: Warp, sampling: Sampling) {
    let Warp { scale, shift, angle } = warp;
    let (sin, cos) = angle.sin_cos();
    let (cy, cx) = ((h as f64 - 1.0) / 2.0, (w as f64 - 1.0) / 2.0);
    out.clear();
    out.resize(c * h * w, 0.0);
    for y in 0..h {
        let uy = (1.0 + scale) * (y as f64 - cy);
        for x in 0..w {
            let ux = (1.0 + scale) * (x as f64 - cx);
            let py = (cos * uy - sin * ux + cy * (1.0 + shift[0])).clamp(0.0, 2.0 * cy);
            let px = (sin * uy + cos * ux + cx * (1.0 + shift[1])).clamp(0.0, 2.0 * cx);
            if sampling == Sampling::Nearest {
                let at = py.round() as usize * w + px.round() as usize;
                (0..c).for_each(|plane| out[(plane * h + y) * w + x] = image[plane * h * w + at]);
                continue;
            }
            let (y0, x0) = (py.floor() as usize, px.floor() as usize);
            let (y1, x1) = ((y0 + 1).min(h - 1), (x0 + 1).min(w - 1));
            let (fy, fx) = ((py - y0 as f64) as f32, (px - x0 as f64) as f32);
            for plane in 0..c {
                let at = |y: usize, x: usize| image[(plane * h + y) * w + x];
                let top = at(y0, x0) * (1.0 - fx) + at(y0, x1) * fx;
                let bottom = at(y1, x0) * (1.0 - fx) + at(y1, x1) * fx;
                out[(plane * h + y) * w + x] = top * (1.0 - fy) + bottom * fy;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(scale: f64, angle: f64) -> Warp {
        Warp { scale, shift: [0.0; 2], angle }
    }

    #[test]
    fn a_quarter_turn_goes_against_the_clock() {
        // 1 2 3      3 6
        // 4 5 6  ->  2 5
        //            1 4
        let mut out = Vec::new();
        turn_left([1, 2, 3], &[1., 2., 3., 4., 5., 6.], &mut out);
        assert_eq!(out, [3., 6., 2., 5., 1., 4.]);
    }

    #[test]
    fn rows_flip() {
        let mut image = vec![1., 2., 3., 4., 5., 6.];
        flip_rows(&mut image, 3, 2);
        assert_eq!(image, [5., 6., 3., 4., 1., 2.]);
    }

    #[test]
    fn no_rotation_is_the_identity_and_ninety_degrees_a_turn() {
        let image: Vec<f32> = (0..16).map(|i| i as f32).collect();
        let (mut out, mut turned) = (Vec::new(), Vec::new());
        warp([1, 4, 4], &image, &mut out, at(0.0, 0.0), Sampling::Bilinear);
        assert_eq!(out, image);
        // Output (y, x) samples R·u: for 90 degrees (−x, y), which is a turn to the left done three times.
        warp([1, 4, 4], &image, &mut out, at(0.0, std::f64::consts::FRAC_PI_2), Sampling::Bilinear);
        turn_left([1, 4, 4], &image, &mut turned);
        let matches = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-4);
        let mut right = turned.clone();
        for _ in 0..2 {
            turn_left([1, 4, 4], &right.clone(), &mut right);
        }
        assert!(matches(&out, &turned) || matches(&out, &right), "{out:?}");
    }

    #[test]
    fn a_positive_scale_zooms_out_and_repeats_the_border() {
        let mut out = Vec::new();
        warp([1, 1, 3], &[0.0, 10.0, 20.0], &mut out, at(1.0, 0.0), Sampling::Bilinear);
        assert_eq!(out, [0.0, 10.0, 20.0]);
        warp([1, 1, 3], &[0.0, 10.0, 20.0], &mut out, at(-0.5, 0.0), Sampling::Bilinear);
        assert_eq!(out, [5.0, 10.0, 15.0]);
        // Classes are never mixed.
        warp([1, 1, 3], &[0.0, 10.0, 20.0], &mut out, at(-0.2, 0.0), Sampling::Nearest);
        assert_eq!(out, [0.0, 10.0, 20.0]);
    }
}
