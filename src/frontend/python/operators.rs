//! `+`, `-`, `*` and their kin, on every type.

use std::rc::Rc;

use super::{
    heap::drop_nested,
    kinds::{Binary, ExceptionKind, Unary},
    numbers::{Number, arithmetic, overflow},
    value::{Dict, Interpreter, List, Outcome, Raised, Value},
};

impl Interpreter {
    /// `left op right`.
    ///
    /// # Errors
    /// `TypeError` where the types do not go together, and what the operation raises.
    pub fn binary(&self, operator: Binary, left: &Value, right: &Value) -> Outcome {
        if let (Some(a), Some(b)) = (Number::of(left), Number::of(right)) {
            if let (Value::Bool(a), Value::Bool(b)) = (left, right) {
                match operator {
                    Binary::And => return Ok(Value::Bool(a & b)),
                    Binary::Or => return Ok(Value::Bool(a | b)),
                    Binary::ExclusiveOr => return Ok(Value::Bool(a ^ b)),
                    _ => {}
                }
            }
            return arithmetic(operator, a, b)?.ok_or_else(|| unsupported(operator, left, right, ""));
        }
        if let Some(result) = self.built_in_binary(operator, left, right)? {
            return Ok(result);
        }
        self.overloaded(operator, left, right)?.ok_or_else(|| unsupported(operator, left, right, ""))
    }

    /// `left op= right`.
    pub(super) fn in_place(&self, operator: Binary, left: &Value, right: &Value) -> Outcome {
        match (operator, left) {
            (Binary::Add, Value::List(list)) => {
                let more = self.list_of(right)?;
                self.extend_list(list, more)?;
                return Ok(left.clone());
            }
            (Binary::Multiply, Value::List(list)) => {
                if let Some(count) = right.as_int() {
                    let items = list.items.borrow().clone();
                    let items = self.repeated(&items, count)?;
                    drop_nested(list.items.replace(items));
                    list.recount();
                    return Ok(left.clone());
                }
            }
            (Binary::Or, Value::Dict(dict)) => {
                if let Value::Dict(more) = right {
                    self.dict_update(dict, more)?;
                    return Ok(left.clone());
                }
            }
            (_, Value::Instance(_)) => {
                if let Some(result) = self.call_special(left, operator.methods()[2], vec![right.clone()])?
                    && !matches!(result, Value::NotImplemented)
                {
                    return Ok(result);
                }
            }
            _ => {}
        }
        self.binary(operator, left, right)
    }

    /// What instances and native objects make of an operator.
    fn overloaded(&self, operator: Binary, left: &Value, right: &Value) -> Outcome<Option<Value>> {
        let [method, reflected, _] = operator.methods();
        let answer = match left {
            Value::Native(object) => self.deeper(|| Rc::clone(object).binary(operator, right, false, self))?,
            _ => self.call_special(left, method, vec![right.clone()])?,
        };
        if let Some(result) = answer.filter(|answer| !matches!(answer, Value::NotImplemented)) {
            return Ok(Some(result));
        }
        let answer = match right {
            Value::Native(object) => self.deeper(|| Rc::clone(object).binary(operator, left, true, self))?,
            _ => self.call_special(right, reflected, vec![left.clone()])?,
        };
        Ok(answer.filter(|answer| !matches!(answer, Value::NotImplemented)))
    }

    fn built_in_binary(&self, operator: Binary, left: &Value, right: &Value) -> Outcome<Option<Value>> {
        Ok(Some(match (operator, left, right) {
            (Binary::Add, Value::Str(a), Value::Str(b)) => {
                self.room(a.text.len() + b.text.len())?;
                Value::str([&*a.text, &*b.text].concat())
            }
            (Binary::Add, Value::List(a), Value::List(b)) => {
                let (a, b) = (a.items.borrow(), b.items.borrow());
                self.room_for(a.len() + b.len(), size_of::<Value>())?;
                self.ticks(a.len() + b.len())?;
                Value::list(a.iter().chain(b.iter()).cloned().collect())
            }
            (Binary::Add, Value::Tuple(a), Value::Tuple(b)) => {
                self.room_for(a.items.len() + b.items.len(), size_of::<Value>())?;
                Value::tuple(a.items.iter().chain(&b.items).cloned().collect())
            }
            (Binary::Multiply, Value::Str(_) | Value::List(_) | Value::Tuple(_), _) if right.as_int().is_some() => {
                self.repeat(left, right.as_int().unwrap_or(0))?
            }
            (Binary::Multiply, _, Value::Str(_) | Value::List(_) | Value::Tuple(_)) if left.as_int().is_some() => {
                self.repeat(right, left.as_int().unwrap_or(0))?
            }
            (Binary::Modulo, Value::Str(text), _) => Value::from(self.percent(&text.text, right)?),
            (Binary::Or | Binary::And | Binary::Subtract | Binary::ExclusiveOr, Value::Set(a), Value::Set(b)) => {
                Value::Set(self.set_operation(operator, a, b)?)
            }
            (Binary::Or, Value::Dict(a), Value::Dict(b)) => {
                let both = Dict::of(a.table.borrow().clone());
                self.dict_update(&both, b)?;
                Value::Dict(both)
            }
            (Binary::Add, Value::Str(_), _) => {
                let help = format!("turn the {} into text first: str(x), or write an f-string", right.type_name());
                if let Some(result) = self.overloaded(operator, left, right)? {
                    return Ok(Some(result));
                }
                return Err(unsupported(operator, left, right, &help));
            }
            _ => return Ok(None),
        }))
    }

    fn repeat(&self, value: &Value, count: i64) -> Outcome {
        match value {
            Value::Str(text) => {
                let count = usize::try_from(count).unwrap_or(0);
                self.room_for(text.text.len(), count)?;
                self.ticks(text.text.len().saturating_mul(count) / 64)?;
                Ok(Value::str(text.text.repeat(count)))
            }
            Value::Tuple(tuple) => self.repeated(&tuple.items, count).map(Value::tuple),
            Value::List(list) => {
                let items = list.items.borrow().clone();
                self.repeated(&items, count).map(Value::list)
            }
            _ => Ok(Value::None),
        }
    }

    fn repeated(&self, items: &[Value], count: i64) -> Outcome<Vec<Value>> {
        let count = usize::try_from(count).unwrap_or(0);
        let total = items.len().saturating_mul(count);
        self.room_for(total, size_of::<Value>())?;
        self.ticks(total)?;
        let mut all = Vec::with_capacity(total);
        for _ in 0..if items.is_empty() { 0 } else { count } {
            all.extend_from_slice(items);
        }
        Ok(all)
    }

    /// Appends many items to a list, within the memory limit.
    pub(super) fn extend_list(&self, list: &List, more: Vec<Value>) -> Outcome<()> {
        self.room_for(list.items.borrow().len() + more.len(), size_of::<Value>())?;
        self.ticks(more.len())?;
        list.items.borrow_mut().extend(more);
        list.recount();
        Ok(())
    }

    /// `-x` and its kin.
    ///
    /// # Errors
    /// `TypeError` where the type has no such operator.
    pub fn unary(&self, operator: Unary, operand: &Value) -> Outcome {
        let too_large = || overflow(Binary::Subtract);
        match (operator, Number::of(operand)) {
            (Unary::Negative, Some(Number::Int(integer))) => {
                integer.checked_neg().map(Value::Int).ok_or_else(too_large)
            }
            (Unary::Negative, Some(Number::Float(number))) => Ok(Value::Float(-number)),
            (Unary::Positive, Some(Number::Int(integer))) => Ok(Value::Int(integer)),
            (Unary::Positive, Some(Number::Float(number))) => Ok(Value::Float(number)),
            (Unary::Invert, Some(Number::Int(integer))) => Ok(Value::Int(!integer)),
            (Unary::Absolute, Some(Number::Int(integer))) => {
                integer.checked_abs().map(Value::Int).ok_or_else(too_large)
            }
            (Unary::Absolute, Some(Number::Float(number))) => Ok(Value::Float(number.abs())),
            _ => {
                let (symbol, method) = operator.names();
                let answer = match operand {
                    Value::Native(object) => self.deeper(|| Rc::clone(object).unary(operator, self))?,
                    _ => self.call_special(operand, method, Vec::new())?,
                };
                answer.ok_or_else(|| {
                    Raised::type_error(format!("bad operand type for {symbol}: '{}'", operand.type_name()))
                })
            }
        }
    }

    /// An index or a count: an int, or an object that is one.
    ///
    /// # Errors
    /// `TypeError` for anything else, a float above all.
    pub fn index(&self, value: &Value) -> Outcome<i64> {
        if let Some(integer) = value.as_int() {
            return Ok(integer);
        }
        if let Some(found) = self.call_special(value, "__index__", Vec::new())?
            && let Some(integer) = found.as_int()
        {
            return Ok(integer);
        }
        let raised = Raised::new(
            ExceptionKind::TypeError,
            format!("'{}' object cannot be interpreted as an integer", value.type_name()),
        );
        Err(match value {
            Value::Float(_) => raised.with_help("a division with / gives a float: write // for an int"),
            _ => raised,
        })
    }
}

fn unsupported(operator: Binary, left: &Value, right: &Value, help: &str) -> Raised {
    let (symbol, left_type, right_type) = (operator.symbol(), left.type_name(), right.type_name());
    let message = format!("unsupported operand type(s) for {symbol}: '{left_type}' and '{right_type}'");
    let raised = Raised::type_error(message);
    if !help.is_empty() {
        return raised.with_help(help);
    }
    if left.is_none() || right.is_none() {
        return raised.with_help("one side is None here: was it returned by a function without `return`?");
    }
    raised
}
