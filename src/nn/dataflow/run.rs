//! `Run`: what one run of an operation may use.

use crate::nn::Context;

/// What one run of an operation may use.
pub(super) struct Run<'a, 'b> {
    /// Mode and noise.
    pub(super) cx: &'a mut Context<'b>,
    /// libtorch's type of `float32`.
    pub(super) real: tch::Kind,
    /// Where the network's numbers are.
    pub(super) device: tch::Device,
}
