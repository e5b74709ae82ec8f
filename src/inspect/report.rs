//! What Test One found: the answer about one image, layer by layer.

use serde::Serialize;

use super::{
    code::Code, output_kind::OutputKind, output_view::OutputView, predictions::Prediction,
    reconstruction::Reconstruction, shown::Shown, statistics::Statistics,
};

/// Whether a row shows what a module made or what it learned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum About {
    /// Its output for this image.
    Activations,
    /// Its weights.
    Weights,
}

/// One row of the layer list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// The module's path as in Lua, `2.1`.
    pub path: String,
    /// The module as it prints, `nn.Linear(300 -> 50)`; `.1`, `.2` … for the entries of a table.
    pub name: String,
    /// Activations or weights.
    pub about: About,
    /// Shape, mean, deviation, histogram.
    pub statistics: Statistics,
    /// Learned numbers of the module, biases included; on rows of weights.
    pub learned_parameters: Option<i64>,
    /// The picture; `None` where there is nothing to draw.
    pub picture: Option<Shown>,
    /// What the picture shows when DIGITS would not show it so.
    pub note: Option<String>,
}

/// The whole answer; serialises to `report.json` without the pixels.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TestOne {
    /// Title of the page.
    pub title: String,
    /// Labelled facts.
    pub facts: Vec<(String, String)>,
    /// The image before preprocessing.
    pub original: Shown,
    /// The image after mean subtraction, darkest value black and brightest white.
    pub normalized: Shown,
    /// Shape, mean and deviation of what the network got.
    pub input: Statistics,
    /// Every module in the order of execution; a module's weights follow its activations.
    pub layers: Vec<Layer>,
    /// The narrowest place, when the network narrows and widens again.
    pub code: Option<Code>,
    /// What the output is.
    pub kind: OutputKind,
    /// How it is shown, where it is neither scores of classes nor a reconstruction.
    pub view: Option<OutputView>,
    /// The comparison, when the output repeats the input.
    pub reconstruction: Option<Reconstruction>,
    /// The likeliest classes, when the network is a classifier.
    pub predictions: Vec<Prediction>,
    /// All learned numbers; shared ones count once.
    pub learned_parameters: i64,
}
