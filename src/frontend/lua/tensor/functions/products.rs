//! Products of vectors and matrices: `mv`, `mm`, `bmm`, `ger`, the `add…` forms, and the `*` operator.

use mlua::{Lua, Value};

use crate::{
    frontend::lua::machine::limits,
    frontend::lua::tensor::{
        call::{Answer, Call, Start, element},
        form::Arg,
        handle::to_lua,
        memory::{count, reserve},
        refusal::{checked, misfit},
        row::{Results, Row},
    },
    torch::{Tensor, accumulate::add_matrix_product},
};

/// Multiply-adds a second of the fastest machine that a network file may meet: a lower bound of the time of a product.
pub(super) const MULTIPLY_ADDS: f64 = 1e11;

/// Seconds that the product of the last two tensors takes at the very least.
fn seconds(call: &Call) -> f64 {
    let sizes: Vec<Vec<i64>> = call
        .args
        .iter()
        .filter_map(|arg| if let Arg::Tensor(tensor, _) = arg { Some(tensor.size()) } else { None })
        .collect();
    let [.., a, b] = sizes.as_slice() else { return 0.0 };
    let all = |size: &[i64]| size.iter().map(|&extent| extent as f64).product::<f64>();
    let columns = if b.len() > 1 || a.len() == 1 { b.last().copied().unwrap_or(1) } else { 1 };
    all(a) * columns as f64 / MULTIPLY_ADDS
}

/// Ranks of both factors and the function.
type Product =
    (&'static str, &'static str, [usize; 2], fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>);

/// The plain product, the form that adds it, the factors' ranks, the product.
const PRODUCTS: &[Product] = &[
    ("mv", "addmv", [2, 1], tch::Tensor::f_mv),
    ("mm", "addmm", [2, 2], tch::Tensor::f_mm),
    ("ger", "addr", [1, 1], tch::Tensor::f_outer),
    ("bmm", "baddbmm", [3, 3], tch::Tensor::f_bmm),
    ("", "addbmm", [3, 3], summed),
];

/// The sum of the products of a batch.
fn summed(a: &tch::Tensor, b: &tch::Tensor) -> Result<tch::Tensor, tch::TchError> {
    let product = a.f_bmm(b)?;
    product.f_sum_dim_intlist(&[0][..], false, product.kind())
}

fn check(name: &str, a: &Tensor, b: &Tensor, ranks: [usize; 2]) -> mlua::Result<()> {
    let (left, right) = (a.size(), b.size());
    let inner_fits = match ranks {
        [2, _] => left.get(1) == right.first(),
        [3, _] => left.get(2) == right.get(1) && left.first() == right.first(),
        _ => true,
    };
    if [left.len(), right.len()] == ranks && inner_fits {
        return Ok(());
    }
    Err(misfit(format!("{name}: {left:?} does not fit {right:?}")))
}

fn product(
    call: &Call,
    name: &str,
    at: usize,
    ranks: [usize; 2],
    f: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>,
) -> mlua::Result<tch::Tensor> {
    let (a, b) = (call.tensor(at), call.tensor(at + 1));
    check(name, a, b, ranks)?;
    let rows = count(&a.size()[..ranks[0].max(2) - 1]);
    reserve(call.lua, call.tensor_type, rows.saturating_mul(b.size().last().copied().unwrap_or(1)), name)?;
    checked(f(&a.view(), &b.view()))
}

/// `v1·M + v2·a·b`. One number alone is v2.
fn added(
    name: &'static str,
    ranks: [usize; 2],
    f: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>,
) -> Row {
    Row::new(name, Results::Own, &["ttt", "tntt", "nttt", "ntntt"], move |call| add_product(call, name, ranks, f))
        .changing(move |call, start| add_in_place(call, start, name, ranks))
}

/// Where the parts of a sum stand among the arguments: v1, M's place, v2, the place of the first factor.
fn parts(call: &Call) -> (f64, usize, f64, usize) {
    match call.form {
        0 => (1.0, 0, 1.0, 1),
        1 => (1.0, 0, call.number(1), 2),
        2 => (call.number(0), 1, 1.0, 2),
        _ => (call.number(0), 1, call.number(2), 3),
    }
}

fn add_product(
    call: &Call,
    name: &str,
    ranks: [usize; 2],
    f: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>,
) -> mlua::Result<Answer> {
    let (v1, matrix, v2, at) = parts(call);
    let product = product(call, name, at, ranks, f)?;
    let base = call.tensor(matrix);
    if base.size() != product.size() {
        return Err(misfit(format!("{name}: {:?} is added to a product of {:?}", base.size(), product.size())));
    }
    let scaled = checked(product.f_mul_scalar(element(call.tensor_type, v2)))?;
    if v1 == 0.0 {
        return Ok(Answer::Tensor(scaled));
    }
    Ok(Answer::Tensor(checked(checked(base.view().f_mul_scalar(element(call.tensor_type, v1)))?.f_add(&scaled))?))
}

/// The same in place, where the sizes fit; a matrix and its product have one size.
fn add_in_place(call: &Call, start: &Start, name: &str, ranks: [usize; 2]) -> mlua::Result<bool> {
    let (v1, matrix, v2, at) = parts(call);
    let (base, a, b) = (call.tensor(matrix), call.tensor(at), call.tensor(at + 1));
    check(name, a, b, ranks)?;
    let (left, right) = (a.size(), b.size());
    let is_summed = ranks == [3, 3] && base.dim() == 2;
    let rows = &left[usize::from(is_summed)..ranks[0].max(2) - 1];
    let columns = if ranks == [2, 1] { &[] } else { &right[ranks[1] - 1..] };
    let fits = start.is_alone
        && (ranks != [3, 3] || is_summed == (name == "addbmm"))
        && base.size() == [rows, columns].concat();
    if fits {
        checked(add_matrix_product(&start.begin()?, [&a.view(), &b.view()], v1, v2))?;
    }
    Ok(fits)
}

/// `a * b`: the dot product of vectors (a number), matrix by vector, matrix by matrix.
pub(in crate::frontend::lua::tensor) fn star(lua: &Lua, a: &Tensor, b: &Tensor) -> mlua::Result<Value> {
    let ranks = [a.dim(), b.dim()];
    let same_type = a.tensor_type() == b.tensor_type();
    if ranks == [1, 1] && same_type && a.numel() == b.numel() {
        let product = checked(checked(a.view().f_mul(&b.view()))?.f_sum(None))?;
        return Ok(Value::Number(checked(product.f_double_value(&[]))?));
    }
    if !same_type || !matches!(ranks, [2, 1] | [2, 2]) {
        return Err(misfit(format!(
            "multiplication between {}D and {}D tensors not yet supported: {} {:?} * {} {:?}",
            ranks[0],
            ranks[1],
            a.tensor_type(),
            a.size(),
            b.tensor_type(),
            b.size()
        )));
    }
    check("multiplication", a, b, ranks)?;
    let columns = b.size().get(1).copied().unwrap_or(1);
    limits::afford(lua, a.numel() as f64 * columns as f64 / MULTIPLY_ADDS, "this product")?;
    reserve(lua, a.tensor_type(), count(&[a.size()[0], b.size().get(1).copied().unwrap_or(1)]), "a product")?;
    let product = checked(a.view().f_matmul(&b.view()))?;
    Ok(Value::UserData(to_lua(lua, checked(Tensor::from_tch(a.tensor_type(), &product))?)?))
}

pub(super) fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for &(plain, adding, ranks, f) in PRODUCTS {
        if !plain.is_empty() {
            rows.push(
                Row::new(plain, Results::One, &["tt"], move |call| {
                    Ok(Answer::Tensor(product(call, plain, 0, ranks, f)?))
                })
                .costs(seconds),
            );
        }
        rows.push(
            added(adding, ranks, f)
                .or("nntt", move |call| {
                    // Method form `M:addmm(v1, v2, a, b)`: the object is M.
                    let (own, value) = call
                        .results
                        .first()
                        .cloned()
                        .ok_or_else(|| misfit(format!("{adding}: the matrix to add to is missing")))?;
                    let [v1, v2, a, b] = &call.args[..] else { unreachable!("the form has four arguments") };
                    let args = [v1.clone(), Arg::Tensor(own, value), v2.clone(), a.clone(), b.clone()].into();
                    let (tensor_type, results) = (call.tensor_type, call.results.clone());
                    let whole = Call { lua: call.lua, tensor_type, form: 3, results, generator: None, args };
                    if whole.changed(|start| add_in_place(&whole, start, adding, ranks))? {
                        return Ok(Answer::Same);
                    }
                    add_product(&whole, adding, ranks, f)
                })
                .costs(seconds),
        );
    }
    rows.push(
        Row::new("match", Results::One, &["ttn?"], |call| {
            let (a, b) = (call.view(0), call.view(1));
            if a.dim() != 2 || b.dim() != 2 || a.size()[1] != b.size()[1] {
                return Err(misfit(format!(
                    "match wants two matrices of equal width, not {:?} and {:?}",
                    a.size(),
                    b.size()
                )));
            }
            let gain = call.number_or(2, 1.0);
            let apart = checked(checked(a.f_unsqueeze(1))?.f_sub(&checked(b.f_unsqueeze(0))?))?;
            let squares = checked(checked(apart.f_square())?.f_sum_dim_intlist(&[2][..], false, apart.kind()))?;
            Ok(Answer::Tensor(checked(squares.f_mul_scalar(gain))?))
        })
        .costs(|call| {
            call.tensor(0).numel() as f64 * call.tensor(1).size().first().copied().unwrap_or(1) as f64 * 1e-10
        }),
    );
    rows
}
