//! Functions of each element: `exp`, `sqrt`, `sigmoid`, `round` … of tensors, and of plain numbers.

use crate::frontend::lua::tensor::{
    call::Answer,
    refusal::checked,
    row::{Results, Row},
};

/// Name, the function of tensors, the function of numbers.
type Function = (&'static str, Of, fn(f64) -> f64);

type Of = fn(&tch::Tensor) -> Result<tch::Tensor, tch::TchError>;

/// Those of floating tensors.
const FUNCTIONS: &[Function] = &[
    ("log", tch::Tensor::f_log, f64::ln),
    ("log1p", tch::Tensor::f_log1p, f64::ln_1p),
    ("exp", tch::Tensor::f_exp, f64::exp),
    ("cos", tch::Tensor::f_cos, f64::cos),
    ("acos", tch::Tensor::f_acos, f64::acos),
    ("cosh", tch::Tensor::f_cosh, f64::cosh),
    ("sin", tch::Tensor::f_sin, f64::sin),
    ("asin", tch::Tensor::f_asin, f64::asin),
    ("sinh", tch::Tensor::f_sinh, f64::sinh),
    ("tan", tch::Tensor::f_tan, f64::tan),
    ("atan", tch::Tensor::f_atan, f64::atan),
    ("tanh", tch::Tensor::f_tanh, f64::tanh),
    ("sqrt", tch::Tensor::f_sqrt, f64::sqrt),
    ("rsqrt", tch::Tensor::f_rsqrt, |x| 1.0 / x.sqrt()),
    ("sigmoid", tch::Tensor::f_sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
    ("ceil", tch::Tensor::f_ceil, f64::ceil),
    ("floor", tch::Tensor::f_floor, f64::floor),
    ("trunc", tch::Tensor::f_trunc, f64::trunc),
    ("frac", tch::Tensor::f_frac, f64::fract),
    ("round", half_away, f64::round),
    ("cinv", tch::Tensor::f_reciprocal, f64::recip),
];

/// Those that integer tensors have too.
const WHOLE_TOO: &[Function] = &[
    ("abs", tch::Tensor::f_abs, f64::abs),
    ("neg", tch::Tensor::f_neg, |x| -x),
    ("sign", tch::Tensor::f_sign, |x| {
        if x > 0.0 {
            1.0
        } else if x < 0.0 {
            -1.0
        } else {
            0.0
        }
    }),
];

/// Torch7 rounds halves away from zero, libtorch to even.
fn half_away(x: &tch::Tensor) -> Result<tch::Tensor, tch::TchError> {
    let whole = x.f_trunc()?;
    // Not `floor(x + 0.5)`: that is 1 for the largest number below a half.
    let up = x.f_sub(&whole)?.f_abs()?.f_ge(0.5)?.f_to_kind(x.kind())?;
    whole.f_add(&up.f_mul(&x.f_sign()?)?)
}

fn row(name: &'static str, of: Of, number: fn(f64) -> f64, whole_too: bool) -> Row {
    Row::new(name, Results::Own, &["t", "n"], move |call| {
        if call.form == 1 {
            return Ok(Answer::Number(number(call.number(0))));
        }
        if !whole_too {
            call.floating_only(name)?;
        }
        Ok(Answer::Tensor(checked(of(&call.view(0)))?))
    })
}

pub(super) fn rows() -> Vec<Row> {
    let floating = FUNCTIONS.iter().map(|&(name, of, number)| row(name, of, number, false));
    floating.chain(WHOLE_TOO.iter().map(|&(name, of, number)| row(name, of, number, true))).collect()
}
