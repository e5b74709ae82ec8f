//! The methods of lists and tuples.

use std::rc::Rc;

use super::super::{
    heap::drop_nested,
    kinds::{ExceptionKind, Type},
    value::{Given, Interpreter, List, NativeFunction, Outcome, Raised, Value},
};

pub(super) fn install(interpreter: &Interpreter) {
    let add = |kind: Type, signature: &'static str, run: fn(&Interpreter, &Given) -> Outcome| {
        let method = NativeFunction::new(signature, move |interpreter, given| run(interpreter, &given));
        let name = method.signature().name.rsplit('.').next().unwrap_or_default().to_string();
        interpreter.type_class(kind).attributes.set(&name, Value::NativeFunction(method));
    };
    add(Type::List, "list.append(self, object, /)", |interpreter, given| {
        let list = list(given)?;
        list.items.borrow_mut().push(given.value("object").clone());
        list.recount();
        interpreter.room(0).map(|()| Value::None)
    });
    add(Type::List, "list.extend(self, iterable, /)", |interpreter, given| {
        let more = interpreter.list_of(given.value("iterable"))?;
        interpreter.extend_list(list(given)?, more).map(|()| Value::None)
    });
    add(Type::List, "list.insert(self, index, object, /)", |interpreter, given| {
        let list = list(given)?;
        let at = clamp(interpreter.index(given.value("index"))?, list.items.borrow().len());
        interpreter.ticks(list.items.borrow().len() / 64)?;
        list.items.borrow_mut().insert(at, given.value("object").clone());
        list.recount();
        interpreter.room(0).map(|()| Value::None)
    });
    add(Type::List, "list.pop(self, index=-1, /)", |interpreter, given| {
        let list = list(given)?;
        let length = list.items.borrow().len();
        if length == 0 {
            return Err(Raised::new(ExceptionKind::IndexError, "pop from empty list"));
        }
        let at = interpreter.at("pop", given.value("index"), length)?;
        interpreter.ticks((length - at) / 64)?;
        let item = list.items.borrow_mut().remove(at);
        Ok(item)
    });
    add(Type::List, "list.remove(self, value, /)", |interpreter, given| {
        let list = list(given)?;
        match find(interpreter, &items(given)?, given.value("value"))? {
            Some(at) if at < list.items.borrow().len() => {
                let item = list.items.borrow_mut().remove(at);
                drop(item);
                Ok(Value::None)
            }
            _ => Err(Raised::value_error("list.remove(x): x not in list")),
        }
    });
    add(Type::List, "list.clear(self, /)", |_, given| {
        let list = list(given)?;
        drop_nested(list.items.take());
        list.recount();
        Ok(Value::None)
    });
    add(Type::List, "list.copy(self, /)", |interpreter, given| {
        interpreter.list_of(given.value("self")).map(Value::list)
    });
    add(Type::List, "list.reverse(self, /)", |interpreter, given| {
        let list = list(given)?;
        interpreter.ticks(list.items.borrow().len() / 16)?;
        list.items.borrow_mut().reverse();
        Ok(Value::None)
    });
    add(Type::List, "list.sort(self, /, *, key=None, reverse=False)", |interpreter, given| {
        let list = list(given)?;
        let reverse = interpreter.truth(given.value("reverse"))?;
        let sorted = interpreter.sorted(items(given)?, given.value("key"), reverse)?;
        drop_nested(list.items.replace(sorted));
        list.recount();
        Ok(Value::None)
    });
    for (kind, index, count) in [
        (Type::List, "list.index(self, value, start=0, stop=None, /)", "list.count(self, value, /)"),
        (Type::Tuple, "tuple.index(self, value, start=0, stop=None, /)", "tuple.count(self, value, /)"),
    ] {
        add(kind, index, |interpreter, given| {
            let items = items(given)?;
            let start = clamp(interpreter.index(given.value("start"))?, items.len());
            let stop = match given.some("stop") {
                Some(stop) => clamp(interpreter.index(stop)?, items.len()),
                None => items.len(),
            };
            let within = items.get(start..stop).unwrap_or_default();
            match find(interpreter, within, given.value("value"))? {
                Some(at) => Ok(Value::size(start + at)),
                None => {
                    let shown = interpreter.repr(given.value("value"))?;
                    Err(Raised::value_error(format!("{shown} is not in {}", given.value("self").type_name())))
                }
            }
        });
        add(kind, count, |interpreter, given| {
            let mut count = 0;
            for item in items(given)? {
                interpreter.tick()?;
                count += i64::from(interpreter.equal(&item, given.value("value"))?);
            }
            Ok(Value::Int(count))
        });
    }
}

fn list(given: &Given) -> Outcome<&Rc<List>> {
    match given.value("self") {
        Value::List(list) => Ok(list),
        _ => Err(given.wrong("self", "a list")),
    }
}

fn items(given: &Given) -> Outcome<Vec<Value>> {
    given.value("self").as_items().ok_or_else(|| given.wrong("self", "a list or tuple"))
}

fn find(interpreter: &Interpreter, items: &[Value], wanted: &Value) -> Outcome<Option<usize>> {
    for (at, item) in items.iter().enumerate() {
        interpreter.tick()?;
        if interpreter.equal(item, wanted)? {
            return Ok(Some(at));
        }
    }
    Ok(None)
}

fn clamp(at: i64, length: usize) -> usize {
    let size = i64::try_from(length).unwrap_or(i64::MAX);
    let at = if at < 0 { at.saturating_add(size).max(0) } else { at.min(size) };
    usize::try_from(at).unwrap_or(0)
}
