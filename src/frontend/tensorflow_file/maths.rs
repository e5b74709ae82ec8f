//! `tf`'s functions of numbers: element by element, reductions, products, comparisons.

use std::rc::Rc;

use super::{
    bound::{Entry, OrRaise, name},
    convert,
    objects::Tf,
    tensor::identity,
};
use crate::{
    frontend::{
        python::{Given, Interpreter, Outcome, Raised, Value},
        tensorflow::ops,
    },
    nn::dataflow::{Binary, DType, Linear, Pointwise, Reduce, Reduction, Unary},
};

fn unary(tf: &Rc<Tf>, given: &Given, function: Unary) -> Outcome {
    let x = convert::floats(tf, given, "x")?;
    Ok(tf.value(ops::unary(&tf.graph, function, x, name(given)?).or_raise()?))
}

fn binary(tf: &Rc<Tf>, given: &Given, function: Binary) -> Outcome {
    let (x, y) = convert::pair(tf, given, "x", "y")?;
    Ok(tf.value(ops::binary(&tf.graph, function, x, y, name(given)?).or_raise()?))
}

fn reduce(tf: &Rc<Tf>, given: &Given, reduce: Reduce) -> Outcome {
    let x = convert::tensor(tf, given, "input_tensor")?;
    let axes = convert::axes(given, &["axis", "reduction_indices"])?;
    let keep = ["keep_dims", "keepdims"].iter().any(|flag| matches!(given.value(flag), Value::Bool(true)));
    Ok(tf.value(ops::reduce(&tf.graph, reduce, x, axes.as_deref(), keep, name(given)?).or_raise()?))
}

fn arg(tf: &Rc<Tf>, given: &Given, largest: bool) -> Outcome {
    let x = convert::tensor(tf, given, "input")?;
    let axis = convert::axes(given, &["axis", "dimension"])?.and_then(|axes| axes.first().copied()).unwrap_or(0);
    let axis = ops::axis(&tf.graph, x, axis, 0).or_raise()?;
    let dtype = convert::dtype_or(given.value("output_type"), DType::Int64)?;
    Ok(tf.value(tf.graph.add(Reduction::Arg { largest, axis, dtype }, &[x], name(given)?).or_raise()?))
}

fn cast(tf: &Rc<Tf>, given: &Given, dtype: DType, called: &'static str) -> Outcome {
    let x = convert::tensor(tf, given, "x")?;
    Ok(tf.value(ops::cast(&tf.graph, x, dtype, Some(name(given)?.unwrap_or(called))).or_raise()?))
}

macro_rules! unaries {
    ($($signature:literal => $function:expr),* $(,)?) => {
        &[$(($signature, |tf: &Rc<Tf>, _: &Interpreter, given: &Given| unary(tf, given, $function))),*]
    };
}

macro_rules! binaries {
    ($($signature:literal => $function:expr),* $(,)?) => {
        &[$(($signature, |tf: &Rc<Tf>, _: &Interpreter, given: &Given| binary(tf, given, $function))),*]
    };
}

macro_rules! reductions {
    ($($signature:literal => $reduce:expr),* $(,)?) => {
        &[$(($signature, |tf: &Rc<Tf>, _: &Interpreter, given: &Given| reduce(tf, given, $reduce))),*]
    };
}

/// Functions of one tensor.
pub(super) const UNARY: &[Entry] = unaries! {
    "tf.negative(x, name=None)" => Unary::Neg,
    "tf.abs(x, name=None)" => Unary::Abs,
    "tf.sign(x, name=None)" => Unary::Sign,
    "tf.square(x, name=None)" => Unary::Square,
    "tf.sqrt(x, name=None)" => Unary::Sqrt,
    "tf.rsqrt(x, name=None)" => Unary::Rsqrt,
    "tf.reciprocal(x, name=None)" => Unary::Reciprocal,
    "tf.exp(x, name=None)" => Unary::Exp,
    "tf.expm1(x, name=None)" => Unary::Expm1,
    "tf.log(x, name=None)" => Unary::Log,
    "tf.log1p(x, name=None)" => Unary::Log1p,
    "tf.sin(x, name=None)" => Unary::Sin,
    "tf.cos(x, name=None)" => Unary::Cos,
    "tf.tan(x, name=None)" => Unary::Tan,
    "tf.asin(x, name=None)" => Unary::Asin,
    "tf.acos(x, name=None)" => Unary::Acos,
    "tf.atan(x, name=None)" => Unary::Atan,
    "tf.sinh(x, name=None)" => Unary::Sinh,
    "tf.cosh(x, name=None)" => Unary::Cosh,
    "tf.tanh(x, name=None)" => Unary::Tanh,
    "tf.sigmoid(x, name=None)" => Unary::Sigmoid,
    "tf.floor(x, name=None)" => Unary::Floor,
    "tf.ceil(x, name=None)" => Unary::Ceil,
    "tf.round(x, name=None)" => Unary::Round,
    "tf.erf(x, name=None)" => Unary::Erf,
    "tf.lgamma(x, name=None)" => Unary::Lgamma,
    "tf.is_nan(x, name=None)" => Unary::IsNan,
    "tf.is_inf(x, name=None)" => Unary::IsInf,
    "tf.is_finite(x, name=None)" => Unary::IsFinite,
    "tf.logical_not(x, name=None)" => Unary::LogicalNot,
};

/// Functions of two tensors.
pub(super) const BINARY: &[Entry] = binaries! {
    "tf.add(x, y, name=None)" => Binary::Add,
    "tf.subtract(x, y, name=None)" => Binary::Sub,
    "tf.sub(x, y, name=None)" => Binary::Sub,
    "tf.multiply(x, y, name=None)" => Binary::Mul,
    "tf.mul(x, y, name=None)" => Binary::Mul,
    "tf.scalar_mul(x, y, name=None)" => Binary::Mul,
    "tf.div(x, y, name=None)" => Binary::Div,
    "tf.realdiv(x, y, name=None)" => Binary::RealDiv,
    "tf.floordiv(x, y, name=None)" => Binary::FloorDiv,
    "tf.floor_div(x, y, name=None)" => Binary::FloorDiv,
    "tf.mod(x, y, name=None)" => Binary::FloorMod,
    "tf.floormod(x, y, name=None)" => Binary::FloorMod,
    "tf.truncatemod(x, y, name=None)" => Binary::TruncateMod,
    "tf.pow(x, y, name=None)" => Binary::Pow,
    "tf.maximum(x, y, name=None)" => Binary::Maximum,
    "tf.minimum(x, y, name=None)" => Binary::Minimum,
    "tf.squared_difference(x, y, name=None)" => Binary::SquaredDifference,
    "tf.atan2(x, y, name=None)" => Binary::Atan2,
    "tf.equal(x, y, name=None)" => Binary::Equal,
    "tf.not_equal(x, y, name=None)" => Binary::NotEqual,
    "tf.less(x, y, name=None)" => Binary::Less,
    "tf.less_equal(x, y, name=None)" => Binary::LessEqual,
    "tf.greater(x, y, name=None)" => Binary::Greater,
    "tf.greater_equal(x, y, name=None)" => Binary::GreaterEqual,
    "tf.logical_and(x, y, name=None)" => Binary::LogicalAnd,
    "tf.logical_or(x, y, name=None)" => Binary::LogicalOr,
    "tf.logical_xor(x, y, name=None)" => Binary::LogicalXor,
};

/// Reductions.
pub(super) const REDUCTIONS: &[Entry] = reductions! {
    "tf.reduce_sum(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Sum,
    "tf.reduce_mean(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Mean,
    "tf.reduce_prod(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Prod,
    "tf.reduce_max(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Max,
    "tf.reduce_min(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Min,
    "tf.reduce_any(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::Any,
    "tf.reduce_all(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::All,
    "tf.reduce_logsumexp(input_tensor, axis=None, keep_dims=False, name=None, reduction_indices=None, keepdims=None)" => Reduce::LogSumExp,
};

/// Everything else with numbers.
pub(super) const OTHERS: &[Entry] = &[
    ("tf.divide(x, y, name=None)", |tf, _, given| {
        let (x, y) = convert::pair(tf, given, "x", "y")?;
        convert::true_division(tf, x, y, Some(name(given)?.unwrap_or("truediv")))
    }),
    ("tf.truediv(x, y, name=None)", |tf, _, given| {
        let (x, y) = convert::pair(tf, given, "x", "y")?;
        convert::true_division(tf, x, y, Some(name(given)?.unwrap_or("truediv")))
    }),
    ("tf.add_n(inputs, name=None)", |tf, _, given| {
        let items = given.value("inputs").as_items().ok_or_else(|| given.wrong("inputs", "a list of tensors"))?;
        let parts = items.iter().map(|item| convert::symbol(tf, item, None)).collect::<Outcome<Vec<_>>>()?;
        if parts.is_empty() {
            return Err(Raised::value_error("add_n of no tensors"));
        }
        Ok(tf.value(tf.graph.add(Pointwise::AddN, &parts, name(given)?).or_raise()?))
    }),
    ("tf.argmax(input, axis=None, name=None, dimension=None, output_type=None)", |tf, _, given| arg(tf, given, true)),
    ("tf.argmin(input, axis=None, name=None, dimension=None, output_type=None)", |tf, _, given| arg(tf, given, false)),
    ("tf.cast(x, dtype, name=None)", |tf, _, given| {
        let dtype = convert::dtype(given.value("dtype"))?;
        cast(tf, given, dtype, "Cast")
    }),
    ("tf.to_float(x, name='ToFloat')", |tf, _, given| cast(tf, given, DType::Float32, "ToFloat")),
    ("tf.to_double(x, name='ToDouble')", |tf, _, given| cast(tf, given, DType::Float64, "ToDouble")),
    ("tf.to_int32(x, name='ToInt32')", |tf, _, given| cast(tf, given, DType::Int32, "ToInt32")),
    ("tf.to_int64(x, name='ToInt64')", |tf, _, given| cast(tf, given, DType::Int64, "ToInt64")),
    ("tf.saturate_cast(x, dtype, name=None)", |tf, _, given| {
        let dtype = convert::dtype(given.value("dtype"))?;
        cast(tf, given, dtype, "saturate_cast")
    }),
    (
        "tf.matmul(a, b, transpose_a=False, transpose_b=False, adjoint_a=False, adjoint_b=False, a_is_sparse=False, b_is_sparse=False, name=None)",
        |tf, _, given| {
            let (a, b) = convert::pair(tf, given, "a", "b")?;
            let turned = |flags: [&str; 2]| flags.iter().any(|flag| matches!(given.value(flag), Value::Bool(true)));
            let turned = (turned(["transpose_a", "adjoint_a"]), turned(["transpose_b", "adjoint_b"]));
            Ok(tf.value(ops::matmul(&tf.graph, a, b, turned, name(given)?).or_raise()?))
        },
    ),
    ("tf.where(condition, x=None, y=None, name=None)", |tf, _, given| {
        if given.some("x").is_none() || given.some("y").is_none() {
            return Err(convert::unsupported(
                "tf.where with a condition alone gives indices, whose number no shape can say",
                "give it two tensors to choose from: tf.where(condition, x, y)",
            ));
        }
        let condition = convert::tensor(tf, given, "condition")?;
        let (x, y) = convert::pair(tf, given, "x", "y")?;
        Ok(tf.value(tf.graph.add(Pointwise::Select, &[condition, x, y], name(given)?).or_raise()?))
    }),
    ("tf.clip_by_value(t, clip_value_min, clip_value_max, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "t")?;
        let like = Some(tf.graph.dtype(x));
        let low = convert::symbol(tf, given.value("clip_value_min"), like)?;
        let high = convert::symbol(tf, given.value("clip_value_max"), like)?;
        Ok(tf.value(tf.graph.add(Pointwise::Clip, &[x, low, high], name(given)?).or_raise()?))
    }),
    ("tf.identity(input, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        identity(tf, x, name(given)?)
    }),
    ("tf.stop_gradient(input, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input")?;
        Ok(tf.value(tf.graph.add(Pointwise::StopGradient, &[x], name(given)?).or_raise()?))
    }),
    ("tf.Print(input_, data, message=None, first_n=None, summarize=None, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "input_")?;
        identity(tf, x, Some(name(given)?.unwrap_or("Print")))
    }),
    ("tf.check_numerics(tensor, message=None, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "tensor")?;
        identity(tf, x, Some(name(given)?.unwrap_or("CheckNumerics")))
    }),
    ("tf.cumsum(x, axis=0, exclusive=False, reverse=False, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "x")?;
        if given.bool("exclusive")? || given.bool("reverse")? {
            return Err(convert::unsupported(
                "tf.cumsum runs forward and includes each number",
                "turn x with tf.reverse",
            ));
        }
        let axis = ops::axis(&tf.graph, x, given.int("axis")?, 0).or_raise()?;
        Ok(tf.value(tf.graph.add(Reduction::Cumsum(axis), &[x], name(given)?).or_raise()?))
    }),
    ("tf.norm(tensor, ord='euclidean', axis=None, keep_dims=False, name=None, keepdims=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "tensor")?;
        let _scope = tf.graph.name_scope(name(given)?.unwrap_or("norm"));
        let axes = convert::axes(given, &["axis"])?;
        let keep = ["keep_dims", "keepdims"].iter().any(|flag| matches!(given.value(flag), Value::Bool(true)));
        let first = matches!(given.value("ord").as_float(), Some(order) if order == 1.0);
        if first {
            let sizes = ops::unary(&tf.graph, Unary::Abs, x, None).or_raise()?;
            return Ok(tf.value(ops::reduce(&tf.graph, Reduce::Sum, sizes, axes.as_deref(), keep, None).or_raise()?));
        }
        if given.value("ord").as_str() != Some("euclidean") && given.value("ord").as_float() != Some(2.0) {
            return Err(convert::unsupported("tf.norm knows the orders 1, 2 and 'euclidean'", "write the formula out"));
        }
        let squares = ops::unary(&tf.graph, Unary::Square, x, None).or_raise()?;
        let sum = ops::reduce(&tf.graph, Reduce::Sum, squares, axes.as_deref(), keep, None).or_raise()?;
        Ok(tf.value(ops::unary(&tf.graph, Unary::Sqrt, sum, None).or_raise()?))
    }),
    ("tf.histogram_fixed_width(values, value_range, nbins=100, dtype=None, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "values")?;
        let range = convert::floats(tf, given, "value_range")?;
        let dtype = convert::dtype_or(given.value("dtype"), DType::Int32)?;
        let histogram = Reduction::Histogram(given.int("nbins")?.clamp(1, 1 << 20), dtype);
        Ok(tf.value(tf.graph.add(histogram, &[x, range], name(given)?).or_raise()?))
    }),
];

/// `tf.nn`'s functions of single numbers, by the argument name that they have there.
pub(super) const ACTIVATIONS: &[Entry] = &[
    ("tf.nn.relu(features, name=None)", |tf, _, given| activation(tf, given, Unary::Relu)),
    ("tf.nn.relu6(features, name=None)", |tf, _, given| activation(tf, given, Unary::Relu6)),
    ("tf.nn.elu(features, name=None)", |tf, _, given| activation(tf, given, Unary::Elu)),
    ("tf.nn.selu(features, name=None)", |tf, _, given| activation(tf, given, Unary::Selu)),
    ("tf.nn.softplus(features, name=None)", |tf, _, given| activation(tf, given, Unary::Softplus)),
    ("tf.nn.softsign(features, name=None)", |tf, _, given| activation(tf, given, Unary::Softsign)),
    ("tf.nn.leaky_relu(features, alpha=0.2, name=None)", |tf, _, given| {
        let alpha = given.float("alpha")?;
        activation(tf, given, Unary::LeakyRelu(alpha))
    }),
    ("tf.nn.swish(features, name=None)", |tf, _, given| {
        let x = convert::floats(tf, given, "features")?;
        let gate = ops::unary(&tf.graph, Unary::Sigmoid, x, None).or_raise()?;
        Ok(tf.value(ops::binary(&tf.graph, Binary::Mul, x, gate, name(given)?).or_raise()?))
    }),
    ("tf.nn.l2_loss(t, name=None)", |tf, _, given| {
        let x = convert::tensor(tf, given, "t")?;
        Ok(tf.value(tf.graph.add(Linear::L2Loss, &[x], name(given)?).or_raise()?))
    }),
];

fn activation(tf: &Rc<Tf>, given: &Given, function: Unary) -> Outcome {
    let x = convert::floats(tf, given, "features")?;
    Ok(tf.value(ops::unary(&tf.graph, function, x, name(given)?).or_raise()?))
}
