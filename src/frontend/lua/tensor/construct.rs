//! `torch.Tensor(…)` and `torch.Storage(…)`.
//!
//! Source: torch7 `generic/Tensor.c` (`new`), `generic/Storage.c` (`new`).

use std::path::Path;

use mlua::{Lua, MultiValue, Table, Value};

use super::{
    classes, form,
    handle::{from_lua, storage_from_lua, storage_to_lua, to_lua},
    memory::{count, pace_collector, reserve},
    refusal::{checked, refuse},
};
use crate::{
    error::{Error, Kind},
    frontend::lua::machine::{error::raise, limits, state},
    torch::{Element, Storage, Tensor, TensorType, contiguous_strides, memory::check_values},
};

/// The arguments. A nil among them is a variable without a value: it is named by its number, for no size can stand for it.
fn list(args: MultiValue, name: impl FnOnce() -> String) -> mlua::Result<Vec<Value>> {
    let values: Vec<Value> = args.into_iter().collect();
    match values.iter().position(Value::is_nil) {
        Some(at) => {
            Err(refuse(format!("#{} to {} is nil: a size, a tensor, a storage or a table expected", at + 1, name())))
        }
        None => Ok(values),
    }
}

/// `torch.XTensor(…)`: sizes, another tensor (shared), a storage with a layout, or a nested table.
pub(super) fn tensor(lua: &Lua, tensor_type: TensorType, args: MultiValue) -> mlua::Result<Value> {
    let values = list(args, || tensor_type.tensor_name())?;
    pace_collector(lua)?;
    let made = match values.first() {
        None => Tensor::empty(tensor_type),
        Some(Value::Table(table)) if values.len() == 1 => nested(lua, tensor_type, table)?,
        Some(first) => match from_lua(first) {
            Some(other) if values.len() == 1 && other.tensor_type() == tensor_type => checked(other.alias())?,
            _ => laid_out(lua, tensor_type, &values)?,
        },
    };
    Ok(Value::UserData(to_lua(lua, made)?))
}

/// Sizes, or a storage with offset, sizes and strides.
pub(super) fn laid_out(lua: &Lua, tensor_type: TensorType, values: &[Value]) -> mlua::Result<Tensor> {
    let expected = || {
        let given: Vec<String> = values.iter().map(form::word).collect();
        let short = tensor_type.tensor_name().replace("torch.", "");
        let storage = tensor_type.storage_name().replace("torch.", "");
        refuse(format!(
            "invalid arguments: {}\nexpected arguments: no arguments | dim1 [dim2...] | LongStorage sizes [LongStorage strides] | \
             {short} | {storage} [offset [sizes [strides] | size1 stride1...]] | table",
            given.join(" ")
        ))
    };
    let own = values.first().and_then(storage_from_lua).filter(|storage| storage.tensor_type() == tensor_type);
    if let Some(storage) = own {
        return on_storage(storage, &values[1..]).unwrap_or_else(|| Err(expected()));
    }
    if let [sizes, strides] = values
        && let (Some(sizes), Some(strides)) = (form::storage_sizes(sizes), form::storage_sizes(strides))
    {
        reserve(lua, tensor_type, count(&sizes), &tensor_type.tensor_name())?;
        let made = Tensor::empty(tensor_type);
        checked(made.set(Some(checked(Storage::zeros(tensor_type, 0))?), 0, &sizes, &filled(&sizes, &strides)))?;
        let _ = checked(made.view().f_zero_())?;
        return Ok(made);
    }
    let sizes = form::sizes(values).ok_or_else(expected)?;
    reserve(lua, tensor_type, count(&sizes), &format!("{tensor_type} of sizes {sizes:?}"))?;
    checked(Tensor::zeros(tensor_type, &sizes))
}

/// `(storage, offset, sizes, strides)` or `(storage, offset, size1, stride1, …)`; `None` when they are something else.
pub(super) fn on_storage(storage: Storage, rest: &[Value]) -> Option<mlua::Result<Tensor>> {
    let offset = match rest.first() {
        None => 1,
        Some(value) => form::whole(form::number(value)?),
    };
    if offset < 1 {
        return Some(Err(refuse(format!("storage offset {offset} is not at least 1"))));
    }
    let (sizes, strides) = match rest.get(1..).unwrap_or(&[]) {
        [] => {
            let sizes = vec![(storage.len() - offset + 1).max(0)];
            if sizes[0] == 0 {
                return Some(checked(Tensor::on(storage, offset - 1, &[], &[])));
            }
            (sizes, vec![1])
        }
        [sizes] if sizes.is_userdata() => {
            let sizes = form::storage_sizes(sizes)?;
            let strides = contiguous_strides(&sizes);
            (sizes, strides)
        }
        [sizes, strides] if sizes.is_userdata() => {
            let sizes = form::storage_sizes(sizes)?;
            let strides = filled(&sizes, &form::storage_sizes(strides)?);
            (sizes, strides)
        }
        pairs => {
            let numbers: Vec<i64> =
                pairs.iter().map(|value| form::number(value).map(form::whole)).collect::<Option<_>>()?;
            let sizes: Vec<i64> = numbers.iter().step_by(2).copied().collect();
            let given: Vec<i64> = (0..sizes.len()).map(|at| numbers.get(2 * at + 1).copied().unwrap_or(-1)).collect();
            let sizes: Vec<i64> = match sizes.iter().position(|size| *size == -1) {
                Some(at) if at + 1 == sizes.len() && sizes.len() == 1 => vec![(storage.len() - offset + 1).max(0)],
                _ => sizes,
            };
            let strides = filled(&sizes, &given);
            (sizes, strides)
        }
    };
    Some(checked(Tensor::on(storage, offset - 1, &sizes, &strides)))
}

/// Strides with each -1 replaced by what makes the tensor contiguous there.
fn filled(sizes: &[i64], strides: &[i64]) -> Vec<i64> {
    let mut filled = vec![0; sizes.len()];
    let mut next = 1;
    for at in (0..sizes.len()).rev() {
        filled[at] = strides.get(at).copied().filter(|stride| *stride >= 0).unwrap_or(next);
        next = filled[at].saturating_mul(sizes[at]);
    }
    filled
}

/// A tensor of a nested table's numbers.
fn nested(lua: &Lua, tensor_type: TensorType, table: &Table) -> mlua::Result<Tensor> {
    let mut sizes = vec![];
    let mut level = table.clone();
    loop {
        let len = level.raw_len();
        if len == 0 {
            break;
        }
        sizes.push(len as i64);
        match level.raw_get::<Value>(1)? {
            Value::Table(inner) if sizes.len() < 64 => level = inner,
            _ => break,
        }
    }
    if sizes.is_empty() {
        return Ok(Tensor::empty(tensor_type));
    }
    // A few tables inside one another may stand for any number of elements.
    checked(check_values(count(&sizes), "a tensor of a table"))?;
    reserve(lua, tensor_type, count(&sizes), &tensor_type.tensor_name())?;
    limits::afford(lua, count(&sizes) as f64 * 1e-8, "reading this table")?;
    let mut values = Vec::new();
    gather(table, &sizes, &mut values)?;
    checked(Tensor::from_values(tensor_type, &sizes, &values))
}

fn gather(table: &Table, sizes: &[i64], values: &mut Vec<f64>) -> mlua::Result<()> {
    if table.raw_len() as i64 != sizes[0] {
        return Err(refuse(format!(
            "invalid tensor sizes: a row has {} elements, the first one {}",
            table.raw_len(),
            sizes[0]
        )));
    }
    for at in 1..=sizes[0] {
        match table.raw_get::<Value>(at)? {
            Value::Table(inner) if sizes.len() > 1 => gather(&inner, &sizes[1..], values)?,
            Value::Table(_) => return Err(refuse("invalid tensor sizes: a row is deeper than the first one")),
            value => match form::number(&value) {
                Some(number) if sizes.len() == 1 => values.push(number),
                Some(_) => {
                    return Err(refuse("invalid tensor sizes: a row is a number where the first one is a table"));
                }
                None => return Err(refuse(format!("invalid element (not a number): a {}", form::word(&value)))),
            },
        }
    }
    Ok(())
}

/// `torch.XStorage(…)`: a length, a table, or a part of another storage.
pub(super) fn storage(lua: &Lua, tensor_type: TensorType, args: MultiValue) -> mlua::Result<Value> {
    let values = list(args, || tensor_type.storage_name())?;
    let made = match values.as_slice() {
        [] => checked(Storage::zeros(tensor_type, 0))?,
        [Value::Table(table)] => {
            let mut numbers = Vec::new();
            for at in 1..=table.raw_len() {
                let value = table.raw_get::<Value>(at)?;
                numbers.push(form::number(&value).ok_or_else(|| {
                    refuse(format!("invalid element (not a number): a {} at {at}", form::word(&value)))
                })?);
            }
            checked(Storage::from_values(tensor_type, &numbers))?
        }
        [Value::String(name), rest @ ..] => mapped(lua, tensor_type, &name.to_string_lossy(), rest)?,
        [one] if form::number(one).is_some() => {
            let len = form::whole(form::number(one).unwrap_or_default());
            reserve(lua, tensor_type, len, &tensor_type.storage_name())?;
            checked(Storage::zeros(tensor_type, len))?
        }
        [whole, rest @ ..] => {
            let whole =
                storage_from_lua(whole).filter(|whole| whole.tensor_type() == tensor_type).ok_or_else(|| {
                    refuse(format!(
                        "{} is made from a size, a table or a part of its own kind",
                        tensor_type.storage_name()
                    ))
                })?;
            let numbers: Vec<i64> = rest.iter().filter_map(form::number).map(form::whole).collect();
            let offset = numbers.first().copied().unwrap_or(1);
            let size = numbers.get(1).copied().unwrap_or(whole.len() - offset + 1);
            checked(whole.part(offset - 1, size))?
        }
    };
    Ok(Value::UserData(storage_to_lua(lua, made)?))
}

/// `(file [, is shared [, size]])`: a file as a storage; what is written into a shared one is written into the file.
fn mapped(lua: &Lua, tensor_type: TensorType, name: &str, rest: &[Value]) -> mlua::Result<Storage> {
    let asked = format!("{}('{name}')", tensor_type.storage_name());
    if state::shared(lua).is_ok_and(|shared| !shared.options.trusted) {
        let page = Error::new(Kind::Limit, format!("{asked} is not available to network files"))
            .with_fact("why", "a pasted file may build networks, not reach files or programs")
            .with_help("run your own scripts with: digits-rs th --trusted script.lua");
        return Err(raise(page.at(state::origin(lua).as_ref())));
    }
    let is_shared = matches!(rest.first(), Some(Value::Boolean(true)));
    let size = rest.get(1).and_then(form::number).map(form::whole);
    checked(Storage::mapped(tensor_type, Path::new(name), is_shared, size))
}

/// The type whose constructor `name` is, for `t:type(name)`: full names and the short words.
pub(super) fn type_named(lua: &Lua, name: &str) -> Option<TensorType> {
    if name == "torch.Tensor" {
        return Some(classes::default_type(lua));
    }
    TensorType::named(name).filter(|found| found.tensor_name() == name)
}

/// `t:double()` and its like: the word and the type.
pub(super) fn conversions() -> Vec<(String, TensorType)> {
    TensorType::all()
        .map(|tensor_type| {
            let stem = tensor_type.tensor_name().replace("torch.", "").replace("Tensor", "");
            let word = match (tensor_type.cuda, tensor_type.element) {
                (true, Element::Float) => "cuda".to_string(),
                (true, _) => stem.replacen("Cuda", "cuda", 1),
                (false, _) => stem.to_lowercase(),
            };
            (word, tensor_type)
        })
        .collect()
}
