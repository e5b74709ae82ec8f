//! `Noise`: where a forward pass takes random numbers from: Torch7's generator or libtorch's.

use std::cell::RefCell;

use crate::{error::Result, torch::Generator};

/// A source of random numbers. Results have the shape `size`, and type and device of `like`.
#[derive(Clone, Copy)]
pub(super) enum Noise<'a> {
    /// Torch7's generator: the numbers that a seed gave then.
    Torch(&'a RefCell<Generator>),
    /// libtorch's generator, seeded by the trainer for each step; works on every device.
    Library,
}

impl Noise<'_> {
    /// Zeros and ones of `like`'s shape, type and device, 1 with probability `p`.
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub(super) fn bernoulli(&self, size: &[i64], p: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_bernoulli_float_(p)?),
            Noise::Torch(generator) => {
                drawn(size, like, generator, |generator| f64::from(u8::from(generator.bernoulli(p))))
            }
        }
    }

    /// Uniform numbers in [a, b).
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub(super) fn uniform(&self, size: &[i64], a: f64, b: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_uniform_(a, b)?),
            Noise::Torch(generator) => drawn(size, like, generator, |generator| generator.uniform(a, b)),
        }
    }

    /// Normal numbers.
    ///
    /// # Errors
    /// When libtorch cannot draw for this type.
    pub(super) fn normal(&self, size: &[i64], mean: f64, std: f64, like: &tch::Tensor) -> Result<tch::Tensor> {
        match self {
            Noise::Library => Ok(tch::Tensor::f_empty(size, (like.kind(), like.device()))?.f_normal_(mean, std)?),
            Noise::Torch(generator) => drawn(size, like, generator, |generator| generator.normal(mean, std)),
        }
    }
}

fn drawn(
    size: &[i64],
    like: &tch::Tensor,
    generator: &RefCell<Generator>,
    draw: impl Fn(&mut Generator) -> f64,
) -> Result<tch::Tensor> {
    let count = size.iter().product::<i64>().max(0) as usize;
    let mut generator = generator.borrow_mut();
    let numbers: Vec<f64> = (0..count).map(|_| draw(&mut generator)).collect();
    Ok(tch::Tensor::f_from_slice(&numbers)?.f_view(size)?.f_to_kind(like.kind())?.f_to_device(like.device())?)
}
