//! `Layout`: what a tensor handle holds: a storage, and where and in which sizes it looks at it.

use std::cell::OnceCell;

use super::{storage::Storage, types::TensorType};
use crate::error::{Error, Kind, Result};

/// The version comes first, beside the handle's count: it is often all that is looked at.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Layout {
    /// Counts the layouts that this handle has had.
    pub(super) version: u64,
    pub(super) tensor_type: TensorType,
    pub(super) storage: Option<Storage>,
    /// 0-based index of the first element in the storage.
    pub(super) offset: i64,
    pub(super) size: Vec<i64>,
    pub(super) stride: Vec<i64>,
    /// The libtorch view of this layout, made when it is first asked for.
    pub(super) view: OnceCell<tch::Tensor>,
    /// It looks for good at what it looks at: see [`super::Tensor::pin`].
    pub(super) is_pinned: bool,
}

impl Layout {
    /// The same at this version, with a view of its own when that is asked for.
    pub(super) fn copy(&self) -> Layout {
        Layout {
            tensor_type: self.tensor_type,
            storage: self.storage.clone(),
            offset: self.offset,
            size: self.size.clone(),
            stride: self.stride.clone(),
            view: OnceCell::new(),
            version: self.version,
            is_pinned: false,
        }
    }

    /// Whether both look at the same elements in the same sizes.
    pub(super) fn is_like(&self, other: &Layout) -> bool {
        let is_one = match (&self.storage, &other.storage) {
            (Some(a), Some(b)) => a.same(b),
            (None, None) => self.tensor_type == other.tensor_type,
            _ => false,
        };
        is_one && (self.offset, &self.size, &self.stride) == (other.offset, &other.size, &other.stride)
    }

    pub(super) fn view(&self) -> &tch::Tensor {
        self.view.get_or_init(|| match &self.storage {
            Some(storage) if !self.size.is_empty() => storage.strided(&self.size, &self.stride, self.offset),
            _ => tch::Tensor::empty([0], (self.tensor_type.element.kind(), self.tensor_type.device())),
        })
    }

    pub(super) fn position(&self, index: &[i64]) -> Result<i64> {
        if index.len() != self.size.len() || index.is_empty() {
            return Err(Error::new(
                Kind::Argument,
                format!("{} indices for a tensor with {} dimensions", index.len(), self.size.len()),
            ));
        }
        let mut position = self.offset;
        for ((&i, &size), &stride) in index.iter().zip(&self.size).zip(&self.stride) {
            if i < 0 || i >= size {
                return Err(Error::new(Kind::Argument, format!("index {} out of range of size {size}", i + 1)));
            }
            position += i * stride;
        }
        Ok(position)
    }
}

/// Elements a storage must have for this layout; `None` when that overflows.
pub(super) fn needed_len(offset: i64, size: &[i64], stride: &[i64]) -> Option<i64> {
    if size.is_empty() {
        return Some(offset);
    }
    size.iter()
        .zip(stride)
        .try_fold(offset.checked_add(1)?, |len, (&extent, &stride)| len.checked_add((extent - 1).checked_mul(stride)?))
}
