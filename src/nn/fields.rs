//! `Fields` and `Value`: a module's fields as the front end keeps them, read and written without knowing Lua.
//!
//! While a network file runs, the fields of its objects are the truth; a spec's constructor fills them and its
//! `build` reads them. The Lua front end implements `Fields` for tables.

use crate::{
    error::{Error, Kind, Result},
    torch::{Tensor, TensorType, rows::whole_numbers},
};

/// A value that an argument or a field can have.
#[derive(Debug, Clone)]
pub enum Value {
    /// Nothing there.
    Nil,
    /// true or false.
    Bool(bool),
    /// Lua's only number.
    Number(f64),
    /// A string; text only, bytes that are not UTF-8 are replaced.
    Text(String),
    /// A tensor object; the same object as in the field.
    Tensor(Tensor),
    /// A list of values, from a Lua list or from a `LongStorage`.
    List(Vec<Value>),
    /// Whole numbers that become a `LongStorage` in the object, as the sizes in `nn.View`; they come back as a list.
    Sizes(Vec<i64>),
    /// Anything else, by its Torch type name (`nn.Linear`, `function`, `torch.LongStorage` …).
    Other(String),
}

impl Value {
    /// The type name as Torch7's messages print it.
    #[must_use]
    pub fn type_name(&self) -> String {
        match self {
            Value::Nil => "nil".into(),
            Value::Bool(_) => "boolean".into(),
            Value::Number(_) => "number".into(),
            Value::Text(_) => "string".into(),
            Value::Tensor(tensor) => tensor.tensor_type().tensor_name(),
            Value::List(_) => "table".into(),
            Value::Sizes(_) => "torch.LongStorage".into(),
            Value::Other(name) => name.clone(),
        }
    }

    /// What is wrong with it as `what`, such as `#2 (outputSize) to nn.Linear`, in Torch7's words; nil is called nil.
    #[must_use]
    pub fn misfit(&self, what: &str, wanted: &str) -> String {
        match self {
            Value::Nil => format!("{what} is nil: {wanted} expected"),
            other => format!("{what}: {wanted} expected, got {}", other.type_name()),
        }
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Value::Number(number)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Value::Number(number as f64)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Value::Bool(flag)
    }
}

impl From<Tensor> for Value {
    fn from(tensor: Tensor) -> Self {
        Value::Tensor(tensor)
    }
}

impl From<&[i64]> for Value {
    fn from(numbers: &[i64]) -> Self {
        Value::Sizes(numbers.to_vec())
    }
}

/// What a whole number may be at most, as in Torch7, whose C code holds it in an `int`.
pub(super) const MOST_INT: f64 = 2_147_483_648.0;

/// The fields of one object. Methods take `&self` throughout: the object is a shared, open table.
pub trait Fields {
    /// The object's class, as `torch.typename` gives it: `nn.Linear`, `cudnn.ReLU`, `nn.Mine`.
    fn class(&self) -> String;

    /// The type of the object's tensors (field `_type`), the default type when it has none.
    fn tensor_type(&self) -> TensorType;

    /// The field's value; `Value::Nil` when it is not set.
    ///
    /// # Errors
    /// When the object refuses to be read.
    fn get(&self, name: &str) -> Result<Value>;

    /// Sets the field.
    ///
    /// # Errors
    /// When the object refuses to be written.
    fn set(&self, name: &str, value: Value) -> Result<()>;
}

impl dyn Fields + '_ {
    /// A field that must be a number.
    ///
    /// # Errors
    /// When it is not one.
    pub fn number(&self, name: &str) -> Result<f64> {
        match self.get(name)? {
            Value::Number(number) => Ok(number),
            other => Err(self.wrong(name, "a number", &other)),
        }
    }

    /// A field that must be a whole number.
    ///
    /// # Errors
    /// When it is not one, or one that Torch7's C code could not have held: nobody computes with extents beyond 2³¹.
    pub fn int(&self, name: &str) -> Result<i64> {
        self.whole(name, self.number(name)?)
    }

    fn whole(&self, name: &str, number: f64) -> Result<i64> {
        if number.abs() <= MOST_INT {
            return Ok(number as i64);
        }
        Err(self
            .wrong(name, "a whole number below 2^31", &Value::Number(number))
            .with_fact("it is", number.to_string()))
    }

    /// A whole number, or `default` when the field is not set (files of older Torch versions lack some).
    ///
    /// # Errors
    /// When it is set to something else.
    pub fn int_or(&self, name: &str, default: i64) -> Result<i64> {
        match self.get(name)? {
            Value::Nil => Ok(default),
            Value::Number(number) => self.whole(name, number),
            other => Err(self.wrong(name, "a number", &other)),
        }
    }

    /// A number, or `default` when the field is not set.
    ///
    /// # Errors
    /// When it is set to something else.
    pub fn number_or(&self, name: &str, default: f64) -> Result<f64> {
        match self.get(name)? {
            Value::Nil => Ok(default),
            Value::Number(number) => Ok(number),
            other => Err(self.wrong(name, "a number", &other)),
        }
    }

    /// Lua's truth of a field: everything but nil and false.
    ///
    /// # Errors
    /// When the object refuses to be read.
    pub fn truthy(&self, name: &str) -> Result<bool> {
        Ok(!matches!(self.get(name)?, Value::Nil | Value::Bool(false)))
    }

    /// A tensor field; `None` when it is nil (`m.bias = nil` is how files drop a bias).
    ///
    /// # Errors
    /// When it is something else.
    pub fn tensor(&self, name: &str) -> Result<Option<Tensor>> {
        match self.get(name)? {
            Value::Nil => Ok(None),
            Value::Tensor(tensor) => Ok(Some(tensor)),
            other => Err(self.wrong(name, "a tensor", &other)),
        }
    }

    /// A list of whole numbers: a Lua list, a `LongStorage`, or a 1-D tensor.
    ///
    /// # Errors
    /// When it is something else.
    pub fn ints(&self, name: &str) -> Result<Vec<i64>> {
        let value = self.get(name)?;
        match &value {
            Value::List(values) => values
                .iter()
                .map(|v| match v {
                    Value::Number(number) => Ok(*number as i64),
                    other => Err(self.wrong(name, "a list of numbers", other)),
                })
                .collect(),
            Value::Sizes(sizes) => Ok(sizes.clone()),
            Value::Tensor(tensor) => whole_numbers(&tensor.view()),
            other => Err(self.wrong(name, "a list of numbers", other)),
        }
    }

    fn wrong(&self, name: &str, wanted: &str, got: &Value) -> Error {
        Error::new(
            Kind::Network,
            format!("field '{name}' of {} must be {wanted}, not {}", self.class(), got.type_name()),
        )
    }
}
