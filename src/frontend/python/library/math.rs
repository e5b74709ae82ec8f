//! `math`.

use std::rc::Rc;

use super::super::{
    kinds::{Binary, ExceptionKind},
    numbers::{overflow, to_int},
    value::{Given, Interpreter, Module, Outcome, Raised, Value},
};

type Unary = fn(f64) -> f64;
type Binary64 = fn(f64, f64) -> f64;
type Test = fn(f64) -> bool;

pub(super) fn module() -> Rc<Module> {
    let module = Module::new("math", "");
    for (name, value) in [
        ("pi", std::f64::consts::PI),
        ("e", std::f64::consts::E),
        ("tau", std::f64::consts::TAU),
        ("inf", f64::INFINITY),
        ("nan", f64::NAN),
    ] {
        module.set(name, Value::Float(value));
    }
    let unary: [(&'static str, Unary); 20] = [
        ("math.sqrt(x, /)", f64::sqrt),
        ("math.exp(x, /)", f64::exp),
        ("math.expm1(x, /)", f64::exp_m1),
        ("math.log2(x, /)", f64::log2),
        ("math.log10(x, /)", f64::log10),
        ("math.log1p(x, /)", f64::ln_1p),
        ("math.sin(x, /)", f64::sin),
        ("math.cos(x, /)", f64::cos),
        ("math.tan(x, /)", f64::tan),
        ("math.asin(x, /)", f64::asin),
        ("math.acos(x, /)", f64::acos),
        ("math.atan(x, /)", f64::atan),
        ("math.sinh(x, /)", f64::sinh),
        ("math.cosh(x, /)", f64::cosh),
        ("math.tanh(x, /)", f64::tanh),
        ("math.fabs(x, /)", f64::abs),
        ("math.degrees(x, /)", f64::to_degrees),
        ("math.radians(x, /)", f64::to_radians),
        ("math.asinh(x, /)", f64::asinh),
        ("math.acosh(x, /)", f64::acosh),
    ];
    for (signature, function) in unary {
        module.function(signature, move |_, given| {
            let x = given.float("x")?;
            checked(function(x), &[x])
        });
    }
    let whole: [(&'static str, Unary); 3] =
        [("math.floor(x, /)", f64::floor), ("math.ceil(x, /)", f64::ceil), ("math.trunc(x, /)", f64::trunc)];
    for (signature, function) in whole {
        module.function(signature, move |_, given| {
            if let Some(integer) = given.value("x").as_int() {
                return Ok(Value::Int(integer));
            }
            let number = given.float("x")?;
            if number.is_nan() {
                return Err(Raised::value_error("cannot convert float NaN to integer"));
            }
            let integer = to_int(function(number));
            integer
                .map(Value::Int)
                .ok_or_else(|| Raised::new(ExceptionKind::OverflowError, "the number has more than 64 bits"))
        });
    }
    let binary: [(&'static str, Binary64); 5] = [
        ("math.pow(x, y, /)", f64::powf),
        ("math.atan2(x, y, /)", f64::atan2),
        ("math.hypot(x, y, /)", f64::hypot),
        ("math.fmod(x, y, /)", |x, y| x % y),
        ("math.copysign(x, y, /)", f64::copysign),
    ];
    for (signature, function) in binary {
        module.function(signature, move |_, given| {
            let (x, y) = (given.float("x")?, given.float("y")?);
            checked(function(x, y), &[x, y])
        });
    }
    let tests: [(&'static str, Test); 3] = [
        ("math.isnan(x, /)", f64::is_nan),
        ("math.isinf(x, /)", f64::is_infinite),
        ("math.isfinite(x, /)", f64::is_finite),
    ];
    for (signature, function) in tests {
        module.function(signature, move |_, given| Ok(Value::Bool(function(given.float("x")?))));
    }
    module.function("math.log(x, base=None, /)", |_, given| {
        let x = given.float("x")?;
        let result = match given.some("base") {
            Some(_) => {
                let base = given.float("base")?;
                if base == 1.0 {
                    return Err(Raised::new(ExceptionKind::ZeroDivisionError, "float division by zero"));
                }
                checked(x.ln(), &[x])?;
                checked(base.ln(), &[base])?;
                x.ln() / base.ln()
            }
            None => x.ln(),
        };
        checked(result, &[x])
    });
    module.function("math.factorial(n, /)", |interpreter, given| {
        let n = interpreter.index(given.value("n"))?;
        if n < 0 {
            return Err(Raised::value_error("factorial() not defined for negative values"));
        }
        let product = (1..=n.min(100)).try_fold(1_i64, i64::checked_mul);
        product.map(Value::Int).ok_or_else(|| overflow(Binary::Multiply))
    });
    module.function("math.gcd(*integers)", |interpreter, given| {
        let mut divisor = 0_u64;
        for value in &given.rest {
            let (mut a, mut b) = (divisor, interpreter.index(value)?.unsigned_abs());
            while b != 0 {
                (a, b) = (b, a % b);
            }
            divisor = a;
        }
        i64::try_from(divisor).map(Value::Int).map_err(|_| overflow(Binary::Multiply))
    });
    module.function("math.prod(iterable, /, *, start=1)", product);
    module.function("math.isclose(a, b, *, rel_tol=1e-09, abs_tol=0.0)", |_, given| {
        let [a, b, relative, absolute] = ["a", "b", "rel_tol", "abs_tol"].map(|name| given.float(name));
        let (a, b) = (a?, b?);
        let near = (a - b).abs() <= (relative? * a.abs().max(b.abs())).max(absolute?);
        Ok(Value::Bool(a == b || (near && a.is_finite() && b.is_finite())))
    });
    module
}

fn product(interpreter: &Interpreter, given: Given) -> Outcome {
    let mut total = given.value("start").clone();
    let iter = interpreter.iterate(given.value("iterable"))?;
    while let Some(item) = interpreter.next(&iter)? {
        interpreter.tick()?;
        total = interpreter.binary(Binary::Multiply, &total, &item)?;
    }
    Ok(total)
}

/// A result that is a number, unless an argument was none.
fn checked(result: f64, arguments: &[f64]) -> Outcome {
    if result.is_nan() && !arguments.iter().any(|argument| argument.is_nan()) {
        return Err(Raised::value_error("math domain error"));
    }
    if result.is_infinite() && arguments.iter().all(|argument| argument.is_finite()) {
        let zero = arguments.first().is_some_and(|first| *first <= 0.0);
        return Err(if zero {
            Raised::value_error("math domain error")
        } else {
            Raised::new(ExceptionKind::OverflowError, "math range error")
        });
    }
    Ok(Value::Float(result))
}
