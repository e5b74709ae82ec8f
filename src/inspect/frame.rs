//! `Frame`: the rectangle of a chart, with the numbers and words at its axes.

use super::{
    axis::Scale,
    numbers::{measured, significant},
    svg::{Svg, number},
};

/// Words.
pub(super) const INK: &str = "#1b2430";
/// Words and lines of less weight.
pub(super) const SOFT_INK: &str = "#586474";
/// Lines from an axis' numbers across the chart.
pub(super) const GRID: &str = "#e4e8ed";

/// Its edges, in pixels.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) left: f64,
    pub(super) right: f64,
    pub(super) top: f64,
    pub(super) bottom: f64,
}

impl Frame {
    /// The place of a share of the horizontal axis.
    pub(super) fn x(self, share: f64) -> f64 {
        self.left + share * (self.right - self.left)
    }

    /// The place of a share of the vertical axis, from the bottom.
    pub(super) fn y(self, share: f64) -> f64 {
        self.bottom - share * (self.bottom - self.top)
    }

    /// The numbers of the vertical axis, and lines across.
    pub(super) fn rows(self, svg: &mut Svg, scale: Scale, has_grid: bool, text: impl Fn(f64) -> String) {
        for tick in scale.ticks(6) {
            let y = self.y(scale.place(tick));
            if has_grid {
                svg.line((self.left, y), (self.right, y), &format!("stroke=\"{GRID}\""));
            }
            let style = format!("fill=\"{SOFT_INK}\" text-anchor=\"end\"");
            svg.text((self.left - 10.0, y + 4.2), 12.0, &style, &text(tick));
        }
    }

    /// The numbers of the horizontal axis, about `wanted`, and lines upwards.
    pub(super) fn columns(
        self,
        svg: &mut Svg,
        scale: Scale,
        wanted: usize,
        has_grid: bool,
        text: impl Fn(f64) -> String,
    ) {
        for tick in scale.ticks(wanted) {
            let x = self.x(scale.place(tick));
            if has_grid {
                svg.line((x, self.top), (x, self.bottom), &format!("stroke=\"{GRID}\""));
            }
            let style = format!("fill=\"{SOFT_INK}\" text-anchor=\"middle\"");
            svg.text((x, self.bottom + 20.0), 12.0, &style, &text(tick));
        }
    }

    /// What the vertical axis measures.
    pub(super) fn beside(self, svg: &mut Svg, words: &str) {
        let (x, y) = (22.0, self.y(0.5));
        let turned = format!("transform=\"rotate(-90 {} {})\"", number(x), number(y));
        svg.text((x, y), 12.5, &format!("fill=\"{INK}\" text-anchor=\"middle\" {turned}"), words);
    }

    /// What the horizontal axis measures.
    pub(super) fn below(self, svg: &mut Svg, words: &str) {
        let middle = format!("fill=\"{INK}\" text-anchor=\"middle\"");
        svg.text((self.x(0.5), self.bottom + 44.0), 12.5, &middle, words);
    }
}

/// How many numbers an axis of epochs wants: a run of a few epochs gets a line for each, not for fractions of them.
pub(super) fn epoch_ticks(epochs: f64) -> usize {
    if epochs >= 3.0 { (epochs as usize).min(10) } else { 10 }
}

/// A number at an axis.
pub(super) fn tick_text(value: f64) -> String {
    if value.abs() < 1.0 { significant(value, 4) } else { measured(value) }
}
