//! `OutputView`: one output as its kind is shown: a label image, an image, boxes, numbers.
//!
//! Source: DIGITS' inference views (image output, image segmentation, bounding boxes, raw data).

use serde::{Deserialize, Serialize};

use super::{
    label_image::{self, PixelCounts, PixelScores},
    output_kind::OutputKind,
    picture::Picture,
    shown::Shown,
    statistics::Statistics,
    values::ends,
};

/// Numbers that are listed at most.
pub const LISTED: usize = 4096;
/// Thickness of a box' lines, as a share of the picture's longer side.
const LINE: f64 = 0.006;

/// How values of an image become grey levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Pixels {
    /// The smallest value is black, the largest white.
    #[default]
    Normalize,
    /// 0 is black, 255 white; what lies outside is cut off.
    Clip,
}

/// How the numbers of an image lie.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Channel by channel: `[c, h, w]`.
    #[default]
    Chw,
    /// Pixel by pixel: `[h, w, c]`.
    Hwc,
}

/// A rectangle on the image, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Rectangle {
    /// Left, top, right, bottom.
    pub sides: [f32; 4],
    /// How sure the network is of it, where it says so.
    pub confidence: Option<f32>,
}

impl Rectangle {
    /// Of an output `[n, 4 or more]`, rows of left, top, right, bottom, and confidence where there is a fifth number; rows of
    /// zeros and of no confidence are no boxes. None of an output that has no such rows.
    #[must_use]
    pub fn all(shape: &[i64], values: &[f32]) -> Option<Vec<Rectangle>> {
        let columns = usize::try_from(*shape.last()?).ok().filter(|columns| *columns >= 4)?;
        let rows = values.chunks_exact(columns).filter(|row| row[..4].iter().any(|side| *side != 0.0));
        let one = |row: &[f32]| Rectangle { sides: [row[0], row[1], row[2], row[3]], confidence: row.get(4).copied() };
        let found = rows.map(one).filter(|found| found.sides.iter().all(|side| side.is_finite()));
        Some(found.filter(|found| found.confidence.is_none_or(|confidence| confidence > 0.0)).collect())
    }
}

/// The pictures and numbers of a label image.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Segmentation {
    /// Shares, and the agreement with the label image where there is one.
    pub scores: PixelScores,
    /// The classes in their colours.
    pub map: Shown,
    /// The same over the image.
    pub overlay: Shown,
    /// The label image.
    pub truth: Option<Shown>,
}

/// One output as its kind is shown.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputView {
    /// Classes at each pixel.
    Segmentation(Segmentation),
    /// An image.
    Image(Shown),
    /// Rectangles on the image.
    Boxes {
        /// All of them.
        boxes: Vec<Rectangle>,
        /// Drawn.
        picture: Shown,
    },
    /// Numbers: the first ones, and what all of them are like.
    Numbers {
        /// 4,096 at most.
        values: Vec<f32>,
        /// Of all.
        statistics: Statistics,
    },
}

/// An output of one sample, and what is known about it.
pub struct Output<'a> {
    /// What it is.
    pub kind: OutputKind,
    /// Its shape, without the batch.
    pub shape: &'a [i64],
    /// Its values.
    pub values: &'a [f32],
    /// The image that it was made of.
    pub image: &'a Picture,
    /// Classes' names.
    pub labels: &'a [String],
    /// The right class of each pixel, row after row; none where it is not known.
    pub truth: Option<&'a [Option<usize>]>,
    /// How an image is shown.
    pub pixels: Pixels,
    /// How its numbers lie.
    pub order: Order,
}

impl OutputView {
    /// The view; none of what has views of its own: scores of classes, and reconstructions.
    #[must_use]
    pub fn of(output: &Output<'_>) -> Option<OutputView> {
        let numbers = || OutputView::Numbers {
            values: output.values.iter().copied().take(LISTED).collect(),
            statistics: Statistics::of(output.shape, output.values),
        };
        Some(match output.kind {
            OutputKind::Classes | OutputKind::Reconstruction => return None,
            OutputKind::Numbers => numbers(),
            OutputKind::LabelImage => segmentation(output).map_or_else(numbers, OutputView::Segmentation),
            OutputKind::Image => image(output).map_or_else(numbers, OutputView::Image),
            OutputKind::Boxes => match Rectangle::all(output.shape, output.values) {
                Some(boxes) => {
                    let drawn = drawn(output.image, &boxes);
                    let picture = shown("boxes.png", "The boxes on the image", drawn);
                    OutputView::Boxes { boxes, picture }
                }
                None => numbers(),
            },
        })
    }

    /// Its pictures.
    #[must_use]
    pub fn pictures(&self) -> Vec<&Shown> {
        match self {
            OutputView::Segmentation(Segmentation { map, overlay, truth, .. }) => {
                [map, overlay].into_iter().chain(truth).collect()
            }
            OutputView::Image(picture) | OutputView::Boxes { picture, .. } => vec![picture],
            OutputView::Numbers { .. } => Vec::new(),
        }
    }
}

fn shown(file: &str, alt: &str, picture: Picture) -> Shown {
    Shown { file: file.into(), alt: alt.into(), picture: picture.magnified() }
}

fn sizes(shape: &[i64]) -> Option<[usize; 3]> {
    let [a, b, c] = <[i64; 3]>::try_from(shape).ok()?;
    Some([usize::try_from(a).ok()?, usize::try_from(b).ok()?, usize::try_from(c).ok()?])
}

fn segmentation(output: &Output<'_>) -> Option<Segmentation> {
    let size = sizes(output.shape).filter(|size| size.iter().product::<usize>() == output.values.len())?;
    let [classes, height, width] = size;
    let answers = label_image::likeliest(size, output.values);
    let truth = output.truth.filter(|truth| truth.len() == height * width);
    let mut counts = PixelCounts::new(classes);
    counts.add(&answers, truth.unwrap_or_default().iter().copied());
    let map = label_image::picture(width, &answers);
    let overlay = label_image::overlay(output.image, &map);
    let truth = truth.map(|truth| shown("truth.png", "The label image", label_image::truth_picture(width, truth)));
    Some(Segmentation {
        scores: counts.scores(output.labels),
        map: shown("classes.png", "The likeliest class of each pixel, by colour", map),
        overlay: shown("overlay.png", "The classes over the image", overlay),
        truth,
    })
}

fn image(output: &Output<'_>) -> Option<Shown> {
    let (shape, values) = match output.order {
        Order::Chw => (output.shape.to_vec(), output.values.to_vec()),
        Order::Hwc => {
            let [height, width, channels] = sizes(output.shape)?;
            let plane = height * width;
            let at = |channel: usize| (0..plane).map(move |pixel| pixel * channels + channel);
            let values = (0..channels).flat_map(at).map(|at| output.values.get(at).copied().unwrap_or(0.0)).collect();
            (vec![channels as i64, height as i64, width as i64], values)
        }
    };
    let [lo, hi] = match output.pixels {
        Pixels::Clip => [0.0, 255.0],
        Pixels::Normalize => ends(&values),
    };
    let alt = match output.pixels {
        Pixels::Clip => "The output, 0 black and 255 white",
        Pixels::Normalize => "The output, its smallest value black and its largest white",
    };
    Picture::image(&shape, &values, lo, hi).map(|picture| shown("output.png", alt, picture))
}

fn drawn(image: &Picture, boxes: &[Rectangle]) -> Picture {
    let factor = 224usize.div_ceil(image.width.max(image.height).max(1));
    let mut picture = image.enlarged(factor);
    let thick = ((picture.width.max(picture.height) as f64 * LINE).round() as i64).max(1);
    for (number, found) in boxes.iter().enumerate() {
        let color = label_image::color(1 + number % 11);
        let [left, top, right, bottom] = found.sides.map(|side| (side * factor as f32).round() as i64);
        for (x0, y0, x1, y1) in [
            (left, top, right, top + thick),
            (left, bottom - thick, right, bottom),
            (left, top, left + thick, bottom),
            (right - thick, top, right, bottom),
        ] {
            let (width, height) = (picture.width as i64, picture.height as i64);
            for y in y0.clamp(0, height)..y1.clamp(0, height) {
                for x in x0.clamp(0, width)..x1.clamp(0, width) {
                    let at = ((y * width + x) * 3) as usize;
                    picture.rgb[at..at + 3].copy_from_slice(&color);
                }
            }
        }
    }
    picture
}

#[cfg(test)]
mod tests {
    use super::*;

    fn output<'a>(kind: OutputKind, shape: &'a [i64], values: &'a [f32], image: &'a Picture) -> Output<'a> {
        let (pixels, order) = (Pixels::default(), Order::default());
        Output { kind, shape, values, image, labels: &[], truth: None, pixels, order }
    }

    #[test]
    fn a_label_image_is_compared_with_its_truth() {
        let image = Picture::filled(2, 2, [200; 3]);
        let values = [0.9, 0.1, 0.2, 0.7, 0.1, 0.9, 0.8, 0.3];
        let truth = [Some(0), Some(1), Some(0), None];
        let output = Output { truth: Some(&truth), ..output(OutputKind::LabelImage, &[2, 2, 2], &values, &image) };
        let Some(OutputView::Segmentation(found)) = OutputView::of(&output) else { panic!("it is a label image") };
        assert_eq!(found.scores.pixel_accuracy, Some(2.0 / 3.0));
        assert_eq!(found.map.picture.pixel(0, 0), label_image::color(0));
        assert_eq!(found.truth.unwrap().picture.pixel(223, 223), [255; 3]);
    }

    #[test]
    fn an_image_is_normalised_or_clipped_and_may_lie_pixel_by_pixel() {
        let image = Picture::filled(1, 1, [0; 3]);
        let values = [0.0, 510.0, 0.0, 255.0, 0.0, 510.0];
        let chw = output(OutputKind::Image, &[3, 1, 2], &values, &image);
        let pixel = |output: &Output<'_>, x| match OutputView::of(output) {
            Some(OutputView::Image(shown)) => shown.picture.pixel(x, 0),
            other => panic!("{other:?}"),
        };
        assert_eq!((pixel(&chw, 0), pixel(&chw, 223)), ([0; 3], [255, 128, 255]));
        let clipped = Output { pixels: Pixels::Clip, ..chw };
        assert_eq!(pixel(&clipped, 223), [255; 3]);
        let hwc = Output { order: Order::Hwc, ..output(OutputKind::Image, &[1, 2, 3], &values, &image) };
        assert_eq!((pixel(&hwc, 0), pixel(&hwc, 223)), ([0, 255, 0], [128, 0, 255]));
    }

    #[test]
    fn boxes_are_drawn_and_rows_of_zeros_are_none() {
        let image = Picture::filled(10, 10, [0; 3]);
        let values = [1.0, 1.0, 5.0, 5.0, 0.9, 0.0, 0.0, 0.0, 0.0, 0.0];
        let found = OutputView::of(&output(OutputKind::Boxes, &[2, 5], &values, &image));
        let Some(OutputView::Boxes { boxes, picture }) = found else { panic!("they are boxes") };
        assert_eq!(boxes, [Rectangle { sides: [1.0, 1.0, 5.0, 5.0], confidence: Some(0.9) }]);
        let picture = &picture.picture;
        assert_eq!((picture.pixel(30, 23), picture.pixel(0, 0)), (label_image::color(1), [0; 3]));
        let outside = [-5.0, -5.0, 500.0, 500.0];
        assert!(OutputView::of(&output(OutputKind::Boxes, &[1, 4], &outside, &image)).is_some());
    }

    #[test]
    fn numbers_are_numbers() {
        let image = Picture::filled(1, 1, [0; 3]);
        let Some(OutputView::Numbers { values, .. }) =
            OutputView::of(&output(OutputKind::Numbers, &[2], &[1.5, -2.0], &image))
        else {
            panic!("they are numbers")
        };
        assert_eq!(values, [1.5, -2.0]);
    }
}
