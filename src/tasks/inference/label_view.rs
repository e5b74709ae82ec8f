//! `LabelView`: an output that is a label image: the likeliest class at each pixel, its colours, how much of it is right.

use serde::{Deserialize, Serialize};

use crate::{
    data::{Planes, Values},
    inspect::picture::Picture,
};

/// A class of a label image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelClass {
    /// Its number, from 0.
    pub value: usize,
    /// Its name; its number without one.
    pub name: String,
    /// `#rrggbb`
    pub color: String,
    /// Share of the pixels, 0 to 1.
    pub share: f64,
}

/// What a label image shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabelView {
    /// The classes that are in it or in the right one, the largest first.
    pub legend: Vec<LabelClass>,
    /// Share of the pixels that are right, 0 to 1, where the right labels are known.
    pub right: Option<f64>,
}

/// The pictures beside it.
pub(super) struct DrawnLabels {
    pub(super) view: LabelView,
    /// The likeliest class at each pixel.
    pub(super) labels: Picture,
    /// The right one.
    pub(super) truth: Option<Picture>,
}

/// Draws scores `[c, h, w]`; none when the sizes do not fit. `truth` is the record's label image.
pub(super) fn drawn(shape: &[i64], scores: &[f32], names: &[String], truth: Option<&Planes>) -> Option<DrawnLabels> {
    let &[classes, height, width] = shape else { return None };
    let [classes, height, width] = [classes, height, width].map(|size| usize::try_from(size).unwrap_or(0));
    let area = height * width;
    if classes == 0 || area == 0 || scores.len() != classes * area {
        return None;
    }
    let likeliest = |pixel: usize| {
        let score = |class: usize| scores[class * area + pixel];
        (1..classes).fold(0, |best, class| if score(class) > score(best) { class } else { best })
    };
    let found: Vec<usize> = (0..area).map(likeliest).collect();
    let truth = truth.and_then(|planes| numbers(planes, height, width));
    let picture = |labels: &[usize]| Picture { width, height, rgb: labels.iter().copied().flat_map(color).collect() };
    let count = |labels: &[usize], class: usize| labels.iter().filter(|&&label| label == class).count();
    let mut legend: Vec<LabelClass> = (0..classes)
        .filter(|class| found.contains(class) || truth.as_ref().is_some_and(|truth| truth.contains(class)))
        .map(|class| {
            let [r, g, b] = color(class);
            let name = names.get(class).cloned().unwrap_or_else(|| class.to_string());
            let share = count(&found, class) as f64 / area as f64;
            LabelClass { value: class, name, color: format!("#{r:02x}{g:02x}{b:02x}"), share }
        })
        .collect();
    legend.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.value.cmp(&b.value)));
    let right = truth.as_ref().map(|truth| {
        let same = found.iter().zip(truth).filter(|(found, truth)| found == truth).count();
        same as f64 / area as f64
    });
    let (labels, truth) = (picture(&found), truth.as_deref().map(picture));
    Some(DrawnLabels { view: LabelView { legend, right }, labels, truth })
}

/// The class numbers of a label image of this size.
fn numbers(planes: &Planes, height: usize, width: usize) -> Option<Vec<usize>> {
    if planes.shape != [1, height as i64, width as i64] {
        return None;
    }
    Some(match &planes.values {
        Values::Bytes(values) => values.iter().map(|&value| value.into()).collect(),
        Values::Floats(values) => values.iter().map(|&value| value.max(0.0) as usize).collect(),
    })
}

/// Colours that stand apart in every sight for the first six after the background; others follow around the circle.
fn color(class: usize) -> [u8; 3] {
    const FIRST: [[u8; 3]; 7] =
        [[225, 229, 234], [0, 114, 178], [230, 120, 20], [0, 140, 100], [190, 70, 150], [214, 178, 30], [60, 60, 70]];
    if let Some(color) = FIRST.get(class) {
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
    [r as u8, g as u8, b as u8]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_class_is_drawn_and_counted() {
        let scores = [0.9, 0.1, 0.2, 0.3, /* class 1 */ 0.1, 0.9, 0.8, 0.1, /* class 2 */ 0.0, 0.0, 0.0, 0.6];
        let names = ["sky".to_string(), "tree".to_string()];
        let truth = Planes { shape: [1, 2, 2], values: Values::Bytes(vec![0, 1, 0, 2]) };
        let drawn = drawn(&[3, 2, 2], &scores, &names, Some(&truth)).unwrap();
        let shares: Vec<_> = drawn.view.legend.iter().map(|one| (one.name.as_str(), one.share)).collect();
        assert_eq!(shares, [("tree", 0.5), ("sky", 0.25), ("2", 0.25)]);
        assert_eq!(drawn.view.right, Some(0.75));
        assert_eq!(drawn.labels.pixel(0, 0), color(0));
        assert_eq!(drawn.truth.unwrap().pixel(0, 1), color(0));
        assert!(super::drawn(&[3, 2, 2], &scores[1..], &names, None).is_none());
    }

    #[test]
    fn a_hundred_classes_have_a_hundred_colours() {
        let colors: std::collections::BTreeSet<[u8; 3]> = (0..100).map(color).collect();
        assert_eq!(colors.len(), 100);
    }
}
