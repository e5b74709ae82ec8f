//! Types, initializers, regularizers and summaries as Python sees them.

use std::rc::Rc;

use super::{
    bound::OrRaise,
    convert,
    objects::{DTypeValue, Factory, Inert, InitializerValue, RegularizerValue, SummaryValue},
};
use crate::{
    frontend::python::{Arguments, Comparison, Interpreter, Native, NativeFunction, Outcome, Value},
    nn::dataflow::DType,
};

impl DTypeValue {
    pub(super) fn value(dtype: DType) -> Value {
        Value::native(DTypeValue(dtype))
    }
}

impl Native for DTypeValue {
    fn type_name(&self) -> &str {
        "DType"
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok(match name {
            "name" => Some(Value::str(self.0.name())),
            "base_dtype" | "as_numpy_dtype" | "real_dtype" => Some(Value::Native(self)),
            "is_floating" => Some(Value::Bool(self.0.is_float())),
            "is_integer" => Some(Value::Bool(self.0.is_integer())),
            "is_bool" => Some(Value::Bool(self.0 == DType::Bool)),
            "is_complex" => Some(Value::Bool(false)),
            _ => None,
        })
    }

    fn attribute_names(&self) -> Vec<String> {
        ["name", "base_dtype", "is_floating", "is_integer", "is_bool"].map(String::from).to_vec()
    }

    fn compare(self: Rc<Self>, comparison: Comparison, other: &Value, _: &Interpreter) -> Outcome<Option<Value>> {
        let is_same = match (other.as_native::<DTypeValue>(), other.as_str()) {
            (Some(other), _) => other.0 == self.0,
            (None, Some(name)) => name == self.0.name(),
            _ => false,
        };
        Ok(match comparison {
            Comparison::Equal => Some(Value::Bool(is_same)),
            Comparison::NotEqual => Some(Value::Bool(!is_same)),
            _ => None,
        })
    }

    fn repr(&self) -> String {
        format!("tf.{}", self.0)
    }

    fn display(&self) -> String {
        format!("<dtype: '{}'>", self.0)
    }

    fn hash_key(&self) -> Option<String> {
        Some(self.0.name().to_string())
    }
}

impl Native for InitializerValue {
    fn type_name(&self) -> &str {
        self.name
    }

    fn call(self: Rc<Self>, arguments: Arguments, py: &Interpreter) -> Outcome<Option<Value>> {
        let call = NativeFunction::new("initializer(shape, dtype=None, partition_info=None)", move |py, given| {
            let tf = &self.tf;
            tf.graph.set_origin(py.origin());
            let sizes = convert::sizes(given.value("shape"))?;
            let dtype = convert::dtype_or(given.value("dtype"), DType::Float32)?;
            let drawn = self.initializer.draw(&tf.graph, &sizes, dtype).or_raise()?;
            let numbers: Vec<f64> = drawn
                .f_to_kind(tch::Kind::Double)
                .and_then(|drawn| drawn.f_reshape([-1]))
                .map_err(crate::error::Error::from)
                .and_then(|flat| Vec::try_from(flat).map_err(crate::error::Error::from))
                .or_raise()?;
            Ok(tf.value(tf.graph.constant(numbers, &sizes, dtype, None).or_raise()?))
        });
        call.call(arguments, py).map(Some)
    }
}

impl Native for Factory {
    fn type_name(&self) -> &str {
        self.name
    }

    fn call(self: Rc<Self>, arguments: Arguments, py: &Interpreter) -> Outcome<Option<Value>> {
        self.function.call(arguments, py).map(Some)
    }
}

impl Native for RegularizerValue {
    fn type_name(&self) -> &str {
        "regularizer"
    }

    fn call(self: Rc<Self>, arguments: Arguments, py: &Interpreter) -> Outcome<Option<Value>> {
        let call = NativeFunction::new("regularizer(weights)", move |py, given| {
            let tf = &self.tf;
            tf.graph.set_origin(py.origin());
            let weights = convert::symbol(tf, given.value("weights"), None)?;
            let penalty = self.regularizer.penalty(&tf.graph, weights).or_raise()?;
            Ok(penalty.map_or(Value::None, |penalty| tf.value(penalty)))
        });
        call.call(arguments, py).map(Some)
    }
}

impl Native for SummaryValue {
    fn type_name(&self) -> &str {
        "Summary"
    }
}

impl Native for Inert {
    fn type_name(&self) -> &str {
        self.0
    }

    fn attribute(self: Rc<Self>, name: &str, _: &Interpreter) -> Outcome<Option<Value>> {
        Ok(match name {
            "add_summary" | "add_graph" | "flush" | "close" | "run" | "minimize" | "apply_gradients"
            | "compute_gradients" => Some(NativeFunction::value("inert(*args, **kwargs)", |_, _| Ok(Value::None))),
            "name" => Some(Value::str(self.0)),
            _ => None,
        })
    }
}
