//! `Meta`: what is known about a value before anything runs: element type, sizes, and the numbers of small whole-number
//! tensors, which may be the sizes of others.

use std::fmt;

use crate::{
    error::{Error, Kind, Result},
    torch::memory,
};

/// The element types of TensorFlow that a network can meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DType {
    /// 16-bit float.
    Float16,
    /// The network's own float: f32, or f64 where a network runs in f64.
    Float32,
    /// 64-bit float.
    Float64,
    /// 0 to 255.
    Uint8,
    /// −128 to 127.
    Int8,
    /// 16-bit whole numbers.
    Int16,
    /// 32-bit whole numbers.
    Int32,
    /// 64-bit whole numbers.
    Int64,
    /// Truth values.
    Bool,
}

impl DType {
    /// Every type.
    pub const ALL: [DType; 9] = [
        DType::Float16,
        DType::Float32,
        DType::Float64,
        DType::Uint8,
        DType::Int8,
        DType::Int16,
        DType::Int32,
        DType::Int64,
        DType::Bool,
    ];

    /// TensorFlow's name: `float32`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DType::Float16 => "float16",
            DType::Float32 => "float32",
            DType::Float64 => "float64",
            DType::Uint8 => "uint8",
            DType::Int8 => "int8",
            DType::Int16 => "int16",
            DType::Int32 => "int32",
            DType::Int64 => "int64",
            DType::Bool => "bool",
        }
    }

    /// Whether it is a float.
    #[must_use]
    pub fn is_float(self) -> bool {
        matches!(self, DType::Float16 | DType::Float32 | DType::Float64)
    }

    /// Whether it is a whole number.
    #[must_use]
    pub fn is_integer(self) -> bool {
        !self.is_float() && self != DType::Bool
    }

    /// libtorch's type where the network's own float is `real`.
    #[must_use]
    pub fn kind(self, real: tch::Kind) -> tch::Kind {
        match self {
            DType::Float32 => real,
            // Half precision has no kernels on the processor worth having.
            DType::Float16 => real,
            DType::Float64 => tch::Kind::Double,
            DType::Uint8 => tch::Kind::Uint8,
            DType::Int8 => tch::Kind::Int8,
            DType::Int16 => tch::Kind::Int16,
            DType::Int32 => tch::Kind::Int,
            DType::Int64 => tch::Kind::Int64,
            DType::Bool => tch::Kind::Bool,
        }
    }
}

impl fmt::Display for DType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One extent; `None` until a batch is there.
pub type Dim = Option<i64>;

/// Sizes, some of them unknown: `[?, 28, 28, 1]`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Dims(pub Vec<Dim>);

impl Dims {
    /// Wholly known sizes.
    #[must_use]
    pub fn known(sizes: &[i64]) -> Dims {
        Dims(sizes.iter().map(|&size| Some(size)).collect())
    }

    /// Number of dimensions.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.0.len()
    }

    /// Number of elements, where it is known and can be counted.
    #[must_use]
    pub fn numel(&self) -> Option<i64> {
        self.0.iter().try_fold(1i64, |product, &dim| product.checked_mul(dim?))
    }

    /// The sizes when all are known.
    #[must_use]
    pub fn all(&self) -> Option<Vec<i64>> {
        self.0.iter().copied().collect()
    }

    /// The 0-based axis for `axis`, which counts from the end when it is negative.
    ///
    /// # Errors
    /// `Kind::Shape` when there is none.
    pub fn axis(&self, axis: i64) -> Result<usize> {
        let rank = self.rank() as i64;
        let at = if axis < 0 { axis + rank } else { axis };
        if (0..rank).contains(&at) {
            return Ok(at as usize);
        }
        Err(Error::new(Kind::Shape, format!("there is no axis {axis} in a tensor of {rank} dimensions"))
            .with_fact("it has", self.to_string()))
    }

    /// The 0-based axes, each once, ascending; all of them for `None`.
    ///
    /// # Errors
    /// `Kind::Shape` when one does not exist.
    pub fn axes(&self, axes: Option<&[i64]>) -> Result<Vec<usize>> {
        let Some(axes) = axes else { return Ok((0..self.rank()).collect()) };
        let mut found = axes.iter().map(|&axis| self.axis(axis)).collect::<Result<Vec<_>>>()?;
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    /// Whether a tensor of these sizes may have those of `other`.
    #[must_use]
    pub fn fits(&self, other: &Dims) -> bool {
        self.rank() == other.rank() && self.0.iter().zip(&other.0).all(|(a, b)| a.is_none() || b.is_none() || a == b)
    }

    /// What both know.
    #[must_use]
    pub fn merged(&self, other: &Dims) -> Dims {
        Dims(self.0.iter().zip(&other.0).map(|(a, b)| a.or(*b)).collect())
    }

    /// The sizes of an operation on every pair of elements, extents of 1 repeated.
    ///
    /// # Errors
    /// `Kind::Shape` when two extents differ and none is 1.
    pub fn broadcast(&self, other: &Dims) -> Result<Dims> {
        let rank = self.rank().max(other.rank());
        let at = |dims: &Dims, i: usize| (i + dims.rank()).checked_sub(rank).map_or(Some(1), |i| dims.0[i]);
        let mut joined = Vec::with_capacity(rank);
        for i in 0..rank {
            joined.push(match (at(self, i), at(other, i)) {
                (Some(1), b) => b,
                (a, Some(1)) => a,
                (None, b) => b,
                (a, None) => a,
                (Some(a), Some(b)) if a == b => Some(a),
                _ => {
                    return Err(Error::new(Kind::Shape, "the sizes do not fit each other")
                        .with_fact("the first has", self.to_string())
                        .with_fact("the second has", other.to_string())
                        .with_help("extents must be equal, or one of them 1, counted from the last dimension"));
                }
            });
        }
        Ok(Dims(joined))
    }
}

impl fmt::Display for Dims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[")?;
        for (i, dim) in self.0.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            match dim {
                Some(size) => write!(f, "{comma}{size}")?,
                None => write!(f, "{comma}?")?,
            }
        }
        f.write_str("]")
    }
}

/// What is known of a value.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    /// Element type.
    pub dtype: DType,
    /// Sizes.
    pub dims: Dims,
    /// The numbers of a scalar or vector of whole numbers, as far as they are known; `None` for everything else.
    pub numbers: Option<Vec<Option<i64>>>,
}

impl Meta {
    /// Of this type and these sizes.
    #[must_use]
    pub fn new(dtype: DType, dims: Dims) -> Meta {
        Meta { dtype, dims, numbers: None }
    }

    /// The same type with other sizes.
    #[must_use]
    pub fn sized(&self, dims: Dims) -> Meta {
        Meta::new(self.dtype, dims)
    }

    /// The sizes that this vector of whole numbers gives to another tensor: −1 and unknown numbers are unknown.
    ///
    /// # Errors
    /// `Kind::Shape` when it is no vector of whole numbers or its length is unknown.
    pub fn as_sizes(&self) -> Result<Vec<Dim>> {
        if !self.dtype.is_integer() || self.dims.rank() > 1 {
            return Err(Error::new(Kind::Shape, "sizes are a list of whole numbers")
                .with_fact("it was given", self.to_string()));
        }
        if let Some(numbers) = &self.numbers {
            return Ok(numbers.clone());
        }
        match self.dims.0.first() {
            None => Ok(vec![None]),
            Some(Some(length)) => {
                memory::check(*length, size_of::<Dim>(), "a list of sizes")?;
                Ok(vec![None; usize::try_from(*length).unwrap_or(0)])
            }
            Some(None) => Err(Error::new(Kind::Shape, "the number of dimensions is not known before the network runs")),
        }
    }
}

impl fmt::Display for Meta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.dtype, self.dims)
    }
}

/// `input` of an operation, by its number.
///
/// # Errors
/// `Kind::Network` when the operation got fewer.
pub(super) fn input(inputs: &[Meta], at: usize) -> Result<&Meta> {
    inputs.get(at).ok_or_else(|| Error::new(Kind::Network, format!("an operation lacks its input {}", at + 1)))
}

/// Checks that the input has `rank` dimensions, `wants` in words.
pub(super) fn ranked(meta: &Meta, rank: usize, wants: &str) -> Result<()> {
    if meta.dims.rank() == rank {
        return Ok(());
    }
    Err(Error::new(Kind::Shape, format!("a tensor of {rank} dimensions is wanted"))
        .with_fact("it was given", meta.dims.to_string())
        .with_fact("it wants", wants))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_broadcast_from_the_last_one() {
        let a = Dims(vec![None, Some(28), Some(1)]);
        assert_eq!(a.broadcast(&Dims::known(&[3])).unwrap().to_string(), "[?, 28, 3]");
        assert_eq!(a.broadcast(&Dims::known(&[])).unwrap(), a);
        assert_eq!(a.broadcast(&Dims(vec![Some(5), None, Some(1)])).unwrap().to_string(), "[5, 28, 1]");
        assert!(a.broadcast(&Dims::known(&[27, 3])).unwrap_err().to_string().contains("[?, 28, 1]"));
        assert_eq!(a.axes(Some(&[-1, 0, 2])).unwrap(), [0, 2]);
        assert!(a.axis(3).is_err());
    }

    #[test]
    fn counts_that_do_not_fit_a_number_are_unknown() {
        assert_eq!(Dims::known(&[1 << 40, 1 << 40]).numel(), None);
        assert_eq!(Dims::known(&[4, 5]).numel(), Some(20));
    }
}
