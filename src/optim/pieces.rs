//! `Pieces`: flat vectors in the pieces of a gradient, for launches that take lists of tensors.

use std::{cell::RefCell, ffi::c_void};

use super::gradient::Gradient;
use crate::error::Result;

/// Views of the same vectors, made once: a gradient has the same pieces at every step.
#[derive(Default)]
pub(super) struct Pieces(RefCell<Option<Views>>);

struct Views {
    addresses: Vec<*mut c_void>,
    lengths: Vec<usize>,
    /// A list for each vector.
    views: Vec<Vec<tch::Tensor>>,
}

/// A launch over the pieces of a gradient and those of `N` vectors.
pub(super) type Launch<'a, const N: usize> = &'a mut dyn FnMut(&[tch::Tensor], [&[tch::Tensor]; N]) -> Result<()>;

impl Pieces {
    pub(super) fn new() -> Pieces {
        Pieces::default()
    }

    /// Calls `launch` with the gradient's pieces that are not empty, as vectors, and the matching pieces of each of
    /// `vectors`.
    ///
    /// # Errors
    /// That of `launch`, and when the pieces together are longer than a vector.
    pub(super) fn each<const N: usize>(
        &self,
        g: &Gradient,
        vectors: [&tch::Tensor; N],
        launch: Launch<'_, N>,
    ) -> Result<()> {
        let pieces = g.pieces().iter().filter(|piece| piece.numel() > 0);
        let pieces = pieces.map(|piece| Ok(piece.f_contiguous()?.f_reshape([-1])?)).collect::<Result<Vec<_>>>()?;
        let lengths: Vec<usize> = pieces.iter().map(tch::Tensor::numel).collect();
        let addresses: Vec<*mut c_void> = vectors.iter().map(|vector| vector.data_ptr()).collect();
        let mut kept = self.0.borrow_mut();
        if !kept.as_ref().is_some_and(|kept| kept.addresses == addresses && kept.lengths == lengths) {
            let views = vectors.iter().map(|vector| cut(vector, &lengths)).collect::<Result<_>>()?;
            *kept = Some(Views { addresses, lengths, views });
        }
        let Some(Views { views, .. }) = &*kept else { return Ok(()) };
        launch(&pieces, std::array::from_fn(|i| &views[i][..]))
    }
}

fn cut(whole: &tch::Tensor, lengths: &[usize]) -> Result<Vec<tch::Tensor>> {
    let sizes: Vec<i64> = lengths.iter().map(|&length| length as i64).collect();
    Ok(whole.f_split_with_sizes(&sizes[..], 0)?)
}
