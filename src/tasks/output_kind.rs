//! `OutputKind`: what a network's output is, which decides how a test of it is shown.

use serde::{Deserialize, Serialize};

use crate::nn::Network;

/// What a network's output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// As many numbers as the input.
    Reconstruction,
    /// Scores of classes.
    Classes,
    /// An image of another size.
    Image,
    /// Scores of classes at each pixel.
    LabelImage,
    /// Rectangles.
    Boxes,
    /// Anything else.
    Numbers,
}

impl OutputKind {
    /// Of a network that makes `output` of `input`, both shapes of one sample.
    #[must_use]
    pub fn of(network: &Network, input: &[i64], output: &[i64]) -> OutputKind {
        let is_image = output.len() == 3 && output[1] > 1 && output[2] > 1;
        let count = |shape: &[i64]| shape.iter().product::<i64>();
        if count(output) == count(input) {
            OutputKind::Reconstruction
        } else if network.scores().is_some() && !is_image && count(output) > 1 {
            OutputKind::Classes
        } else if network.scores().is_some() && is_image {
            OutputKind::LabelImage
        } else if is_image && matches!(output[0], 1 | 3) {
            OutputKind::Image
        } else {
            OutputKind::Numbers
        }
    }
}
