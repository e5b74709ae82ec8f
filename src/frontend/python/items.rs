//! `x[i]`: indices, slices and keys.

use std::rc::Rc;

use super::{
    heap::drop_nested,
    kinds::{Binary, ExceptionKind},
    numbers::overflow,
    range::Range,
    text::Text,
    value::{Interpreter, Outcome, Raised, Slice, Value},
};

/// A slice over a sequence of some length: the first index, the step, how many.
struct Span {
    start: i64,
    step: i64,
    count: usize,
}

impl Span {
    fn indices(&self) -> impl Iterator<Item = usize> {
        let (start, step) = (self.start, self.step);
        (0..self.count).map(move |at| {
            let at = i64::try_from(at).expect("a count fits beside the sequence's length");
            usize::try_from(start + at * step).expect("a span lies within its sequence")
        })
    }
}

impl Interpreter {
    /// `value[index]`.
    ///
    /// # Errors
    /// `IndexError`, `KeyError`, or `TypeError` where there is no such thing.
    pub fn item(&self, value: &Value, index: &Value) -> Outcome {
        match value {
            Value::List(list) => match index {
                Value::Slice(slice) => {
                    let span = self.span(slice, list.items.borrow().len())?;
                    self.room_for(span.count, size_of::<Value>())?;
                    self.ticks(span.count)?;
                    let items = list.items.borrow();
                    Ok(Value::list(span.indices().map(|at| items[at].clone()).collect()))
                }
                _ => {
                    let at = self.at("list", index, list.items.borrow().len())?;
                    Ok(list.items.borrow()[at].clone())
                }
            },
            Value::Tuple(tuple) => match index {
                Value::Slice(slice) => {
                    let span = self.span(slice, tuple.items.len())?;
                    self.room_for(span.count, size_of::<Value>())?;
                    Ok(Value::tuple(span.indices().map(|at| tuple.items[at].clone()).collect()))
                }
                _ => Ok(tuple.items[self.at("tuple", index, tuple.items.len())?].clone()),
            },
            Value::Str(text) => match index {
                Value::Slice(slice) => {
                    let span = self.span(slice, text.length)?;
                    self.ticks(text.text.len() / 16)?;
                    Ok(Value::from(part(text, &span)))
                }
                _ => {
                    let at = self.at("string", index, text.length)?;
                    let span = Span { start: i64::try_from(at).unwrap_or(0), step: 1, count: 1 };
                    Ok(Value::from(part(text, &span)))
                }
            },
            Value::Dict(dict) => match self.dict_get(dict, index)? {
                Some(found) => Ok(found),
                None => {
                    let keys: Vec<String> = self
                        .dict_entries(dict)
                        .iter()
                        .filter_map(|(key, _)| key.as_str().map(str::to_string))
                        .collect();
                    let near = index.as_str().and_then(|wanted| {
                        crate::frontend::lua::suggest::closest(wanted, keys.iter().map(String::as_str))
                    });
                    let raised = self.key_error(index);
                    Err(match near {
                        Some(near) => raised.with_help(format!("did you mean '{near}'?")),
                        None => raised,
                    })
                }
            },
            Value::Range(range) => match index {
                Value::Slice(slice) => {
                    let span = self.span(slice, range.len())?;
                    let at = |at: i64| {
                        let number = i128::from(range.start) + i128::from(at) * i128::from(range.step);
                        i64::try_from(number).map_err(|_| overflow(Binary::Multiply))
                    };
                    let step = range.step.checked_mul(span.step);
                    let step = step.ok_or_else(|| overflow(Binary::Multiply))?;
                    let end = span.start + i64::try_from(span.count).unwrap_or(i64::MAX).saturating_mul(span.step);
                    Ok(Value::Range(Rc::new(Range { start: at(span.start)?, stop: at(end)?, step })))
                }
                _ => {
                    let at = self.at("range object", index, range.len())?;
                    Ok(range.get(at).map_or(Value::None, Value::Int))
                }
            },
            Value::Native(object) => {
                let found = self.deeper(|| Rc::clone(object).item(index, self))?;
                found.ok_or_else(|| not_subscriptable(value))
            }
            _ => match self.call_special(value, "__getitem__", vec![index.clone()])? {
                Some(found) => Ok(found),
                None => Err(not_subscriptable(value)),
            },
        }
    }

    /// `value[index] = new`.
    ///
    /// # Errors
    /// As [`Interpreter::item`].
    pub fn set_item(&self, value: &Value, index: &Value, new: Value) -> Outcome<()> {
        match value {
            Value::List(list) => match index {
                Value::Slice(slice) => {
                    let new = self.list_of(&new)?;
                    let span = self.span(slice, list.items.borrow().len())?;
                    self.room_for(new.len(), size_of::<Value>())?;
                    if span.step == 1 {
                        let start = usize::try_from(span.start).unwrap_or(0);
                        let old: Vec<Value> = list.items.borrow_mut().splice(start..start + span.count, new).collect();
                        drop_nested(old);
                    } else if new.len() == span.count {
                        let old: Vec<Value> = {
                            let mut items = list.items.borrow_mut();
                            span.indices().zip(new).map(|(at, new)| std::mem::replace(&mut items[at], new)).collect()
                        };
                        drop_nested(old);
                    } else {
                        return Err(Raised::value_error(format!(
                            "attempt to assign sequence of size {} to extended slice of size {}",
                            new.len(),
                            span.count
                        )));
                    }
                    list.recount();
                    self.room(0)
                }
                _ => {
                    let at = self.at("list assignment", index, list.items.borrow().len())?;
                    let old = std::mem::replace(&mut list.items.borrow_mut()[at], new);
                    drop(old);
                    Ok(())
                }
            },
            Value::Dict(dict) => self.dict_set(dict, index.clone(), new),
            Value::Native(object) => {
                if object.set_item(index, &new, self)? {
                    Ok(())
                } else {
                    Err(no_assignment(value))
                }
            }
            _ => match self.call_special(value, "__setitem__", vec![index.clone(), new])? {
                Some(_) => Ok(()),
                None => Err(no_assignment(value)),
            },
        }
    }

    /// `del value[index]`.
    pub(super) fn delete_item(&self, value: &Value, index: &Value) -> Outcome<()> {
        match value {
            Value::List(list) => match index {
                Value::Slice(slice) => {
                    let span = self.span(slice, list.items.borrow().len())?;
                    self.ticks(list.items.borrow().len())?;
                    let mut gone = vec![false; list.items.borrow().len()];
                    span.indices().for_each(|at| gone[at] = true);
                    let old = list.items.take();
                    let (dropped, kept): (Vec<_>, Vec<_>) = old.into_iter().zip(gone).partition(|(_, gone)| *gone);
                    *list.items.borrow_mut() = kept.into_iter().map(|(item, _)| item).collect();
                    drop_nested(dropped);
                    list.recount();
                    Ok(())
                }
                _ => {
                    let at = self.at("list assignment", index, list.items.borrow().len())?;
                    let old = list.items.borrow_mut().remove(at);
                    drop(old);
                    Ok(())
                }
            },
            Value::Dict(dict) => match self.dict_remove(dict, index)? {
                Some(_) => Ok(()),
                None => Err(self.key_error(index)),
            },
            _ => match self.call_special(value, "__delitem__", vec![index.clone()])? {
                Some(_) => Ok(()),
                None => {
                    let message = format!("'{}' object doesn't support item deletion", value.type_name());
                    Err(Raised::type_error(message))
                }
            },
        }
    }

    /// An index into a sequence, counted from the end when it is negative.
    pub(super) fn at(&self, what: &str, index: &Value, length: usize) -> Outcome<usize> {
        let number = match index.as_int() {
            Some(number) => number,
            None if matches!(index, Value::Instance(_)) => self.index(index)?,
            None => {
                let what = what.split(' ').next().unwrap_or(what);
                let message = format!("{what} indices must be integers or slices, not {}", index.type_name());
                let raised = Raised::type_error(message);
                return Err(match index {
                    Value::Float(_) => raised.with_help("a division with / gives a float: write // for an int"),
                    _ => raised,
                });
            }
        };
        let size = i64::try_from(length).unwrap_or(i64::MAX);
        let at = if number < 0 { number.saturating_add(size) } else { number };
        usize::try_from(at).ok().filter(|at| *at < length).ok_or_else(|| {
            Raised::new(ExceptionKind::IndexError, format!("{what} index out of range"))
                .with_fact("the index", number.to_string())
                .with_fact("the length", length.to_string())
        })
    }

    /// What a slice means for a sequence of some length.
    fn span(&self, slice: &Slice, length: usize) -> Outcome<Span> {
        let part = |value: &Value| match value {
            Value::None => Ok(None),
            other => self.index(other).map(Some).map_err(|_| {
                Raised::type_error("slice indices must be integers or None")
                    .with_fact("it was given", format!("a {}", other.type_name()))
            }),
        };
        let (start, stop, step) = (part(&slice.start)?, part(&slice.stop)?, part(&slice.step)?.unwrap_or(1));
        if step == 0 {
            return Err(Raised::value_error("slice step cannot be zero"));
        }
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        let (low, high) = if step > 0 { (0, length) } else { (-1, length - 1) };
        let clamp = |at: i64| if at < 0 { at.saturating_add(length).max(low) } else { at.min(high) };
        let (first, last) = if step > 0 { (low, high) } else { (high, low) };
        let start = start.map_or(first, clamp);
        let stop = stop.map_or(last, clamp);
        let span = if step > 0 { i128::from(stop) - i128::from(start) } else { i128::from(start) - i128::from(stop) };
        let step_size = i128::from(step).abs();
        let count = usize::try_from(((span + step_size - 1) / step_size).max(0)).unwrap_or(0);
        // With one item or none the step does not matter, and may be huge.
        Ok(Span { start, step: if count > 1 { step } else { 1 }, count })
    }
}

fn part(text: &Text, span: &Span) -> String {
    if text.length == text.text.len() {
        let bytes = text.text.as_bytes();
        return span.indices().map(|at| char::from(bytes[at])).collect();
    }
    if span.step == 1 {
        let start = usize::try_from(span.start).unwrap_or(0);
        return text.text.chars().skip(start).take(span.count).collect();
    }
    let letters: Vec<char> = text.text.chars().collect();
    span.indices().map(|at| letters[at]).collect()
}

fn not_subscriptable(value: &Value) -> Raised {
    let raised = Raised::type_error(format!("'{}' object is not subscriptable", value.type_name()));
    match value {
        Value::Method(_) | Value::Function(_) | Value::NativeFunction(_) => {
            raised.with_help("it is a function: call it first, f(…)[i]")
        }
        Value::None => raised.with_help("it is None here: was it returned by a function without `return`?"),
        _ => raised,
    }
}

fn no_assignment(value: &Value) -> Raised {
    Raised::type_error(format!("'{}' object does not support item assignment", value.type_name()))
}
