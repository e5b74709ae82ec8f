//! Sizes, views, copies and conversions of tensors.

use mlua::{AnyUserData, IntoLua, Lua, MultiValue, ObjectLike, Table, Value};

use crate::{
    frontend::lua::machine::limits,
    frontend::lua::tensor::{
        call::{Answer, Call},
        classes, construct, form,
        handle::{LuaTensor, from_lua, long_storage, storage_from_lua, storage_to_lua, to_lua},
        memory::{count, measure, reserve},
        refusal::{checked, misfit, refuse},
        row::{Results, Row},
    },
    torch::{Tensor, TensorType},
};

fn values(lua: &Lua, value: impl IntoLua) -> mlua::Result<Answer> {
    Ok(Answer::Values(MultiValue::from_vec(vec![value.into_lua(lua)?])))
}

fn handle(result: crate::error::Result<Tensor>) -> mlua::Result<Answer> {
    Ok(Answer::Handle(checked(result)?))
}

/// `t:size()` and `t:stride()`: all of them as a `LongStorage`, or one.
fn extents(call: &Call, of: impl Fn(&Tensor) -> Vec<i64>) -> mlua::Result<Answer> {
    let all = of(call.tensor(0));
    if call.has(1) {
        let dim = call.dim(1, 0)?;
        return Ok(Answer::Number(all[dim as usize] as f64));
    }
    values(call.lua, long_storage(call.lua, &all)?)
}

/// The result handle re-pointed at a view, or a new handle: `torch.view([res,] t, …)`.
fn pointed(call: &Call, view: Tensor) -> mlua::Result<Answer> {
    match call.results.first() {
        Some((result, _)) => {
            checked(result.set_to(&view))?;
            Ok(Answer::Same)
        }
        None => Ok(Answer::Handle(view)),
    }
}

/// Sizes and views.
fn layout_rows() -> Vec<Row> {
    use Results::{None as Plain, One};
    vec![
        Row::new("size", Plain, &["xi?"], |call| extents(call, Tensor::size)),
        Row::new("stride", Plain, &["xi?"], |call| extents(call, Tensor::stride)),
        Row::new("dim", Plain, &["x"], |call| Ok(Answer::Number(call.tensor(0).dim() as f64))),
        Row::new("nDimension", Plain, &["x"], |call| Ok(Answer::Number(call.tensor(0).dim() as f64))),
        Row::new("nElement", Plain, &["x"], |call| Ok(Answer::Number(call.tensor(0).numel() as f64))),
        Row::new("numel", Plain, &["x"], |call| Ok(Answer::Number(call.tensor(0).numel() as f64))),
        Row::new("storageOffset", Plain, &["x"], |call| Ok(Answer::Number(call.tensor(0).offset() as f64 + 1.0)))
            .method(),
        Row::new("elementSize", Plain, &["x"], |call| {
            Ok(Answer::Number(call.tensor(0).tensor_type().element.bytes() as f64))
        })
        .method(),
        Row::new("isContiguous", Plain, &["x"], |call| Ok(Answer::Flag(call.tensor(0).is_contiguous()))).method(),
        Row::new("isSameSizeAs", Plain, &["xx"], |call| {
            Ok(Answer::Flag(call.tensor(0).size() == call.tensor(1).size()))
        })
        .method(),
        Row::new("isSize", Plain, &["xS"], |call| Ok(Answer::Flag(call.tensor(0).size() == call.sizes(1)))).method(),
        Row::new("isSetTo", Plain, &["xx"], |call| {
            let (a, b) = (call.tensor(0), call.tensor(1));
            let one_storage = matches!((a.storage(), b.storage()), (Some(a), Some(b)) if a.same(&b));
            Ok(Answer::Flag(
                one_storage && a.offset() == b.offset() && a.size() == b.size() && a.stride() == b.stride(),
            ))
        })
        .method(),
        Row::new("storage", Plain, &["x"], |call| match call.tensor(0).storage() {
            Some(storage) => values(call.lua, storage_to_lua(call.lua, storage)?),
            None => values(call.lua, Value::Nil),
        })
        .method(),
        Row::new("narrow", Plain, &["xiii"], |call| {
            handle(call.tensor(0).narrow(call.dim(1, 0)?, call.int(2) - 1, call.int(3)))
        }),
        Row::new("sub", Plain, &["xiii?i?i?i?i?i?"], sub).method(),
        Row::new("select", Plain, &["xii"], |call| {
            let tensor = call.tensor(0);
            let size = tensor.size();
            // Torch7 does not look at the dimension of a vector.
            let dim = if size.len() == 1 { 0 } else { call.dim(1, 0)? };
            let extent = size.get(dim as usize).copied().unwrap_or(0);
            let index = if call.int(2) < 0 { call.int(2).saturating_add(extent) } else { call.int(2) - 1 };
            let view = checked(tensor.select(dim, index))?;
            if size.len() == 1 { Ok(Answer::Number(checked(view.get(&[0]))?)) } else { Ok(Answer::Handle(view)) }
        }),
        Row::new("transpose", Plain, &["xii"], |call| {
            handle(call.tensor(0).transpose(call.dim(1, 0)?, call.dim(2, 0)?))
        }),
        Row::new("t", Plain, &["x"], |call| {
            if call.tensor(0).dim() != 2 {
                return Err(misfit(format!("t() expects a 2D tensor, but self is {}D", call.tensor(0).dim())));
            }
            handle(call.tensor(0).transpose(0, 1))
        }),
        Row::new("permute", Plain, &["xz"], |call| {
            let order: Vec<i64> = call.sizes(1).into_iter().map(|dim| dim - 1).collect();
            handle(call.tensor(0).permute(&order))
        }),
        Row::new("unfold", Plain, &["xiii"], |call| {
            handle(call.tensor(0).unfold(call.dim(1, 0)?, call.int(2), call.int(3)))
        }),
        Row::new("view", One, &["tz"], |call| pointed(call, checked(call.tensor(0).viewed(&call.sizes(1)))?)),
        Row::new("viewAs", One, &["tx"], |call| pointed(call, checked(call.tensor(0).viewed(&call.tensor(1).size()))?)),
        Row::new("expand", One, &["tz"], |call| pointed(call, checked(call.tensor(0).expand(&call.sizes(1)))?)),
        Row::new("expandAs", One, &["tx"], |call| {
            pointed(call, checked(call.tensor(0).expand(&call.tensor(1).size()))?)
        }),
        Row::new("squeeze", One, &["ti?"], |call| {
            let tensor = call.tensor(0);
            if tensor.numel() == 1 && !call.has(1) && call.results.is_empty() {
                return Ok(Answer::Number(checked(tensor.values())?[0]));
            }
            let view = if call.has(1) { tensor.squeezed_dim(call.dim(1, 0)?) } else { tensor.squeezed() };
            let view = checked(view)?;
            if call.has(1) && tensor.numel() == 1 && tensor.dim() == 1 && call.results.is_empty() {
                return Ok(Answer::Number(checked(view.get(&[0]))?));
            }
            pointed(call, view)
        }),
        Row::new("reshape", One, &["tz"], |call| {
            let size = checked(call.tensor(0).inferred(&call.sizes(1)))?;
            Ok(Answer::Tensor(checked(call.view(0).f_reshape(size))?))
        }),
        Row::new("repeatTensor", One, &["tz"], |call| {
            let times = call.sizes(1);
            if times.len() < call.tensor(0).dim() || times.iter().any(|n| *n < 1) {
                return Err(misfit(
                    "number of dimensions of repeat dims can not be smaller than number of dimensions of tensor",
                ));
            }
            reserve(call.lua, call.tensor_type, count(&times).saturating_mul(call.tensor(0).numel()), "repeatTensor")?;
            Ok(Answer::Tensor(checked(call.view(0).f_repeat(times))?))
        }),
        Row::new("split", Plain, &["xii?"], |call| pieces(call, None, call.int(1), 2)).or("Txii?", pieces_into),
        Row::new("chunk", Plain, &["xii?"], |call| {
            let dim = if call.has(2) { call.dim(2, 0)? } else { 0 };
            let size = call.tensor(0).size();
            let extent = size[checked(call.tensor(0).check_dim(dim))?];
            let length = extent.saturating_add(call.int(1) - 1) / call.int(1).max(1);
            pieces(call, None, length, 2)
        }),
    ]
}

fn pieces_into(call: &Call) -> mlua::Result<Answer> {
    let table = call.value(0);
    let shifted = Call {
        lua: call.lua,
        tensor_type: call.tensor_type,
        form: 0,
        results: vec![],
        generator: None,
        args: call.args[1..].to_vec(),
    };
    pieces(&shifted, table.as_table(), shifted.int(1), 2)
}

/// Views of `length` slices each, the last one shorter.
fn pieces(call: &Call, into: Option<&Table>, length: i64, dim_at: usize) -> mlua::Result<Answer> {
    let tensor = call.tensor(0);
    let dim = if call.has(dim_at) { call.dim(dim_at, 0)? } else { 0 };
    let extent = tensor.size()[checked(tensor.check_dim(dim))?];
    if length < 1 {
        return Err(refuse(format!("pieces of {length} slices: at least 1 is wanted")));
    }
    let table = match into {
        Some(table) => {
            table.clear()?;
            table.clone()
        }
        None => call.lua.create_table()?,
    };
    let mut first = 0;
    while first < extent {
        limits::look(call.lua)?;
        let piece = checked(tensor.narrow(dim, first, length.min(extent - first)))?;
        table.raw_push(to_lua(call.lua, piece)?)?;
        first += length;
    }
    values(call.lua, table)
}

/// `t:sub(a, b[, c, d …])`, ends inclusive, negatives from the end.
fn sub(call: &Call) -> mlua::Result<Answer> {
    let mut view = checked(call.tensor(0).alias())?;
    for dim in 0..4 {
        let at = 1 + 2 * dim;
        if !call.has(at) {
            break;
        }
        let size = view.size()[checked(view.check_dim(dim as i64))?];
        let place = |index: i64| if index < 0 { index.saturating_add(size) } else { index - 1 };
        let (first, last) = (place(call.int(at)), place(form::whole(call.number_or(at + 1, -1.0))));
        view = checked(view.narrow(dim as i64, first, last.saturating_sub(first).saturating_add(1)))?;
    }
    Ok(Answer::Handle(view))
}

/// Copies, filling, resizing and conversions.
fn content_rows() -> Vec<Row> {
    use Results::None as Plain;
    vec![
        Row::new("clone", Plain, &["t"], |call| {
            handle(Tensor::copied(call.tensor_type, &checked(call.view(0).f_contiguous())?))
        }),
        Row::new("contiguous", Plain, &["t"], |call| {
            if call.tensor(0).is_contiguous() {
                return Ok(Answer::Same);
            }
            measure(call.lua, call.tensor_type, call.tensor(0).numel(), "contiguous")?;
            handle(Tensor::from_tch(call.tensor_type, &call.view(0)))
        }),
        Row::new("copy", Plain, &["xx"], |call| {
            checked(call.tensor(0).copy_from(&call.view(1)))?;
            Ok(Answer::Same)
        })
        .method(),
        Row::new("fill", Plain, &["tn"], |call| {
            let _ = checked(call.view(0).f_fill_(call.scalar(1)))?;
            Ok(Answer::Same)
        }),
        Row::new("zero", Plain, &["t"], |call| {
            let _ = checked(call.view(0).f_zero_())?;
            Ok(Answer::Same)
        }),
        Row::new("resize", Plain, &["xz"], |call| resized(call, &call.sizes(1))).method(),
        Row::new("resizeAs", Plain, &["xx"], |call| resized(call, &call.tensor(1).size())).method(),
        Row::new("set", Plain, &["x", "tt", "xRi?", "xRiS", "xRiSS", "xRiz"], set).method(),
        Row::new("typeAs", Plain, &["xx"], |call| converted(call, call.tensor(1).tensor_type())).method(),
        Row::new("isTensor", Plain, &["x"], |_| Ok(Answer::Flag(true))).method(),
        Row::new("cuda", Plain, &["x"], |call| converted(call, TensorType { cuda: true, ..TensorType::FLOAT }))
            .method(),
        Row::new("type", Plain, &["xs?"], |call| {
            if !call.has(1) {
                return values(call.lua, call.tensor(0).tensor_type().tensor_name());
            }
            let name = call.text(1, "");
            let wanted = construct::type_named(call.lua, &name)
                .ok_or_else(|| refuse(format!("there is no tensor type {name:?}")))?;
            converted(call, wanted)
        })
        .method(),
        Row::new("totable", Plain, &["x"], |call| {
            values(call.lua, nested(call.lua, &checked(call.tensor(0).values())?, &call.tensor(0).size())?)
        }),
        Row::new("data", Plain, &["x"], |_| Err(refuse("raw pointers are not offered: there is no ffi"))).method(),
        // What `nn.THNN`'s functions take; nobody else could use a pointer.
        Row::new("cdata", Plain, &["x"], |call| values(call.lua, call.value(0))).method(),
    ]
}

fn resized(call: &Call, size: &[i64]) -> mlua::Result<Answer> {
    let tensor = call.tensor(0);
    let have = tensor.storage().map_or(0, |storage| storage.len() - tensor.offset());
    reserve(
        call.lua,
        tensor.tensor_type(),
        count(size).saturating_sub(have),
        &format!("{} of sizes {size:?}", tensor.tensor_type()),
    )?;
    checked(tensor.resize(size))?;
    Ok(Answer::Same)
}

/// `t:set()`, `t:set(tensor)`, `t:set(storage[, offset[, sizes[, strides]]])`.
fn set(call: &Call) -> mlua::Result<Answer> {
    let tensor = call.tensor(0);
    match call.form {
        0 => checked(tensor.set(None, 0, &[], &[]))?,
        1 => checked(tensor.set_to(call.tensor(1)))?,
        _ => {
            let storage = storage_from_lua(&call.value(1)).ok_or_else(|| refuse("a storage is wanted"))?;
            let mut rest = Vec::new();
            if call.has(2) {
                rest.push(Value::Number(call.number(2)));
            }
            if call.form == 4 {
                rest.push(Value::UserData(long_storage(call.lua, &call.sizes(3))?));
                rest.push(Value::UserData(long_storage(call.lua, &call.sizes(4))?));
            } else if call.has(3) {
                let numbers = call.sizes(3);
                if call.form == 3 {
                    rest.push(Value::UserData(long_storage(call.lua, &numbers)?));
                } else {
                    rest.extend(numbers.into_iter().map(|number| Value::Number(number as f64)));
                }
            }
            let laid = construct::on_storage(storage, &rest).unwrap_or_else(|| Err(refuse("invalid layout")))?;
            checked(tensor.set_to(&laid))?;
        }
    }
    Ok(Answer::Same)
}

/// The same object when the type is the same, else a converted copy.
fn converted(call: &Call, wanted: TensorType) -> mlua::Result<Answer> {
    let tensor = call.tensor(0);
    if tensor.tensor_type() == wanted {
        return Ok(Answer::Same);
    }
    if tensor.dim() == 0 {
        return Ok(Answer::Handle(Tensor::empty(wanted)));
    }
    measure(call.lua, wanted, tensor.numel(), &wanted.tensor_name())?;
    // `torch.CudaTensor` without a device is the same elements under another name: still a copy.
    handle(Tensor::zeros(wanted, &tensor.size()).and_then(|made| made.copy_from(&tensor.view()).map(|()| made)))
}

/// `t:double()`, `t:float()` … in one tensor class.
pub(in crate::frontend::lua::tensor) fn install_conversions(lua: &Lua, class: &Table) -> mlua::Result<()> {
    for (word, wanted) in construct::conversions() {
        let convert = lua.create_function(move |lua, this: AnyUserData| {
            let tensor = this.borrow::<LuaTensor>()?.0.clone();
            if tensor.tensor_type() == wanted {
                return Ok(this);
            }
            let value = Value::UserData(this);
            let call = Call {
                lua,
                tensor_type: tensor.tensor_type(),
                form: 0,
                results: vec![],
                generator: None,
                args: vec![form::Arg::Tensor(tensor, value)],
            };
            match converted(&call, wanted)? {
                Answer::Handle(made) => to_lua(lua, made),
                _ => Err(refuse("a conversion answers a new tensor")),
            }
        })?;
        class.raw_set(word, convert)?;
    }
    // `t:real()`: the default type.
    class.raw_set(
        "real",
        lua.create_function(|lua, this: AnyUserData| {
            let name = classes::default_type(lua).tensor_name();
            this.call_method::<Value>("type", name)
        })?,
    )
}

/// Elements as nested tables.
pub(super) fn nested(lua: &Lua, values: &[f64], size: &[i64]) -> mlua::Result<Table> {
    match size {
        [] => lua.create_table(),
        [_] => lua.create_sequence_from(values.iter().copied()),
        [rows, rest @ ..] => {
            let table = lua.create_table()?;
            for row in values.chunks((values.len() / (*rows).max(1) as usize).max(1)) {
                table.raw_push(nested(lua, row, rest)?)?;
            }
            Ok(table)
        }
    }
}

/// What `torch.totable`, `torch.isTensor` and `torch.isStorage` answer for any value.
pub(in crate::frontend::lua::tensor) fn install_questions(lua: &Lua, torch: &Table) -> mlua::Result<()> {
    torch.raw_set("isTensor", lua.create_function(|_, value: Value| Ok(from_lua(&value).is_some()))?)?;
    torch.raw_set("isStorage", lua.create_function(|_, value: Value| Ok(storage_from_lua(&value).is_some()))?)?;
    torch.raw_set(
        "totable",
        lua.create_function(|lua, value: Value| match (from_lua(&value), storage_from_lua(&value)) {
            (Some(tensor), _) => nested(lua, &checked(tensor.values())?, &tensor.size()),
            (_, Some(storage)) => lua.create_sequence_from(checked(storage.values())?),
            _ => Err(refuse(format!("a tensor or a storage is wanted, got {}", form::word(&value)))),
        })?,
    )
}

pub(super) fn rows() -> Vec<Row> {
    // These copy; the other functions on layouts look at no element, as do some on contents.
    const COPYING: [&str; 2] = ["reshape", "repeatTensor"];
    const IN_PLACE: [&str; 3] = ["fill", "zero", "copy"];
    // `contiguous` and the conversions ask once they know that they copy.
    const ASKING: [&str; 9] = ["contiguous", "resize", "resizeAs", "set", "typeAs", "isTensor", "cuda", "type", "data"];
    let layouts = layout_rows().into_iter().map(|row| if COPYING.contains(&row.name) { row } else { row.of_sizes() });
    let contents = content_rows().into_iter().map(|row| match row.name {
        name if IN_PLACE.contains(&name) => row.in_place(),
        name if ASKING.contains(&name) => row.of_sizes(),
        _ => row,
    });
    layouts.chain(contents).collect()
}
