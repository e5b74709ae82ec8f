//! Functions of each element: `exp`, `sqrt`, `sigmoid`, `round` … of tensors, and of plain numbers.

use crate::frontend::lua::tensor::{
    call::Answer,
    refusal::checked,
    row::{Results, Row},
};

/// Name, the function of tensors, the same in place, the function of numbers.
type Function = (&'static str, Of, Option<InPlace>, fn(f64) -> f64);

type Of = fn(&tch::Tensor) -> Result<tch::Tensor, tch::TchError>;
type InPlace = fn(&mut tch::Tensor) -> Result<tch::Tensor, tch::TchError>;

/// Those of floating tensors.
const FUNCTIONS: &[Function] = &[
    ("log", tch::Tensor::f_log, Some(tch::Tensor::f_log_), f64::ln),
    ("log1p", tch::Tensor::f_log1p, Some(tch::Tensor::f_log1p_), f64::ln_1p),
    ("exp", tch::Tensor::f_exp, Some(tch::Tensor::f_exp_), f64::exp),
    ("cos", tch::Tensor::f_cos, Some(tch::Tensor::f_cos_), f64::cos),
    ("acos", tch::Tensor::f_acos, Some(tch::Tensor::f_acos_), f64::acos),
    ("cosh", tch::Tensor::f_cosh, Some(tch::Tensor::f_cosh_), f64::cosh),
    ("sin", tch::Tensor::f_sin, Some(tch::Tensor::f_sin_), f64::sin),
    ("asin", tch::Tensor::f_asin, Some(tch::Tensor::f_asin_), f64::asin),
    ("sinh", tch::Tensor::f_sinh, Some(tch::Tensor::f_sinh_), f64::sinh),
    ("tan", tch::Tensor::f_tan, Some(tch::Tensor::f_tan_), f64::tan),
    ("atan", tch::Tensor::f_atan, Some(tch::Tensor::f_atan_), f64::atan),
    ("tanh", tch::Tensor::f_tanh, Some(tch::Tensor::f_tanh_), f64::tanh),
    ("sqrt", tch::Tensor::f_sqrt, Some(tch::Tensor::f_sqrt_), f64::sqrt),
    ("rsqrt", tch::Tensor::f_rsqrt, Some(tch::Tensor::f_rsqrt_), |x| 1.0 / x.sqrt()),
    ("sigmoid", tch::Tensor::f_sigmoid, Some(tch::Tensor::f_sigmoid_), |x| 1.0 / (1.0 + (-x).exp())),
    ("ceil", tch::Tensor::f_ceil, Some(tch::Tensor::f_ceil_), f64::ceil),
    ("floor", tch::Tensor::f_floor, Some(tch::Tensor::f_floor_), f64::floor),
    ("trunc", tch::Tensor::f_trunc, Some(tch::Tensor::f_trunc_), f64::trunc),
    ("frac", tch::Tensor::f_frac, Some(tch::Tensor::f_frac_), f64::fract),
    ("round", half_away, None, f64::round),
    ("cinv", tch::Tensor::f_reciprocal, Some(tch::Tensor::f_reciprocal_), f64::recip),
];

/// Those that integer tensors have too.
const WHOLE_TOO: &[Function] = &[
    ("abs", tch::Tensor::f_abs, Some(tch::Tensor::f_abs_), f64::abs),
    ("neg", tch::Tensor::f_neg, Some(tch::Tensor::f_neg_), |x| -x),
    ("sign", tch::Tensor::f_sign, Some(tch::Tensor::f_sign_), |x| {
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

fn row((name, of, in_place, number): Function, whole_too: bool) -> Row {
    let row = Row::new(name, Results::Own, &["t", "n"], move |call| {
        if call.form == 1 {
            return Ok(Answer::Number(number(call.number(0))));
        }
        if !whole_too {
            call.floating_only(name)?;
        }
        Ok(Answer::Tensor(checked(of(&call.view(0)))?))
    });
    match in_place {
        Some(in_place) => row.changing(move |_, start| {
            let _ = checked(in_place(&mut start.begin()?))?;
            Ok(true)
        }),
        None => row,
    }
}

pub(super) fn rows() -> Vec<Row> {
    let floating = FUNCTIONS.iter().map(|&function| row(function, false));
    floating.chain(WHOLE_TOO.iter().map(|&function| row(function, true))).collect()
}
