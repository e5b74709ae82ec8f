//! Built-in types as they are called: `int("3")`, `list(x)`, `zip(a, b)`.

use std::rc::Rc;

use super::super::{
    kinds::{ExceptionKind, Type},
    numbers::to_int,
    range::Range,
    table::Table,
    value::{Arguments, Dict, Given, Interpreter, NativeFunction, Outcome, Raised, Slice, Value},
};

pub(super) fn install(interpreter: &Interpreter) {
    let add = |kind: Type, signature: &'static str, run: fn(&Interpreter, &Given) -> Outcome| {
        let make = NativeFunction::value(signature, move |interpreter, given| run(interpreter, &given));
        interpreter.type_class(kind).attributes.set("__new__", make);
    };
    add(Type::Int, "int(x=0, /, base=None)", int);
    add(Type::Float, "float(x=0.0, /)", float);
    add(Type::Bool, "bool(x=False, /)", |interpreter, given| interpreter.truth(given.value("x")).map(Value::Bool));
    add(Type::Str, "str(object='')", |interpreter, given| match given.value("object") {
        Value::Str(_) => Ok(given.value("object").clone()),
        other => interpreter.display(other).map(Value::from),
    });
    add(Type::List, "list(iterable=(), /)", |interpreter, given| {
        interpreter.list_of(given.value("iterable")).map(Value::list)
    });
    add(Type::Tuple, "tuple(iterable=(), /)", |interpreter, given| match given.value("iterable") {
        Value::Tuple(_) => Ok(given.value("iterable").clone()),
        other => interpreter.list_of(other).map(Value::tuple),
    });
    add(Type::Set, "set(iterable=(), /)", |interpreter, given| {
        let items = interpreter.list_of(given.value("iterable"))?;
        interpreter.set_of(items, false).map(Value::Set)
    });
    add(Type::FrozenSet, "frozenset(iterable=(), /)", |interpreter, given| {
        let items = interpreter.list_of(given.value("iterable"))?;
        interpreter.set_of(items, true).map(Value::Set)
    });
    add(Type::Dict, "dict(iterable=(), /, **kwargs)", |interpreter, given| {
        let dict = Dict::of(Table::default());
        fill(interpreter, &dict, given.value("iterable"))?;
        for (name, value) in &given.keywords {
            interpreter.dict_set(&dict, Value::str(&**name), value.clone())?;
        }
        Ok(Value::Dict(dict))
    });
    add(Type::Range, "range(start, stop=None, step=1, /)", range);
    interpreter.built_ins.set("xrange", Value::Class(Rc::clone(interpreter.type_class(Type::Range))));
    add(Type::Slice, "slice(start, stop=None, step=None, /)", |_, given| {
        let [start, stop, step] = ["start", "stop", "step"].map(|name| given.value(name).clone());
        let slice = if given.is_written("stop") {
            Slice { start, stop, step }
        } else {
            Slice { start: Value::None, stop: start, step: Value::None }
        };
        Ok(Value::Slice(Rc::new(slice)))
    });
    add(Type::Enumerate, "enumerate(iterable, start=0)", enumerate);
    add(Type::Zip, "zip(*iterables, strict=False)", zip);
    add(Type::Map, "map(function, *iterables)", map);
    add(Type::Filter, "filter(function, iterable, /)", filter);
    add(Type::Reversed, "reversed(sequence, /)", reversed);
    add(Type::Type, "type(object, bases=None, dict=None, /)", |interpreter, given| {
        if given.is_written("bases") {
            return Err(Raised::type_error("type() with three arguments is not among what runs in a network file")
                .with_help("write a class statement"));
        }
        Ok(Value::Class(interpreter.class_of(given.value("object"))))
    });
}

/// Fills a dict with another one's entries, or with pairs.
pub(super) fn fill(interpreter: &Interpreter, dict: &Dict, from: &Value) -> Outcome<()> {
    if let Value::Dict(more) = from {
        return interpreter.dict_update(dict, more);
    }
    if let Value::Instance(instance) = from
        && instance.class.find("keys").is_some()
    {
        let keys = interpreter.call_method(from, "keys", Vec::new())?.unwrap_or(Value::None);
        for key in interpreter.list_of(&keys)? {
            let value = interpreter.item(from, &key)?;
            interpreter.dict_set(dict, key, value)?;
        }
        return Ok(());
    }
    for (at, pair) in interpreter.list_of(from)?.iter().enumerate() {
        interpreter.tick()?;
        match &interpreter.list_of(pair)?[..] {
            [key, value] => interpreter.dict_set(dict, key.clone(), value.clone())?,
            other => {
                let message =
                    format!("dictionary update sequence element #{at} has length {}; 2 is required", other.len());
                return Err(Raised::value_error(message));
            }
        }
    }
    Ok(())
}

fn int(interpreter: &Interpreter, given: &Given) -> Outcome {
    let value = given.value("x");
    let too_large = || Raised::new(ExceptionKind::OverflowError, "the number does not fit into 64 bits");
    if let Value::Str(text) = value {
        let base = given.some("base").map(|base| interpreter.index(base)).transpose()?.unwrap_or(10);
        let base = u32::try_from(base).ok().filter(|base| *base == 0 || (2..=36).contains(base));
        let base = base.ok_or_else(|| Raised::value_error("int() base must be >= 2 and <= 36, or 0"))?;
        return match parse_int(&text.text, base) {
            Some(Ok(integer)) => Ok(Value::Int(integer)),
            Some(Err(())) => Err(too_large()),
            None => {
                let shown = interpreter.repr(value)?;
                let base = if base == 0 { 10 } else { base };
                Err(Raised::value_error(format!("invalid literal for int() with base {base}: {shown}")))
            }
        };
    }
    if given.some("base").is_some() {
        return Err(Raised::type_error("int() can't convert non-string with explicit base"));
    }
    match value {
        Value::Float(number) if number.is_nan() => Err(Raised::value_error("cannot convert float NaN to integer")),
        Value::Float(number) if number.is_infinite() => {
            Err(Raised::new(ExceptionKind::OverflowError, "cannot convert float infinity to integer"))
        }
        Value::Float(number) => to_int(number.trunc()).map(Value::Int).ok_or_else(too_large),
        _ => {
            if let Some(integer) = value.as_int() {
                return Ok(Value::Int(integer));
            }
            for method in ["__int__", "__index__", "__trunc__"] {
                if let Some(answer) = interpreter.call_special(value, method, Vec::new())? {
                    return interpreter.index(&answer).map(Value::Int);
                }
            }
            let message = format!("int() argument must be a string or a real number, not '{}'", value.type_name());
            Err(Raised::type_error(message))
        }
    }
}

/// `Some(Err)` for a number that is one, but too large.
fn parse_int(text: &str, base: u32) -> Option<Result<i64, ()>> {
    let text = text.trim();
    let (negative, digits) = match text.strip_prefix(['+', '-']) {
        Some(rest) => (text.starts_with('-'), rest),
        None => (false, text),
    };
    let lower = digits.to_lowercase();
    let (base, digits) = match (base, lower.get(..2)) {
        (0 | 16, Some("0x")) => (16, &lower[2..]),
        (0 | 8, Some("0o")) => (8, &lower[2..]),
        (0 | 2, Some("0b")) => (2, &lower[2..]),
        (0, _) => (10, lower.as_str()),
        (base, _) => (base, lower.as_str()),
    };
    let plain = digits.replace('_', "");
    let well_placed = !digits.starts_with('_') && !digits.ends_with('_') && !digits.contains("__");
    if plain.is_empty() || !well_placed || !plain.chars().all(|digit| digit.is_digit(base)) {
        return None;
    }
    let signed = if negative { format!("-{plain}") } else { plain };
    Some(i64::from_str_radix(&signed, base).map_err(|_| ()))
}

fn float(interpreter: &Interpreter, given: &Given) -> Outcome {
    let value = given.value("x");
    if let Some(number) = value.as_float() {
        return Ok(Value::Float(number));
    }
    if let Value::Str(text) = value {
        let plain = text.text.trim().to_lowercase();
        let unsigned = plain.trim_start_matches(['+', '-']);
        let word = matches!(unsigned, "inf" | "infinity" | "nan");
        let number = unsigned.starts_with(|letter: char| letter.is_ascii_digit() || letter == '.')
            && !plain.starts_with('_')
            && !plain.ends_with('_')
            && !plain.contains("__");
        if (word || number)
            && let Ok(number) = plain.replace('_', "").parse::<f64>()
        {
            return Ok(Value::Float(number));
        }
        let shown = interpreter.repr(value)?;
        return Err(Raised::value_error(format!("could not convert string to float: {shown}")));
    }
    for method in ["__float__", "__index__"] {
        if let Some(answer) = interpreter.call_special(value, method, Vec::new())? {
            return answer
                .as_float()
                .map(Value::Float)
                .ok_or_else(|| Raised::type_error(format!("{method} returned no number")));
        }
    }
    let message = format!("float() argument must be a string or a real number, not '{}'", value.type_name());
    Err(Raised::type_error(message))
}

fn range(interpreter: &Interpreter, given: &Given) -> Outcome {
    let number = |name: &str| interpreter.index(given.value(name));
    let step = number("step")?;
    if step == 0 {
        return Err(Raised::value_error("range() arg 3 must not be zero"));
    }
    let (start, stop) =
        if given.is_written("stop") { (number("start")?, number("stop")?) } else { (0, number("start")?) };
    Ok(Value::Range(Rc::new(Range { start, stop, step })))
}

fn enumerate(interpreter: &Interpreter, given: &Given) -> Outcome {
    let iter = interpreter.iterate(given.value("iterable"))?;
    let mut count = interpreter.index(given.value("start"))?;
    Ok(Value::iterator("enumerate", move |interpreter| {
        let Some(item) = interpreter.next(&iter)? else { return Ok(None) };
        let pair = Value::tuple(vec![Value::Int(count), item]);
        count = count.wrapping_add(1);
        Ok(Some(pair))
    }))
}

fn zip(interpreter: &Interpreter, given: &Given) -> Outcome {
    let iters = given.rest.iter().map(|one| interpreter.iterate(one)).collect::<Outcome<Vec<_>>>()?;
    let strict = interpreter.truth(given.value("strict"))?;
    Ok(Value::iterator("zip", move |interpreter| {
        let mut items = Vec::with_capacity(iters.len());
        for (at, iter) in iters.iter().enumerate() {
            match interpreter.next(iter)? {
                Some(item) => items.push(item),
                None if strict && at > 0 => {
                    return Err(Raised::value_error(format!(
                        "zip() argument {} is shorter than argument {at}",
                        at + 1
                    )));
                }
                None if strict => {
                    for (at, iter) in iters.iter().enumerate().skip(1) {
                        if interpreter.next(iter)?.is_some() {
                            let message = format!("zip() argument {} is longer than argument {at}", at + 1);
                            return Err(Raised::value_error(message));
                        }
                    }
                    return Ok(None);
                }
                None => return Ok(None),
            }
        }
        Ok(if items.is_empty() { None } else { Some(Value::tuple(items)) })
    }))
}

fn map(interpreter: &Interpreter, given: &Given) -> Outcome {
    if given.rest.is_empty() {
        return Err(Raised::type_error("map() must have at least two arguments."));
    }
    let iters = given.rest.iter().map(|one| interpreter.iterate(one)).collect::<Outcome<Vec<_>>>()?;
    let function = given.value("function").clone();
    Ok(Value::iterator("map", move |interpreter| {
        let mut items = Vec::with_capacity(iters.len());
        for iter in &iters {
            match interpreter.next(iter)? {
                Some(item) => items.push(item),
                None => return Ok(None),
            }
        }
        interpreter.call(&function, Arguments::of(items)).map(Some)
    }))
}

fn filter(interpreter: &Interpreter, given: &Given) -> Outcome {
    let iter = interpreter.iterate(given.value("iterable"))?;
    let function = given.value("function").clone();
    Ok(Value::iterator("filter", move |interpreter| {
        while let Some(item) = interpreter.next(&iter)? {
            interpreter.tick()?;
            let answer = if function.is_none() {
                item.clone()
            } else {
                interpreter.call(&function, Arguments::of(vec![item.clone()]))?
            };
            if interpreter.truth(&answer)? {
                return Ok(Some(item));
            }
        }
        Ok(None)
    }))
}

fn reversed(interpreter: &Interpreter, given: &Given) -> Outcome {
    let sequence = given.value("sequence");
    if let Some(answer) = interpreter.call_special(sequence, "__reversed__", Vec::new())? {
        return Ok(answer);
    }
    if matches!(sequence, Value::Set(_) | Value::Iterator(_)) {
        return Err(Raised::type_error(format!("'{}' object is not reversible", sequence.type_name())));
    }
    if let Value::Range(range) = sequence {
        let (range, mut left) = (Rc::clone(range), range.len());
        return Ok(Value::iterator("range_iterator", move |_| {
            let at = left.checked_sub(1);
            left = at.unwrap_or(0);
            Ok(at.and_then(|at| range.get(at)).map(Value::Int))
        }));
    }
    let mut items = interpreter.list_of(sequence)?.into_iter().rev();
    Ok(Value::iterator("reversed", move |_| Ok(items.next())))
}
