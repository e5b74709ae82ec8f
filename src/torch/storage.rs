//! `Storage`: a growable run of elements of one type, shared by tensor handles.

use std::{
    cell::{Cell, RefCell},
    io,
    path::Path,
    rc::Rc,
};

use super::{
    direct, element, guard, memory,
    types::{Element, TensorType},
};
use crate::error::{Error, Kind, Result};

/// A growable run of elements of one type, shared by tensor handles. Clones are the same storage.
#[derive(Debug, Clone)]
pub struct Storage(Rc<Run>);

#[derive(Debug)]
struct Run {
    tensor_type: TensorType,
    /// 1-D and contiguous from the first byte of its memory. Growing resizes libtorch's own storage, so views made
    /// before stay attached.
    buffer: RefCell<tch::Tensor>,
    len: Cell<i64>,
    /// Where the buffer begins in its memory: above 0 only for a part of another storage.
    base: i64,
    /// A part of another storage has a fixed length.
    is_part: bool,
    /// The longest it has been. libtorch keeps the memory of a tensor that shrinks.
    capacity: Cell<i64>,
    on_processor: bool,
    /// Its length is fixed: see [`Storage::pin`].
    is_pinned: Cell<bool>,
    claim: memory::Claim,
}

impl Storage {
    /// `len` zeros.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn zeros(tensor_type: TensorType, len: i64) -> Result<Storage> {
        let len = len.max(0);
        memory::check(len, tensor_type.element.bytes(), &tensor_type.storage_name())?;
        guard::measure_allocations();
        let options = (tensor_type.element.kind(), tensor_type.device());
        Ok(Storage::holding(tensor_type, tch::Tensor::f_zeros([len], options)?))
    }

    /// Takes over a libtorch tensor's memory; it is copied first when it is not contiguous, not of `tensor_type`, or
    /// does not begin where its memory begins.
    ///
    /// # Errors
    /// When libtorch cannot convert or flatten it.
    pub fn from_tch(tensor_type: TensorType, tensor: &tch::Tensor) -> Result<Storage> {
        let mut flat = tensor
            .f_detach()?
            .f_to_kind(tensor_type.element.kind())?
            .f_to_device(tensor_type.device())?
            .f_contiguous()?
            .f_view([-1])?;
        if flat.numel() > 0 && flat.f_as_strided([1], [1], 0)?.data_ptr() != flat.data_ptr() {
            flat = flat.f_detach_copy()?;
        }
        Ok(Storage::holding(tensor_type, flat))
    }

    /// New memory with the elements of `other`.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn copied(other: &Storage) -> Result<Storage> {
        Storage::converted(other.tensor_type(), other)
    }

    /// New memory with the elements of `other` as `tensor_type`.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn converted(tensor_type: TensorType, other: &Storage) -> Result<Storage> {
        memory::check(other.len(), tensor_type.element.bytes(), &tensor_type.storage_name())?;
        Storage::from_tch(tensor_type, &other.flat().f_detach_copy()?)
    }

    /// A storage of these values, converted as a C cast does.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn from_values(tensor_type: TensorType, values: &[f64]) -> Result<Storage> {
        memory::check(values.len() as i64, tensor_type.element.bytes(), &tensor_type.storage_name())?;
        if values.is_empty() {
            return Storage::zeros(tensor_type, 0);
        }
        let values = tch::Tensor::f_from_slice(values)?;
        let values = if tensor_type.element.is_floating() { values } else { values.f_to_kind(tch::Kind::Int64)? };
        Storage::from_tch(tensor_type, &values)
    }

    /// A storage of elements that lie in these bytes as in memory, little endian.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn from_bytes(tensor_type: TensorType, bytes: &[u8]) -> Result<Storage> {
        let (width, kind) = (tensor_type.element.bytes(), tensor_type.element.kind());
        let len = (bytes.len() / width) as i64;
        memory::check(len, width, &tensor_type.storage_name())?;
        if len == 0 {
            return Storage::zeros(tensor_type, 0);
        }
        Storage::from_tch(tensor_type, &tch::Tensor::f_from_data_size(&bytes[..len as usize * width], &[len], kind)?)
    }

    /// The bytes of its elements, little endian.
    ///
    /// # Errors
    /// When they cannot be copied from the device.
    pub fn bytes(&self) -> Result<Vec<u8>> {
        memory::check(self.len(), self.0.tensor_type.element.bytes(), "a copy of its bytes")?;
        let flat = self.flat().f_to_device(tch::Device::Cpu)?.f_contiguous()?;
        let mut bytes = vec![0; self.len() as usize * self.0.tensor_type.element.bytes()];
        if !bytes.is_empty() {
            flat.f_copy_data_u8(&mut bytes, self.len() as usize)?;
        }
        Ok(bytes)
    }

    /// A file's bytes as elements, mapped into memory: from its beginning, `len` of them or as many as it has. What is
    /// written into a shared one is written into the file, which grows to `len`; else it stays in this process.
    ///
    /// Source: Torch7 `generic/Storage.c`, `torch.DoubleStorage(filename [, shared [, size]])`.
    ///
    /// # Errors
    /// When the file cannot be mapped, or is shorter than `len` and not shared.
    pub fn mapped(tensor_type: TensorType, path: &Path, is_shared: bool, len: Option<i64>) -> Result<Storage> {
        let width = tensor_type.element.bytes() as i64;
        let there = match std::fs::metadata(path) {
            Ok(data) => data.len() as i64 / width,
            Err(source) if source.kind() == io::ErrorKind::NotFound && is_shared && len.is_some() => 0,
            Err(source) => return Err(Error::io("map", path, &source)),
        };
        let len = len.unwrap_or(there);
        if len < 0 || (!is_shared && len > there) {
            let page = Error::new(Kind::Io, format!("{} is too short to be mapped", path.display()));
            return Err(page.with_fact("it has", format!("{there} elements")).with_fact("wanted", len.to_string()));
        }
        if len == 0 {
            return Storage::zeros(tensor_type, 0);
        }
        let options = (tensor_type.element.kind(), tch::Device::Cpu);
        let flat = tch::Tensor::f_from_file(&path.to_string_lossy(), is_shared, len, options)?;
        Ok(Storage::holding(tensor_type, flat))
    }

    fn holding(tensor_type: TensorType, flat: tch::Tensor) -> Storage {
        let len = flat.numel() as i64;
        Storage(Rc::new(Run {
            tensor_type,
            on_processor: flat.device() == tch::Device::Cpu,
            buffer: RefCell::new(flat),
            len: Cell::new(len),
            base: 0,
            is_part: false,
            is_pinned: Cell::new(false),
            capacity: Cell::new(len),
            claim: memory::Claim::new(len as u64 * tensor_type.element.bytes() as u64),
        }))
    }

    /// `len` elements of this storage from the 0-based `offset` on, as a storage of its own on the same memory. It cannot
    /// be resized; growing the whole afterwards leaves it valid.
    ///
    /// # Errors
    /// When the part leaves the storage.
    pub fn part(&self, offset: i64, len: i64) -> Result<Storage> {
        if offset < 0 || len < 0 || offset.checked_add(len).is_none_or(|end| end > self.len()) {
            return Err(Error::new(
                Kind::Argument,
                format!("part from {} of size {len} out of range of a storage of size {}", offset + 1, self.len()),
            ));
        }
        let buffer = self.0.buffer.borrow().f_narrow(0, offset, len)?;
        Ok(Storage(Rc::new(Run {
            tensor_type: self.0.tensor_type,
            buffer: RefCell::new(buffer),
            len: Cell::new(len),
            base: self.0.base + offset,
            is_part: true,
            is_pinned: Cell::new(false),
            capacity: Cell::new(len),
            on_processor: self.0.on_processor,
            claim: memory::Claim::new(0),
        })))
    }

    /// Fixes its length for good: the memory stays where it is while this storage lives, so that an engine may keep the
    /// address of what it trains from one call of the user's code to the next.
    pub fn pin(&self) {
        self.0.is_pinned.set(true);
    }

    /// Its class.
    #[must_use]
    pub fn tensor_type(&self) -> TensorType {
        self.0.tensor_type
    }

    /// Number of elements.
    #[must_use]
    pub fn len(&self) -> i64 {
        self.0.len.get()
    }

    /// Whether it holds no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Grows or shrinks to `len` elements in place; new elements are not initialised.
    ///
    /// # Errors
    /// When the memory cannot be had.
    pub fn resize(&self, len: i64) -> Result<()> {
        let len = len.max(0);
        if self.0.is_part && len != self.len() {
            return Err(Error::new(Kind::Argument, "trying to resize a storage that is a part of another one"));
        }
        if self.0.is_pinned.get() && len != self.len() {
            return Err(Error::new(
                Kind::Argument,
                format!("a storage of parameters in training keeps its size of {}: it cannot become {len}", self.len()),
            )
            .with_help("copy what is to be resized first, for example t:clone()"));
        }
        let bytes = self.0.tensor_type.element.bytes();
        if len > self.0.capacity.get() {
            memory::check(len - self.0.capacity.get(), bytes, &self.0.tensor_type.storage_name())?;
        }
        let _ = self.0.buffer.borrow_mut().f_resize_([len])?;
        self.0.len.set(len);
        self.0.capacity.set(len.max(self.0.capacity.get()));
        self.0.claim.grow_to(len as u64 * bytes as u64);
        Ok(())
    }

    /// All elements as a 1-D libtorch tensor on the same memory.
    pub fn flat(&self) -> tch::Tensor {
        self.0.buffer.borrow().shallow_clone()
    }

    /// A libtorch tensor on the same memory with this layout, `offset` 0-based, which lies inside the longest that the
    /// storage has been.
    pub(super) fn strided(&self, size: &[i64], stride: &[i64], offset: i64) -> tch::Tensor {
        self.0.buffer.borrow().as_strided(size, stride, self.0.base + offset)
    }

    /// The element at a 0-based position, integers as the nearest double.
    ///
    /// # Errors
    /// When the position is outside.
    pub fn get(&self, position: i64) -> Result<f64> {
        self.inside(position)?;
        let buffer = self.0.buffer.borrow();
        if self.0.on_processor && self.0.tensor_type.element != Element::Half {
            return Ok(element::read(&buffer, self.0.tensor_type.element, position));
        }
        Ok(buffer.f_as_strided([1], [1], self.0.base + position)?.f_double_value(&[0])?)
    }

    /// Writes the element at a 0-based position; integers truncate towards zero and wrap, as a C cast does.
    ///
    /// # Errors
    /// When the position is outside.
    pub fn put(&self, position: i64, value: f64) -> Result<()> {
        self.inside(position)?;
        let mut buffer = self.0.buffer.borrow_mut();
        if self.0.on_processor && self.0.tensor_type.element != Element::Half {
            element::write(&mut buffer, self.0.tensor_type.element, position, value);
            direct::count_change(&buffer);
            return Ok(());
        }
        let _ = buffer.f_as_strided([1], [1], self.0.base + position)?.f_fill_(value)?;
        Ok(())
    }

    /// Handles may look at memory past `len` when the storage has shrunk: the memory is still there.
    fn inside(&self, position: i64) -> Result<()> {
        if (0..self.0.capacity.get()).contains(&position) {
            return Ok(());
        }
        Err(Error::new(
            Kind::Argument,
            format!(
                "index {} out of range of a {} of size {}",
                position + 1,
                self.0.tensor_type.storage_name(),
                self.len()
            ),
        ))
    }

    /// Whether both are one storage.
    #[must_use]
    pub fn same(&self, other: &Storage) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }

    /// A number that identifies the storage while it lives, for this program's own tables: it says where the storage lies
    /// and is never shown to Lua.
    #[must_use]
    pub fn address(&self) -> usize {
        Rc::as_ptr(&self.0).cast::<()>() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_and_written_like_c_casts() {
        for element in Element::ALL {
            let storage = Storage::zeros(TensorType { element, cuda: false }, 3).unwrap();
            storage.put(1, 2.75).unwrap();
            let expected = if element.is_floating() { 2.75 } else { 2.0 };
            assert_eq!(storage.get(1).unwrap(), expected, "{element:?}");
            assert!(storage.get(3).is_err());
            assert!(storage.put(-1, 0.0).is_err());
        }
        let bytes = Storage::zeros(TensorType::BYTE, 2).unwrap();
        bytes.put(0, 300.0).unwrap();
        bytes.put(1, -1.0).unwrap();
        assert_eq!((bytes.get(0).unwrap(), bytes.get(1).unwrap()), (44.0, 255.0));
        let bytes = Storage::from_values(TensorType::BYTE, &[300.0, -1.0]).unwrap();
        assert_eq!((bytes.get(0).unwrap(), bytes.get(1).unwrap()), (44.0, 255.0));
    }

    #[test]
    fn a_part_shares_memory() {
        let whole = Storage::from_values(TensorType::LONG, &[1.0, 2.0, 3.0, 4.0]).unwrap();
        let part = whole.part(1, 2).unwrap();
        part.put(0, 9.0).unwrap();
        assert_eq!(whole.get(1).unwrap(), 9.0);
        assert_eq!(part.strided(&[2], &[1], 0).int64_value(&[1]), 3);
        assert!(part.get(2).is_err() && part.resize(9).is_err() && whole.part(3, 2).is_err());
    }

    #[test]
    fn memory_taken_from_the_middle_of_a_tensor_is_copied() {
        let all = tch::Tensor::from_slice(&[1f32, 2., 3., 4.]);
        let storage = Storage::from_tch(TensorType::FLOAT, &all.narrow(0, 2, 2)).unwrap();
        assert_eq!(storage.strided(&[2], &[1], 0).double_value(&[1]), 4.0);
        assert_eq!(storage.get(0).unwrap(), 3.0);
    }
}
