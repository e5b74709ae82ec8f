//! Comparison, truth, membership, and hashes of keys.

use std::{
    cmp::Ordering,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    rc::Rc,
};

use super::{
    kinds::{Comparison, Type},
    numbers::{Number, ordering, to_int},
    value::{Interpreter, Outcome, Raised, Set, Value},
};

impl Interpreter {
    /// `left op right`.
    ///
    /// # Errors
    /// `TypeError` where the values have no order, and what a method of the user's raises.
    pub fn compare(&self, comparison: Comparison, left: &Value, right: &Value) -> Outcome {
        if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
            let holds = ordering(a, b).map_or(comparison == Comparison::NotEqual, |order| comparison.holds(order));
            return Ok(Value::Bool(holds));
        }
        if let (Value::Str(a), Value::Str(b)) = (left, right) {
            return Ok(Value::Bool(comparison.holds(a.text.cmp(&b.text))));
        }
        self.deeper(|| {
            if let Some(answer) = self.overloaded_comparison(comparison, left, right)? {
                return Ok(answer);
            }
            let holds = match comparison {
                Comparison::Equal => self.same(left, right)?,
                Comparison::NotEqual => !self.same(left, right)?,
                _ => return self.order(comparison, left, right).map(Value::Bool),
            };
            Ok(Value::Bool(holds))
        })
    }

    /// `left == right` as a truth.
    ///
    /// # Errors
    /// What a method of the user's raises.
    pub fn equal(&self, left: &Value, right: &Value) -> Outcome<bool> {
        if left.is(right) {
            // As in Python's containers, identity comes first: a NaN is found in its list.
            return Ok(true);
        }
        let answer = self.compare(Comparison::Equal, left, right)?;
        self.truth(&answer)
    }

    fn overloaded_comparison(&self, comparison: Comparison, left: &Value, right: &Value) -> Outcome<Option<Value>> {
        for (comparison, one, other) in [(comparison, left, right), (comparison.swapped(), right, left)] {
            let answer = match one {
                Value::Native(object) => Rc::clone(object).compare(comparison, other, self)?,
                Value::Instance(_) => {
                    let answer = self.call_special(one, comparison.names().1, vec![other.clone()])?;
                    match answer {
                        None if comparison == Comparison::NotEqual => {
                            let equal = self.call_special(one, "__eq__", vec![other.clone()])?;
                            match equal.filter(|equal| !matches!(equal, Value::NotImplemented)) {
                                Some(equal) => Some(Value::Bool(!self.truth(&equal)?)),
                                None => None,
                            }
                        }
                        answer => answer,
                    }
                }
                _ => None,
            };
            if let Some(answer) = answer.filter(|answer| !matches!(answer, Value::NotImplemented)) {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    /// Equality of what is built in.
    fn same(&self, left: &Value, right: &Value) -> Outcome<bool> {
        if left.is(right) {
            return Ok(true);
        }
        match (left, right) {
            (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
                let (a, b) = (left.as_items().unwrap_or_default(), right.as_items().unwrap_or_default());
                self.ticks(a.len().min(b.len()))?;
                if a.len() != b.len() {
                    return Ok(false);
                }
                for (a, b) in a.iter().zip(&b) {
                    if !self.equal(a, b)? {
                        return Ok(false);
                    }
                }
                Ok(true)
            }
            (Value::Dict(a), Value::Dict(b)) => {
                if a.table.borrow().len() != b.table.borrow().len() {
                    return Ok(false);
                }
                let pairs: Vec<_> =
                    a.table.borrow().iter().map(|entry| (entry.key.clone(), entry.value.clone())).collect();
                for (key, value) in pairs {
                    self.tick()?;
                    match self.dict_get(b, &key)? {
                        Some(other) if self.equal(&value, &other)? => {}
                        _ => return Ok(false),
                    }
                }
                Ok(true)
            }
            (Value::Set(a), Value::Set(b)) => {
                Ok(a.table.borrow().len() == b.table.borrow().len() && self.is_subset(a, b)?)
            }
            (Value::Range(a), Value::Range(b)) => Ok((a.start, a.stop, a.step) == (b.start, b.stop, b.step)),
            (Value::Method(a), Value::Method(b)) => Ok(a.function.is(&b.function) && a.receiver.is(&b.receiver)),
            (Value::Native(a), Value::Native(b)) => Ok(a.hash_key().is_some() && a.hash_key() == b.hash_key()),
            _ => Ok(false),
        }
    }

    /// Order of what is built in.
    fn order(&self, comparison: Comparison, left: &Value, right: &Value) -> Outcome<bool> {
        match (left, right) {
            (Value::List(_), Value::List(_)) | (Value::Tuple(_), Value::Tuple(_)) => {
                let (a, b) = (left.as_items().unwrap_or_default(), right.as_items().unwrap_or_default());
                self.ticks(a.len().min(b.len()))?;
                for (a, b) in a.iter().zip(&b) {
                    if !self.equal(a, b)? {
                        let answer = self.compare(comparison, a, b)?;
                        return self.truth(&answer);
                    }
                }
                Ok(comparison.holds(a.len().cmp(&b.len())))
            }
            (Value::Set(a), Value::Set(b)) => {
                let (len_a, len_b) = (a.table.borrow().len(), b.table.borrow().len());
                match comparison {
                    Comparison::Less => Ok(len_a < len_b && self.is_subset(a, b)?),
                    Comparison::LessEqual => self.is_subset(a, b),
                    Comparison::Greater => Ok(len_b < len_a && self.is_subset(b, a)?),
                    _ => self.is_subset(b, a),
                }
            }
            _ => {
                let (symbol, _) = comparison.names();
                let (left_type, right_type) = (left.type_name(), right.type_name());
                let raised = Raised::type_error(format!(
                    "'{symbol}' not supported between instances of '{left_type}' and '{right_type}'"
                ));
                Err(if left.is_none() || right.is_none() {
                    raised.with_help("None has no size: was a value left out?")
                } else {
                    raised
                })
            }
        }
    }

    /// How two values are ordered for sorting, by `<` alone.
    pub(super) fn sort_order(&self, left: &Value, right: &Value) -> Outcome<Ordering> {
        if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
            return Ok(ordering(a, b).unwrap_or(Ordering::Equal));
        }
        if let (Value::Str(a), Value::Str(b)) = (left, right) {
            return Ok(a.text.cmp(&b.text));
        }
        for (a, b, order) in [(left, right, Ordering::Less), (right, left, Ordering::Greater)] {
            let answer = self.compare(Comparison::Less, a, b)?;
            if self.truth(&answer)? {
                return Ok(order);
            }
        }
        Ok(Ordering::Equal)
    }

    /// `bool(value)`.
    ///
    /// # Errors
    /// What an object's own answer raises, such as a symbolic tensor's.
    pub fn truth(&self, value: &Value) -> Outcome<bool> {
        Ok(match value {
            Value::None => false,
            Value::Bool(truth) => *truth,
            Value::Int(integer) => *integer != 0,
            Value::Float(number) => *number != 0.0,
            Value::Str(text) => !text.text.is_empty(),
            Value::Tuple(tuple) => !tuple.items.is_empty(),
            Value::List(list) => !list.items.borrow().is_empty(),
            Value::Dict(dict) => !dict.table.borrow().is_empty(),
            Value::Set(set) => !set.table.borrow().is_empty(),
            Value::Range(range) => !range.is_empty(),
            Value::Native(object) => object.truth(self)?,
            Value::Instance(_) => {
                if let Some(answer) = self.call_special(value, "__bool__", Vec::new())? {
                    match answer {
                        Value::Bool(truth) => truth,
                        other => {
                            let message = format!("__bool__ should return bool, returned {}", other.type_name());
                            return Err(Raised::type_error(message));
                        }
                    }
                } else if let Some(length) = self.call_special(value, "__len__", Vec::new())? {
                    self.index(&length)? != 0
                } else {
                    true
                }
            }
            _ => true,
        })
    }

    /// `item in container`.
    ///
    /// # Errors
    /// `TypeError` where the container is none.
    pub fn contains(&self, container: &Value, item: &Value) -> Outcome<bool> {
        match container {
            Value::Str(text) => match item.as_str() {
                Some(part) => Ok(text.text.contains(part)),
                None => {
                    let message = format!("'in <string>' requires string as left operand, not {}", item.type_name());
                    Err(Raised::type_error(message))
                }
            },
            Value::Dict(dict) => Ok(self.dict_get(dict, item)?.is_some()),
            Value::Set(set) => self.set_contains(set, item),
            Value::Range(range) if matches!(item, Value::Int(_) | Value::Bool(_)) => {
                Ok(item.as_int().is_some_and(|item| range.contains(item)))
            }
            _ => {
                if let Value::Native(object) = container
                    && let Some(answer) = object.contains(item, self)?
                {
                    return Ok(answer);
                }
                if let Some(answer) = self.call_special(container, "__contains__", vec![item.clone()])? {
                    return self.truth(&answer);
                }
                let iter = self.iterate(container)?;
                while let Some(next) = self.next(&iter)? {
                    self.tick()?;
                    if self.equal(&next, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn is_subset(&self, a: &Set, b: &Set) -> Outcome<bool> {
        let items: Vec<Value> = a.table.borrow().iter().map(|entry| entry.key.clone()).collect();
        for item in items {
            self.tick()?;
            if !self.set_contains(b, &item)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The hash of a key.
    ///
    /// # Errors
    /// `TypeError` for what can change.
    pub fn hash(&self, value: &Value) -> Outcome<u64> {
        let mut hasher = DefaultHasher::new();
        match value {
            Value::Bool(truth) => i64::from(*truth).hash(&mut hasher),
            Value::Int(integer) => integer.hash(&mut hasher),
            // Equal numbers have equal hashes, whatever their type.
            Value::Float(number) => match to_int(*number) {
                Some(integer) => integer.hash(&mut hasher),
                None => number.to_bits().hash(&mut hasher),
            },
            Value::Str(text) => text.text.hash(&mut hasher),
            Value::Tuple(tuple) => {
                self.ticks(tuple.items.len())?;
                for item in &tuple.items {
                    self.deeper(|| self.hash(item))?.hash(&mut hasher);
                }
            }
            Value::Set(set) if set.frozen => {
                let sum = set.table.borrow().hashed().fold(0_u64, |sum, (hash, _)| sum.wrapping_add(hash));
                sum.hash(&mut hasher);
            }
            Value::List(_) | Value::Dict(_) | Value::Set(_) | Value::Slice(_) => {
                let raised = Raised::type_error(format!("unhashable type: '{}'", value.type_name()));
                return Err(match value {
                    Value::List(_) => raised.with_help("a key cannot change: write a tuple, tuple(x)"),
                    _ => raised,
                });
            }
            Value::Range(range) => (range.start, range.stop, range.step).hash(&mut hasher),
            Value::Method(method) => (method.function.address(), method.receiver.address()).hash(&mut hasher),
            Value::Native(object) => match object.hash_key() {
                Some(key) => key.hash(&mut hasher),
                None => value.address().hash(&mut hasher),
            },
            Value::Instance(instance) => match instance.class.find("__hash__") {
                Some(Value::None) => {
                    return Err(Raised::type_error(format!("unhashable type: '{}'", value.type_name())));
                }
                Some(_) => {
                    let answer = self.call_special(value, "__hash__", Vec::new())?.unwrap_or(Value::None);
                    match answer.as_int() {
                        Some(integer) => integer.hash(&mut hasher),
                        None => return Err(Raised::type_error("__hash__ method should return an integer")),
                    }
                }
                None => value.address().hash(&mut hasher),
            },
            other => (other.built_in_type().map(Type::index), other.address()).hash(&mut hasher),
        }
        Ok(hasher.finish())
    }
}
