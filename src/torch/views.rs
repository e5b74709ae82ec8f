//! Views: new handles on the same storage (`narrow`, `select`, `transpose`, `unfold`, `expand`, `view`, `squeeze`).
//!
//! Dimensions and indices are 0-based here; messages name them 1-based, as the author wrote them.
//! Source: torch7 `lib/TH/generic/THTensor.c`, `Tensor.lua`.

use super::tensor::{Tensor, contiguous_strides};
use crate::error::{Error, Kind, Result};

impl Tensor {
    fn looking_at(&self, offset: i64, size: &[i64], stride: &[i64]) -> Result<Tensor> {
        let view = Tensor::empty(self.tensor_type());
        view.set(self.storage(), offset, size, stride)?;
        Ok(view)
    }

    /// Another handle on the same elements.
    ///
    /// # Errors
    /// Never for a handle whose layout is inside its storage.
    pub fn alias(&self) -> Result<Tensor> {
        self.looking_at(self.offset(), &self.size(), &self.stride())
    }

    /// Checks a 0-based dimension.
    ///
    /// # Errors
    /// When the tensor has no such dimension.
    pub fn check_dim(&self, dim: i64) -> Result<usize> {
        if dim >= 0 && (dim as usize) < self.dim() {
            return Ok(dim as usize);
        }
        Err(Error::new(Kind::Argument, format!("dimension {} out of range of {}D tensor", dim + 1, self.dim())))
    }

    /// `count` slices of dimension `dim` from `first` on.
    ///
    /// # Errors
    /// When the range leaves the dimension.
    pub fn narrow(&self, dim: i64, first: i64, count: i64) -> Result<Tensor> {
        let dim = self.check_dim(dim)?;
        let (mut size, stride) = (self.size(), self.stride());
        if first < 0 || first >= size[dim] {
            return Err(out_of_range("start", first + 1, dim, size[dim]));
        }
        if count <= 0 || count > size[dim] - first {
            return Err(out_of_range("size", count, dim, size[dim]));
        }
        size[dim] = count;
        self.looking_at(self.offset() + first * stride[dim], &size, &stride) // inside, as `first` is
    }

    /// Slice `index` of dimension `dim`, without that dimension. Of a 1-D tensor it is a handle of one element, `[1]`:
    /// the front end answers a number there.
    ///
    /// # Errors
    /// When the index leaves the dimension.
    pub fn select(&self, dim: i64, index: i64) -> Result<Tensor> {
        let dim = self.check_dim(dim)?;
        let (mut size, mut stride) = (self.size(), self.stride());
        if index < 0 || index >= size[dim] {
            return Err(out_of_range("index", index + 1, dim, size[dim]));
        }
        let offset = self.offset() + index * stride[dim];
        if size.len() == 1 {
            size[0] = 1;
        } else {
            size.remove(dim);
            stride.remove(dim);
        }
        self.looking_at(offset, &size, &stride)
    }

    /// Dimensions `a` and `b` exchanged.
    ///
    /// # Errors
    /// When the tensor lacks one of them.
    pub fn transpose(&self, a: i64, b: i64) -> Result<Tensor> {
        let (a, b) = (self.check_dim(a)?, self.check_dim(b)?);
        let (mut size, mut stride) = (self.size(), self.stride());
        size.swap(a, b);
        stride.swap(a, b);
        self.looking_at(self.offset(), &size, &stride)
    }

    /// Dimensions in this order.
    ///
    /// # Errors
    /// When `order` is not a permutation of the dimensions.
    pub fn permute(&self, order: &[i64]) -> Result<Tensor> {
        let mut seen = vec![false; self.dim()];
        for &dim in order {
            let dim = self.check_dim(dim)?;
            seen[dim] = true;
        }
        if order.len() != self.dim() || seen.contains(&false) {
            return Err(Error::new(Kind::Argument, "invalid permutation: each dimension must be named once"));
        }
        let (size, stride) = (self.size(), self.stride());
        let pick = |from: &[i64]| order.iter().map(|&dim| from[dim as usize]).collect::<Vec<_>>();
        self.looking_at(self.offset(), &pick(&size), &pick(&stride))
    }

    /// All slices of length `length` in `dim`, every `step` elements; they are a new last dimension.
    ///
    /// # Errors
    /// When the length leaves the dimension or the step is not positive.
    pub fn unfold(&self, dim: i64, length: i64, step: i64) -> Result<Tensor> {
        let dim = self.check_dim(dim)?;
        let (mut size, mut stride) = (self.size(), self.stride());
        if length < 1 || length > size[dim] {
            return Err(out_of_range("size", length, dim, size[dim]));
        }
        if step < 1 {
            return Err(Error::new(Kind::Argument, format!("invalid step {step}: it must be positive")));
        }
        size.push(length);
        stride.push(stride[dim]);
        size[dim] = (size[dim] - length) / step + 1;
        stride[dim] = stride[dim].saturating_mul(if size[dim] == 1 { 1 } else { step });
        self.looking_at(self.offset(), &size, &stride)
    }

    /// Dimensions of size 1 stretched to `wanted` without copying.
    ///
    /// # Errors
    /// When the ranks differ or another dimension would change.
    pub fn expand(&self, wanted: &[i64]) -> Result<Tensor> {
        let (size, mut stride) = (self.size(), self.stride());
        if wanted.len() != size.len() {
            return Err(Error::new(
                Kind::Shape,
                format!(
                    "the number of dimensions provided must equal tensor:dim(): {} and {}",
                    wanted.len(),
                    size.len()
                ),
            ));
        }
        for dim in 0..size.len() {
            if size[dim] == wanted[dim] {
                continue;
            }
            if size[dim] != 1 {
                return Err(Error::new(
                    Kind::Shape,
                    format!("incorrect size: only supporting singleton expansion (size=1): {size:?} to {wanted:?}"),
                ));
            }
            stride[dim] = 0;
        }
        self.looking_at(self.offset(), wanted, &stride)
    }

    /// The same elements of a contiguous tensor in another shape; one size may be -1.
    ///
    /// # Errors
    /// When the tensor is not contiguous or the shape has another number of elements.
    pub fn viewed(&self, wanted: &[i64]) -> Result<Tensor> {
        let size = self.inferred(wanted)?;
        if !self.is_contiguous() {
            return Err(Error::new(Kind::Argument, "expecting a contiguous tensor")
                .with_help("call :contiguous() first, or use :reshape(), which copies"));
        }
        self.looking_at(self.offset(), &size, &contiguous_strides(&size))
    }

    /// The shape `wanted` with its -1 replaced by what is left.
    ///
    /// # Errors
    /// When there are several -1, or the number of elements does not fit.
    pub fn inferred(&self, wanted: &[i64]) -> Result<Vec<i64>> {
        let product = |mut all: std::slice::Iter<i64>| all.try_fold(1i64, |all, &extent| all.checked_mul(extent));
        let known: Vec<i64> = wanted.iter().copied().filter(|&extent| extent != -1).collect();
        let known = product(known.iter()).unwrap_or(0);
        let open = wanted.iter().filter(|&&extent| extent == -1).count();
        let mut size = wanted.to_vec();
        if open == 1 && known > 0 && self.numel() % known == 0 {
            size.iter_mut().filter(|extent| **extent == -1).for_each(|extent| *extent = self.numel() / known);
        }
        if open > 1 || size.is_empty() || size.iter().any(|&e| e < 1) || product(size.iter()) != Some(self.numel()) {
            return Err(Error::new(
                Kind::Shape,
                format!(
                    "inconsistent tensor size: {:?} ({} elements) cannot be viewed as {wanted:?}",
                    self.size(),
                    self.numel()
                ),
            ));
        }
        Ok(size)
    }

    /// Without the dimensions of size 1; one element stays `[1]`.
    ///
    /// # Errors
    /// Never for a handle whose layout is inside its storage.
    pub fn squeezed(&self) -> Result<Tensor> {
        let (mut size, mut stride): (Vec<_>, Vec<_>) =
            self.size().into_iter().zip(self.stride()).filter(|(extent, _)| *extent != 1).unzip();
        if size.is_empty() && self.dim() > 0 {
            (size, stride) = (vec![1], vec![1]);
        }
        self.looking_at(self.offset(), &size, &stride)
    }

    /// Without dimension `dim` if its size is 1 and it is not the only one.
    ///
    /// # Errors
    /// When the tensor has no such dimension.
    pub fn squeezed_dim(&self, dim: i64) -> Result<Tensor> {
        let at = self.check_dim(dim)?;
        if self.size()[at] == 1 && self.dim() > 1 { self.select(dim, 0) } else { self.alias() }
    }
}

fn out_of_range(what: &str, value: i64, dim: usize, size: i64) -> Error {
    Error::new(Kind::Argument, format!("{what} {value} out of range of dimension {} of size {size}", dim + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::torch::TensorType;

    fn counting(size: &[i64]) -> Tensor {
        let n: i64 = size.iter().product();
        Tensor::from_values(TensorType::DOUBLE, size, &(0..n).map(|i| i as f64).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn views_agree_with_libtorch() {
        let t = counting(&[4, 5, 6]);
        let same = |ours: Tensor, theirs: tch::Tensor| {
            assert_eq!(ours.size(), theirs.size());
            assert!(ours.view().equal(&theirs), "{theirs:?}");
        };
        same(t.narrow(1, 2, 3).unwrap(), t.view().narrow(1, 2, 3));
        same(t.select(2, 5).unwrap(), t.view().select(2, 5));
        same(t.transpose(0, 2).unwrap(), t.view().transpose(0, 2));
        same(t.permute(&[2, 0, 1]).unwrap(), t.view().permute([2, 0, 1]));
        same(t.unfold(1, 2, 2).unwrap(), t.view().unfold(1, 2, 2));
        same(t.narrow(0, 1, 1).unwrap().expand(&[3, 5, 6]).unwrap(), t.view().narrow(0, 1, 1).expand([3, 5, 6], false));
        same(t.viewed(&[2, -1]).unwrap(), t.view().view([2, -1]));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let t = counting(&[2, 3]);
        assert!(t.narrow(2, 0, 1).is_err());
        assert!(t.narrow(1, 2, 2).is_err());
        assert!(t.select(0, 2).is_err());
        assert!(t.permute(&[0, 0]).is_err());
        assert!(t.expand(&[2, 6]).is_err());
        assert!(t.viewed(&[4]).is_err());
        assert!(t.viewed(&[-1, -1]).is_err());
        assert!(t.transpose(0, 1).unwrap().viewed(&[6]).is_err());
    }
}
