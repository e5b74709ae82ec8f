//! The reconstruction beside its input: error numbers, both pictures, their difference.

use serde::Serialize;

use super::{picture::Picture, values::ends};

/// How well an output of the input's size repeats it. Values are grey levels (0..255 scale) unless the network
/// file's preprocessing says otherwise.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Reconstruction {
    /// Mean squared error a value, in squared grey levels: what `nn.MSECriterion` gives for this image.
    pub mean_squared_error: f64,
    /// Its root, in grey levels.
    pub root_mean_squared_error: f64,
    /// Mean absolute difference, in grey levels.
    pub mean_absolute_error: f64,
    /// Largest absolute difference.
    pub largest_error: f64,
    /// Mean squared error of the simplest answer, a constant 0 (with mean subtraction: the mean image).
    pub error_of_the_mean: f64,
    /// The input as the network got it, drawn with the same black and white as `output`.
    #[serde(skip)]
    pub input: Picture,
    /// The output.
    #[serde(skip)]
    pub output: Picture,
    /// The output with what preprocessing subtracted added back, 0 black to 255 white.
    #[serde(skip)]
    pub restored: Picture,
    /// Output minus input: red where too bright, blue where too dark.
    #[serde(skip)]
    pub difference: Picture,
    /// The value drawn black in `input` and `output`.
    pub black: f32,
    /// The value drawn white.
    pub white: f32,
}

/// Compares an output with the input it should repeat. `original` holds the pixels before preprocessing, all three
/// of shape `size` = `[c, h, w]`; `None` when that is no image.
#[must_use]
pub fn compare(size: &[i64], original: &[f32], input: &[f32], output: &[f32]) -> Option<Reconstruction> {
    let n = input.len();
    if n == 0 || output.len() != n || original.len() != n {
        return None;
    }
    let difference: Vec<f32> = output.iter().zip(input).map(|(o, i)| o - i).collect();
    let mean = |f: &dyn Fn(f64) -> f64| difference.iter().map(|d| f(f64::from(*d))).sum::<f64>() / n as f64;
    let mean_squared_error = mean(&|d| d * d);
    let largest = difference.iter().copied().filter(|d| d.is_finite()).fold(0.0f32, |m, d| m.max(d.abs()));
    let [black, white] = ends(&[ends(input), ends(output)].concat());
    Some(Reconstruction {
        mean_squared_error,
        root_mean_squared_error: mean_squared_error.sqrt(),
        mean_absolute_error: mean(&f64::abs),
        largest_error: f64::from(largest),
        error_of_the_mean: input.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>() / n as f64,
        input: Picture::image(size, input, black, white)?,
        output: Picture::image(size, output, black, white)?,
        restored: restored(size, original, input, output)?,
        difference: Picture::difference(size, &difference, largest)?,
        black,
        white,
    })
}

/// The picture of an output with what preprocessing subtracted added back, 0 black to 255 white; the arguments are those of
/// [`compare`].
#[must_use]
pub fn restored(size: &[i64], original: &[f32], input: &[f32], output: &[f32]) -> Option<Picture> {
    if output.len() != input.len() || original.len() != input.len() {
        return None;
    }
    // What was subtracted is what the two inputs differ by, whichever kind of mean it was.
    let restored: Vec<f32> = output.iter().zip(original.iter().zip(input)).map(|(o, (raw, i))| o + (raw - i)).collect();
    Picture::image(size, &restored, 0.0, 255.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_pictures_of_four_pixels() {
        // Mean image 100 everywhere.
        let original = [100.0, 200.0, 0.0, 255.0];
        let input = [0.0, 100.0, -100.0, 155.0];
        let output = [0.0, 90.0, -100.0, 165.0];
        let r = compare(&[1, 2, 2], &original, &input, &output).unwrap();
        assert_eq!((r.mean_squared_error, r.mean_absolute_error, r.largest_error), (50.0, 5.0, 10.0));
        assert_eq!(r.error_of_the_mean, (10_000.0 + 10_000.0 + 155.0 * 155.0) / 4.0);
        assert_eq!((r.black, r.white), (-100.0, 165.0));
        assert_eq!(
            [r.restored.pixel(0, 0), r.restored.pixel(1, 0), r.restored.pixel(1, 1)],
            [[100; 3], [190; 3], [255; 3]]
        );
        assert_eq!([r.difference.pixel(0, 0), r.difference.pixel(1, 0)], [[255; 3], [33, 85, 168]]);
        assert_eq!(r.difference.pixel(1, 1), [186, 41, 31]);
    }

    #[test]
    fn an_output_of_another_size_is_no_reconstruction() {
        assert!(compare(&[1, 2, 2], &[0.0; 4], &[0.0; 4], &[0.0; 3]).is_none());
    }
}
