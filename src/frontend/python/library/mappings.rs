//! The methods of dicts and sets, and the views of a dict.

use std::rc::Rc;

use super::{
    super::{
        heap::drop_nested,
        kinds::{Binary, Comparison, ExceptionKind, Type},
        value::{Dict, Given, Interpreter, Native, NativeFunction, Outcome, Raised, Set, Value},
    },
    types::fill,
};

pub(super) fn install(interpreter: &Interpreter) {
    let add = |kind: Type, signature: &'static str, run: fn(&Interpreter, &Given) -> Outcome| {
        let method = NativeFunction::new(signature, move |interpreter, given| run(interpreter, &given));
        let name = method.signature().name.rsplit('.').next().unwrap_or_default().to_string();
        interpreter.type_class(kind).attributes.set(&name, Value::NativeFunction(method));
    };
    for (signature, part) in [
        ("dict.keys(self, /)", Part::Keys),
        ("dict.values(self, /)", Part::Values),
        ("dict.items(self, /)", Part::Items),
    ] {
        let method = NativeFunction::new(signature, move |_, given| {
            Ok(Value::native(View { dict: Rc::clone(dict(&given)?), part }))
        });
        let name = method.signature().name.rsplit('.').next().unwrap_or_default().to_string();
        interpreter.type_class(Type::Dict).attributes.set(&name, Value::NativeFunction(method));
    }
    add(Type::Dict, "dict.get(self, key, default=None, /)", |interpreter, given| {
        let found = interpreter.dict_get(dict(given)?, given.value("key"))?;
        Ok(found.unwrap_or_else(|| given.value("default").clone()))
    });
    add(Type::Dict, "dict.setdefault(self, key, default=None, /)", |interpreter, given| {
        let dict = dict(given)?;
        if let Some(found) = interpreter.dict_get(dict, given.value("key"))? {
            return Ok(found);
        }
        interpreter.dict_set(dict, given.value("key").clone(), given.value("default").clone())?;
        Ok(given.value("default").clone())
    });
    add(Type::Dict, "dict.pop(self, key, default=None, /)", |interpreter, given| {
        match interpreter.dict_remove(dict(given)?, given.value("key"))? {
            Some(found) => Ok(found),
            None if given.is_written("default") => Ok(given.value("default").clone()),
            None => Err(interpreter.key_error(given.value("key"))),
        }
    });
    add(Type::Dict, "dict.popitem(self, /)", |_, given| {
        let dict = dict(given)?;
        let last = dict.table.borrow().last();
        let removed = last.and_then(|at| dict.table.borrow_mut().remove(at));
        dict.recount();
        match removed {
            Some((key, value)) => Ok(Value::tuple(vec![key, value])),
            None => Err(Raised::new(ExceptionKind::KeyError, "popitem(): dictionary is empty")),
        }
    });
    add(Type::Dict, "dict.update(self, other=(), /, **kwargs)", |interpreter, given| {
        let dict = dict(given)?;
        fill(interpreter, dict, given.value("other"))?;
        for (name, value) in &given.keywords {
            interpreter.dict_set(dict, Value::str(&**name), value.clone())?;
        }
        Ok(Value::None)
    });
    add(Type::Dict, "dict.clear(self, /)", |_, given| {
        let dict = dict(given)?;
        drop_nested(dict.table.take());
        dict.recount();
        Ok(Value::None)
    });
    add(Type::Dict, "dict.copy(self, /)", |interpreter, given| {
        let table = dict(given)?.table.borrow().clone();
        interpreter.room(table.bytes())?;
        Ok(Value::Dict(Dict::of(table)))
    });
    let from_keys = NativeFunction::value("dict.fromkeys(iterable, value=None, /)", |interpreter, given| {
        let keys = interpreter.list_of(given.value("iterable"))?;
        interpreter.dict_of(keys.into_iter().map(|key| (key, given.value("value").clone())))
    });
    interpreter.type_class(Type::Dict).attributes.set("fromkeys", from_keys);
    sets(&add, Type::Set);
    changes(&add);
    frozen(&add);
}

type Run = fn(&Interpreter, &Given) -> Outcome;

fn frozen(add: &dyn Fn(Type, &'static str, Run)) {
    sets(add, Type::FrozenSet);
}

fn sets(add: &dyn Fn(Type, &'static str, Run), kind: Type) {
    add(kind, "set.union(self, /, *others)", |interpreter, given| combined(interpreter, given, Binary::Or));
    add(kind, "set.intersection(self, /, *others)", |interpreter, given| combined(interpreter, given, Binary::And));
    add(kind, "set.difference(self, /, *others)", |interpreter, given| combined(interpreter, given, Binary::Subtract));
    add(kind, "set.symmetric_difference(self, other, /)", |interpreter, given| {
        let other = as_set(interpreter, given.value("other"))?;
        interpreter.set_operation(Binary::ExclusiveOr, set(given)?, &other).map(Value::Set)
    });
    add(kind, "set.issubset(self, other, /)", |interpreter, given| related(interpreter, given, Comparison::LessEqual));
    add(kind, "set.issuperset(self, other, /)", |interpreter, given| {
        related(interpreter, given, Comparison::GreaterEqual)
    });
    add(kind, "set.isdisjoint(self, other, /)", |interpreter, given| {
        let other = as_set(interpreter, given.value("other"))?;
        let both = interpreter.set_operation(Binary::And, set(given)?, &other)?;
        Ok(Value::Bool(both.table.borrow().is_empty()))
    });
    add(kind, "set.copy(self, /)", |interpreter, given| {
        let set = set(given)?;
        interpreter.set_of(interpreter.set_items(set), set.frozen).map(Value::Set)
    });
}

fn changes(add: &dyn Fn(Type, &'static str, Run)) {
    add(Type::Set, "set.add(self, item, /)", |interpreter, given| {
        interpreter.set_insert(set(given)?, given.value("item").clone()).map(|()| Value::None)
    });
    add(Type::Set, "set.discard(self, item, /)", |interpreter, given| {
        interpreter.set_remove(set(given)?, given.value("item")).map(|_| Value::None)
    });
    add(Type::Set, "set.remove(self, item, /)", |interpreter, given| {
        if interpreter.set_remove(set(given)?, given.value("item"))? {
            Ok(Value::None)
        } else {
            Err(interpreter.key_error(given.value("item")))
        }
    });
    add(Type::Set, "set.pop(self, /)", |_, given| {
        let set = set(given)?;
        let first = set.table.borrow().live_from(0);
        let removed = first.and_then(|at| set.table.borrow_mut().remove(at));
        set.recount();
        removed.map(|(item, ())| item).ok_or_else(|| Raised::new(ExceptionKind::KeyError, "pop from an empty set"))
    });
    add(Type::Set, "set.clear(self, /)", |_, given| {
        let set = set(given)?;
        drop_nested(set.table.take());
        set.recount();
        Ok(Value::None)
    });
    add(Type::Set, "set.update(self, /, *others)", |interpreter, given| {
        let set = set(given)?;
        for other in &given.rest {
            for item in interpreter.list_of(other)? {
                interpreter.tick()?;
                interpreter.set_insert(set, item)?;
            }
        }
        Ok(Value::None)
    });
    add(Type::Set, "set.difference_update(self, /, *others)", |interpreter, given| {
        let set = set(given)?;
        for other in &given.rest {
            for item in interpreter.list_of(other)? {
                interpreter.tick()?;
                interpreter.set_remove(set, &item)?;
            }
        }
        Ok(Value::None)
    });
}

fn combined(interpreter: &Interpreter, given: &Given, operator: Binary) -> Outcome {
    let mut result = Rc::clone(set(given)?);
    if given.rest.is_empty() {
        return interpreter.set_of(interpreter.set_items(&result), result.frozen).map(Value::Set);
    }
    for other in &given.rest {
        let other = as_set(interpreter, other)?;
        result = interpreter.set_operation(operator, &result, &other)?;
    }
    Ok(Value::Set(result))
}

fn related(interpreter: &Interpreter, given: &Given, comparison: Comparison) -> Outcome {
    let other = as_set(interpreter, given.value("other"))?;
    interpreter.compare(comparison, given.value("self"), &Value::Set(other))
}

fn as_set(interpreter: &Interpreter, value: &Value) -> Outcome<Rc<Set>> {
    match value {
        Value::Set(set) => Ok(Rc::clone(set)),
        other => interpreter.set_of(interpreter.list_of(other)?, false),
    }
}

fn set(given: &Given) -> Outcome<&Rc<Set>> {
    match given.value("self") {
        Value::Set(set) => Ok(set),
        _ => Err(given.wrong("self", "a set")),
    }
}

fn dict(given: &Given) -> Outcome<&Rc<Dict>> {
    match given.value("self") {
        Value::Dict(dict) => Ok(dict),
        _ => Err(given.wrong("self", "a dict")),
    }
}

/// Which part of a dict a view shows.
#[derive(Clone, Copy, PartialEq)]
enum Part {
    Keys,
    Values,
    Items,
}

/// `d.keys()`, `d.values()`, `d.items()`: they follow the dict.
struct View {
    dict: Rc<Dict>,
    part: Part,
}

impl View {
    fn list(&self) -> Vec<Value> {
        let table = self.dict.table.borrow();
        let item = |key: &Value, value: &Value| match self.part {
            Part::Keys => key.clone(),
            Part::Values => value.clone(),
            Part::Items => Value::tuple(vec![key.clone(), value.clone()]),
        };
        table.iter().map(|entry| item(&entry.key, &entry.value)).collect()
    }
}

impl Native for View {
    fn type_name(&self) -> &str {
        match self.part {
            Part::Keys => "dict_keys",
            Part::Values => "dict_values",
            Part::Items => "dict_items",
        }
    }

    fn shown(&self, interpreter: &Interpreter) -> Outcome<Option<String>> {
        let items = interpreter.repr(&Value::list(self.list()))?;
        Ok(Some(format!("{}({items})", self.type_name())))
    }

    fn length(&self, _: &Interpreter) -> Outcome<Option<usize>> {
        Ok(Some(self.dict.table.borrow().len()))
    }

    fn items(self: Rc<Self>, interpreter: &Interpreter) -> Outcome<Option<Vec<Value>>> {
        interpreter.room_for(self.dict.table.borrow().len(), 64)?;
        Ok(Some(self.list()))
    }

    fn contains(&self, item: &Value, interpreter: &Interpreter) -> Outcome<Option<bool>> {
        match self.part {
            Part::Keys => Ok(Some(interpreter.dict_get(&self.dict, item)?.is_some())),
            _ => Ok(None),
        }
    }

    fn truth(&self, _: &Interpreter) -> Outcome<bool> {
        Ok(!self.dict.table.borrow().is_empty())
    }

    fn binary(
        self: Rc<Self>,
        operator: Binary,
        other: &Value,
        reflected: bool,
        interpreter: &Interpreter,
    ) -> Outcome<Option<Value>> {
        let operates = matches!(operator, Binary::And | Binary::Or | Binary::Subtract | Binary::ExclusiveOr);
        if !operates || self.part == Part::Values {
            return Ok(None);
        }
        let own = interpreter.set_of(self.list(), false)?;
        let other = as_set(interpreter, other)?;
        let (a, b) = if reflected { (&other, &own) } else { (&own, &other) };
        interpreter.set_operation(operator, a, b).map(|set| Some(Value::Set(set)))
    }

    fn compare(
        self: Rc<Self>,
        comparison: Comparison,
        other: &Value,
        interpreter: &Interpreter,
    ) -> Outcome<Option<Value>> {
        let other = match other {
            Value::Set(set) => Rc::clone(set),
            _ => match other.as_native::<View>() {
                Some(view) if view.part != Part::Values => interpreter.set_of(view.list(), false)?,
                _ => return Ok(None),
            },
        };
        if self.part == Part::Values {
            return Ok(None);
        }
        let own = interpreter.set_of(self.list(), false)?;
        interpreter.compare(comparison, &Value::Set(own), &Value::Set(other)).map(Some)
    }
}
