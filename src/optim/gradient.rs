//! `Gradient`: what a rule learns from, as the backward pass left it.

use crate::error::Result;

/// The gradient of a flat vector in pieces, of any shape, that lie one after another in it: no pass is spent on gathering
/// them.
#[derive(Debug)]
pub struct Gradient(Vec<tch::Tensor>);

impl Gradient {
    /// In pieces that together have as many elements as the vector.
    #[must_use]
    pub fn of(pieces: Vec<tch::Tensor>) -> Gradient {
        Gradient(pieces)
    }

    /// In one piece.
    #[must_use]
    pub fn whole(tensor: &tch::Tensor) -> Gradient {
        Gradient(vec![tensor.shallow_clone()])
    }

    pub(super) fn pieces(&self) -> &[tch::Tensor] {
        &self.0
    }

    /// As one vector, for libtorch's operations.
    pub(super) fn flat(&self) -> Result<tch::Tensor> {
        if let [whole] = &self.0[..] {
            return Ok(whole.f_reshape([-1])?);
        }
        let flat = self.0.iter().map(|piece| Ok(piece.f_reshape([-1])?)).collect::<Result<Vec<_>>>()?;
        Ok(tch::Tensor::f_cat(&flat, 0)?)
    }
}
