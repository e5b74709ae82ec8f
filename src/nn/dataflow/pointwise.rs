//! Operations on single elements: functions of one, of two with broadcasting, choices, changes of type.
//!
//! Formulas and names: TensorFlow's documentation. Division of whole numbers: `FloorDiv` rounds down, `Div` towards zero,
//! `RealDiv` gives floats.

use super::{
    meta::{DType, Meta, input},
    run::Run,
};
use crate::error::{Error, Kind, Result};

/// A function of one number.
#[derive(Debug, Clone, Copy, PartialEq)]
#[expect(missing_docs, reason = "TensorFlow's own names")]
pub enum Unary {
    Neg,
    Abs,
    Sign,
    Square,
    Sqrt,
    Rsqrt,
    Reciprocal,
    Exp,
    Expm1,
    Log,
    Log1p,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Sigmoid,
    Relu,
    Relu6,
    /// The factor of negative numbers.
    LeakyRelu(f64),
    Elu,
    Selu,
    Softplus,
    Softsign,
    Floor,
    Ceil,
    /// Halves to the even neighbour.
    Round,
    Erf,
    Lgamma,
    IsNan,
    IsInf,
    IsFinite,
    LogicalNot,
}

/// A function of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "TensorFlow's own names")]
pub enum Binary {
    Add,
    Sub,
    Mul,
    /// Towards zero for whole numbers.
    Div,
    /// Floats only.
    RealDiv,
    FloorDiv,
    /// The remainder has the divisor's sign.
    FloorMod,
    /// The remainder has the dividend's sign.
    TruncateMod,
    Pow,
    Maximum,
    Minimum,
    SquaredDifference,
    Atan2,
    Equal,
    NotEqual,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    LogicalAnd,
    LogicalOr,
    LogicalXor,
}

/// An operation on single elements.
#[derive(Debug, Clone, PartialEq)]
pub enum Pointwise {
    /// Of one tensor.
    Unary(Unary),
    /// Of two, broadcast.
    Binary(Binary),
    /// `Select(condition, a, b)`
    Select,
    /// The sum of all inputs, of one size.
    AddN,
    /// To another type; floats to whole numbers are cut towards zero.
    Cast(DType),
    /// The input.
    Identity,
    /// The input, through which no gradient passes.
    StopGradient,
    /// `clip_by_value(x, low, high)`
    Clip,
    /// `CheckNumerics`, `Print`: the first input; the others are looked at only.
    First,
}

impl Binary {
    fn compares(self) -> bool {
        matches!(
            self,
            Binary::Equal
                | Binary::NotEqual
                | Binary::Less
                | Binary::LessEqual
                | Binary::Greater
                | Binary::GreaterEqual
                | Binary::LogicalAnd
                | Binary::LogicalOr
                | Binary::LogicalXor
        )
    }

    fn is_logical(self) -> bool {
        matches!(self, Binary::LogicalAnd | Binary::LogicalOr | Binary::LogicalXor)
    }

    /// Of known whole numbers.
    fn of(self, a: i64, b: i64) -> Option<i64> {
        match self {
            Binary::Add => a.checked_add(b),
            Binary::Sub => a.checked_sub(b),
            Binary::Mul => a.checked_mul(b),
            Binary::Div => a.checked_div(b),
            Binary::FloorDiv => a.checked_div_euclid(b).filter(|_| b > 0),
            Binary::FloorMod => a.checked_rem_euclid(b).filter(|_| b > 0),
            Binary::Maximum => Some(a.max(b)),
            Binary::Minimum => Some(a.min(b)),
            _ => None,
        }
    }
}

impl Pointwise {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Pointwise::Unary(unary) => unary.name(),
            Pointwise::Binary(binary) => binary.name(),
            Pointwise::Select => "Select",
            Pointwise::AddN => "AddN",
            Pointwise::Cast(_) => "Cast",
            Pointwise::Identity => "Identity",
            Pointwise::StopGradient => "StopGradient",
            Pointwise::Clip => "clip_by_value",
            Pointwise::First => "Print",
        }
    }

    pub(super) fn infer(&self, inputs: &[Meta]) -> Result<Vec<Meta>> {
        let first = input(inputs, 0)?;
        Ok(vec![match self {
            Pointwise::Unary(unary) => {
                unary.check(first)?;
                match unary {
                    Unary::IsNan | Unary::IsInf | Unary::IsFinite => Meta::new(DType::Bool, first.dims.clone()),
                    Unary::Neg => Meta {
                        numbers: first
                            .numbers
                            .as_ref()
                            .map(|all| all.iter().map(|n| n.and_then(i64::checked_neg)).collect()),
                        ..first.clone()
                    },
                    _ => first.sized(first.dims.clone()),
                }
            }
            Pointwise::Binary(binary) => {
                let second = input(inputs, 1)?;
                binary.check(first, second)?;
                let dtype = if binary.compares() { DType::Bool } else { first.dtype };
                let numbers = match (&first.numbers, &second.numbers) {
                    (Some(a), Some(b)) if a.len() == b.len() || a.len() == 1 || b.len() == 1 => {
                        let at = |all: &[Option<i64>], i: usize| all[if all.len() == 1 { 0 } else { i }];
                        let each = |i| at(a, i).zip(at(b, i)).and_then(|(a, b)| binary.of(a, b));
                        Some((0..a.len().max(b.len())).map(each).collect())
                    }
                    _ => None,
                };
                Meta {
                    dtype,
                    dims: first.dims.broadcast(&second.dims)?,
                    numbers: numbers.filter(|_| !binary.compares()),
                }
            }
            Pointwise::Select => {
                let (a, b) = (input(inputs, 1)?, input(inputs, 2)?);
                same_type(a, b)?;
                a.sized(a.dims.broadcast(&b.dims)?)
            }
            Pointwise::AddN => {
                let mut dims = first.dims.clone();
                for other in inputs {
                    same_type(first, other)?;
                    if !dims.fits(&other.dims) {
                        return Err(Error::new(Kind::Shape, "the tensors of a sum have different sizes")
                            .with_fact("the first has", first.dims.to_string())
                            .with_fact("another has", other.dims.to_string()));
                    }
                    dims = dims.merged(&other.dims);
                }
                first.sized(dims)
            }
            Pointwise::Cast(dtype) => Meta {
                dtype: *dtype,
                dims: first.dims.clone(),
                numbers: first.numbers.clone().filter(|_| dtype.is_integer()),
            },
            Pointwise::Identity | Pointwise::StopGradient | Pointwise::First => first.clone(),
            Pointwise::Clip => {
                let dims = first.dims.broadcast(&input(inputs, 1)?.dims)?.broadcast(&input(inputs, 2)?.dims)?;
                first.sized(dims)
            }
        }])
    }

    pub(super) fn run(&self, inputs: &[&tch::Tensor], run: &mut Run<'_, '_>) -> Result<Vec<tch::Tensor>> {
        let x = inputs[0];
        Ok(vec![match self {
            Pointwise::Unary(unary) => unary.run(x)?,
            Pointwise::Binary(binary) => {
                let (a, b) = together(x, inputs[1], run)?;
                binary.run(&a, &b)?
            }
            Pointwise::Select => {
                let (a, b) = (inputs[1], inputs[2]);
                // A vector of conditions chooses whole rows.
                let condition = if x.dim() == 1 && a.dim() > 1 {
                    let mut size = vec![1; a.dim()];
                    size[0] = -1;
                    x.f_reshape(size)?
                } else {
                    x.shallow_clone()
                };
                a.f_where_self(&condition, b)?
            }
            Pointwise::AddN => {
                let mut sum = x.shallow_clone();
                for other in &inputs[1..] {
                    sum = sum.f_add(other)?;
                }
                sum
            }
            Pointwise::Cast(dtype) => {
                let kind = dtype.kind(run.real);
                let x = if dtype.is_integer() && x.is_floating_point() { x.f_trunc()? } else { x.shallow_clone() };
                x.f_to_kind(kind)?
            }
            Pointwise::Identity | Pointwise::First => x.shallow_clone(),
            Pointwise::StopGradient => x.f_detach()?,
            Pointwise::Clip => x.f_maximum(inputs[1])?.f_minimum(inputs[2])?,
        }])
    }
}

fn chosen(a: &tch::Tensor, b: &tch::Tensor, first: &tch::Tensor) -> Result<tch::Tensor> {
    Ok(a.f_where_self(first, b)?)
}

/// Both on the network's device where one is not: sizes are kept on the processor.
fn together(a: &tch::Tensor, b: &tch::Tensor, run: &Run<'_, '_>) -> Result<(tch::Tensor, tch::Tensor)> {
    if a.device() == b.device() {
        return Ok((a.shallow_clone(), b.shallow_clone()));
    }
    Ok((a.f_to_device(run.device)?, b.f_to_device(run.device)?))
}

fn same_type(a: &Meta, b: &Meta) -> Result<()> {
    if a.dtype == b.dtype {
        return Ok(());
    }
    Err(Error::new(Kind::Argument, format!("tensors of different types: {} and {}", a.dtype, b.dtype))
        .with_fact("the first is", a.to_string())
        .with_fact("the second is", b.to_string())
        .with_help(format!("convert one of them: tf.cast(x, tf.{})", a.dtype)))
}

impl Unary {
    fn name(self) -> &'static str {
        match self {
            Unary::Neg => "Neg",
            Unary::Abs => "Abs",
            Unary::Sign => "Sign",
            Unary::Square => "Square",
            Unary::Sqrt => "Sqrt",
            Unary::Rsqrt => "Rsqrt",
            Unary::Reciprocal => "Reciprocal",
            Unary::Exp => "Exp",
            Unary::Expm1 => "Expm1",
            Unary::Log => "Log",
            Unary::Log1p => "Log1p",
            Unary::Sin => "Sin",
            Unary::Cos => "Cos",
            Unary::Tan => "Tan",
            Unary::Asin => "Asin",
            Unary::Acos => "Acos",
            Unary::Atan => "Atan",
            Unary::Sinh => "Sinh",
            Unary::Cosh => "Cosh",
            Unary::Tanh => "Tanh",
            Unary::Sigmoid => "Sigmoid",
            Unary::Relu => "Relu",
            Unary::Relu6 => "Relu6",
            Unary::LeakyRelu(_) => "LeakyRelu",
            Unary::Elu => "Elu",
            Unary::Selu => "Selu",
            Unary::Softplus => "Softplus",
            Unary::Softsign => "Softsign",
            Unary::Floor => "Floor",
            Unary::Ceil => "Ceil",
            Unary::Round => "Round",
            Unary::Erf => "Erf",
            Unary::Lgamma => "Lgamma",
            Unary::IsNan => "IsNan",
            Unary::IsInf => "IsInf",
            Unary::IsFinite => "IsFinite",
            Unary::LogicalNot => "LogicalNot",
        }
    }

    fn check(self, x: &Meta) -> Result<()> {
        let fits = match self {
            Unary::LogicalNot => x.dtype == DType::Bool,
            Unary::Neg | Unary::Abs | Unary::Sign | Unary::Square | Unary::Relu | Unary::Relu6 => {
                x.dtype != DType::Bool
            }
            // Rounding leaves whole numbers as they are.
            Unary::Floor | Unary::Ceil | Unary::Round => x.dtype != DType::Bool,
            _ => x.dtype.is_float(),
        };
        if fits {
            return Ok(());
        }
        let help = if self == Unary::LogicalNot { "compare first: x > 0" } else { "convert it first: tf.to_float(x)" };
        Err(Error::new(Kind::Argument, format!("{} does not take {}", self.name(), x.dtype))
            .with_fact("it was given", x.to_string())
            .with_help(help))
    }

    fn run(self, x: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(match self {
            Unary::Neg => x.f_neg()?,
            Unary::Abs => x.f_abs()?,
            Unary::Sign => x.f_sign()?,
            Unary::Square => x.f_mul(x)?,
            Unary::Sqrt => x.f_sqrt()?,
            Unary::Rsqrt => x.f_rsqrt()?,
            Unary::Reciprocal => x.f_reciprocal()?,
            Unary::Exp => x.f_exp()?,
            Unary::Expm1 => x.f_expm1()?,
            Unary::Log => x.f_log()?,
            Unary::Log1p => x.f_log1p()?,
            Unary::Sin => x.f_sin()?,
            Unary::Cos => x.f_cos()?,
            Unary::Tan => x.f_tan()?,
            Unary::Asin => x.f_asin()?,
            Unary::Acos => x.f_acos()?,
            Unary::Atan => x.f_atan()?,
            Unary::Sinh => x.f_sinh()?,
            Unary::Cosh => x.f_cosh()?,
            Unary::Tanh => x.f_tanh()?,
            Unary::Sigmoid => x.f_sigmoid()?,
            Unary::Relu => x.f_relu()?,
            Unary::Relu6 => x.f_clamp(0.0, 6.0)?,
            Unary::LeakyRelu(slope) => x.f_where_self(&x.f_gt(0.0)?, &x.f_mul_scalar(slope)?)?,
            Unary::Elu => x.f_elu()?,
            Unary::Selu => x.f_selu()?,
            Unary::Softplus => x.f_softplus()?,
            Unary::Softsign => x.f_div(&x.f_abs()?.f_add_scalar(1.0)?)?,
            Unary::Floor => x.f_floor()?,
            Unary::Ceil => x.f_ceil()?,
            Unary::Round => x.f_round()?,
            Unary::Erf => x.f_erf()?,
            Unary::Lgamma => x.f_lgamma()?,
            Unary::IsNan => x.f_isnan()?,
            Unary::IsInf => x.f_isinf()?,
            Unary::IsFinite => x.f_isfinite()?,
            Unary::LogicalNot => x.f_logical_not()?,
        })
    }
}

impl Binary {
    fn name(self) -> &'static str {
        match self {
            Binary::Add => "Add",
            Binary::Sub => "Sub",
            Binary::Mul => "Mul",
            Binary::Div => "Div",
            Binary::RealDiv => "RealDiv",
            Binary::FloorDiv => "FloorDiv",
            Binary::FloorMod => "FloorMod",
            Binary::TruncateMod => "TruncateMod",
            Binary::Pow => "Pow",
            Binary::Maximum => "Maximum",
            Binary::Minimum => "Minimum",
            Binary::SquaredDifference => "SquaredDifference",
            Binary::Atan2 => "Atan2",
            Binary::Equal => "Equal",
            Binary::NotEqual => "NotEqual",
            Binary::Less => "Less",
            Binary::LessEqual => "LessEqual",
            Binary::Greater => "Greater",
            Binary::GreaterEqual => "GreaterEqual",
            Binary::LogicalAnd => "LogicalAnd",
            Binary::LogicalOr => "LogicalOr",
            Binary::LogicalXor => "LogicalXor",
        }
    }

    fn check(self, a: &Meta, b: &Meta) -> Result<()> {
        same_type(a, b)?;
        let fits = match self {
            Binary::LogicalAnd | Binary::LogicalOr | Binary::LogicalXor => a.dtype == DType::Bool,
            Binary::Equal | Binary::NotEqual => true,
            Binary::RealDiv | Binary::Atan2 => a.dtype.is_float(),
            _ => a.dtype != DType::Bool,
        };
        if fits {
            return Ok(());
        }
        Err(Error::new(Kind::Argument, format!("{} does not take {}", self.name(), a.dtype))
            .with_fact("the first is", a.to_string())
            .with_fact("the second is", b.to_string())
            .with_help(if self.is_logical() { "compare first: x > 0" } else { "convert both: tf.to_float(x)" }))
    }

    fn run(self, a: &tch::Tensor, b: &tch::Tensor) -> Result<tch::Tensor> {
        Ok(match self {
            Binary::Add => a.f_add(b)?,
            Binary::Sub => a.f_sub(b)?,
            Binary::Mul => a.f_mul(b)?,
            Binary::Div if !a.is_floating_point() => a.f_div_tensor_mode(b, "trunc")?,
            Binary::Div | Binary::RealDiv => a.f_div(b)?,
            Binary::FloorDiv => a.f_div_tensor_mode(b, "floor")?,
            Binary::FloorMod => a.f_remainder_tensor(b)?,
            Binary::TruncateMod => a.f_fmod_tensor(b)?,
            Binary::Pow => a.f_pow(b)?,
            // TensorFlow gives a tie's whole gradient to the first; libtorch would halve it.
            Binary::Maximum => chosen(a, b, &a.f_lt_tensor(b)?.f_logical_not()?)?,
            Binary::Minimum => chosen(a, b, &a.f_gt_tensor(b)?.f_logical_not()?)?,
            Binary::SquaredDifference => a.f_sub(b)?.f_square()?,
            Binary::Atan2 => a.f_atan2(b)?,
            Binary::Equal => a.f_eq_tensor(b)?,
            Binary::NotEqual => a.f_ne_tensor(b)?,
            Binary::Less => a.f_lt_tensor(b)?,
            Binary::LessEqual => a.f_le_tensor(b)?,
            Binary::Greater => a.f_gt_tensor(b)?,
            Binary::GreaterEqual => a.f_ge_tensor(b)?,
            Binary::LogicalAnd => a.f_logical_and(b)?,
            Binary::LogicalOr => a.f_logical_or(b)?,
            Binary::LogicalXor => a.f_logical_xor(b)?,
        })
    }
}
