//! `t[key]` and `t[key] = value`: numbers, tables of ranges, `LongStorage` positions and masks.
//!
//! Source: torch7 `generic/Tensor.c`, `__index__` and `__newindex__`.

use mlua::{Lua, Table, Value};

use super::{
    call::element,
    form,
    handle::{LuaTensor, from_lua, to_lua},
    memory::measure_time,
    refusal::{checked, misfit, refuse},
};
use crate::torch::{Element, Tensor};

/// What a key selects: one element, or a view.
enum Selection {
    Element(Tensor, i64),
    View(Tensor),
}

/// 0-based position of a 1-based index that may count from the end.
fn position(index: i64, size: i64) -> mlua::Result<i64> {
    let at = if index < 0 { size.saturating_add(index) } else { index - 1 };
    if (0..size).contains(&at) {
        return Ok(at);
    }
    Err(refuse(format!("index {index} out of range of a dimension of size {size}")))
}

/// `t[i]`: a number of a 1-D tensor, else a view.
pub(super) fn by_number(lua: &Lua, tensor: &Tensor, index: i64) -> mlua::Result<Value> {
    if let Some(value) = tensor.element(index.wrapping_sub(1)) {
        return Ok(Value::Number(value));
    }
    answer(lua, select(tensor, index)?)
}

fn select(tensor: &Tensor, index: i64) -> mlua::Result<Selection> {
    let size = tensor.size();
    let Some(&extent) = size.first() else {
        return Err(refuse(format!("index {index} out of range of a tensor with no dimension")));
    };
    let at = position(index, extent)?;
    if size.len() == 1 {
        return Ok(Selection::Element(tensor.clone(), at));
    }
    Ok(Selection::View(checked(tensor.select(0, at))?))
}

fn answer(lua: &Lua, selection: Selection) -> mlua::Result<Value> {
    match selection {
        Selection::Element(tensor, at) => Ok(Value::Number(checked(tensor.get(&[at]))?)),
        Selection::View(view) => Ok(Value::UserData(to_lua(lua, view)?)),
    }
}

/// `t[{a, {b, c}, {}, {d}}]`.
fn by_table(tensor: &Tensor, key: &Table) -> mlua::Result<Selection> {
    let count = key.raw_len();
    if count > tensor.dim() {
        return Err(refuse(format!("too many indices provided: {count} for a {}D tensor", tensor.dim())));
    }
    let (mut view, mut dim) = (checked(tensor.alias())?, 0i64);
    for place in 1..=count {
        let size = view.size()[dim as usize];
        match key.raw_get::<Value>(place)? {
            Value::Table(range) => {
                let first = range.raw_get::<Option<f64>>(1)?;
                if let Some(first) = first {
                    let last = range.raw_get::<Option<f64>>(2)?.unwrap_or(first);
                    let (first, last) = (position(form::whole(first), size)?, position(form::whole(last), size)?);
                    if last < first {
                        return Err(refuse(format!(
                            "end {} before start {} in dimension {place}",
                            last + 1,
                            first + 1
                        )));
                    }
                    view = checked(view.narrow(dim, first, last - first + 1))?;
                }
                dim += 1;
            }
            other => {
                let index = form::number(&other).ok_or_else(|| {
                    refuse(format!("index {place} is a {}: a number or a table is wanted", form::word(&other)))
                })?;
                let at = position(form::whole(index), size)?;
                if view.dim() == 1 {
                    return Ok(Selection::Element(view, at));
                }
                view = checked(view.select(dim, at))?;
            }
        }
    }
    Ok(Selection::View(view))
}

/// `t[LongStorage]`: one element.
fn by_storage(tensor: &Tensor, index: &[i64]) -> mlua::Result<Selection> {
    if index.len() != tensor.dim() {
        return Err(refuse(format!("a position of {} numbers for a {}D tensor", index.len(), tensor.dim())));
    }
    let mut view = checked(tensor.alias())?;
    for &one in &index[..index.len().saturating_sub(1)] {
        let at = position(one, view.size()[0])?;
        view = checked(view.select(0, at))?;
    }
    match index.last() {
        Some(&last) => {
            let at = position(last, view.size()[0])?;
            Ok(Selection::Element(view, at))
        }
        None => Err(refuse("an empty position selects nothing")),
    }
}

fn selected(tensor: &Tensor, key: &Value) -> mlua::Result<Selection> {
    if let Some(index) = form::number(key) {
        return select(tensor, form::whole(index));
    }
    if let Value::Table(table) = key {
        return by_table(tensor, table);
    }
    if let Some(index) = form::storage_sizes(key) {
        return by_storage(tensor, &index);
    }
    Err(refuse(format!(
        "a tensor cannot be indexed by a {}: a number, a table, a LongStorage or a ByteTensor is wanted",
        form::word(key)
    )))
}

/// A mask in `tensor`'s shape, as libtorch wants it.
pub(super) fn mask_for(tensor: &Tensor, mask: &Tensor) -> mlua::Result<tch::Tensor> {
    if mask.numel() != tensor.numel() {
        return Err(misfit(format!("inconsistent tensor size: {:?} and a mask of {:?}", tensor.size(), mask.size())));
    }
    checked(checked(mask.view().f_ne(0))?.f_reshape(tensor.view().size()))
}

fn as_mask(key: &Value) -> Option<Tensor> {
    from_lua(key).filter(|tensor| tensor.tensor_type().element == Element::Byte)
}

/// `t[key]` for every key but a string.
pub(super) fn get(lua: &Lua, tensor: &Tensor, key: &Value) -> mlua::Result<Value> {
    if let Some(mask) = as_mask(key) {
        measure_time(lua, tensor.numel(), "what a mask selects")?;
        let found = checked(tensor.view().f_masked_select(&mask_for(tensor, &mask)?))?;
        return Ok(Value::UserData(to_lua(lua, checked(Tensor::from_tch(tensor.tensor_type(), &found))?)?));
    }
    answer(lua, selected(tensor, key)?)
}

/// `t[key] = value`.
pub(super) fn put(lua: &Lua, tensor: &Tensor, key: &Value, value: &Value) -> mlua::Result<()> {
    let number = form::number(value);
    let source = value.as_userdata().and_then(|data| data.borrow::<LuaTensor>().ok().map(|tensor| tensor.0.clone()));
    if number.is_none() && source.is_none() {
        return Err(refuse(format!(
            "a {} cannot be put into a tensor: a number or a tensor is wanted",
            form::word(value)
        )));
    }
    let assigned = |count| measure_time(lua, count, "the assignment");
    if let Some(mask) = as_mask(key) {
        assigned(tensor.numel())?;
        let mask = mask_for(tensor, &mask)?;
        return match (number, source) {
            (Some(number), _) => {
                let _ = checked(tensor.view().f_masked_fill_(&mask, element(tensor.tensor_type(), number)))?;
                Ok(())
            }
            (_, Some(source)) => masked_copy(tensor, &mask, &source),
            _ => Ok(()),
        };
    }
    match (selected(tensor, key)?, number, source) {
        (Selection::Element(tensor, at), Some(number), _) => checked(tensor.put(&[at], number)),
        (Selection::Element(tensor, at), _, Some(source)) => {
            checked(checked(tensor.narrow(0, at, 1))?.copy_from(&source.view()))
        }
        (Selection::View(view), Some(number), _) => {
            assigned(view.numel())?;
            let _ = checked(view.view().f_fill_(element(view.tensor_type(), number)))?;
            Ok(())
        }
        (Selection::View(view), _, Some(source)) => {
            assigned(view.numel())?;
            checked(view.copy_from(&source.view()))
        }
        _ => Ok(()),
    }
}

/// Puts the elements of `source`, in order, where the mask is set.
pub(super) fn masked_copy(tensor: &Tensor, mask: &tch::Tensor, source: &Tensor) -> mlua::Result<()> {
    let wanted = checked(mask.f_sum(tch::Kind::Int64))?.int64_value(&[]);
    if source.numel() < wanted {
        return Err(misfit(format!(
            "number of elements of src ({}) < number of ones in mask ({wanted})",
            source.numel()
        )));
    }
    let source = checked(source.view().f_to_kind(tensor.tensor_type().element.kind()))?;
    let _ = checked(tensor.view().f_masked_scatter_(mask, &source))?;
    Ok(())
}
