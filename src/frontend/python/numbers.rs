//! Arithmetic of ints and floats as Python defines it: floor division, exact comparison, 64 bits and no more.

use std::cmp::Ordering;

use super::{
    kinds::{Binary, ExceptionKind},
    value::{Outcome, Raised, Value},
};

/// An int or a float.
#[derive(Debug, Clone, Copy)]
pub(super) enum Number {
    /// An int or bool.
    Int(i64),
    /// A float.
    Float(f64),
}

impl Number {
    /// The number of an int, bool or float; native objects speak for themselves.
    pub(super) fn of(value: &Value) -> Option<Number> {
        match value {
            Value::Int(integer) => Some(Number::Int(*integer)),
            Value::Bool(truth) => Some(Number::Int(i64::from(*truth))),
            Value::Float(number) => Some(Number::Float(*number)),
            _ => None,
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "an int that meets a float is rounded, as in Python")]
    fn float(self) -> f64 {
        match self {
            Number::Int(integer) => integer as f64,
            Number::Float(number) => number,
        }
    }
}

/// `left op right`; `None` where the operator is not one of numbers.
pub(super) fn arithmetic(operator: Binary, left: Number, right: Number) -> Outcome<Option<Value>> {
    match (left, right) {
        (Number::Int(a), Number::Int(b)) => integers(operator, a, b),
        _ => floats(operator, left.float(), right.float()),
    }
}

fn integers(operator: Binary, a: i64, b: i64) -> Outcome<Option<Value>> {
    let exact = |result: Option<i64>| result.map(|result| Some(Value::Int(result))).ok_or_else(|| overflow(operator));
    match operator {
        Binary::Add => exact(a.checked_add(b)),
        Binary::Subtract => exact(a.checked_sub(b)),
        Binary::Multiply => exact(a.checked_mul(b)),
        Binary::Divide if b == 0 => Err(zero_division("division by zero")),
        Binary::Divide => Ok(Some(Value::Float(Number::Int(a).float() / Number::Int(b).float()))),
        Binary::FloorDivide | Binary::Modulo if b == 0 => Err(zero_division("integer division or modulo by zero")),
        Binary::FloorDivide => exact(a.checked_div_euclid(b).map(|quotient| {
            // Rounds towards minus infinity, where Euclid's quotient leaves a positive rest.
            if b < 0 && a.wrapping_rem_euclid(b) != 0 { quotient - 1 } else { quotient }
        })),
        Binary::Modulo => {
            let rest = a.wrapping_rem(b);
            Ok(Some(Value::Int(if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest })))
        }
        Binary::Power if b < 0 && a == 0 => Err(zero_division("0.0 cannot be raised to a negative power")),
        Binary::Power if b < 0 => floats(Binary::Power, Number::Int(a).float(), Number::Int(b).float()),
        Binary::Power => match a {
            0 | 1 => Ok(Some(Value::Int(if b == 0 { 1 } else { a }))),
            -1 => Ok(Some(Value::Int(if b % 2 == 0 { 1 } else { -1 }))),
            _ => exact(u32::try_from(b).ok().and_then(|exponent| a.checked_pow(exponent))),
        },
        Binary::ShiftLeft | Binary::ShiftRight if b < 0 => Err(Raised::value_error("negative shift count")),
        Binary::ShiftLeft if a == 0 => Ok(Some(Value::Int(0))),
        Binary::ShiftLeft => {
            exact(u32::try_from(b).ok().filter(|bits| *bits < 63).and_then(|bits| a.checked_mul(1_i64 << bits)))
        }
        Binary::ShiftRight => Ok(Some(Value::Int(a >> b.min(63)))),
        Binary::And => Ok(Some(Value::Int(a & b))),
        Binary::Or => Ok(Some(Value::Int(a | b))),
        Binary::ExclusiveOr => Ok(Some(Value::Int(a ^ b))),
        Binary::MatrixMultiply => Ok(None),
    }
}

fn floats(operator: Binary, a: f64, b: f64) -> Outcome<Option<Value>> {
    let result = match operator {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Multiply => a * b,
        Binary::Divide if b == 0.0 => return Err(zero_division("float division by zero")),
        Binary::Divide => a / b,
        Binary::FloorDivide if b == 0.0 => return Err(zero_division("float floor division by zero")),
        Binary::Modulo if b == 0.0 => return Err(zero_division("float modulo")),
        Binary::FloorDivide => {
            let quotient = ((a - modulo(a, b)) / b).round();
            if quotient == 0.0 { 0.0_f64.copysign(a / b) } else { quotient }
        }
        Binary::Modulo => modulo(a, b),
        Binary::Power if a == 0.0 && b < 0.0 => {
            return Err(zero_division("0.0 cannot be raised to a negative power"));
        }
        Binary::Power if a < 0.0 && a.is_finite() && b.is_finite() && b.fract() != 0.0 => {
            return Err(Raised::value_error("a negative number has no real root: the power is complex"));
        }
        Binary::Power => {
            let result = a.powf(b);
            if result.is_infinite() && a.is_finite() && b.is_finite() {
                return Err(Raised::new(ExceptionKind::OverflowError, "the result is too large for a float"));
            }
            result
        }
        _ => return Ok(None),
    };
    Ok(Some(Value::Float(result)))
}

/// The rest of a division that has the divisor's sign.
fn modulo(a: f64, b: f64) -> f64 {
    let rest = a % b;
    if rest == 0.0 {
        0.0_f64.copysign(b)
    } else if (rest < 0.0) != (b < 0.0) {
        rest + b
    } else {
        rest
    }
}

/// How two numbers are ordered; `None` with a NaN. Exact also where an int has more digits than a float.
pub(super) fn ordering(left: Number, right: Number) -> Option<Ordering> {
    match (left, right) {
        (Number::Int(a), Number::Int(b)) => Some(a.cmp(&b)),
        (Number::Float(a), Number::Float(b)) => a.partial_cmp(&b),
        (Number::Int(a), Number::Float(b)) => int_and_float(a, b),
        (Number::Float(a), Number::Int(b)) => int_and_float(b, a).map(Ordering::reverse),
    }
}

fn int_and_float(a: i64, b: f64) -> Option<Ordering> {
    if b.is_nan() {
        return None;
    }
    match to_int(b.trunc()) {
        Some(whole) => Some(a.cmp(&whole).then_with(|| 0.0_f64.partial_cmp(&b.fract()).unwrap_or(Ordering::Equal))),
        None => Some(if b > 0.0 { Ordering::Less } else { Ordering::Greater }),
    }
}

/// A whole float as an int, where 64 bits hold it.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked")]
pub(super) fn to_int(number: f64) -> Option<i64> {
    const LIMIT: f64 = 9_223_372_036_854_775_808.0;
    (number.fract() == 0.0 && (-LIMIT..LIMIT).contains(&number)).then_some(number as i64)
}

/// The error of integers beyond 64 bits.
pub(super) fn overflow(operator: Binary) -> Raised {
    let message = format!("the result of `{}` does not fit into 64 bits", operator.symbol());
    Raised::new(ExceptionKind::OverflowError, message)
        .with_help("integers here have 64 bits; compute with floats where that will do")
}

fn zero_division(message: &str) -> Raised {
    Raised::new(ExceptionKind::ZeroDivisionError, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn int(operator: Binary, a: i64, b: i64) -> Option<i64> {
        arithmetic(operator, Number::Int(a), Number::Int(b)).ok().flatten().and_then(|value| value.as_int())
    }

    #[test]
    fn division_rounds_down_and_the_rest_has_the_divisors_sign() {
        for (a, b, quotient, rest) in
            [(7, 2, 3, 1), (-7, 2, -4, 1), (7, -2, -4, -1), (-7, -2, 3, -1), (6, -3, -2, 0), (i64::MIN, 1, i64::MIN, 0)]
        {
            assert_eq!(
                (int(Binary::FloorDivide, a, b), int(Binary::Modulo, a, b)),
                (Some(quotient), Some(rest)),
                "{a} {b}"
            );
        }
        assert_eq!(int(Binary::FloorDivide, i64::MIN, -1), None);
        assert_eq!(int(Binary::Modulo, i64::MIN, -1), Some(0));
    }

    #[test]
    fn what_leaves_64_bits_is_an_error() {
        assert_eq!(int(Binary::ShiftLeft, 1, 62), Some(1 << 62));
        assert_eq!(int(Binary::ShiftLeft, 1, 1_000_000_000), None);
        assert_eq!(int(Binary::Power, 2, 63), None);
        assert_eq!(int(Binary::Power, -1, i64::MAX), Some(-1));
        assert_eq!(int(Binary::Add, i64::MAX, 1), None);
        assert_eq!(int(Binary::ShiftRight, -5, i64::MAX), Some(-1));
    }

    #[test]
    fn ints_and_floats_are_compared_exactly() {
        assert_eq!(ordering(Number::Int(i64::MAX), Number::Float(9.3e18)), Some(Ordering::Less));
        assert_eq!(ordering(Number::Int(2), Number::Float(2.5)), Some(Ordering::Less));
        assert_eq!(ordering(Number::Int(-2), Number::Float(-2.5)), Some(Ordering::Greater));
        assert_eq!(ordering(Number::Int(1), Number::Float(f64::NAN)), None);
    }
}
