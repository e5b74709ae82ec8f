//! The functions on tensors, by family; methods (`t:f()`) and functions (`torch.f()`) come from one [`Row`].
//!
//! **In:** a [`Call`](super::call::Call) whose arguments matched a form. **Out:** an [`Answer`](super::call::Answer).
//! **Never:** reading Lua's stack, and no numerics of its own where libtorch has them.
//!
//! `build` new tensors · `shape` sizes, views, copies, conversions · `pick` by index or mask · `sort` · `pointwise`, `arithmetic`,
//! `bits`, `compare` element by element · `reduce` · `products`, `convolve`, `linalg` · `random` samplers · `apply` Lua functions.
//! Source of the behaviour: torch7 `TensorMath.lua`, `generic/Tensor.c`.

mod apply;
pub(super) mod arithmetic;
mod bits;
mod build;
mod compare;
mod convolve;
mod linalg;
mod pick;
mod pointwise;
pub(super) mod products;
pub(super) mod random;
mod reduce;
pub(super) mod shape;
mod sort;

use super::row::Row;

/// The one list of functions.
pub(super) fn rows() -> Vec<Row> {
    [
        apply::rows(),
        arithmetic::rows(),
        bits::rows(),
        build::rows(),
        compare::rows(),
        convolve::rows(),
        linalg::rows(),
        pick::rows(),
        pointwise::rows(),
        products::rows(),
        random::rows(),
        reduce::rows(),
        shape::rows(),
        sort::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
