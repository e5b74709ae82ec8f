//! `TensorShape` and `Dimension` as Python sees them: sizes of which some are unknown.

use std::rc::Rc;

use super::{
    convert,
    objects::{Dimension, ShapeValue},
};
use crate::{
    frontend::python::{Binary, Comparison, Interpreter, Native, NativeFunction, Outcome, Raised, Value},
    nn::dataflow::{Dim, Dims},
};

fn number(dim: Dim) -> Value {
    dim.map_or(Value::None, Value::Int)
}

impl Native for ShapeValue {
    fn type_name(&self) -> &str {
        "TensorShape"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        let shape = self.clone();
        let method = |signature, run: fn(&ShapeValue, &crate::frontend::python::Given) -> Outcome| {
            Some(NativeFunction::value(signature, move |_, given| run(&shape, &given)))
        };
        Ok(match name {
            "ndims" | "rank" => Some(Value::size(self.0.rank())),
            "dims" => Some(Value::list(self.0.0.iter().map(|&dim| Value::native(Dimension(dim))).collect())),
            "as_list" => {
                method("TensorShape.as_list()", |s, _| Ok(Value::list(s.0.0.iter().map(|&dim| number(dim)).collect())))
            }
            "num_elements" => method("TensorShape.num_elements()", |s, _| Ok(number(s.0.numel()))),
            "is_fully_defined" => method("TensorShape.is_fully_defined()", |s, _| Ok(Value::Bool(s.0.all().is_some()))),
            "is_compatible_with" => method("TensorShape.is_compatible_with(other)", |s, given| {
                Ok(Value::Bool(s.0.fits(&convert::dims(given.value("other"))?)))
            }),
            "merge_with" => method("TensorShape.merge_with(other)", |s, given| {
                let other = convert::dims(given.value("other"))?;
                if !s.0.fits(&other) {
                    return Err(Raised::value_error(format!("shapes {} and {other} are not compatible", s.0)));
                }
                Ok(Value::native(ShapeValue(s.0.merged(&other))))
            }),
            "concatenate" => method("TensorShape.concatenate(other)", |s, given| {
                let other = convert::dims(given.value("other"))?;
                Ok(Value::native(ShapeValue(Dims([s.0.0.clone(), other.0].concat()))))
            }),
            "with_rank" | "assert_has_rank" => method("TensorShape.with_rank(rank)", |s, given| {
                let rank = given.int("rank")?;
                if s.0.rank() as i64 != rank {
                    return Err(Raised::value_error(format!("shape {} must have rank {rank}", s.0)));
                }
                Ok(Value::native(ShapeValue(s.0.clone())))
            }),
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        [
            "ndims",
            "dims",
            "as_list",
            "num_elements",
            "is_fully_defined",
            "is_compatible_with",
            "merge_with",
            "concatenate",
            "with_rank",
        ]
        .map(String::from)
        .to_vec()
    }

    fn item(self: Rc<Self>, index: &Value, py: &Interpreter) -> Outcome<Option<Value>> {
        if let Value::Slice(_) = index {
            let picked = py.item(&Value::list(self.0.0.iter().map(|&dim| number(dim)).collect()), index)?;
            return Ok(Some(Value::native(ShapeValue(convert::dims(&picked)?))));
        }
        let Some(at) = index.as_int() else { return Ok(None) };
        let found = self.0.axis(at).map_err(|_| {
            Raised::new(crate::frontend::python::ExceptionKind::IndexError, "list index out of range")
                .with_fact("the shape is", self.0.to_string())
        })?;
        Ok(Some(Value::native(Dimension(self.0.0[found]))))
    }

    fn length(&self, _: &Interpreter) -> Outcome<Option<usize>> {
        Ok(Some(self.0.rank()))
    }

    fn items(self: Rc<Self>, _: &Interpreter) -> Outcome<Option<Vec<Value>>> {
        Ok(Some(self.0.0.iter().map(|&dim| Value::native(Dimension(dim))).collect()))
    }

    fn compare(self: Rc<Self>, comparison: Comparison, other: &Value, _: &Interpreter) -> Outcome<Option<Value>> {
        let Ok(other) = convert::dims(other) else { return Ok(None) };
        Ok(match comparison {
            Comparison::Equal => Some(Value::Bool(self.0 == other)),
            Comparison::NotEqual => Some(Value::Bool(self.0 != other)),
            _ => None,
        })
    }

    fn repr(&self) -> String {
        let dims: Vec<String> = self.0.0.iter().map(|&dim| Dimension(dim).repr()).collect();
        format!("TensorShape([{}])", dims.join(", "))
    }

    fn display(&self) -> String {
        let comma = if self.0.rank() == 1 { "," } else { "" };
        let inside = self.0.to_string();
        format!("({}{comma})", inside.trim_matches(['[', ']']))
    }
}

impl Native for Dimension {
    fn type_name(&self) -> &str {
        "Dimension"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok((name == "value").then(|| number(self.0)))
    }

    fn attribute_names(&self) -> Vec<String> {
        vec!["value".into()]
    }

    fn binary(
        self: Rc<Self>,
        operator: Binary,
        other: &Value,
        reflected: bool,
        _: &Interpreter,
    ) -> Outcome<Option<Value>> {
        let other = match (other.as_native::<Dimension>(), other) {
            (Some(other), _) => other.0,
            (None, Value::None) => None,
            (None, Value::Float(number)) => {
                // As Python's number: TensorFlow's Dimension meets floats as an int would.
                let Some(own) = self.0 else { return Ok(None) };
                let (a, b) = if reflected { (*number, own as f64) } else { (own as f64, *number) };
                return Ok(match operator {
                    Binary::Add => Some(Value::Float(a + b)),
                    Binary::Subtract => Some(Value::Float(a - b)),
                    Binary::Multiply => Some(Value::Float(a * b)),
                    Binary::Divide if b != 0.0 => Some(Value::Float(a / b)),
                    _ => None,
                });
            }
            (None, other) => match other.as_int() {
                Some(number) => Some(number),
                None => return Ok(None),
            },
        };
        let both = if reflected { (other, self.0) } else { (self.0, other) };
        let (Some(a), Some(b)) = both else { return Ok(Some(Value::native(Dimension(None)))) };
        let overflow =
            || Raised::new(crate::frontend::python::ExceptionKind::OverflowError, "a dimension leaves 64 bits");
        let zero = || {
            Raised::new(crate::frontend::python::ExceptionKind::ZeroDivisionError, "division of a dimension by zero")
        };
        let result = match operator {
            Binary::Add => a.checked_add(b).ok_or_else(overflow)?,
            Binary::Subtract => a.checked_sub(b).ok_or_else(overflow)?,
            Binary::Multiply => a.checked_mul(b).ok_or_else(overflow)?,
            Binary::FloorDivide => floor_division(a, b).ok_or_else(zero)?,
            Binary::Modulo => a - floor_division(a, b).ok_or_else(zero)? * b,
            Binary::Divide => {
                if b == 0 {
                    return Err(zero());
                }
                return Ok(Some(Value::Float(a as f64 / b as f64)));
            }
            _ => return Ok(None),
        };
        Ok(Some(Value::native(Dimension(Some(result)))))
    }

    fn compare(self: Rc<Self>, comparison: Comparison, other: &Value, _: &Interpreter) -> Outcome<Option<Value>> {
        let other = match other.as_native::<Dimension>() {
            Some(other) => other.0,
            None => other.as_int(),
        };
        // An unknown extent compares with nothing.
        let (Some(a), Some(b)) = (self.0, other) else {
            return Ok(matches!(comparison, Comparison::Equal | Comparison::NotEqual).then_some(Value::None));
        };
        Ok(Some(Value::Bool(comparison.holds(a.cmp(&b)))))
    }

    fn integer(&self) -> Option<i64> {
        self.0
    }

    fn truth(&self, _: &Interpreter) -> Outcome<bool> {
        Ok(self.0 != Some(0))
    }

    fn repr(&self) -> String {
        format!("Dimension({})", self.0.map_or("None".into(), |size| size.to_string()))
    }

    fn display(&self) -> String {
        self.0.map_or("?".into(), |size| size.to_string())
    }

    fn hash_key(&self) -> Option<String> {
        Some(format!("dimension {:?}", self.0))
    }
}

fn floor_division(a: i64, b: i64) -> Option<i64> {
    let quotient = a.checked_div(b)?;
    Some(if a % b != 0 && (a < 0) != (b < 0) { quotient - 1 } else { quotient })
}
