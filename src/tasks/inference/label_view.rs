//! `LabelView`: an output that is a label image: the likeliest class at each pixel, its colours, how much of it is right.

use serde::{Deserialize, Serialize};

use crate::inspect::{
    label_image::{ClassShare, PixelCounts, PixelScores, likeliest, picture, truth_picture},
    picture::Picture,
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
    /// The likeliest class at each pixel, row after row.
    pub(super) classes: Vec<usize>,
    /// Those in their colours.
    pub(super) labels: Picture,
    /// The right one.
    pub(super) truth: Option<Picture>,
}

/// Draws scores `[c, h, w]`; none when the sizes do not fit. `truth` is the right class of each pixel, none where it is not
/// known.
pub(super) fn drawn(
    shape: &[i64],
    scores: &[f32],
    names: &[String],
    truth: Option<&[Option<usize>]>,
) -> Option<DrawnLabels> {
    let &[classes, height, width] = shape else { return None };
    let [classes, height, width] = [classes, height, width].map(|size| usize::try_from(size).unwrap_or(0));
    if scores.is_empty() || scores.len() != classes * height * width {
        return None;
    }
    let found = likeliest([classes, height, width], scores);
    let truth = truth.filter(|truth| truth.len() == height * width);
    let mut counts = PixelCounts::new(classes);
    counts.add(&found, truth.into_iter().flatten().copied());
    let PixelScores { pixel_accuracy, classes, .. } = counts.scores(names);
    let class = |one: ClassShare| LabelClass { value: one.class, name: one.label, color: one.color, share: one.share };
    let mut legend: Vec<LabelClass> = classes.into_iter().map(class).collect();
    legend.sort_by(|a, b| b.share.total_cmp(&a.share).then(a.value.cmp(&b.value)));
    let (labels, truth) = (picture(width, &found), truth.map(|truth| truth_picture(width, truth)));
    Some(DrawnLabels { view: LabelView { legend, right: pixel_accuracy }, classes: found, labels, truth })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inspect::label_image::color;

    #[test]
    fn the_likeliest_class_is_drawn_and_counted() {
        let scores = [0.9, 0.1, 0.2, 0.3, /* class 1 */ 0.1, 0.9, 0.8, 0.1, /* class 2 */ 0.0, 0.0, 0.0, 0.6];
        let names = ["sky".to_string(), "tree".to_string()];
        let truth = [0, 1, 0, 2].map(Some);
        let drawn = drawn(&[3, 2, 2], &scores, &names, Some(&truth)).unwrap();
        let shares: Vec<_> = drawn.view.legend.iter().map(|one| (one.name.as_str(), one.share)).collect();
        assert_eq!(shares, [("tree", 0.5), ("sky", 0.25), ("class 2", 0.25)]);
        assert_eq!(drawn.view.right, Some(0.75));
        assert_eq!(drawn.labels.pixel(0, 0), color(0));
        assert_eq!(drawn.truth.unwrap().pixel(1, 1), color(2));
        assert!(super::drawn(&[3, 2, 2], &scores[1..], &names, None).is_none());
    }
}
