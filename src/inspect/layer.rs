//! Pictures of activations and weights, pixel for pixel as DIGITS makes them (spec 4.6).
//!
//! Source: DIGITS `digits/utils/image.py`, `get_layer_vis_square`, `vis_square`, `upscale`, `get_color_map`.

use super::{picture::Picture, values::ends};

/// Wider tiles are cut, and the grid is at most about this wide.
const MAX_WIDTH: usize = 1200;
/// Smaller pictures are enlarged until their smaller side has this many pixels.
const MIN_SIDE: usize = 100;

const RED: [f64; 9] = [0.0, 0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5];
const GREEN: [f64; 9] = [0.0, 0.0, 0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0];
const BLUE: [f64; 9] = [0.5, 1.0, 1.0, 1.0, 0.5, 0.0, 0.0, 0.0, 0.0];

/// The picture of a tensor with these sizes, values row-major; `None` when it has no picture: no values, or more
/// than four dimensions.
#[must_use]
pub fn picture(size: &[i64], values: &[f32]) -> Option<Picture> {
    let sizes: Vec<usize> = size.iter().map(|&s| usize::try_from(s).ok()).collect::<Option<_>>()?;
    if values.is_empty() || sizes.iter().product::<usize>() != values.len() {
        return None;
    }
    let mut tiles = Tiles::interpret(&sizes, values)?;
    let padding = tiles.limit();
    tiles.normalize();
    Some(upscaled(&tiles.grid(padding)))
}

/// `count` tiles of `height` × `width` with 1 or 3 channels, stored `[count, height, width, channels]`.
struct Tiles {
    count: usize,
    height: usize,
    width: usize,
    channels: usize,
    values: Vec<f32>,
}

impl Tiles {
    fn interpret(sizes: &[usize], values: &[f32]) -> Option<Tiles> {
        let grey = |count, height, width| Tiles { count, height, width, channels: 1, values: values.to_vec() };
        Some(match *sizes {
            [n] => grey(n, 1, 1),
            [rows, columns] => grey(rows * columns, 1, 1),
            [3, h, w] => Tiles::color(1, h, w, |_, c, at| values[c * h * w + at]),
            [n, h, w] => grey(n, h, w),
            [3, n, h, w] => Tiles::color(n, h, w, |tile, c, at| values[(c * n + tile) * h * w + at]),
            [n, 3, h, w] => Tiles::color(n, h, w, |tile, c, at| values[(tile * 3 + c) * h * w + at]),
            [n, m, h, w] => grey(n * m, h, w),
            _ => return None,
        })
    }

    /// `value` gets tile, channel and the pixel's index in its plane.
    fn color(count: usize, height: usize, width: usize, value: impl Fn(usize, usize, usize) -> f32) -> Tiles {
        let mut values = Vec::with_capacity(count * height * width * 3);
        for tile in 0..count {
            for at in 0..height * width {
                values.extend((0..3).map(|c| value(tile, c, at)));
            }
        }
        Tiles { count, height, width, channels: 3, values }
    }

    /// Keeps what fits into about 1200 pixels across; returns the padding of the tiles.
    fn limit(&mut self) -> usize {
        if self.width > MAX_WIDTH {
            let (height, width) = (self.height.min(MAX_WIDTH), MAX_WIDTH);
            let mut kept = Vec::with_capacity(height * width * self.channels);
            for y in 0..height {
                let start = y * self.width * self.channels;
                kept.extend_from_slice(&self.values[start..start + width * self.channels]);
            }
            (self.count, self.height, self.width, self.values) = (1, height, width, kept);
            return 0;
        }
        let padding = usize::from(self.width > 1);
        let across = (MAX_WIDTH / (self.width + padding)).max(1);
        self.count = self.count.min(across * across);
        self.values.truncate(self.count * self.height * self.width * self.channels);
        padding
    }

    /// To 0..255 over all tiles together; a constant picture becomes 0. Single precision, as in the original.
    fn normalize(&mut self) {
        let [min, max] = ends(&self.values);
        let max = max - min;
        for value in &mut self.values {
            *value -= min;
            if max > 0.0 {
                *value = *value / max * 255.0;
            }
        }
    }

    fn pixel(&self, tile: usize, y: usize, x: usize) -> [u8; 3] {
        let at = ((tile * self.height + y) * self.width + x) * self.channels;
        if self.channels == 3 { [0, 1, 2].map(|c| self.values[at + c] as u8) } else { jet(self.values[at]) }
    }

    fn grid(&self, padding: usize) -> Picture {
        let rows = (self.count as f64).sqrt().ceil() as usize;
        let columns = if rows * (rows - 1) >= self.count { rows - 1 } else { rows };
        let (height, width) = (self.height + padding, self.width + padding);
        let mut grid = Picture::filled(columns * width, rows * height, [255; 3]);
        for tile in 0..self.count {
            let (top, left) = (tile / columns * height, tile % columns * width);
            for y in 0..self.height {
                for x in 0..self.width {
                    let to = ((top + y) * grid.width + left + x) * 3;
                    grid.rgb[to..to + 3].copy_from_slice(&self.pixel(tile, y, x));
                }
            }
        }
        grid
    }
}

/// The colour of a value from 0 to 255: linear between nine knots, truncated to a byte.
#[must_use]
pub fn jet(value: f32) -> [u8; 3] {
    let at = f64::from(value * 8.0 / 255.0).clamp(0.0, 8.0);
    let knot = (at as usize).min(7);
    let share = at - knot as f64;
    [RED, GREEN, BLUE].map(|map| {
        let level = map[knot] + (map[knot + 1] - map[knot]) * share;
        (level.min(1.0) * 255.0) as u8
    })
}

fn upscaled(picture: &Picture) -> Picture {
    let smaller = picture.width.min(picture.height);
    if smaller >= MIN_SIDE {
        return picture.clone();
    }
    let ratio = MIN_SIDE as f64 / smaller as f64;
    let side = |pixels: usize| (pixels as f64 * ratio).floor() as usize;
    picture.resampled(side(picture.width), side(picture.height), |at| (at as f64 / ratio).floor() as usize)
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: [u8; 3] = [255; 3];
    /// jet(0) and jet(255), from the first and the last knot.
    const LOW: [u8; 3] = [0, 0, 127];
    const HIGH: [u8; 3] = [127, 0, 0];

    #[test]
    fn the_colour_map_has_its_knots() {
        let knots = [
            [0, 0, 127],
            [0, 0, 255],
            [0, 127, 255],
            [0, 255, 255],
            [127, 255, 127],
            [255, 255, 0],
            [255, 127, 0],
            [255, 0, 0],
            [127, 0, 0],
        ];
        for (i, color) in knots.into_iter().enumerate() {
            assert_eq!(jet(i as f32 * 255.0 / 8.0), color, "knot {i}");
        }
        // Half way between knots 3 and 4: red and blue cross at a quarter and three quarters.
        assert_eq!(jet(3.5 * 255.0 / 8.0), [63, 255, 191]);
    }

    #[test]
    fn fifty_values_are_a_grid_of_eight_rows_and_seven_columns() {
        let values: Vec<f32> = (0..50).map(|i| i as f32).collect();
        let picture = picture(&[50], &values).unwrap();
        // 7 columns become 100 pixels, 8 rows floor(8 · 100/7) = 114.
        assert_eq!((picture.width, picture.height), (100, 114));
        assert_eq!(picture.pixel(0, 0), LOW);
        // Tile 49 is the first of the last row; the six behind it are unused.
        assert_eq!(picture.pixel(5, 113), HIGH);
        assert_eq!(picture.pixel(20, 113), WHITE);
    }

    #[test]
    fn grey_tiles_are_padded_right_and_below() {
        // Three tiles of 2 × 2: rows = 2, columns = 2, each 3 × 3 with padding; 6 × 6 pixels, enlarged to 100 × 100.
        let values = [0.0, 8.0, 0.0, 8.0, 8.0, 0.0, 8.0, 0.0, 0.0, 0.0, 8.0, 8.0];
        let picture = picture(&[3, 2, 2], &values);
        // First dimension 3 is an RGB picture, not three tiles.
        let rgb = picture.unwrap();
        assert_eq!((rgb.width, rgb.height), (100, 100));
        assert_eq!(rgb.pixel(0, 0), [0, 255, 0]);

        let four = [values.as_slice(), &[0.0; 4]].concat();
        let grey = super::picture(&[4, 2, 2], &four).unwrap();
        assert_eq!((grey.width, grey.height), (100, 100));
        let at = |x: usize, y: usize| grey.pixel(x * 100 / 6 + 5, y * 100 / 6 + 5);
        assert_eq!([at(0, 0), at(1, 0), at(2, 0), at(3, 0), at(4, 0), at(5, 0)], [LOW, HIGH, WHITE, HIGH, LOW, WHITE]);
        assert_eq!([at(0, 2), at(4, 2), at(2, 5)], [WHITE; 3]);
        assert_eq!([at(0, 3), at(0, 4), at(3, 3)], [LOW, HIGH, LOW]);
    }

    #[test]
    fn four_dimensions_follow_the_three() {
        // [out 2, in 3, 1, 1]: one RGB tile for each output. Values 0..5 → 0, 51, … 255.
        let values: Vec<f32> = (0..6).map(|i| i as f32).collect();
        let per_output = picture(&[2, 3, 1, 1], &values).unwrap();
        assert_eq!((per_output.width, per_output.height), (100, 200));
        assert_eq!((per_output.pixel(0, 0), per_output.pixel(0, 199)), ([0, 51, 102], [153, 204, 255]));
        // [3, 2, 1, 1]: the first dimension is the colour.
        let first = picture(&[3, 2, 1, 1], &values).unwrap();
        assert_eq!((first.pixel(0, 0), first.pixel(0, 199)), ([0, 102, 204], [51, 153, 255]));
        // Neither: rows · columns grey tiles.
        let grey = picture(&[2, 2, 1, 1], &values[..4]).unwrap();
        assert_eq!((grey.width, grey.height), (100, 100));
        assert_eq!((grey.pixel(0, 0), grey.pixel(99, 99)), (LOW, HIGH));
    }

    #[test]
    fn large_tiles_are_cut_and_many_tiles_dropped() {
        let wide = picture(&[2, 1, 1300], &[1.0; 2600]).unwrap();
        // One row of 1200 pixels, enlarged 100 times.
        assert_eq!((wide.width, wide.height), (120_000, 100));
        // Tiles of 599 + 1 pixels: 1200 // 600 = 2 across, so 4 of 5 are kept; constant, so all lowest.
        let many = picture(&[5, 2, 599], &[7.0; 5 * 2 * 599]).unwrap();
        assert_eq!((many.width, many.height), (20_000, 100));
        assert_eq!(many.pixel(0, 0), LOW);
    }

    #[test]
    fn nothing_and_five_dimensions_have_no_picture() {
        assert!(picture(&[0], &[]).is_none());
        assert!(picture(&[1, 1, 1, 1, 1], &[1.0]).is_none());
    }
}
