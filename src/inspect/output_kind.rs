//! `OutputKind`: what a network's output is, which decides how a test of it is shown.

use serde::{Deserialize, Serialize};

use crate::nn::Network;

/// What a network's output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputKind {
    /// The input again: it is what the loss compares with.
    Reconstruction,
    /// Scores of classes.
    Classes,
    /// An image, of any size.
    Image,
    /// Scores of classes at each pixel.
    LabelImage,
    /// Rectangles.
    Boxes,
    /// Anything else.
    Numbers,
}

impl OutputKind {
    /// Of a network that makes `output` of `input`, both shapes of one sample. `target_is_input`: what the loss compares
    /// the output with is the input.
    #[must_use]
    pub fn of(network: &Network, input: &[i64], output: &[i64], target_is_input: bool) -> OutputKind {
        let is_image = output.len() == 3 && output[1] > 1 && output[2] > 1;
        let count = |shape: &[i64]| shape.iter().product::<i64>();
        if target_is_input && count(output) == count(input) {
            OutputKind::Reconstruction
        } else if network.scores().is_some() && !is_image && count(output) > 1 {
            OutputKind::Classes
        } else if network.scores().is_some() && is_image && output[0] > 1 {
            OutputKind::LabelImage
        } else if is_image && matches!(output[0], 1 | 3) {
            OutputKind::Image
        } else {
            OutputKind::Numbers
        }
    }
}
