//! Shifts and bitwise functions, with a number or element by element.

use crate::frontend::lua::tensor::{
    call::{Answer, element},
    refusal::{checked, refuse},
    row::{Results, Row},
};

type Between = fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>;

/// Name, name of the elementwise form, the function, the power that stands for a shift of floating numbers.
const FUNCTIONS: &[(&str, &str, Between, Option<f64>)] = &[
    ("lshift", "clshift", tch::Tensor::f_bitwise_left_shift, Some(2.0)),
    ("rshift", "crshift", tch::Tensor::f_bitwise_right_shift, Some(0.5)),
    ("bitand", "cbitand", tch::Tensor::f_bitwise_and_tensor, None),
    ("bitor", "cbitor", tch::Tensor::f_bitwise_or_tensor, None),
    ("bitxor", "cbitxor", tch::Tensor::f_bitwise_xor_tensor, None),
];

/// `x f y`; a floating shift multiplies by a power of two, the other functions do not exist there.
fn apply(
    name: &str,
    whole: bool,
    f: Between,
    base: Option<f64>,
    x: &tch::Tensor,
    y: &tch::Tensor,
) -> mlua::Result<tch::Tensor> {
    if whole {
        return checked(f(x, y));
    }
    let base = base.ok_or_else(|| refuse(format!("{name} is not there for floating numbers")))?;
    let power = checked(checked(tch::Tensor::f_full([1], base, (x.kind(), x.device())))?.f_pow(y))?;
    checked(x.f_mul(&power))
}

pub(super) fn rows() -> Vec<Row> {
    FUNCTIONS
        .iter()
        .flat_map(|&(name, elementwise, f, base)| {
            [
                Row::new(name, Results::Own, &["tn"], move |call| {
                    let x = call.view(0);
                    let y = element(call.tensor_type, call.number(1).trunc());
                    let y = checked(tch::Tensor::f_full([1], y, (x.kind(), x.device())))?;
                    Ok(Answer::Tensor(apply(name, call.is_whole(), f, base, &x, &y)?))
                }),
                Row::new(elementwise, Results::Own, &["tt"], move |call| {
                    Ok(Answer::Tensor(apply(
                        elementwise,
                        call.is_whole(),
                        f,
                        base,
                        &call.view(0),
                        &call.shaped(1, 0)?,
                    )?))
                }),
            ]
        })
        .collect()
}
