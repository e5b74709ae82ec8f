//! Iteration: how each kind of value is walked.

use std::rc::Rc;

use super::{
    kinds::{ExceptionKind, Type},
    value::{Interpreter, Iter, Outcome, Raised, Value},
};

impl Interpreter {
    /// `iter(value)`.
    ///
    /// # Errors
    /// `TypeError` when it is not iterable, or with the reason that a native object gives.
    pub fn iterate(&self, value: &Value) -> Outcome<Rc<Iter>> {
        let made = match value {
            Value::Iterator(iter) => return Ok(Rc::clone(iter)),
            Value::List(list) => {
                let (list, mut at) = (Rc::clone(list), 0);
                Value::iterator("list_iterator", move |_| {
                    let item = list.items.borrow().get(at).cloned();
                    at += 1;
                    Ok(item)
                })
            }
            Value::Tuple(tuple) => {
                let (tuple, mut at) = (Rc::clone(tuple), 0);
                Value::iterator("tuple_iterator", move |_| {
                    at += 1;
                    Ok(tuple.items.get(at - 1).cloned())
                })
            }
            Value::Str(text) => {
                let (text, mut at) = (Rc::clone(text), 0);
                Value::iterator("str_iterator", move |_| {
                    let letter = text.text[at..].chars().next();
                    at += letter.map_or(0, char::len_utf8);
                    Ok(letter.map(|letter| Value::str(letter.to_string())))
                })
            }
            Value::Range(range) => {
                let (range, mut at) = (Rc::clone(range), 0);
                Value::iterator("range_iterator", move |_| {
                    at += 1;
                    Ok(range.get(at - 1).map(Value::Int))
                })
            }
            Value::Dict(dict) => {
                let (dict, mut at, before) = (Rc::clone(dict), 0, dict.table.borrow().len());
                Value::iterator("dict_keyiterator", move |_| {
                    let table = dict.table.borrow();
                    if table.len() != before {
                        let message = "dictionary changed size during iteration";
                        return Err(Raised::new(ExceptionKind::RuntimeError, message)
                            .with_help("walk a copy: for key in list(d)"));
                    }
                    let Some(found) = table.live_from(at) else { return Ok(None) };
                    at = found + 1;
                    Ok(table.entry(found).map(|entry| entry.key.clone()))
                })
            }
            Value::Set(set) => {
                let (set, mut at, before) = (Rc::clone(set), 0, set.table.borrow().len());
                Value::iterator("set_iterator", move |_| {
                    let table = set.table.borrow();
                    if table.len() != before {
                        let message = "Set changed size during iteration";
                        return Err(Raised::new(ExceptionKind::RuntimeError, message));
                    }
                    let Some(found) = table.live_from(at) else { return Ok(None) };
                    at = found + 1;
                    Ok(table.entry(found).map(|entry| entry.key.clone()))
                })
            }
            Value::Native(object) => {
                let items = Rc::clone(object).items(self)?.ok_or_else(|| not_iterable(value))?;
                let mut items = items.into_iter();
                Value::iterator("iterator", move |_| Ok(items.next()))
            }
            Value::Instance(_) => return self.iterate_instance(value),
            _ => return Err(not_iterable(value)),
        };
        match made {
            Value::Iterator(iter) => Ok(iter),
            _ => Err(not_iterable(value)),
        }
    }

    fn iterate_instance(&self, value: &Value) -> Outcome<Rc<Iter>> {
        let made = if let Some(answer) = self.call_special(value, "__iter__", Vec::new())? {
            match &answer {
                Value::Iterator(iter) => return Ok(Rc::clone(iter)),
                Value::Instance(instance) if instance.class.find("__next__").is_some() => {
                    Value::iterator("iterator", move |interpreter| {
                        end_of(
                            interpreter.call_special(&answer, "__next__", Vec::new()),
                            ExceptionKind::StopIteration,
                            interpreter,
                        )
                    })
                }
                other => {
                    let message = format!("iter() returned non-iterator of type '{}'", other.type_name());
                    return Err(Raised::type_error(message));
                }
            }
        } else if let Value::Instance(instance) = value
            && instance.class.find("__getitem__").is_some()
        {
            let (value, mut at) = (value.clone(), 0);
            Value::iterator("iterator", move |interpreter| {
                at += 1;
                let item = interpreter.call_special(&value, "__getitem__", vec![Value::Int(at - 1)]);
                end_of(item, ExceptionKind::IndexError, interpreter)
            })
        } else {
            return Err(not_iterable(value));
        };
        match made {
            Value::Iterator(iter) => Ok(iter),
            _ => Err(not_iterable(value)),
        }
    }

    /// The next item of an iterator; `None` at its end, and for ever after.
    ///
    /// # Errors
    /// What the iteration raises.
    pub fn next(&self, iter: &Iter) -> Outcome<Option<Value>> {
        let Some(mut step) = iter.step.take() else { return Ok(None) };
        let item = self.deeper(|| step(self));
        if matches!(item, Ok(Some(_))) {
            // Unless the step emptied or replaced it: an interpreter that ends empties its iterators.
            *iter.step.borrow_mut() = Some(step);
        }
        item
    }

    /// All items of a value.
    ///
    /// # Errors
    /// `TypeError` when it is not iterable; the end of the run when they do not fit.
    pub fn list_of(&self, value: &Value) -> Outcome<Vec<Value>> {
        match value {
            Value::List(_) | Value::Tuple(_) => {
                let items = value.as_items().unwrap_or_default();
                self.room_for(items.len(), size_of::<Value>())?;
                self.ticks(items.len())?;
                return Ok(items);
            }
            Value::Range(range) => self.room_for(range.len(), size_of::<Value>())?,
            _ => {}
        }
        let iter = self.iterate(value)?;
        let mut items = Vec::new();
        while let Some(item) = self.next(&iter)? {
            self.tick()?;
            self.grow(&mut items, item)?;
        }
        Ok(items)
    }

    /// `len(value)`.
    ///
    /// # Errors
    /// `TypeError` when it has no length.
    pub fn length(&self, value: &Value) -> Outcome<usize> {
        let length = match value {
            Value::Str(text) => Some(text.length),
            Value::Tuple(tuple) => Some(tuple.items.len()),
            Value::List(list) => Some(list.items.borrow().len()),
            Value::Dict(dict) => Some(dict.table.borrow().len()),
            Value::Set(set) => Some(set.table.borrow().len()),
            Value::Range(range) => Some(range.len()),
            Value::Native(object) => object.length(self)?,
            _ => match self.call_special(value, "__len__", Vec::new())? {
                Some(length) => {
                    let length = self.index(&length)?;
                    Some(usize::try_from(length).map_err(|_| Raised::value_error("__len__() should return >= 0"))?)
                }
                None => None,
            },
        };
        length.ok_or_else(|| Raised::type_error(format!("object of type '{}' has no len()", value.type_name())))
    }
}

/// The exception that ends an iteration as its end.
fn end_of(item: Outcome<Option<Value>>, end: ExceptionKind, interpreter: &Interpreter) -> Outcome<Option<Value>> {
    match item {
        Err(mut raised) if !raised.is_end() => {
            let class = Value::Class(Rc::clone(interpreter.type_class(Type::Exception(end))));
            let value = interpreter.caught(&mut raised);
            if interpreter.matches_exception(&value, &class)? { Ok(None) } else { Err(raised) }
        }
        other => other,
    }
}

fn not_iterable(value: &Value) -> Raised {
    let raised = Raised::type_error(format!("'{}' object is not iterable", value.type_name()));
    match value {
        Value::Int(_) => raised.with_help("to count, write range(n)"),
        Value::None => raised.with_help("it is None here: was it returned by a function without `return`?"),
        _ => raised,
    }
}
