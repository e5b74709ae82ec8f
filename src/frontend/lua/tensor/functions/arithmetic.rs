//! `add`, `mul`, `cmul`, `addcmul`, `clamp`, the remainders: arithmetic with numbers and element by element.
//!
//! Operands need the same number of elements, not the same shape; the result takes the first one's shape.

use crate::{
    frontend::lua::tensor::{
        call::{Answer, Call, Start, element},
        refusal::{checked, refuse},
        row::{Results, Row},
    },
    torch::{TensorType, accumulate},
};

type Elements = mlua::Result<tch::Tensor>;

/// Integer division truncates, as C's does; by zero it is an error, where C stops the program.
fn divided(x: &tch::Tensor, y: &tch::Tensor, whole: bool) -> Elements {
    if !whole {
        return checked(x.f_div(y));
    }
    no_zero(y, whole)?;
    let Some((minus_one, y)) = without_minus_one(y)? else { return checked(x.f_div_tensor_mode(y, "trunc")) };
    let quotient = checked(x.f_div_tensor_mode(&y, "trunc"))?;
    checked(checked(x.f_neg())?.f_where_self(&minus_one, &quotient))
}

/// Where a whole divisor is -1, and the divisor with 1 in these places; `None` when it is -1 nowhere. The processor stops a
/// program that divides the least number by -1: it wraps here, as other overflows do.
fn without_minus_one(y: &tch::Tensor) -> mlua::Result<Option<(tch::Tensor, tch::Tensor)>> {
    if y.kind() == tch::Kind::Uint8 || y.numel() == 0 {
        return Ok(None);
    }
    let minus_one = checked(y.f_eq(-1))?;
    if checked(minus_one.f_any())?.int64_value(&[]) == 0 {
        return Ok(None);
    }
    let others = checked(y.f_masked_fill(&minus_one, 1))?;
    Ok(Some((minus_one, others)))
}

/// The divisor of a whole remainder: by 1 or by -1 nothing is left.
fn remainder_divisor(y: &tch::Tensor, whole: bool) -> Elements {
    no_zero(y, whole)?;
    if !whole {
        return Ok(y.shallow_clone());
    }
    Ok(without_minus_one(y)?.map_or_else(|| y.shallow_clone(), |(_, y)| y))
}

/// A one-element tensor of the operand's kind, for functions that libtorch has only between tensors.
fn as_tensor(tensor_type: TensorType, value: f64, like: &tch::Tensor) -> Elements {
    checked(tch::Tensor::f_full([1], element(tensor_type, value), (like.kind(), like.device())))
}

/// `x <sign> n` for the operators and for `add`, `mul`, `div` and their kin.
pub(in crate::frontend::lua::tensor) fn binary(
    sign: char,
    tensor_type: TensorType,
    x: &tch::Tensor,
    n: f64,
) -> Elements {
    let whole = !tensor_type.element.is_floating();
    match sign {
        '+' => checked(x.f_add_scalar(element(tensor_type, n))),
        '-' => checked(x.f_sub_scalar(element(tensor_type, n))),
        '*' => checked(x.f_mul_scalar(element(tensor_type, n))),
        '/' if whole => divided(x, &as_tensor(tensor_type, n, x)?, true),
        '/' => checked(x.f_div_scalar(n)),
        _ => floor_remainder(x, &as_tensor(tensor_type, n, x)?, whole),
    }
}

fn no_zero(y: &tch::Tensor, whole: bool) -> mlua::Result<()> {
    if whole && y.numel() > 0 && checked(checked(y.f_eq(0))?.f_any())?.int64_value(&[]) != 0 {
        return Err(refuse("integer division by zero"));
    }
    Ok(())
}

/// Remainder with the divisor's sign.
fn floor_remainder(x: &tch::Tensor, y: &tch::Tensor, whole: bool) -> Elements {
    checked(x.f_remainder_tensor(&remainder_divisor(y, whole)?))
}

/// Remainder with the dividend's sign, as C has it.
fn c_remainder(x: &tch::Tensor, y: &tch::Tensor, whole: bool) -> Elements {
    checked(x.f_fmod_tensor(&remainder_divisor(y, whole)?))
}

/// `f(t, number)`, for a function between tensors.
fn with_number(name: &'static str, f: fn(&tch::Tensor, &tch::Tensor, bool) -> Elements) -> Row {
    Row::new(name, Results::Own, &["tn"], move |call| {
        let x = call.view(0);
        Ok(Answer::Tensor(f(&x, &as_tensor(call.tensor_type, call.number(1), &x)?, call.is_whole())?))
    })
}

/// `f(t, t)`.
fn with_tensor(name: &'static str, f: fn(&tch::Tensor, &tch::Tensor, bool) -> Elements) -> Row {
    Row::new(name, Results::Own, &["tt"], move |call| {
        Ok(Answer::Tensor(f(&call.view(0), &call.shaped(1, 0)?, call.is_whole())?))
    })
}

type InPlace = fn(&mut tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>;

/// The same, which libtorch also has in place.
fn with_tensor_too(name: &'static str, f: fn(&tch::Tensor, &tch::Tensor, bool) -> Elements, in_place: InPlace) -> Row {
    with_tensor(name, f).changing(move |call, start| {
        let y = call.shaped(1, 0)?;
        let _ = checked(in_place(&mut start.begin()?, &y))?;
        Ok(true)
    })
}

/// `x ± v·y`.
fn scaled_sum(call: &Call, sign: f64) -> mlua::Result<Answer> {
    let x = call.view(0);
    Ok(Answer::Tensor(match call.form {
        0 => binary(if sign > 0.0 { '+' } else { '-' }, call.tensor_type, &x, call.number(1))?,
        1 if sign > 0.0 => checked(x.f_add(&call.shaped(1, 0)?))?,
        1 => checked(x.f_sub(&call.shaped(1, 0)?))?,
        _ => {
            let scaled = checked(call.shaped(2, 0)?.f_mul_scalar(call.scalar(1)))?;
            checked(if sign > 0.0 { x.f_add(&scaled) } else { x.f_sub(&scaled) })?
        }
    }))
}

/// The same in place.
fn add_up(call: &Call, start: &Start, sign: f64) -> mlua::Result<bool> {
    let y = if call.form == 0 { None } else { Some(call.shaped(call.form, 0)?) };
    let mut x = start.begin()?;
    match (call.form, y) {
        (1, Some(y)) if sign > 0.0 => drop(checked(x.f_add_(&y))?),
        (1, Some(y)) => drop(checked(x.f_sub_(&y))?),
        (_, Some(y)) => checked(accumulate::add_scaled(&x, &y, sign * call.number(1)))?,
        (_, None) if sign > 0.0 => drop(checked(x.f_add_scalar_(call.scalar(1)))?),
        (_, None) => drop(checked(x.f_sub_scalar_(call.scalar(1)))?),
    }
    Ok(true)
}

/// Adds `v·f(a, b)` to the first.
type AddTo = fn(&tch::Tensor, [&tch::Tensor; 2], f64) -> crate::error::Result<()>;

/// `t + v·f(a, b)`.
fn fused(name: &'static str, f: fn(&tch::Tensor, &tch::Tensor, bool) -> Elements, add_to: AddTo) -> Row {
    let operands = |call: &Call| if call.form == 0 { (2, call.number(1)) } else { (1, 1.0) };
    Row::new(name, Results::Own, &["tntt", "ttt"], move |call| {
        let (first, factor) = operands(call);
        let product = f(&call.shaped(first, 0)?, &call.shaped(first + 1, 0)?, call.is_whole())?;
        let scaled = checked(product.f_mul_scalar(element(call.tensor_type, factor)))?;
        Ok(Answer::Tensor(checked(call.view(0).f_add(&scaled))?))
    })
    .changing(move |call, start| {
        let (first, factor) = operands(call);
        let (a, b) = (call.shaped(first, 0)?, call.shaped(first + 1, 0)?);
        checked(add_to(&start.begin()?, [&a, &b], factor))?;
        Ok(true)
    })
}

/// The greater or the lesser of two, element by element or against a number.
fn extreme(name: &'static str, f: fn(&tch::Tensor, &tch::Tensor) -> Result<tch::Tensor, tch::TchError>) -> Row {
    Row::new(name, Results::Own, &["tt", "tn"], move |call| {
        let x = call.view(0);
        let y = if call.form == 0 { call.shaped(1, 0)? } else { as_tensor(call.tensor_type, call.number(1), &x)? };
        Ok(Answer::Tensor(checked(f(&x, &y))?))
    })
}

/// `f(t, number)` by an operator.
fn operator(name: &'static str, sign: char) -> Row {
    Row::new(name, Results::Own, &["tn"], move |call| {
        Ok(Answer::Tensor(binary(sign, call.tensor_type, &call.view(0), call.number(1))?))
    })
    .changing(move |call, start| {
        let mut x = start.begin()?;
        let _ = checked(if sign == '*' { x.f_mul_scalar_(call.scalar(1)) } else { x.f_div_scalar_(call.number(1)) })?;
        Ok(true)
    })
}

pub(super) fn rows() -> Vec<Row> {
    let sum = |name, sign| {
        Row::new(name, Results::Own, &["tn", "tt", "tnt"], move |call| scaled_sum(call, sign))
            .changing(move |call, start| add_up(call, start, sign))
    };
    vec![
        sum("add", 1.0),
        sum("csub", -1.0),
        sum("sub", -1.0).function(),
        operator("mul", '*'),
        operator("div", '/'),
        with_number("fmod", c_remainder),
        with_number("mod", c_remainder),
        with_number("remainder", floor_remainder),
        with_tensor_too("cmul", |x, y, _| checked(x.f_mul(y)), tch::Tensor::f_mul_),
        with_tensor_too("cdiv", divided, tch::Tensor::f_div_),
        with_tensor_too("cpow", |x, y, _| checked(x.f_pow(y)), tch::Tensor::f_pow_tensor_),
        with_tensor("cfmod", c_remainder),
        with_tensor("cmod", c_remainder),
        with_tensor("cremainder", floor_remainder),
        with_tensor("atan2", |x, y, _| checked(x.f_atan2(y))),
        extreme("cmax", tch::Tensor::f_maximum),
        extreme("cmin", tch::Tensor::f_minimum),
        fused("addcmul", |a, b, _| checked(a.f_mul(b)), accumulate::add_product),
        fused("addcdiv", divided, accumulate::add_quotient),
        Row::new("clamp", Results::Own, &["tnn"], |call| {
            Ok(Answer::Tensor(checked(call.view(0).f_clamp(call.scalar(1), call.scalar(2)))?))
        })
        .changing(|call, start| {
            let _ = checked(start.begin()?.f_clamp_(call.scalar(1), call.scalar(2)))?;
            Ok(true)
        })
        .or("nnn", |call| Ok(Answer::Number(call.number(0).max(call.number(1)).min(call.number(2))))),
        Row::new("lerp", Results::Own, &["ttn"], |call| {
            let (x, y) = (call.view(0), call.shaped(1, 0)?);
            Ok(Answer::Tensor(checked(x.f_add(&checked(checked(y.f_sub(&x))?.f_mul_scalar(call.scalar(2)))?))?))
        })
        .or("nnn", |call| Ok(Answer::Number(call.number(0) + call.number(2) * (call.number(1) - call.number(0))))),
        Row::new("pow", Results::Own, &["tn", "nt", "nn"], |call| match call.form {
            0 => Ok(Answer::Tensor(checked(call.view(0).f_pow_tensor_scalar(call.scalar(1)))?)),
            1 => {
                let exponent = call.view(1);
                Ok(Answer::Tensor(checked(as_tensor(call.tensor_type, call.number(0), &exponent)?.f_pow(&exponent))?))
            }
            _ => Ok(Answer::Number(call.number(0).powf(call.number(1)))),
        })
        .changing(|call, start| {
            if call.form == 0 {
                let _ = checked(start.begin()?.f_pow_(call.scalar(1)))?;
            }
            Ok(call.form == 0)
        }),
    ]
}
