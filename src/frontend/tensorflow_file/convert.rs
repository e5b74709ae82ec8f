//! Python's values as tensors, sizes, types, initializers and functions, with TensorFlow's rules.

use std::rc::Rc;

use super::{
    bound::OrRaise,
    objects::{DTypeValue, Dimension, Factory, InitializerValue, RegularizerValue, ShapeValue, Tensor, Tf},
};
use crate::{
    error::{Error, Kind},
    frontend::{
        python::{Arguments, Given, Outcome, Raised, Value},
        tensorflow::{Initializer, Regularizer, Reuse, Symbol, ops},
    },
    nn::dataflow::{Binary, DType, Dim, Dims},
};

/// Numbers in rows, and what type they make.
struct Numbers {
    values: Vec<f64>,
    dims: Vec<i64>,
    dtype: DType,
}

/// The tensor that a value is, or the constant that it becomes: of type `like` where a plain number leaves that open.
pub(super) fn symbol(tf: &Rc<Tf>, value: &Value, like: Option<DType>) -> Outcome<Symbol> {
    named_symbol(tf, value, like, None)
}

/// [`symbol`], a constant named.
pub(super) fn named_symbol(tf: &Rc<Tf>, value: &Value, like: Option<DType>, name: Option<&str>) -> Outcome<Symbol> {
    if let Some(tensor) = value.as_native::<Tensor>() {
        return Ok(tensor.symbol);
    }
    if let Some(Numbers { values, dims, dtype }) = numbers(value)? {
        let dtype = match like {
            Some(like) if like == dtype || like.is_float() => like,
            Some(like) if like.is_integer() && dtype == DType::Int32 => like,
            Some(like) => {
                return Err(Raised::type_error(format!("expected {like}, got a value of type {dtype}"))
                    .with_help(format!("convert the tensor: tf.cast(x, tf.{dtype})")));
            }
            None => dtype,
        };
        return tf.graph.constant(values, &dims, dtype, name).or_raise();
    }
    // A list that holds tensors.
    if let Some(items) = value.as_items() {
        let like = items.iter().find_map(|item| item.as_native::<Tensor>().map(|t| tf.graph.dtype(t.symbol))).or(like);
        let parts = items.iter().map(|item| symbol(tf, item, like)).collect::<Outcome<Vec<_>>>()?;
        return ops::stack(&tf.graph, &parts, 0, name.or(Some("packed"))).or_raise();
    }
    Err(Raised::type_error(format!("a tensor is wanted, not {}", value.type_name())).with_help(if value.is_none() {
        "the value is None: a function without return, or labels where a stage has none (self.is_inference)"
    } else {
        "give a tensor, a number, or a list of numbers"
    }))
}

/// The tensor in an argument.
pub(super) fn tensor(tf: &Rc<Tf>, given: &Given, name: &str) -> Outcome<Symbol> {
    symbol(tf, given.value(name), None).map_err(|raised| raised.with_fact("argument", name))
}

/// The floats in an argument: whole numbers that are no tensor become floats.
pub(super) fn floats(tf: &Rc<Tf>, given: &Given, name: &str) -> Outcome<Symbol> {
    let value = given.value(name);
    let like = value.as_native::<Tensor>().is_none().then_some(DType::Float32);
    symbol(tf, value, like).map_err(|raised| raised.with_fact("argument", name))
}

/// Two tensors, of which a plain number takes the other's type.
pub(super) fn pair(tf: &Rc<Tf>, given: &Given, a: &str, b: &str) -> Outcome<(Symbol, Symbol)> {
    let (first, second) = (given.value(a), given.value(b));
    let dtype = |value: &Value| value.as_native::<Tensor>().map(|tensor| tf.graph.dtype(tensor.symbol));
    match (dtype(first), dtype(second)) {
        (None, Some(like)) => Ok((symbol(tf, first, Some(like))?, symbol(tf, second, None)?)),
        (like, _) => {
            let first = symbol(tf, first, None)?;
            Ok((first, symbol(tf, second, like.or(Some(tf.graph.dtype(first))))?))
        }
    }
}

/// `None` when the value is no number or table of numbers.
fn numbers(value: &Value) -> Outcome<Option<Numbers>> {
    numbers_in(value, 0)
}

/// Lists in lists, at most: as many as a tensor has dimensions.
const DEEPEST: usize = 32;

fn numbers_in(value: &Value, depth: usize) -> Outcome<Option<Numbers>> {
    if depth > DEEPEST {
        return Err(Raised::value_error(format!("more than {DEEPEST} lists in one another are no tensor")));
    }
    let one = |number: f64, dtype| Ok(Some(Numbers { values: vec![number], dims: vec![], dtype }));
    match value {
        Value::Bool(truth) => return one(f64::from(u8::from(*truth)), DType::Bool),
        Value::Int(number) => {
            let dtype = if i32::try_from(*number).is_ok() { DType::Int32 } else { DType::Int64 };
            return one(*number as f64, dtype);
        }
        Value::Float(number) => return one(*number, DType::Float32),
        _ => {}
    }
    if let Some(dimension) = value.as_native::<Dimension>() {
        return match dimension.0 {
            Some(size) => one(size as f64, DType::Int32),
            None => Ok(None),
        };
    }
    if let Some(shape) = value.as_native::<ShapeValue>() {
        let Some(sizes) = shape.0.all() else { return Ok(None) };
        let count = sizes.len() as i64;
        let values = sizes.into_iter().map(|size| size as f64).collect();
        return Ok(Some(Numbers { values, dims: vec![count], dtype: DType::Int32 }));
    }
    let Some(items) = value.as_items() else { return Ok(None) };
    let mut all = Numbers { values: Vec::new(), dims: vec![items.len() as i64], dtype: DType::Int32 };
    for (i, item) in items.iter().enumerate() {
        let Some(part) = numbers_in(item, depth + 1)? else { return Ok(None) };
        if i == 0 {
            all.dims.extend(&part.dims);
            all.dtype = part.dtype;
        } else if part.dims != all.dims[1..] {
            return Err(Raised::value_error("the rows of a list have different lengths"));
        }
        if part.dtype.is_float() || (part.dtype == DType::Int64 && all.dtype == DType::Int32) {
            all.dtype = part.dtype;
        }
        all.values.extend(part.values);
    }
    if items.is_empty() {
        all.dtype = DType::Float32;
    }
    Ok(Some(all))
}

/// Sizes, of which `None` and unknown dimensions are unknown.
pub(super) fn dims(value: &Value) -> Outcome<Dims> {
    if let Some(shape) = value.as_native::<ShapeValue>() {
        return Ok(shape.0.clone());
    }
    let Some(items) = value.as_items() else {
        return match value.as_int() {
            Some(size) => Ok(Dims(vec![Some(size)])),
            None => Err(Raised::type_error(format!("a shape is a list of sizes, not {}", value.type_name()))),
        };
    };
    items.iter().map(dim).collect::<Outcome<Vec<_>>>().map(Dims)
}

fn dim(value: &Value) -> Outcome<Dim> {
    if let Some(dimension) = value.as_native::<Dimension>() {
        return Ok(dimension.0);
    }
    match value {
        Value::None => Ok(None),
        Value::Int(-1) => Ok(None),
        value => match whole(value) {
            Some(size) => Ok(Some(size)),
            None => Err(Raised::type_error(format!("a size is a whole number or None, not {}", value.type_name()))),
        },
    }
}

/// A whole number, also as a float without a fraction (Python 2's files divided sizes).
pub(super) fn whole(value: &Value) -> Option<i64> {
    match value {
        Value::Float(number) if number.fract() == 0.0 && number.abs() < 9e15 => Some(*number as i64),
        value => value.as_int(),
    }
}

/// Wholly known sizes.
pub(super) fn sizes(value: &Value) -> Outcome<Vec<i64>> {
    let dims = dims(value)?;
    dims.all().ok_or_else(|| {
        Raised::value_error("the sizes of a variable must be known").with_fact("it was given", dims.to_string())
    })
}

/// A list of whole numbers, one number alone standing for a list of itself.
pub(super) fn whole_list(given: &Given, name: &str) -> Outcome<Vec<i64>> {
    let value = given.value(name);
    if let Some(number) = whole(value) {
        return Ok(vec![number]);
    }
    if let Some(shape) = value.as_native::<ShapeValue>()
        && let Some(sizes) = shape.0.all()
    {
        return Ok(sizes);
    }
    let items = value.as_items().and_then(|items| items.iter().map(whole).collect::<Option<Vec<i64>>>());
    items.ok_or_else(|| given.wrong(name, "a whole number or a list of them"))
}

/// Axes; `None` for all.
pub(super) fn axes(given: &Given, names: &[&str]) -> Outcome<Option<Vec<i64>>> {
    for name in names {
        if given.some(name).is_some() {
            return whole_list(given, name).map(Some);
        }
    }
    Ok(None)
}

/// Sizes of a result as a tensor: numbers, scalars of the graph in a list, or a vector of the graph.
pub(super) fn size_tensor(tf: &Rc<Tf>, value: &Value) -> Outcome<Symbol> {
    if let Some(tensor) = value.as_native::<Tensor>() {
        return Ok(tensor.symbol);
    }
    if let Some(number) = whole(value) {
        return ops::sizes(&tf.graph, &[number]).or_raise();
    }
    let items = match value.as_native::<ShapeValue>() {
        Some(shape) => shape.0.0.iter().map(|&dim| Value::native(Dimension(dim))).collect(),
        None => value
            .as_items()
            .ok_or_else(|| Raised::type_error(format!("a shape is a list of sizes, not {}", value.type_name())))?,
    };
    let entries = items.iter().map(|item| {
        if let Some(tensor) = item.as_native::<Tensor>().filter(|tensor| is_whole(tensor)) {
            return Ok(Err(tensor.symbol));
        }
        whole(item).map(Ok).ok_or_else(|| {
            Raised::type_error(format!("a size is a whole number, not {}", item.type_name()))
                .with_help("an unknown size is -1 in tf.reshape, and tf.shape(x)[0] elsewhere")
        })
    });
    let entries = entries.collect::<Outcome<Vec<Result<i64, Symbol>>>>()?;
    ops::packed_sizes(&tf.graph, &entries).or_raise()
}

/// A type: `tf.float32`, `'float32'`.
pub(super) fn dtype(value: &Value) -> Outcome<DType> {
    if let Some(dtype) = value.as_native::<DTypeValue>() {
        return Ok(dtype.0);
    }
    let name = match value {
        Value::Class(class) => match &*class.name {
            "int" => "int32",
            "float" => "float32",
            other => other,
        },
        value => value.as_str().unwrap_or_default(),
    }
    .to_string();
    DType::ALL.into_iter().find(|dtype| dtype.name() == name).ok_or_else(|| {
        Raised::type_error(format!("{} is no type of tensors here", py_words(value)))
            .with_help(format!("the types are {}", DType::ALL.map(|dtype| format!("tf.{dtype}")).join(", ")))
    })
}

fn py_words(value: &Value) -> String {
    value.as_str().map_or_else(|| format!("a {}", value.type_name()), |text| format!("'{text}'"))
}

/// A type, or `default` for `None`.
pub(super) fn dtype_or(value: &Value, default: DType) -> Outcome<DType> {
    if value.is_none() { Ok(default) } else { dtype(value) }
}

/// An initializer: one of TensorFlow's, a tensor, a number, or a function.
pub(super) fn initializer(tf: &Rc<Tf>, value: &Value) -> Outcome<Option<Initializer>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Some(known) = value.as_native::<InitializerValue>() {
        return Ok(Some(known.initializer.clone()));
    }
    if value.as_native::<Tensor>().is_some() || numbers(value)?.is_some() {
        return Ok(Some(Initializer::Value(symbol(tf, value, None)?)));
    }
    // `tf.zeros_initializer` without brackets, a function of the file's own: called with the sizes, when it is needed.
    let (function, weak) = (value.clone(), Rc::downgrade(tf));
    Ok(Some(Initializer::Function(Rc::new(move |sizes, dtype| {
        let tf = weak.upgrade().ok_or_else(gone)?;
        // A class of initializers is made an initializer first.
        let made = match function.as_native::<Factory>() {
            Some(_) => tf.call(&function, Arguments::default())?,
            None => function.clone(),
        };
        if let Some(known) = made.as_native::<InitializerValue>() {
            return tf.constant_of(&known.initializer, sizes, dtype);
        }
        let shape = Value::list(sizes.iter().map(|&size| Value::Int(size)).collect());
        let named = vec![(Rc::from("dtype"), DTypeValue::value(dtype))];
        let answer = tf.call(&made, Arguments { positional: vec![shape], named })?;
        symbol(&tf, &answer, Some(dtype)).map_err(|raised| tf.defer(raised))
    }))))
}

/// The page of a function whose file is gone.
pub(super) fn gone() -> Error {
    Error::new(Kind::Network, "the file that this function belongs to is gone")
}

impl Tf {
    fn constant_of(&self, initializer: &Initializer, sizes: &[i64], dtype: DType) -> Result<Symbol, Error> {
        let drawn = initializer.draw(&self.graph, sizes, dtype)?;
        let numbers = Vec::<f64>::try_from(drawn.f_to_kind(tch::Kind::Double)?.f_reshape([-1])?)?;
        self.graph.constant(numbers, sizes, dtype, None)
    }
}

/// A regularizer: one of TensorFlow's, or a function.
pub(super) fn regularizer(tf: &Rc<Tf>, value: &Value) -> Outcome<Option<Regularizer>> {
    if value.is_none() {
        return Ok(None);
    }
    if let Some(known) = value.as_native::<RegularizerValue>() {
        return Ok(Some(known.regularizer.clone()));
    }
    let (function, weak) = (value.clone(), Rc::downgrade(tf));
    Ok(Some(Regularizer::Function(Rc::new(move |weights| {
        let tf = weak.upgrade().ok_or_else(gone)?;
        let answer = tf.call(&function, Arguments::of(vec![tf.value(weights)]))?;
        if answer.is_none() {
            return Ok(None);
        }
        symbol(&tf, &answer, None).map(Some).map_err(|raised| tf.defer(raised))
    }))))
}

/// `reuse=None`, `True`, `False`, `tf.AUTO_REUSE`.
pub(super) fn reuse(value: &Value) -> Option<Reuse> {
    match value {
        Value::Bool(true) => Some(Reuse::Reuse),
        Value::Bool(false) => Some(Reuse::Create),
        Value::Str(_) if value.as_str() == Some("AUTO_REUSE") => Some(Reuse::Auto),
        _ => None,
    }
}

/// `a / b`: whole numbers become floats first.
pub(super) fn true_division(tf: &Rc<Tf>, a: Symbol, b: Symbol, name: Option<&str>) -> Outcome {
    let graph = &tf.graph;
    let float = |symbol: Symbol| match graph.dtype(symbol) {
        DType::Int8 | DType::Int16 | DType::Uint8 => ops::cast(graph, symbol, DType::Float32, None),
        DType::Int32 | DType::Int64 => ops::cast(graph, symbol, DType::Float64, None),
        _ => Ok(symbol),
    };
    let (a, b) = (float(a).or_raise()?, float(b).or_raise()?);
    Ok(tf.value(ops::binary(graph, Binary::RealDiv, a, b, name).or_raise()?))
}

/// A page for what a function here cannot do.
pub(super) fn unsupported(what: &str, help: &str) -> Raised {
    Raised::end(Error::new(Kind::Network, what).with_help(help))
}

/// Whether a value is an integer tensor; for sizes that only a run knows.
fn is_whole(tensor: &Tensor) -> bool {
    let dtype = tensor.tf.graph.dtype(tensor.symbol);
    dtype == DType::Int32 || dtype == DType::Int64
}
