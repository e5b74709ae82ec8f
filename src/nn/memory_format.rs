//! `MemoryFormat`: how a private pass lays images and kernels out in memory.

use crate::torch::precision::{self, Precision};

/// Which dimension of images `[n, c, h, w]` and kernels `[out, in, kH, kW]` lies closest together in memory. Sizes and numbers
/// are the same in each; libtorch calls the last two `channels_last`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryFormat {
    /// The columns, as in Torch7.
    #[default]
    PlanesFirst,
    /// The planes of images; kernels stay as they are.
    ImagesPlanesLast,
    /// The planes of images and of kernels, which are arranged anew in each pass: parameters and what is saved of them
    /// keep Torch7's order.
    PlanesLast,
}

impl MemoryFormat {
    /// What libtorch's convolutions are fastest with, for training in `kind` on `device`.
    ///
    /// On the processor oneDNN wants the planes of f32 images last, and arranges kernels by itself. cuDNN's tensor cores, which
    /// TF32 means, read planes last; in full f32 its kernels read planes first, and an arrangement would only cost.
    #[must_use]
    pub fn fastest(kind: tch::Kind, device: tch::Device) -> MemoryFormat {
        match (kind, device) {
            (tch::Kind::Float, tch::Device::Cpu) => MemoryFormat::ImagesPlanesLast,
            (tch::Kind::Float, tch::Device::Cuda(_)) if precision::current() == Some(Precision::Tf32) => {
                MemoryFormat::PlanesLast
            }
            _ => MemoryFormat::PlanesFirst,
        }
    }
}
