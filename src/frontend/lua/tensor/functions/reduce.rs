//! Reductions: to one number, or along a dimension that stays with size 1.

use tch::Kind;

use crate::frontend::lua::tensor::{
    call::{Answer, Call},
    refusal::{checked, misfit, refuse},
    row::{Results, Row},
};

/// A scalar tensor as a Lua number.
fn number(tensor: &tch::Tensor) -> mlua::Result<Answer> {
    Ok(Answer::Number(checked(tensor.f_double_value(&[]))?))
}

fn not_empty(call: &Call, name: &str) -> mlua::Result<()> {
    if call.tensor(0).dim() == 0 {
        return Err(refuse(format!("{name}: the tensor must have one dimension, it has none")));
    }
    Ok(())
}

/// `t:f()` is a number, `t:f(dim)` keeps the dimension.
fn reduction(
    name: &'static str,
    floating: bool,
    all: fn(&tch::Tensor) -> Result<tch::Tensor, tch::TchError>,
    along: fn(&tch::Tensor, i64) -> Result<tch::Tensor, tch::TchError>,
) -> Row {
    Row::new(name, Results::One, &["ti", "t"], move |call| {
        if floating {
            call.floating_only(name)?;
        }
        if call.form == 0 {
            return Ok(Answer::Tensor(checked(along(&call.view(0), call.dim(1, 0)?))?));
        }
        let view = call.view(0);
        if view.numel() == 0 && name == "mean" {
            not_empty(call, name)?;
        }
        number(&checked(all(&view))?)
    })
}

/// libtorch multiplies and compares one number after another, where it adds many at once.
const SECONDS_A_FACTOR: f64 = 2.5e-9;
/// Of a variance: it goes through them with a division each.
const SECONDS_A_DEVIATION: f64 = 1.5e-9;

fn one_by_one(call: &Call) -> f64 {
    call.largest() as f64 * SECONDS_A_FACTOR
}

/// Integer sums and products accumulate in 64 bits over all, in the type along a dimension.
fn wide(x: &tch::Tensor) -> Option<Kind> {
    if x.is_floating_point() { None } else { Some(Kind::Int64) }
}

/// `var`, `std`: the flag `true` divides by n instead of n − 1.
fn spread(name: &'static str, root: bool) -> Row {
    Row::new(name, Results::One, &["tib?", "tb?"], move |call| {
        call.floating_only(name)?;
        not_empty(call, name)?;
        let x = call.view(0);
        let unbiased = !call.flag(if call.form == 0 { 2 } else { 1 });
        if call.form == 1 {
            return number(&checked(if root { x.f_std(unbiased) } else { x.f_var(unbiased) })?);
        }
        let dim = call.dim(1, 0)?;
        Ok(Answer::Tensor(checked(if root {
            x.f_std_dim(dim, unbiased, true)
        } else {
            x.f_var_dim(dim, unbiased, true)
        })?))
    })
    .costs(|call| call.largest() as f64 * SECONDS_A_DEVIATION)
}

/// `max`, `min`: a number, or (values, indices) along a dimension; with a second tensor the greater of both.
fn extreme(name: &'static str, greatest: bool) -> Row {
    Row::new(name, Results::Indexed, &["ti", "t"], move |call| {
        not_empty(call, name)?;
        let x = call.view(0);
        if call.form == 1 {
            return number(&checked(if greatest { x.f_max() } else { x.f_min() })?);
        }
        let dim = call.dim(1, 0)?;
        let (values, indices) = checked(if greatest { x.f_max_dim(dim, true) } else { x.f_min_dim(dim, true) })?;
        Ok(Answer::Indexed(values, indices))
    })
    .costs(one_by_one)
}

/// `(Σ|x|^p)^(1/p)` over all or along a dimension; p = 0 counts what is not zero.
fn norm(x: &tch::Tensor, p: f64, dim: Option<i64>) -> mlua::Result<tch::Tensor> {
    match dim {
        Some(dim) => checked(x.f_norm_scalaropt_dim(p, &[dim][..], true)),
        None => checked(checked(x.f_reshape([-1]))?.f_norm_scalaropt_dim(p, &[0][..], false)),
    }
}

pub(super) fn rows() -> Vec<Row> {
    all().into_iter().map(Row::in_place).collect()
}

fn all() -> Vec<Row> {
    vec![
        reduction("sum", false, |x| x.f_sum(wide(x)), |x, dim| x.f_sum_dim_intlist(&[dim][..], true, x.kind())),
        reduction("prod", false, |x| x.f_prod(wide(x)), |x, dim| x.f_prod_dim_int(dim, true, x.kind()))
            .costs(one_by_one),
        reduction("mean", true, |x| x.f_mean(None), |x, dim| x.f_mean_dim(&[dim][..], true, None)),
        spread("var", false),
        spread("std", true),
        extreme("max", true),
        extreme("min", false),
        Row::new("norm", Results::One, &["tni", "tn?"], |call| {
            call.floating_only("norm")?;
            let x = call.view(0);
            if call.form == 0 {
                return Ok(Answer::Tensor(norm(&x, call.number(1), Some(call.dim(2, 0)?))?));
            }
            number(&norm(&x, call.number_or(1, 2.0), None)?)
        }),
        Row::new("dist", Results::None, &["ttn?"], |call| {
            call.floating_only("dist")?;
            number(&norm(&checked(call.view(0).f_sub(&call.shaped(1, 0)?))?, call.number_or(2, 2.0), None)?)
        }),
        Row::new("dot", Results::None, &["tt"], |call| {
            let product = checked(checked(call.view(0).f_mul(&call.shaped(1, 0)?))?.f_sum(wide(&call.view(0))))?;
            number(&product)
        }),
        Row::new("trace", Results::None, &["t"], |call| {
            if call.tensor(0).dim() != 2 {
                return Err(misfit(format!("trace wants a matrix, not {:?}", call.tensor(0).size())));
            }
            number(&checked(call.view(0).f_trace())?)
        }),
        Row::new("cumsum", Results::One, &["ti?"], |call| {
            let dim = if call.has(1) { call.dim(1, 0)? } else { 0 };
            not_empty(call, "cumsum")?;
            Ok(Answer::Tensor(checked(call.view(0).f_cumsum(dim, call.view(0).kind()))?))
        }),
        Row::new("cumprod", Results::One, &["ti?"], |call| {
            let dim = if call.has(1) { call.dim(1, 0)? } else { 0 };
            not_empty(call, "cumprod")?;
            Ok(Answer::Tensor(checked(call.view(0).f_cumprod(dim, call.view(0).kind()))?))
        }),
        Row::new("renorm", Results::Own, &["tnin"], |call| {
            call.floating_only("renorm")?;
            Ok(Answer::Tensor(checked(call.view(0).f_renorm(call.number(1), call.dim(2, 0)?, call.number(3)))?))
        }),
    ]
}
