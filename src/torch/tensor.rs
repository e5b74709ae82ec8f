//! `Tensor`: a handle {storage, offset, sizes, strides} as in Torch7, and the libtorch views made from it.
//!
//! Several handles may look at one storage; a storage grows in place, so every handle and every libtorch view
//! made earlier sees the same memory afterwards. Two clones of a `Tensor` are one object (Lua's `t2 = t`).

use std::{
    cell::{OnceCell, RefCell},
    rc::Rc,
};

use super::{
    layout::{Layout, needed_len},
    memory,
    storage::Storage,
    types::TensorType,
};
use crate::error::{Error, Kind, Result};

/// Dimensions of a tensor, at most: as many as libtorch's loops take.
pub const MOST_DIMS: i64 = 64;

/// A Torch7 tensor object. `clone` gives another reference to the same object, as assignment does in Lua.
#[derive(Debug, Clone)]
pub struct Tensor(Rc<RefCell<Layout>>);

impl Tensor {
    /// A tensor without dimensions: `torch.FloatTensor()`.
    #[must_use]
    pub fn empty(tensor_type: TensorType) -> Tensor {
        Tensor(Rc::new(RefCell::new(Layout {
            tensor_type,
            storage: None,
            offset: 0,
            size: vec![],
            stride: vec![],
            view: OnceCell::new(),
            version: 0,
            is_pinned: false,
        })))
    }

    /// What `question` answers of its layout.
    pub(super) fn look<T>(&self, question: impl FnOnce(&Layout) -> T) -> T {
        question(&self.0.borrow())
    }

    /// Zeros of this shape; a shape without dimensions gives an empty tensor.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn zeros(tensor_type: TensorType, size: &[i64]) -> Result<Tensor> {
        let tensor = Tensor::empty(tensor_type);
        tensor.resize(size)?;
        if tensor.dim() > 0 {
            let _ = tensor.view().f_zero_()?;
        }
        Ok(tensor)
    }

    /// A handle on `storage`, `offset` 0-based.
    ///
    /// # Errors
    /// When sizes and strides reach outside the storage's memory and it cannot grow.
    pub fn on(storage: Storage, offset: i64, size: &[i64], stride: &[i64]) -> Result<Tensor> {
        let tensor = Tensor::empty(storage.tensor_type());
        tensor.set(Some(storage), offset, size, stride)?;
        Ok(tensor)
    }

    /// A new object with a copy-free hold on `tensor`'s memory when that is contiguous and of this type.
    /// A libtorch scalar becomes a tensor of one element, `[1]`.
    ///
    /// # Errors
    /// When libtorch cannot convert it.
    pub fn from_tch(tensor_type: TensorType, tensor: &tch::Tensor) -> Result<Tensor> {
        let size = if tensor.dim() == 0 { vec![1] } else { tensor.size() };
        if size.contains(&0) {
            return Ok(Tensor::empty(tensor_type));
        }
        Tensor::on(Storage::from_tch(tensor_type, tensor)?, 0, &size, &contiguous_strides(&size))
    }

    /// Its class.
    #[must_use]
    pub fn tensor_type(&self) -> TensorType {
        self.0.borrow().tensor_type
    }

    /// Sizes, `[]` when empty.
    #[must_use]
    pub fn size(&self) -> Vec<i64> {
        self.0.borrow().size.clone()
    }

    /// Strides in elements, one for each size.
    #[must_use]
    pub fn stride(&self) -> Vec<i64> {
        self.0.borrow().stride.clone()
    }

    /// Number of dimensions; 0 when empty.
    #[must_use]
    pub fn dim(&self) -> usize {
        self.0.borrow().size.len()
    }

    /// Number of elements; 0 when empty.
    #[must_use]
    pub fn numel(&self) -> i64 {
        let layout = self.0.borrow();
        if layout.size.is_empty() { 0 } else { layout.size.iter().product() }
    }

    /// The storage, when it has one.
    #[must_use]
    pub fn storage(&self) -> Option<Storage> {
        self.0.borrow().storage.clone()
    }

    /// Elements that its storage must have for this layout.
    #[must_use]
    pub fn reach(&self) -> i64 {
        let layout = self.0.borrow();
        needed_len(layout.offset, &layout.size, &layout.stride).unwrap_or(i64::MAX)
    }

    /// 0-based index of the first element in the storage.
    #[must_use]
    pub fn offset(&self) -> i64 {
        self.0.borrow().offset
    }

    /// Whether its elements lie in memory in order without gaps.
    #[must_use]
    pub fn is_contiguous(&self) -> bool {
        let layout = self.0.borrow();
        let mut expected = 1;
        layout.size.iter().zip(&layout.stride).rev().all(|(&size, &stride)| {
            let fits = size == 1 || stride == expected;
            expected *= size; // `set` has seen that the product is a number
            fits
        })
    }

    /// Whether both are one object.
    #[must_use]
    pub fn same(&self, other: &Tensor) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// Fixes where this handle looks, and the length of its storage ([`Storage::pin`]): what a network file holds of the
    /// flat vectors that an engine trains.
    pub fn pin(&self) {
        let mut layout = self.0.borrow_mut();
        layout.is_pinned = true;
        if let Some(storage) = &layout.storage {
            storage.pin();
        }
    }

    /// A number that identifies the object while it lives, for this program's own tables: it says where the object lies and
    /// is never shown to Lua.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<()>() as usize
    }

    /// The elements as a libtorch tensor on the same memory, without gradient. An empty tensor gives shape `[0]`.
    /// Every call gives the same libtorch tensor while the layout stays: detach it before asking for its gradient.
    ///
    /// # Panics
    /// Never for handles made by this module: they keep sizes and strides inside the storage.
    pub fn view(&self) -> tch::Tensor {
        self.0.borrow().view().shallow_clone()
    }

    /// A number that changes whenever the handle is re-pointed, resized or moved to another storage; with the handle
    /// itself it tells whether a view made before is still right.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.0.borrow().version
    }

    /// A handle on the elements of a libtorch tensor that nothing else holds: always new memory.
    ///
    /// # Errors
    /// When libtorch cannot convert or copy it.
    pub fn copied(tensor_type: TensorType, tensor: &tch::Tensor) -> Result<Tensor> {
        Tensor::from_tch(tensor_type, &tensor.f_detach_copy()?)
    }

    /// The element at these 0-based indices, one for each dimension.
    ///
    /// # Errors
    /// When an index is outside or their number is not the number of dimensions.
    pub fn get(&self, index: &[i64]) -> Result<f64> {
        let layout = self.0.borrow();
        let position = layout.position(index)?;
        layout.storage.as_ref().map_or(Ok(0.0), |storage| storage.get(position))
    }

    /// The element of a 1-D tensor at a 0-based index; `None` when it is not 1-D or the index is outside.
    #[must_use]
    pub fn element(&self, index: i64) -> Option<f64> {
        let layout = self.0.borrow();
        match (layout.size.as_slice(), &layout.storage) {
            (&[size], Some(storage)) if (0..size).contains(&index) => {
                storage.get(layout.offset + index * layout.stride[0]).ok()
            }
            _ => None,
        }
    }

    /// Writes the element at these 0-based indices; integers truncate and wrap as a C cast does.
    ///
    /// # Errors
    /// When an index is outside or their number is not the number of dimensions.
    pub fn put(&self, index: &[i64], value: f64) -> Result<()> {
        let layout = self.0.borrow();
        let position = layout.position(index)?;
        layout.storage.as_ref().map_or(Ok(()), |storage| storage.put(position, value))
    }

    /// All elements in order, as doubles.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn values(&self) -> Result<Vec<f64>> {
        memory::check_values(self.numel(), "a list of the elements")?;
        let flat = self.view().f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?;
        Ok(Vec::<f64>::try_from(&flat)?)
    }

    /// A tensor of this shape holding these values, converted as a C cast does.
    ///
    /// # Errors
    /// When the shape does not have that many elements, or the memory cannot be had.
    pub fn from_values(tensor_type: TensorType, size: &[i64], values: &[f64]) -> Result<Tensor> {
        if size.iter().try_fold(1i64, |all, &extent| all.checked_mul(extent)) != Some(values.len() as i64) {
            return Err(Error::new(Kind::Shape, format!("{} values do not fill sizes {size:?}", values.len())));
        }
        if values.is_empty() {
            return Ok(Tensor::empty(tensor_type));
        }
        Tensor::on(Storage::from_values(tensor_type, values)?, 0, size, &contiguous_strides(size))
    }

    /// Re-points the handle (`t:set(storage, offset, sizes, strides)`), `offset` 0-based. The storage grows when
    /// the layout needs more elements than it has.
    ///
    /// # Errors
    /// When the types differ, an extent is negative, or the memory cannot be had.
    pub fn set(&self, storage: Option<Storage>, offset: i64, size: &[i64], stride: &[i64]) -> Result<()> {
        if self.0.borrow().is_pinned {
            return Err(Error::new(
                Kind::Argument,
                "the flat vector of parameters in training keeps its place and its size",
            )
            .with_help("copy it first, for example flat:clone()"));
        }
        // Torch7 has no extent of 0: a list of sizes ends there.
        let dims = size.iter().position(|&extent| extent < 1).unwrap_or(size.len());
        if let Some(&extent) = size.get(dims).filter(|&&extent| extent < 0) {
            let what = format!("tensor layout is negative: size {extent} in sizes {size:?}, strides {stride:?}");
            return Err(Error::new(Kind::Argument, what));
        }
        let (size, stride) = (&size[..dims], &stride[..dims.min(stride.len())]);
        if dims as i64 > MOST_DIMS || stride.len() != dims {
            return Err(Error::new(
                Kind::Argument,
                format!(
                    "a tensor of {dims} dimensions and {} strides: at most {MOST_DIMS}, as many each",
                    stride.len()
                ),
            ));
        }
        if size.iter().try_fold(1i64, |all, &extent| all.checked_mul(extent)).is_none() {
            return Err(Error::new(Kind::Argument, format!("a tensor of sizes {size:?} is larger than any memory")));
        }
        if let Some(storage) = &storage {
            if storage.tensor_type() != self.tensor_type() {
                return Err(Error::new(
                    Kind::Argument,
                    format!("{} cannot use a {}", self.tensor_type(), storage.tensor_type().storage_name()),
                ));
            }
            if offset < 0 || stride.iter().any(|&extent| extent < 0) {
                return Err(Error::new(
                    Kind::Argument,
                    format!("tensor layout is negative: sizes {size:?}, strides {stride:?}, offset {offset}"),
                ));
            }
            let needed = needed_len(offset, size, stride).ok_or_else(|| {
                Error::new(Kind::Argument, format!("a tensor of sizes {size:?} is larger than any memory"))
            })?;
            if needed > storage.len() {
                storage.resize(needed)?;
            }
        }
        let mut layout = self.0.borrow_mut();
        let has_storage = storage.is_some();
        layout.storage = storage;
        layout.offset = offset;
        layout.size = if has_storage { size.to_vec() } else { vec![] };
        layout.stride = if has_storage { stride.to_vec() } else { vec![] };
        layout.view.take();
        layout.version += 1;
        Ok(())
    }

    /// Makes this handle look at what `other` looks at (`t:set(other)`).
    ///
    /// # Errors
    /// When the types differ.
    pub fn set_to(&self, other: &Tensor) -> Result<()> {
        self.set(other.storage(), other.offset(), &other.size(), &other.stride())
    }

    /// Torch7's `resize`: becomes contiguous with these sizes on the same storage, which grows if needed and never
    /// shrinks; nothing happens when the sizes are already these. Elements beyond the old ones are not initialised.
    /// The size list ends at its first value below 1.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn resize(&self, size: &[i64]) -> Result<()> {
        let size: Vec<i64> = size.iter().copied().take_while(|&extent| extent > 0).collect();
        if size == self.0.borrow().size {
            return Ok(());
        }
        let storage = match self.storage() {
            Some(storage) => Some(storage),
            None if size.is_empty() => None,
            None => Some(Storage::zeros(self.tensor_type(), 0)?),
        };
        let offset = self.offset();
        self.set(storage, offset, &size, &contiguous_strides(&size))
    }

    /// Copies elements from a libtorch tensor of the same number of elements, converting their type; this handle
    /// keeps its own sizes.
    ///
    /// # Errors
    /// When the numbers of elements differ.
    pub fn copy_from(&self, source: &tch::Tensor) -> Result<()> {
        let layout = self.0.borrow();
        if !layout.size.is_empty() && layout.size == source.size() {
            return Ok(layout.view().shallow_clone().f_copy_(&without_graph(source)?)?);
        }
        drop(layout);
        if source.numel() as i64 != self.numel() {
            return Err(Error::new(
                Kind::Shape,
                format!(
                    "inconsistent tensor size: {:?} and {:?} have different numbers of elements",
                    self.size(),
                    source.size()
                ),
            ));
        }
        if self.dim() > 0 {
            self.view().f_copy_(&without_graph(source)?.f_reshape(self.size())?)?;
        }
        Ok(())
    }

    /// Fills it in the order of its elements with what `make` puts into one block of numbers after the other, converted
    /// as a C cast does: numbers that are made in Rust take no second copy of a large tensor.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn fill_from(&self, mut make: impl FnMut(&mut [f64])) -> Result<()> {
        let (count, element) = (self.numel(), self.tensor_type().element);
        let is_dense = self.is_contiguous();
        let flat = if is_dense { self.view().f_view([-1])? } else { self.view().f_empty_like()?.f_reshape([-1])? };
        let mut block = vec![0.0; count.min(1 << 18) as usize];
        let mut at = 0;
        while at < count {
            let part = &mut block[..(count - at).min(1 << 18) as usize];
            make(part);
            let numbers = tch::Tensor::f_from_slice(part)?;
            let numbers = if element.is_floating() { numbers } else { numbers.f_to_kind(tch::Kind::Int64)? };
            flat.f_narrow(0, at, part.len() as i64)?.f_copy_(&numbers)?;
            at += part.len() as i64;
        }
        if is_dense { Ok(()) } else { self.copy_from(&flat) }
    }

    /// Takes `source`'s shape and elements: what module outputs do with the buffer of the step before.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn resize_and_copy(&self, source: &tch::Tensor) -> Result<()> {
        let size = if source.dim() == 0 { vec![1] } else { source.size() };
        self.resize(&size)?;
        self.copy_from(source)
    }
}

/// The same elements outside any graph.
fn without_graph(tensor: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(if tensor.requires_grad() { tensor.f_detach()? } else { tensor.shallow_clone() })
}

/// Strides of a contiguous tensor: `[2, 3, 4]` gives `[12, 4, 1]`.
#[must_use]
pub fn contiguous_strides(size: &[i64]) -> Vec<i64> {
    let mut stride = vec![1i64; size.len()];
    for d in (1..size.len()).rev() {
        stride[d - 1] = stride[d].saturating_mul(size[d]);
    }
    stride
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn growth_is_visible_through_every_handle_and_view() {
        let a = Tensor::zeros(TensorType::FLOAT, &[2, 2]).unwrap();
        let b = Tensor::empty(TensorType::FLOAT);
        b.set_to(&a).unwrap();
        let old_view = a.view();
        b.resize(&[100, 100]).unwrap();
        let _ = b.view().fill_(7.0);
        assert_eq!(a.view().sum(tch::Kind::Float).double_value(&[]), 28.0);
        assert_eq!(old_view.sum(tch::Kind::Float).double_value(&[]), 28.0);
    }

    #[test]
    fn resize_to_the_same_sizes_keeps_strides() {
        let storage = Storage::zeros(TensorType::FLOAT, 6).unwrap();
        let t = Tensor::on(storage, 0, &[2, 3], &[1, 2]).unwrap();
        t.resize(&[2, 3]).unwrap();
        assert_eq!(t.stride(), [1, 2]);
        assert!(!t.is_contiguous());
        t.resize(&[3, 2]).unwrap();
        assert_eq!(t.stride(), [2, 1]);
    }

    #[test]
    fn absurd_sizes_are_an_error_not_a_crash() {
        assert!(Tensor::zeros(TensorType::DOUBLE, &[1 << 40, 1 << 40]).is_err());
        assert!(Tensor::zeros(TensorType::DOUBLE, &[1 << 50]).is_err());
    }

    #[test]
    fn a_size_list_ends_at_the_first_value_below_one() {
        assert_eq!(Tensor::zeros(TensorType::FLOAT, &[3, 0, 5]).unwrap().size(), [3]);
        assert_eq!(Tensor::zeros(TensorType::FLOAT, &[0]).unwrap().dim(), 0);
    }
}
