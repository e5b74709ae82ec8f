//! Built-in functions.

use std::{cmp::Ordering, rc::Rc};

use super::super::{
    kinds::{Binary, ExceptionKind, Unary},
    numbers::{Number, overflow, to_int},
    show,
    value::{Given, Interpreter, NativeFunction, Outcome, Raised, Value},
};

/// Letters that wait for the end of their line.
const LONGEST_LINE: usize = 64 << 10;

pub(super) fn install(interpreter: &Interpreter) {
    let add = |signature: &'static str, run: fn(&Interpreter, &Given) -> Outcome| {
        let function = NativeFunction::new(signature, move |interpreter, given| run(interpreter, &given));
        let name = Rc::clone(&function.signature().name);
        interpreter.built_ins.set(&name, Value::NativeFunction(function));
    };
    add("print(*values, sep=None, end=None, file=None, flush=False)", print);
    add("len(obj, /)", |interpreter, given| interpreter.length(given.value("obj")).map(Value::size));
    add("abs(x, /)", |interpreter, given| interpreter.unary(Unary::Absolute, given.value("x")));
    add("repr(obj, /)", |interpreter, given| interpreter.repr(given.value("obj")).map(Value::from));
    add("ascii(obj, /)", |interpreter, given| Ok(Value::from(show::ascii(&interpreter.repr(given.value("obj"))?))));
    add("format(value, format_spec='', /)", |interpreter, given| {
        interpreter.format(given.value("value"), given.str("format_spec")?).map(Value::from)
    });
    add("isinstance(obj, class_or_tuple, /)", |interpreter, given| {
        interpreter.is_instance(given.value("obj"), given.value("class_or_tuple")).map(Value::Bool)
    });
    add("issubclass(cls, class_or_tuple, /)", |interpreter, given| {
        interpreter.is_subclass(given.value("cls"), given.value("class_or_tuple")).map(Value::Bool)
    });
    add("callable(obj, /)", |_, given| {
        Ok(Value::Bool(match given.value("obj") {
            Value::Function(_) | Value::NativeFunction(_) | Value::Method(_) | Value::Class(_) | Value::Native(_) => {
                true
            }
            Value::Instance(instance) => instance.class.find("__call__").is_some(),
            _ => false,
        }))
    });
    add("getattr(obj, name, default=None, /)", |interpreter, given| {
        let found = attribute_or_none(interpreter, given.value("obj"), given.str("name")?);
        match found {
            Ok(Some(found)) => Ok(found),
            Ok(None) if given.is_written("default") => Ok(given.value("default").clone()),
            Ok(None) => interpreter.attribute(given.value("obj"), given.str("name")?),
            Err(raised) => Err(raised),
        }
    });
    add("hasattr(obj, name, /)", |interpreter, given| {
        attribute_or_none(interpreter, given.value("obj"), given.str("name")?).map(|found| Value::Bool(found.is_some()))
    });
    add("setattr(obj, name, value, /)", |interpreter, given| {
        let value = given.value("value").clone();
        interpreter.set_attribute(given.value("obj"), given.str("name")?, value).map(|()| Value::None)
    });
    add("delattr(obj, name, /)", |interpreter, given| {
        interpreter.delete_attribute(given.value("obj"), given.str("name")?).map(|()| Value::None)
    });
    add("dir(obj, /)", |interpreter, given| {
        let mut names: Vec<String> =
            interpreter.attribute_names(given.value("obj")).iter().map(ToString::to_string).collect();
        names.sort();
        names.dedup();
        Ok(Value::list(names.into_iter().map(Value::from).collect()))
    });
    add("hash(obj, /)", |interpreter, given| {
        let value = given.value("obj");
        Ok(Value::Int(match value {
            Value::Int(integer) => *integer,
            Value::Float(number) if to_int(*number).is_some() => to_int(*number).unwrap_or(0),
            _ => i64::from_ne_bytes(interpreter.hash(value)?.to_ne_bytes()),
        }))
    });
    add("id(obj, /)", |_, given| Ok(Value::size(given.value("obj").address().unwrap_or(0))));
    add("iter(iterable, /)", |interpreter, given| interpreter.iterate(given.value("iterable")).map(Value::Iterator));
    add("next(iterator, default=None, /)", next);
    add("all(iterable, /)", |interpreter, given| quantifier(interpreter, given, false));
    add("any(iterable, /)", |interpreter, given| quantifier(interpreter, given, true));
    add("sum(iterable, /, start=0)", sum);
    add("min(*values, key=None, default=None)", |interpreter, given| extreme(interpreter, given, Ordering::Less));
    add("max(*values, key=None, default=None)", |interpreter, given| extreme(interpreter, given, Ordering::Greater));
    add("sorted(iterable, /, *, key=None, reverse=False)", |interpreter, given| {
        let items = interpreter.list_of(given.value("iterable"))?;
        let reverse = interpreter.truth(given.value("reverse"))?;
        interpreter.sorted(items, given.value("key"), reverse).map(Value::list)
    });
    add("round(number, ndigits=None)", round);
    add("pow(base, exp, mod=None)", |interpreter, given| {
        if let (Some(base), Some(exponent), Some(modulus)) =
            (given.value("base").as_int(), given.value("exp").as_int(), given.value("mod").as_int())
            && exponent >= 0
            && modulus != 0
        {
            return Ok(Value::Int(power_modulo(base, exponent, modulus)));
        }
        let power = interpreter.binary(Binary::Power, given.value("base"), given.value("exp"))?;
        match given.some("mod") {
            Some(modulus) => interpreter.binary(Binary::Modulo, &power, modulus),
            None => Ok(power),
        }
    });
    add("divmod(x, y, /)", |interpreter, given| {
        let quotient = interpreter.binary(Binary::FloorDivide, given.value("x"), given.value("y"))?;
        let rest = interpreter.binary(Binary::Modulo, given.value("x"), given.value("y"))?;
        Ok(Value::tuple(vec![quotient, rest]))
    });
    add("chr(i, /)", |interpreter, given| {
        let code = interpreter.index(given.value("i"))?;
        let letter = u32::try_from(code).ok().and_then(char::from_u32);
        letter
            .map(|letter| Value::from(letter.to_string()))
            .ok_or_else(|| Raised::value_error("chr() arg not in range(0x110000)"))
    });
    add("ord(c, /)", |_, given| {
        let mut letters = given.str("c")?.chars();
        match (letters.next(), letters.next()) {
            (Some(letter), None) => Ok(Value::Int(i64::from(u32::from(letter)))),
            _ => Err(Raised::type_error("ord() expected a character, but found a string of another length")),
        }
    });
    add("bin(number, /)", |interpreter, given| digits(interpreter, given, "#b"));
    add("oct(number, /)", |interpreter, given| digits(interpreter, given, "#o"));
    add("hex(number, /)", |interpreter, given| digits(interpreter, given, "#x"));
}

/// `base ** exponent % modulus` without the large number between; the result has the modulus's sign.
fn power_modulo(base: i64, mut exponent: i64, modulus: i64) -> i64 {
    let modulus = i128::from(modulus);
    let (mut result, mut factor) = (1_i128.rem_euclid(modulus), i128::from(base).rem_euclid(modulus));
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = (result * factor).rem_euclid(modulus);
        }
        factor = (factor * factor).rem_euclid(modulus);
        exponent >>= 1;
    }
    let signed = if modulus < 0 && result != 0 { result + modulus } else { result };
    i64::try_from(signed).unwrap_or(0)
}

fn digits(interpreter: &Interpreter, given: &Given, spec: &str) -> Outcome {
    let number = interpreter.index(given.value("number"))?;
    interpreter.format(&Value::Int(number), spec).map(Value::from)
}

fn attribute_or_none(interpreter: &Interpreter, value: &Value, name: &str) -> Outcome<Option<Value>> {
    match interpreter.find_attribute(value, name) {
        Err(mut raised) if !raised.is_end() => {
            let class = interpreter.built_ins.get("AttributeError").unwrap_or(Value::None);
            let exception = interpreter.caught(&mut raised);
            if interpreter.matches_exception(&exception, &class)? { Ok(None) } else { Err(raised) }
        }
        other => other,
    }
}

fn print(interpreter: &Interpreter, given: &Given) -> Outcome {
    let separator = given.some("sep").map_or(Ok(" "), |_| given.str("sep"))?;
    let end = given.some("end").map_or(Ok("\n"), |_| given.str("end"))?;
    let mut text = String::new();
    for (at, value) in given.rest.iter().enumerate() {
        text.push_str(if at > 0 { separator } else { "" });
        text.push_str(&interpreter.display(value)?);
        interpreter.room(text.len())?;
    }
    text.push_str(end);
    let mut printed = interpreter.printed.take();
    printed.push_str(&text);
    let mut rest = printed.as_str();
    while let Some((line, after)) = rest.split_once('\n') {
        interpreter.print_line(line);
        rest = after;
    }
    if rest.len() > LONGEST_LINE {
        interpreter.print_line(rest);
        rest = "";
    }
    *interpreter.printed.borrow_mut() = rest.to_string();
    Ok(Value::None)
}

fn next(interpreter: &Interpreter, given: &Given) -> Outcome {
    let iterator = given.value("iterator");
    let item = match iterator {
        Value::Iterator(iter) => interpreter.next(iter)?,
        Value::Instance(_) => match interpreter.call_special(iterator, "__next__", Vec::new()) {
            Err(raised) if raised.is_end() || !given.is_written("default") => return Err(raised),
            Err(_) => None,
            Ok(None) => return Err(not_an_iterator(iterator)),
            Ok(item) => item,
        },
        other => return Err(not_an_iterator(other)),
    };
    match item {
        Some(item) => Ok(item),
        None if given.is_written("default") => Ok(given.value("default").clone()),
        None => Err(Raised::new(ExceptionKind::StopIteration, "")),
    }
}

fn not_an_iterator(value: &Value) -> Raised {
    Raised::type_error(format!("'{}' object is not an iterator", value.type_name())).with_help("write next(iter(x))")
}

fn quantifier(interpreter: &Interpreter, given: &Given, until: bool) -> Outcome {
    let iter = interpreter.iterate(given.value("iterable"))?;
    while let Some(item) = interpreter.next(&iter)? {
        interpreter.tick()?;
        if interpreter.truth(&item)? == until {
            return Ok(Value::Bool(until));
        }
    }
    Ok(Value::Bool(!until))
}

fn sum(interpreter: &Interpreter, given: &Given) -> Outcome {
    let mut total = given.value("start").clone();
    if matches!(total, Value::Str(_)) {
        return Err(Raised::type_error("sum() can't sum strings").with_help("write ''.join(parts)"));
    }
    let iter = interpreter.iterate(given.value("iterable"))?;
    while let Some(item) = interpreter.next(&iter)? {
        interpreter.tick()?;
        total = interpreter.binary(Binary::Add, &total, &item)?;
    }
    Ok(total)
}

fn extreme(interpreter: &Interpreter, given: &Given, wanted: Ordering) -> Outcome {
    let name = if wanted == Ordering::Less { "min" } else { "max" };
    let items = match &given.rest[..] {
        [] => return Err(Raised::type_error(format!("{name} expected at least 1 argument, got 0"))),
        [one] => interpreter.list_of(one)?,
        several => several.to_vec(),
    };
    match interpreter.extreme(items, given.value("key"), wanted)? {
        Some(best) => Ok(best),
        None if given.is_written("default") => Ok(given.value("default").clone()),
        None => Err(Raised::value_error(format!("{name}() arg is an empty sequence"))),
    }
}

/// Rounds half to even, as Python does.
fn round(interpreter: &Interpreter, given: &Given) -> Outcome {
    let value = given.value("number");
    let digits = given.some("ndigits").map(|digits| interpreter.index(digits)).transpose()?;
    match (Number::of(value), digits) {
        (Some(Number::Int(integer)), None) => Ok(Value::Int(integer)),
        (Some(Number::Int(integer)), Some(digits)) if digits >= 0 => Ok(Value::Int(integer)),
        (Some(Number::Int(integer)), Some(digits)) => {
            let unit = u32::try_from(-digits).ok().and_then(|digits| 10_i64.checked_pow(digits));
            let Some(unit) = unit else { return Ok(Value::Int(0)) };
            let (low, rest) = (integer.div_euclid(unit), integer.rem_euclid(unit));
            let up = match (rest * 2).cmp(&unit) {
                Ordering::Greater => true,
                Ordering::Equal => low % 2 != 0,
                Ordering::Less => false,
            };
            let rounded = low.checked_add(i64::from(up)).and_then(|low| low.checked_mul(unit));
            rounded.map(Value::Int).ok_or_else(|| overflow(Binary::Multiply))
        }
        (Some(Number::Float(number)), None) => {
            if !number.is_finite() {
                return Err(Raised::value_error("cannot convert float NaN or infinity to integer"));
            }
            let rounded = to_int(number.round_ties_even());
            rounded
                .map(Value::Int)
                .ok_or_else(|| Raised::new(ExceptionKind::OverflowError, "the number has more than 64 bits"))
        }
        (Some(Number::Float(number)), Some(digits)) => Ok(Value::Float(round_float(number, digits))),
        (None, _) => {
            let arguments = given.some("ndigits").cloned().into_iter().collect();
            interpreter.call_special(value, "__round__", arguments)?.ok_or_else(|| {
                Raised::type_error(format!("type {} doesn't define __round__ method", value.type_name()))
            })
        }
    }
}

fn round_float(number: f64, digits: i64) -> f64 {
    match usize::try_from(digits) {
        _ if !number.is_finite() || number == 0.0 => number,
        // The decimal text is exact, so that halves are what they are in binary.
        Ok(digits) if digits < 330 => format!("{number:.digits$}").parse().unwrap_or(number),
        Ok(_) => number,
        Err(_) if digits < -310 => 0.0_f64.copysign(number),
        Err(_) => {
            let unit = 10.0_f64.powi(i32::try_from(-digits).unwrap_or(310));
            (number / unit).round_ties_even() * unit
        }
    }
}
