//! What the `hdf5` package does in Rust: the groups and datasets of a file, read as tensors and written.
//!
//! The package's Lua is `prelude/packages/hdf5.lua`, after torch-hdf5's documented calls.

use std::path::PathBuf;

use hdf5_reader::{Dataset, Datatype, H5Type, Hdf5File, SliceInfo, SliceInfoElem};
use mlua::{Lua, Table, UserData, UserDataMethods, Value};

use super::{files, hdf5_writer::Writer};
use crate::{
    error::{Error, Kind, Result},
    frontend::lua::{machine::error::raise, objects::value::value_from_lua, tensor},
    input::{
        self, Form,
        hdf5::{parsed, unreadable},
    },
    torch::{Element, Tensor, TensorType, memory},
};

/// An open file.
struct Open {
    file: Hdf5File,
    path: PathBuf,
}

/// A file that is written.
struct New(Writer);

/// The functions for the prelude.
pub(super) fn table(lua: &Lua) -> mlua::Result<Table> {
    let hdf5 = lua.create_table()?;
    hdf5.raw_set(
        "open",
        lua.create_function(|lua, path: PathBuf| {
            files::allow(lua, "opening an HDF5 file")?;
            let open = || parsed(input::open(&path, Form::Stream)?);
            let file = open().map_err(|page| raise(page.with_fact("the file", path.display().to_string())))?;
            Ok(Open { file, path })
        })?,
    )?;
    hdf5.raw_set(
        "create",
        lua.create_function(|lua, path: PathBuf| {
            files::allow(lua, "writing an HDF5 file")?;
            Writer::create(&path).map(New).map_err(raise)
        })?,
    )?;
    Ok(hdf5)
}

impl UserData for New {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // `write(path, tensor)`: a new dataset; the file is whole afterwards.
        methods.add_method_mut("write", |_, this, (path, value): (String, Value)| {
            let tensor = tensor::from_lua(&value).ok_or_else(|| {
                raise(Error::new(
                    Kind::Argument,
                    format!("{path} of an HDF5 file is a tensor, not a {}", value_from_lua(&value).type_name()),
                ))
            })?;
            this.0.write(&path, &tensor).map_err(raise)
        });
    }
}

impl UserData for Open {
    fn add_methods<M: UserDataMethods<Self>>(methods: &mut M) {
        // `members(path)`: the names of the groups and those of the datasets in a group; nil where there is no such group.
        methods.add_method("members", |_, this, path: String| {
            Ok(match this.file.group(&path).and_then(|group| group.member_names()) {
                Ok((groups, datasets)) => (Some(groups), Some(datasets)),
                Err(_) => (None, None),
            })
        });
        // `size(path)`: the sizes of a dataset; nil where there is none.
        methods.add_method("size", |_, this, path: String| {
            Ok(this.file.dataset(&path).ok().map(|dataset| dataset.shape().to_vec()))
        });
        // `read(path, firsts, counts)`: a dataset, or from each dimension as many entries from the first (0-based) on.
        methods.add_method("read", |lua, this, (path, firsts, counts): (String, Vec<u64>, Vec<u64>)| {
            tensor::pace_collector(lua)?;
            let dataset = this.file.dataset(&path).map_err(|e| raise(this.named(unreadable(&e), &path)))?;
            let read = read(&dataset, &firsts, &counts).map_err(|page| raise(this.named(page, &path)))?;
            tensor::to_lua(lua, read).map(Value::UserData)
        });
    }
}

impl Open {
    fn named(&self, page: Error, dataset: &str) -> Error {
        page.with_fact("the dataset", dataset.to_string()).with_fact("the file", self.path.display().to_string())
    }
}

fn read(dataset: &Dataset, firsts: &[u64], counts: &[u64]) -> Result<Tensor> {
    let mut selection = SliceInfo::all(dataset.ndim());
    let mut size: Vec<u64> = dataset.shape().to_vec();
    for (at, (&start, &count)) in firsts.iter().zip(counts).enumerate().take(size.len()) {
        let end = start.saturating_add(count);
        if count == 0 || end > size[at] {
            return Err(Error::new(Kind::Argument, format!("dimension {} has {} entries", at + 1, size[at]))
                .with_fact("asked for", format!("{} to {end}", start + 1)));
        }
        selection.selections[at] = SliceInfoElem::Slice { start, end, step: 1 };
        size[at] = count;
    }
    let size: Vec<i64> = size.iter().map(|&length| i64::try_from(length).unwrap_or(i64::MAX)).collect();
    let count = size.iter().try_fold(1i64, |all, &length| all.checked_mul(length)).unwrap_or(i64::MAX);
    memory::check(count, 8, "an HDF5 dataset")?;
    let Some(element) = element(dataset.dtype()) else {
        return Err(Error::new(Kind::Data, "the HDF5 dataset holds no numbers that are read here")
            .with_fact("its type", format!("{:?}", dataset.dtype()))
            .with_fact("it wants", "whole numbers of 8 to 32 bits or int64, float32 or float64"));
    };
    let tensor_type = TensorType { element, cuda: false };
    if count == 0 || dataset.num_elements().is_ok_and(|count| count == 0) {
        return Ok(Tensor::empty(tensor_type));
    }
    let is_signed = matches!(dataset.dtype(), Datatype::FixedPoint { signed: true, .. });
    let numbers = match element {
        Element::Float | Element::Half => numbers::<f32>(dataset, &selection)?,
        Element::Double => numbers::<f64>(dataset, &selection)?,
        Element::Byte => numbers::<u8>(dataset, &selection)?,
        Element::Char => numbers::<i8>(dataset, &selection)?,
        Element::Short => numbers::<i16>(dataset, &selection)?,
        Element::Int if is_signed => numbers::<i32>(dataset, &selection)?,
        Element::Long if is_signed => numbers::<i64>(dataset, &selection)?,
        Element::Int => {
            let whole: Vec<i32> = values::<u16>(dataset, &selection)?.into_iter().map(i32::from).collect();
            tch::Tensor::f_from_slice(&whole)?
        }
        Element::Long => {
            let whole: Vec<i64> = values::<u32>(dataset, &selection)?.into_iter().map(i64::from).collect();
            tch::Tensor::f_from_slice(&whole)?
        }
    };
    let shaped = numbers.f_view(if size.is_empty() { &[1] } else { size.as_slice() })?;
    Tensor::from_tch(tensor_type, &shaped)
}

/// The elements that hold a type's numbers: where Torch has no such type, the next larger.
fn element(datatype: &Datatype) -> Option<Element> {
    Some(match *datatype {
        Datatype::FloatingPoint { size: 4, .. } => Element::Float,
        Datatype::FloatingPoint { size: 8, .. } => Element::Double,
        Datatype::FixedPoint { size: 1, signed: false, .. } => Element::Byte,
        Datatype::FixedPoint { size: 1, .. } => Element::Char,
        Datatype::FixedPoint { size: 2, signed: true, .. } => Element::Short,
        Datatype::FixedPoint { size: 2, .. } | Datatype::FixedPoint { size: 4, signed: true, .. } => Element::Int,
        Datatype::FixedPoint { size: 4, .. } | Datatype::FixedPoint { size: 8, signed: true, .. } => Element::Long,
        _ => return None,
    })
}

fn values<T: H5Type>(dataset: &Dataset, selection: &SliceInfo) -> Result<Vec<T>> {
    Ok(dataset.read_slice::<T>(selection).map_err(|e| unreadable(&e))?.into_iter().collect())
}

fn numbers<T: H5Type + tch::kind::Element>(dataset: &Dataset, selection: &SliceInfo) -> Result<tch::Tensor> {
    Ok(tch::Tensor::f_from_slice(&values::<T>(dataset, selection)?)?)
}
