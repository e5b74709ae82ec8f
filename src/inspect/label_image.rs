//! An output of scores at each pixel as classes: a colour map with its legend, the share of each class, an overlay, and how
//! well it agrees with a label image.
//!
//! Source: DIGITS' view "Image segmentation".

use serde::Serialize;

use super::picture::Picture;

/// Colours that stand apart in every sight: the background, and the first six classes after it.
const COLORS: [[u8; 3]; 7] =
    [[225, 229, 234], [0, 114, 178], [230, 120, 20], [0, 140, 100], [190, 70, 150], [214, 178, 30], [60, 60, 70]];

/// The colour of a class, from 0.
#[must_use]
pub fn color(class: usize) -> [u8; 3] {
    if let Some(color) = COLORS.get(class) {
        return *color;
    }
    // The golden angle never meets itself again.
    let hue = (class as f64 * 137.508) % 360.0 / 60.0;
    let (high, low) = (205.0, if class.is_multiple_of(2) { 60.0 } else { 110.0 });
    let between = low + (high - low) * (1.0 - (hue % 2.0 - 1.0).abs());
    let [r, g, b] = match hue as u8 {
        0 => [high, between, low],
        1 => [between, high, low],
        2 => [low, high, between],
        3 => [low, between, high],
        4 => [between, low, high],
        _ => [high, low, between],
    };
    [r, g, b].map(|channel| channel as u8)
}

/// `#0072b2`
#[must_use]
pub fn hex(color: [u8; 3]) -> String {
    format!("#{:02x}{:02x}{:02x}", color[0], color[1], color[2])
}

/// How much of an image, or of many, is one class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassShare {
    /// From 0.
    pub class: usize,
    /// Its name.
    pub label: String,
    /// Its colour in the pictures, `#rrggbb`.
    pub color: String,
    /// Share of the pixels that were taken for it, 0 to 1.
    pub share: f64,
    /// Where a label image is known: the pixels of the class that were found over those that are it or were taken for it;
    /// none where there are neither.
    pub iou: Option<f64>,
}

/// Pixels of right classes and answers, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct PixelCounts {
    classes: usize,
    /// `[right * classes + answer]`
    counts: Vec<u64>,
    /// Answers, of pixels without a right class too.
    answers: Vec<u64>,
}

/// What the counts come to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PixelScores {
    /// Share of right pixels among those whose class is known, 0 to 1; none where none is.
    pub pixel_accuracy: Option<f64>,
    /// Mean of the classes' intersections over unions, of those that have one.
    pub mean_iou: Option<f64>,
    /// Pixels whose class is known.
    pub known_pixels: u64,
    /// The classes that were seen or answered.
    pub classes: Vec<ClassShare>,
}

impl PixelCounts {
    /// None yet.
    #[must_use]
    pub fn new(classes: usize) -> PixelCounts {
        PixelCounts { classes, counts: vec![0; classes * classes], answers: vec![0; classes] }
    }

    /// Counts answers; the right class of a pixel is none where it is not known or to be ignored.
    pub fn add(&mut self, answers: &[usize], right: impl IntoIterator<Item = Option<usize>>) {
        for &answer in answers.iter().filter(|answer| **answer < self.classes) {
            self.answers[answer] += 1;
        }
        for (&answer, right) in answers.iter().zip(right) {
            if let Some(right) = right.filter(|right| *right < self.classes && answer < self.classes) {
                self.counts[right * self.classes + answer] += 1;
            }
        }
    }

    /// The scores; classes have the names of `labels`, else their numbers.
    #[must_use]
    pub fn scores(&self, labels: &[String]) -> PixelScores {
        let n = self.classes;
        let known: u64 = self.counts.iter().sum();
        let right: u64 = (0..n).map(|class| self.counts[class * n + class]).sum();
        let all: u64 = self.answers.iter().sum::<u64>().max(1);
        let of = |class: usize| {
            let found = self.counts[class * n + class];
            let is: u64 = self.counts[class * n..(class + 1) * n].iter().sum();
            let taken: u64 = (0..n).map(|right| self.counts[right * n + class]).sum();
            let union = is + taken - found;
            let iou = (union > 0).then(|| found as f64 / union as f64);
            let label = labels.get(class).cloned().unwrap_or_else(|| format!("class {class}"));
            let share = self.answers[class] as f64 / all as f64;
            (is > 0 || self.answers[class] > 0).then(|| ClassShare {
                class,
                label,
                color: hex(color(class)),
                share,
                iou,
            })
        };
        let classes: Vec<ClassShare> = (0..n).filter_map(of).collect();
        let ious: Vec<f64> = classes.iter().filter_map(|class| class.iou).collect();
        PixelScores {
            pixel_accuracy: (known > 0).then(|| right as f64 / known as f64),
            mean_iou: (!ious.is_empty()).then(|| ious.iter().sum::<f64>() / ious.len() as f64),
            known_pixels: known,
            classes,
        }
    }
}

/// The likeliest class of each pixel of scores `[c, h, w]`, row after row.
#[must_use]
pub fn likeliest(size: [usize; 3], scores: &[f32]) -> Vec<usize> {
    let [classes, height, width] = size;
    let plane = height * width;
    let best = |at: usize| {
        let of = |class: usize| scores[class * plane + at];
        (0..classes).reduce(|best, class| if of(class) > of(best) { class } else { best }).unwrap_or(0)
    };
    (0..plane).map(best).collect()
}

/// Classes `[h, w]` in their colours.
#[must_use]
pub fn picture(width: usize, classes: &[usize]) -> Picture {
    let rgb = classes.iter().flat_map(|class| color(*class)).collect();
    Picture { width, height: classes.len() / width.max(1), rgb }
}

/// Right classes `[h, w]` in their colours; a pixel whose class is not known is white.
#[must_use]
pub fn truth_picture(width: usize, classes: &[Option<usize>]) -> Picture {
    let rgb = classes.iter().flat_map(|class| class.map_or([255; 3], color)).collect();
    Picture { width, height: classes.len() / width.max(1), rgb }
}

/// The colours of `map` over a grey version of `image`, which is fitted to it.
#[must_use]
pub fn overlay(image: &Picture, map: &Picture) -> Picture {
    let mut over = map.clone();
    for y in 0..map.height {
        for x in 0..map.width {
            let [r, g, b] = image.pixel(x * image.width / map.width.max(1), y * image.height / map.height.max(1));
            let grey = 0.299 * f32::from(r) + 0.587 * f32::from(g) + 0.114 * f32::from(b);
            let at = (y * map.width + x) * 3;
            for channel in &mut over.rgb[at..at + 3] {
                *channel = (0.5 * grey + 0.5 * f32::from(*channel)).round() as u8;
            }
        }
    }
    over
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_pixel_is_its_likeliest_class_and_agreement_is_counted() {
        // Two classes on 1 x 4 pixels.
        let map = likeliest([2, 1, 4], &[0.9, 0.2, 0.6, 0.1, 0.1, 0.8, 0.4, 0.9]);
        assert_eq!(map, [0, 1, 0, 1]);
        let mut counts = PixelCounts::new(2);
        counts.add(&map, [Some(0), Some(1), Some(1), None]);
        let scores = counts.scores(&["cat".into()]);
        assert_eq!((scores.known_pixels, scores.pixel_accuracy), (3, Some(2.0 / 3.0)));
        let ious: Vec<Option<f64>> = scores.classes.iter().map(|class| class.iou).collect();
        assert_eq!((ious, scores.mean_iou), (vec![Some(0.5), Some(0.5)], Some(0.5)));
        let shares: Vec<(&str, f64)> = scores.classes.iter().map(|class| (class.label.as_str(), class.share)).collect();
        assert_eq!(shares, [("cat", 0.5), ("class 1", 0.5)]);
        let unknown = {
            let mut counts = PixelCounts::new(2);
            counts.add(&map, []);
            counts.scores(&[])
        };
        assert_eq!((unknown.pixel_accuracy, unknown.mean_iou), (None, None));
    }

    #[test]
    fn pictures_have_the_colours_of_the_legend() {
        let map = picture(2, &[0, 1, 1, 20]);
        assert_eq!((map.width, map.height, map.pixel(1, 0), map.pixel(1, 1)), (2, 2, color(1), color(20)));
        let over = overlay(&Picture::filled(4, 4, [255; 3]), &map);
        assert_eq!((over.width, over.pixel(0, 0)), (2, [240, 242, 245]));
        let all: std::collections::HashSet<[u8; 3]> = (0..100).map(color).collect();
        assert_eq!(all.len(), 100);
        assert_eq!(hex(color(1)), "#0072b2");
    }
}
