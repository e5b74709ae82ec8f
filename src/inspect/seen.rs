//! `Seen`: what is kept of a module once the forward pass has moved on.

use crate::nn::Node;

/// A module that has run.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    /// Path from the root as in Lua, `2.1`.
    pub(super) path: String,
    /// `nn.Linear`
    pub(super) class: String,
    /// As it prints.
    pub(super) label: String,
    /// Indices of its own parameters.
    pub(super) parameters: Vec<usize>,
    /// Of a convolution, the sizes of its kernels `[out, in, kH, kW]`.
    pub(super) kernels: Option<Vec<i64>>,
}

impl Seen {
    /// What is kept of `node`.
    pub(super) fn of(node: &Node) -> Seen {
        Seen {
            path: node.path.clone(),
            class: node.class.clone(),
            label: node.label.clone(),
            parameters: node.parameters.clone(),
            kernels: node.module.kernels().map(<[i64]>::to_vec),
        }
    }

    /// The file of its picture in row `index` (from 0): `layers/03-linear-weights.png`.
    pub(super) fn file_name(&self, index: usize, kind: &str) -> String {
        let class: String = self
            .class
            .rsplit('.')
            .next()
            .unwrap_or("module")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .collect();
        format!("layers/{:02}-{class}-{kind}.png", index + 1)
    }
}
