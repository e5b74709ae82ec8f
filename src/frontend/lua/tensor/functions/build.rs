//! New tensors: `zeros`, `range`, `cat`, `diag`, `tril`, `histc` …

use mlua::Value;

use crate::{
    frontend::lua::tensor::{
        call::{Answer, Call, element},
        form::whole,
        handle::from_lua,
        memory::{count, reserve},
        refusal::{checked, misfit, refuse},
        row::{Results, Row},
    },
    torch::{Element, MOST_DIMS, Tensor, TensorType},
};

fn elements(call: &Call, size: &[i64], values: &[f64]) -> mlua::Result<Answer> {
    Ok(Answer::Tensor(checked(Tensor::from_values(call.tensor_type, size, values))?.view()))
}

/// Sizes all filled with one value.
fn filled(call: &Call, value: f64) -> mlua::Result<Answer> {
    let size: Vec<i64> = call.sizes(0).into_iter().take_while(|&extent| extent > 0).collect();
    reserve(call.lua, call.tensor_type, count(&size), &format!("{} of sizes {size:?}", call.tensor_type))?;
    let size = if size.is_empty() { vec![0] } else { size };
    let options = (call.tensor_type.element.kind(), call.tensor_type.device());
    Ok(Answer::Tensor(checked(tch::Tensor::f_full(&size[..], element(call.tensor_type, value), options))?))
}

/// a, a + step … up to b, which is included when a step falls on it.
fn range(call: &Call) -> mlua::Result<Answer> {
    let (a, b, step) = (call.number(0), call.number(1), call.number_or(2, 1.0));
    let n = ((b - a) / step).floor() + 1.0;
    if step == 0.0 || !n.is_finite() || n < 1.0 {
        return Err(refuse(format!("range({a}, {b}, {step}): upper bound and larger bound incoherent with step sign")));
    }
    reserve(call.lua, TensorType::DOUBLE, n as i64, "a range")?;
    let values: Vec<f64> = (0..n as i64).map(|i| a + i as f64 * step).collect();
    kept_shape(call, &values)
}

/// An existing result of as many elements keeps its shape.
fn kept_shape(call: &Call, values: &[f64]) -> mlua::Result<Answer> {
    let n = values.len() as i64;
    match call.results.first() {
        Some((result, _)) if result.numel() == n => elements(call, &result.size(), values),
        _ => elements(call, &[n], values),
    }
}

/// `n` values from a to b, evenly apart.
fn spaced(call: &Call, map: fn(f64) -> f64) -> mlua::Result<Answer> {
    let (a, b, n) = (call.number(0), call.number(1), whole(call.number_or(2, 100.0)));
    if n < 1 || (n == 1 && a != b) {
        return Err(refuse(format!("{n} points from {a} to {b}: invalid number of points")));
    }
    reserve(call.lua, TensorType::DOUBLE, n, "evenly spaced values")?;
    let values: Vec<f64> =
        (0..n).map(|i| map(if n == 1 { a } else { a + (b - a) * i as f64 / (n - 1) as f64 })).collect();
    kept_shape(call, &values)
}

/// Tensors one after the other along a dimension; empty ones are left out, missing dimensions are added.
fn joined(call: &Call, tensors: &[Tensor], dim_at: usize) -> mlua::Result<Answer> {
    if tensors.is_empty() {
        return Err(refuse("cat: at least one tensor is wanted"));
    }
    let full: Vec<&Tensor> = tensors.iter().filter(|tensor| tensor.dim() > 0).collect();
    let widest = full.iter().map(|tensor| tensor.dim()).max().unwrap_or(0) as i64;
    let dim = if call.is_number(dim_at) { call.int(dim_at) } else { widest.max(1) };
    if !(1..=MOST_DIMS).contains(&dim) {
        return Err(refuse(format!("cat: invalid dimension {dim}")));
    }
    if full.is_empty() {
        return Ok(Answer::Tensor(Tensor::empty(call.tensor_type).view()));
    }
    let rank = widest.max(dim) as usize;
    let mut views = Vec::new();
    for tensor in &full {
        let mut size = tensor.size();
        size.resize(rank, 1);
        if let Some(first) = views.first().map(tch::Tensor::size)
            && (0..rank).any(|at| at as i64 != dim - 1 && first[at] != size[at])
        {
            return Err(misfit(format!(
                "inconsistent tensor sizes: cat of {first:?} and {size:?} along dimension {dim}"
            )));
        }
        views.push(checked(tensor.view().f_reshape(size))?);
    }
    reserve(
        call.lua,
        call.tensor_type,
        full.iter().fold(0, |all: i64, tensor| all.saturating_add(tensor.numel())),
        "cat",
    )?;
    Ok(Answer::Tensor(checked(tch::Tensor::f_cat(&views, dim - 1))?))
}

fn joined_table(call: &Call) -> mlua::Result<Answer> {
    let mut tensors = Vec::new();
    if let Value::Table(table) = call.value(0) {
        for at in 1..=table.raw_len() {
            let value = table.raw_get::<Value>(at)?;
            tensors.push(from_lua(&value).ok_or_else(|| refuse(format!("cat: entry {at} is no tensor")))?);
        }
    }
    let wanted = tensors.first().map_or(call.tensor_type, Tensor::tensor_type);
    if tensors.iter().any(|tensor| tensor.tensor_type() != wanted) {
        return Err(refuse("cat: the tensors have different types"));
    }
    let call = Call {
        lua: call.lua,
        tensor_type: wanted,
        form: 0,
        results: call.results.clone(),
        generator: None,
        args: call.args.clone(),
    };
    match joined(&call, &tensors, 1)? {
        Answer::Tensor(all) if call.results.is_empty() => Ok(Answer::Handle(checked(Tensor::copied(wanted, &all))?)),
        answer => Ok(answer),
    }
}

/// Counts in `bins` equal bins from min to max, both included; equal bounds mean the tensor's own.
fn histogram(values: &[f64], bins: usize, bounds: (f64, f64)) -> Vec<f64> {
    let (mut low, mut high) = bounds;
    if low == high {
        low = values.iter().copied().fold(f64::INFINITY, f64::min);
        high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    }
    if low == high {
        (low, high) = (low - 1.0, high + 1.0);
    }
    let mut counts = vec![0.0; bins];
    for &value in values {
        if value >= low && value <= high {
            let bin = ((value - low) / (high - low) * bins as f64) as usize;
            counts[bin.min(bins - 1)] += 1.0;
        }
    }
    counts
}

fn bins_of(call: &Call) -> mlua::Result<(usize, (f64, f64))> {
    call.floating_only("histc")?;
    let bins = call.number_or(1, 100.0);
    if !(1.0..1e9).contains(&bins) {
        return Err(refuse(format!("histc: {bins} bins: the number must be positive")));
    }
    let rows = if call.tensor(0).dim() == 2 { call.tensor(0).size()[0] } else { 1 };
    reserve(call.lua, TensorType::DOUBLE, rows.saturating_mul(bins as i64), "the bins")?;
    Ok((bins as usize, (call.number_or(2, 0.0), call.number_or(3, 0.0))))
}

pub(super) fn rows() -> Vec<Row> {
    use Results::{One, Own};
    vec![
        Row::new("zeros", One, &["z"], |call| filled(call, 0.0)),
        Row::new("ones", One, &["z"], |call| filled(call, 1.0)),
        Row::new("eye", One, &["ii?"], |call| {
            let (n, m) = (call.int(0), whole(call.number_or(1, call.number(0))));
            if n < 1 || m < 1 {
                return Err(refuse(format!("eye({n}, {m}): sizes must be positive")));
            }
            reserve(call.lua, call.tensor_type, n.saturating_mul(m), "eye")?;
            Ok(Answer::Tensor(checked(tch::Tensor::f_eye_m(
                n,
                m,
                (call.tensor_type.element.kind(), call.tensor_type.device()),
            ))?))
        }),
        Row::new("range", One, &["nnn?"], range),
        Row::new("linspace", One, &["nni?"], |call| spaced(call, |x| x)),
        Row::new("logspace", One, &["nni?"], |call| spaced(call, |x| 10f64.powf(x))),
        Row::new("cat", One, &["tti?"], |call| joined(call, &[call.tensor(0).clone(), call.tensor(1).clone()], 2))
            .or("Ti?", joined_table),
        Row::new("diag", One, &["ti?"], |call| {
            if !(1..=2).contains(&call.tensor(0).dim()) {
                return Err(misfit("matrix or a vector expected"));
            }
            Ok(Answer::Tensor(checked(call.view(0).f_diag(whole(call.number_or(1, 0.0))))?))
        }),
        Row::new("tril", Own, &["ti?"], |call| {
            Ok(Answer::Tensor(checked(call.view(0).f_tril(whole(call.number_or(1, 0.0))))?))
        }),
        Row::new("triu", Own, &["ti?"], |call| {
            Ok(Answer::Tensor(checked(call.view(0).f_triu(whole(call.number_or(1, 0.0))))?))
        }),
        Row::new("cross", One, &["tti?"], |call| {
            let size = call.tensor(0).size();
            let dim = if call.has(2) {
                call.dim(2, 0)?
            } else {
                size.iter().position(|&extent| extent == 3).map_or(-1, |dim| dim as i64)
            };
            if dim < 0 || size[dim as usize] != 3 || call.tensor(1).size() != size {
                return Err(misfit(format!(
                    "cross wants two tensors of one shape with a dimension of size 3, not {size:?} and {:?}",
                    call.tensor(1).size()
                )));
            }
            Ok(Answer::Tensor(checked(call.view(0).f_cross(&call.view(1), dim))?))
        }),
        Row::new("histc", One, &["ti?n?n?"], |call| {
            let (bins, bounds) = bins_of(call)?;
            elements(call, &[bins as i64], &histogram(&checked(call.tensor(0).values())?, bins, bounds))
        }),
        Row::new("bhistc", One, &["ti?n?n?"], |call| {
            let (bins, bounds) = bins_of(call)?;
            let size = call.tensor(0).size();
            let (rows, width) =
                if size.len() == 2 { (size[0], size[1] as usize) } else { (1, size.iter().product::<i64>() as usize) };
            let values = checked(call.tensor(0).values())?;
            let counts: Vec<f64> = values.chunks(width.max(1)).flat_map(|row| histogram(row, bins, bounds)).collect();
            elements(call, &[rows, bins as i64], &counts)
        }),
        Row::new("nonzero", One, &["t"], |call| {
            let found = checked(checked(call.view(0).f_nonzero())?.f_add_scalar(1))?;
            if call.results.is_empty() {
                let long = TensorType { element: Element::Long, ..call.tensor_type };
                return Ok(Answer::Handle(checked(Tensor::from_tch(long, &found))?));
            }
            Ok(Answer::Tensor(found))
        })
        .of_indices(),
    ]
}
