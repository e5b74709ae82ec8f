//! `Tensor`: a symbolic tensor as Python sees it: attributes, operators, subscripts; its operation.

use std::rc::Rc;

use super::{
    bound::OrRaise,
    convert,
    objects::{DTypeValue, OperationValue, ShapeValue, Tensor, Tf},
};
use crate::{
    frontend::{
        python::{
            Arguments, Binary as PyBinary, Comparison, Interpreter, Native, NativeFunction, Outcome, Raised,
            Unary as PyUnary, Value,
        },
        tensorflow::{Symbol, ops},
    },
    nn::dataflow::{Array, Binary, DType, Index, Pointwise, Unary},
};

const METHODS: &[&str] = &["get_shape", "set_shape", "eval", "consumers", "assign", "initialized_value", "value"];

impl Native for Tensor {
    fn type_name(&self) -> &str {
        "Tensor"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        let graph = &self.tf.graph;
        let method = |signature: &'static str, run: fn(&Rc<Tensor>, &crate::frontend::python::Given) -> Outcome| {
            let tensor = self.clone();
            Some(NativeFunction::value(signature, move |py, given| {
                tensor.tf.graph.set_origin(py.origin());
                run(&tensor, &given)
            }))
        };
        Ok(match name {
            "name" => Some(Value::str(graph.name(self.symbol))),
            "op" => Some(Value::native(OperationValue { tf: self.tf.clone(), symbol: self.symbol })),
            "dtype" => Some(DTypeValue::value(graph.dtype(self.symbol))),
            "shape" => Some(Value::native(ShapeValue(graph.dims(self.symbol)))),
            "device" => Some(Value::str("")),
            "get_shape" => {
                method("Tensor.get_shape()", |t, _| Ok(Value::native(ShapeValue(t.tf.graph.dims(t.symbol)))))
            }
            "set_shape" => method("Tensor.set_shape(shape)", |t, given| {
                let dims = convert::dims(given.value("shape"))?;
                t.tf.graph.set_shape(t.symbol, &dims).or_raise()?;
                Ok(Value::None)
            }),
            "value" | "read_value" | "initialized_value" => method("Tensor.value()", |t, _| Ok(t.tf.value(t.symbol))),
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        let plain = ["name", "op", "dtype", "shape", "device"];
        plain.iter().chain(METHODS).map(|name| (*name).to_string()).collect()
    }

    fn unary(self: Rc<Self>, operator: PyUnary, py: &Interpreter) -> Outcome<Option<Value>> {
        let graph = &self.tf.graph;
        graph.set_origin(py.origin());
        let function = match operator {
            PyUnary::Negative => Unary::Neg,
            PyUnary::Absolute => Unary::Abs,
            PyUnary::Invert => Unary::LogicalNot,
            PyUnary::Positive => return Ok(Some(self.tf.value(self.symbol))),
        };
        Ok(Some(self.tf.value(ops::unary(graph, function, self.symbol, None).or_raise()?)))
    }

    fn binary(
        self: Rc<Self>,
        operator: PyBinary,
        other: &Value,
        reflected: bool,
        py: &Interpreter,
    ) -> Outcome<Option<Value>> {
        let graph = &self.tf.graph;
        graph.set_origin(py.origin());
        let dtype = graph.dtype(self.symbol);
        let other = convert::symbol(&self.tf, other, Some(dtype))?;
        let (a, b) = if reflected { (other, self.symbol) } else { (self.symbol, other) };
        let (function, name) = match operator {
            PyBinary::Add => (Binary::Add, "add"),
            PyBinary::Subtract => (Binary::Sub, "sub"),
            PyBinary::Multiply => (Binary::Mul, "mul"),
            PyBinary::Divide => return convert::true_division(&self.tf, a, b, Some("truediv")).map(Some),
            PyBinary::FloorDivide => (Binary::FloorDiv, "floordiv"),
            PyBinary::Modulo => (Binary::FloorMod, "mod"),
            PyBinary::Power => (Binary::Pow, "pow"),
            PyBinary::And => (Binary::LogicalAnd, "LogicalAnd"),
            PyBinary::Or => (Binary::LogicalOr, "LogicalOr"),
            PyBinary::ExclusiveOr => (Binary::LogicalXor, "LogicalXor"),
            PyBinary::MatrixMultiply => {
                let product = ops::matmul(graph, a, b, (false, false), Some("matmul")).or_raise()?;
                return Ok(Some(self.tf.value(product)));
            }
            PyBinary::ShiftLeft | PyBinary::ShiftRight => return Ok(None),
        };
        Ok(Some(self.tf.value(ops::binary(graph, function, a, b, Some(name)).or_raise()?)))
    }

    fn compare(self: Rc<Self>, comparison: Comparison, other: &Value, py: &Interpreter) -> Outcome<Option<Value>> {
        let graph = &self.tf.graph;
        let function = match comparison {
            // As in TensorFlow 1, `==` asks whether both are one tensor.
            Comparison::Equal | Comparison::NotEqual => {
                let is_same = other.as_native::<Tensor>().is_some_and(|other| other.symbol == self.symbol);
                return Ok(Some(Value::Bool(is_same == (comparison == Comparison::Equal))));
            }
            Comparison::Less => Binary::Less,
            Comparison::LessEqual => Binary::LessEqual,
            Comparison::Greater => Binary::Greater,
            Comparison::GreaterEqual => Binary::GreaterEqual,
        };
        graph.set_origin(py.origin());
        let other = convert::symbol(&self.tf, other, Some(graph.dtype(self.symbol)))?;
        Ok(Some(self.tf.value(ops::binary(graph, function, self.symbol, other, None).or_raise()?)))
    }

    fn item(self: Rc<Self>, index: &Value, py: &Interpreter) -> Outcome<Option<Value>> {
        self.tf.graph.set_origin(py.origin());
        subscript(&self, index).map(Some)
    }

    fn length(&self, _: &Interpreter) -> Outcome<Option<usize>> {
        Err(Raised::type_error("len() of a symbolic tensor").with_help("its first extent: x.get_shape()[0]"))
    }

    fn items(self: Rc<Self>, _: &Interpreter) -> Outcome<Option<Vec<Value>>> {
        Err(Raised::type_error("a symbolic tensor cannot be iterated")
            .with_help("take it apart: tf.unstack(x, axis=…)"))
    }

    fn truth(&self, _: &Interpreter) -> Outcome<bool> {
        Err(Raised::type_error("a symbolic tensor has no truth value before the network runs")
            .with_help("compare with None by `is None`; choose between tensors with tf.where"))
    }

    fn repr(&self) -> String {
        let graph = &self.tf.graph;
        let dims = graph.dims(self.symbol).to_string().replace('[', "(").replace(']', ")");
        format!("<tf.Tensor '{}' shape={dims} dtype={}>", graph.name(self.symbol), graph.dtype(self.symbol))
    }

    fn hash_key(&self) -> Option<String> {
        Some(self.tf.graph.name(self.symbol))
    }

    fn call(self: Rc<Self>, _: Arguments, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok(None)
    }
}

/// `x[index]`; scalars of the graph pick one entry.
fn subscript(tensor: &Tensor, index: &Value) -> Outcome {
    let tf = &tensor.tf;
    let graph = &tf.graph;
    let rank = graph.dims(tensor.symbol).rank();
    let entries = match index {
        Value::Tuple(_) => index.as_items().unwrap_or_default(),
        single => vec![single.clone()],
    };
    let real = entries.iter().filter(|entry| !matches!(entry, Value::Ellipsis | Value::None)).count();
    let mut indices = Vec::new();
    // A scalar of the graph: its dim is picked from afterwards.
    let mut picks: Vec<(usize, Symbol)> = Vec::new();
    for entry in &entries {
        match entry {
            Value::Ellipsis => indices.extend(vec![Index::Range(None, None, 1); rank.saturating_sub(real)]),
            Value::None => indices.push(Index::New),
            Value::Slice(slice) => {
                let part = |value: &Value| match value {
                    Value::None => Ok(None),
                    value => value.as_int().map(|at| Some(at.clamp(-(1 << 40), 1 << 40))).ok_or_else(|| {
                        Raised::type_error(format!("a slice of a tensor has whole numbers, not {}", value.type_name()))
                            .with_help("for ends that only a run knows use tf.slice(x, begin, size)")
                    }),
                };
                indices.push(Index::Range(part(&slice.start)?, part(&slice.stop)?, part(&slice.step)?.unwrap_or(1)));
            }
            value => match (value.as_int(), value.as_native::<Tensor>()) {
                (Some(at), _) => indices.push(Index::At(at.clamp(-(1 << 40), 1 << 40))),
                (None, Some(at)) => {
                    let axis = indices.iter().filter(|index| !matches!(index, Index::At(_))).count();
                    picks.push((axis, at.symbol));
                    indices.push(Index::Range(None, None, 1));
                }
                (None, None) => {
                    return Err(Raised::type_error(format!("a tensor cannot be indexed by {}", value.type_name())));
                }
            },
        }
    }
    let mut part = ops::subscript(graph, tensor.symbol, indices).or_raise()?;
    for (axis, at) in picks.into_iter().rev() {
        part = graph.add(crate::nn::dataflow::Slice::Gather(axis), &[part, at], None).or_raise()?;
    }
    Ok(tf.value(part))
}

impl Native for OperationValue {
    fn type_name(&self) -> &str {
        "Operation"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        let operation = self.tf.graph.operation(self.symbol);
        Ok(match name {
            "name" => Some(Value::str(operation.name)),
            "type" => Some(Value::str(match operation.source {
                crate::frontend::tensorflow::Source::Op(op) => op.name(),
                crate::frontend::tensorflow::Source::Constant(_) => "Const",
                crate::frontend::tensorflow::Source::Feed(_) => "Placeholder",
                crate::frontend::tensorflow::Source::Variable(_) => "VariableV2",
            })),
            "inputs" => Some(self.tf.values(operation.inputs)),
            "outputs" => Some(self.tf.values(self.tf.graph.results(self.symbol))),
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        ["name", "type", "inputs", "outputs"].map(String::from).to_vec()
    }

    fn repr(&self) -> String {
        format!("<tf.Operation '{}'>", self.tf.graph.operation(self.symbol).name)
    }
}

/// The input, once more: an operation of its own with a name.
pub(super) fn identity(tf: &Rc<Tf>, symbol: Symbol, name: Option<&str>) -> Outcome {
    Ok(tf.value(tf.graph.add(Pointwise::Identity, &[symbol], name).or_raise()?))
}

/// The sizes of a tensor as a tensor.
pub(super) fn shape_of(tf: &Rc<Tf>, symbol: Symbol, dtype: DType, name: Option<&str>) -> Outcome<Symbol> {
    tf.graph.add(Array::Shape(dtype), &[symbol], name).or_raise()
}
