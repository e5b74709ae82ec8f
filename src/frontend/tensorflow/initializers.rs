//! Initializers: how variables start, with TensorFlow's distributions, drawn from the graph's generator.
//!
//! Formulas: Glorot and Bengio (2010), He et al. (2015), Saxe et al. (2014); TensorFlow's documentation. A truncated
//! normal is drawn again beyond two deviations.

use std::rc::Rc;

use super::state::{Fans, Graph, Initializer, Spread};
use crate::{
    error::{Error, Kind, Result},
    nn::dataflow::DType,
    torch::{Generator, memory},
};

/// The deviation that a standard normal has left after it was cut at two.
const TRUNCATED_DEVIATION: f64 = 0.879_625_661_034_239_8;

impl Initializer {
    /// `tf.contrib.layers.xavier_initializer(uniform)`
    #[must_use]
    pub fn xavier(uniform: bool) -> Initializer {
        // Its normal form makes up for the cut by a factor of its own.
        let (scale, spread) = if uniform { (1.0, Spread::Uniform) } else { (1.3, Spread::Truncated) };
        Initializer::VarianceScaling { scale, fans: Fans::Average, spread }
    }

    /// What `tf.get_variable` uses when nothing is said: Glorot's uniform for floats, else zeros.
    #[must_use]
    pub fn default_for(dtype: DType) -> Initializer {
        if dtype.is_float() { Initializer::xavier(true) } else { Initializer::zeros() }
    }

    /// Zeros.
    #[must_use]
    pub fn zeros() -> Initializer {
        Initializer::Constant(Rc::new(vec![0.0]))
    }

    /// The first value of a variable of these sizes, in f32 (whole numbers in i64).
    ///
    /// # Errors
    /// `Kind::Limit` when it does not fit into memory, `Kind::Argument` when the sizes do not suit it.
    pub fn draw(&self, graph: &Graph, dims: &[i64], dtype: DType) -> Result<tch::Tensor> {
        let count = dims.iter().try_fold(1i64, |n, &d| n.checked_mul(d)).unwrap_or(i64::MAX);
        memory::check(count, 4, "a variable").map_err(|error| graph.placed(error))?;
        let symbol = match self {
            Initializer::Value(symbol) => Some(*symbol),
            Initializer::Function(function) => Some(function(dims, dtype)?),
            _ => None,
        };
        let kind = if dtype.is_float() { tch::Kind::Float } else { tch::Kind::Int64 };
        let value = match (symbol, self) {
            (Some(symbol), _) => graph.evaluate(symbol)?,
            (None, Initializer::Constant(values)) if values.len() == 1 => {
                tch::Tensor::f_full(dims, values[0], (kind, tch::Device::Cpu))?
            }
            (None, _) => {
                let numbers = graph.with(|state| self.numbers(&mut state.generator.borrow_mut(), dims));
                tch::Tensor::f_from_slice(&numbers.map_err(|error| graph.placed(error))?)?.f_reshape(dims)?
            }
        };
        if value.size() != dims {
            return Err(graph.placed(
                Error::new(Kind::Shape, "the initial value has other sizes than the variable")
                    .with_fact("the variable has", format!("{dims:?}"))
                    .with_fact("the value has", format!("{:?}", value.size())),
            ));
        }
        Ok(value.f_to_kind(kind)?.f_contiguous()?)
    }

    fn numbers(&self, generator: &mut Generator, dims: &[i64]) -> Result<Vec<f64>> {
        let count = dims.iter().product::<i64>().max(0) as usize;
        let uniform = |generator: &mut Generator, a: f64, b: f64| (0..count).map(|_| generator.uniform(a, b)).collect();
        Ok(match self {
            Initializer::Constant(values) => {
                if values.len() > count && values.len() > 1 {
                    return Err(Error::new(Kind::Argument, "a constant initializer has more values than the variable")
                        .with_fact("it has", values.len().to_string())
                        .with_fact("the variable has", format!("{count} numbers, {dims:?}")));
                }
                let last = values.last().copied().unwrap_or(0.0);
                values.iter().copied().chain(std::iter::repeat(last)).take(count).collect()
            }
            Initializer::Uniform(a, b) => uniform(generator, *a, *b),
            Initializer::Normal(mean, std) => {
                let mut block = vec![0.0; count];
                generator.normals(&mut block, *mean, *std);
                block
            }
            Initializer::TruncatedNormal(mean, std) => truncated(generator, count, *mean, *std),
            Initializer::VarianceScaling { scale, fans, spread } => {
                let (fan_in, fan_out) = fans_of(dims);
                let fans = match fans {
                    Fans::In => fan_in,
                    Fans::Out => fan_out,
                    Fans::Average => (fan_in + fan_out) / 2.0,
                };
                let variance = scale / fans.max(1.0);
                match spread {
                    Spread::Uniform => {
                        let limit = (3.0 * variance).sqrt();
                        uniform(generator, -limit, limit)
                    }
                    Spread::Truncated => truncated(generator, count, 0.0, variance.sqrt()),
                    Spread::CorrectedTruncated => {
                        truncated(generator, count, 0.0, variance.sqrt() / TRUNCATED_DEVIATION)
                    }
                    Spread::Normal => {
                        let mut block = vec![0.0; count];
                        generator.normals(&mut block, 0.0, variance.sqrt());
                        block
                    }
                }
            }
            Initializer::Orthogonal(gain) => orthogonal(generator, dims, *gain)?,
            Initializer::Identity(gain) => {
                let &[rows, columns] = dims else {
                    return Err(Error::new(Kind::Argument, "an identity initializer makes matrices only")
                        .with_fact("the variable has", format!("{dims:?}")));
                };
                let at = |i: usize| if i as i64 / columns == i as i64 % columns { *gain } else { 0.0 };
                let _ = rows;
                (0..count).map(at).collect()
            }
            Initializer::Value(_) | Initializer::Function(_) => Vec::new(),
        })
    }
}

/// Connections in and out of a variable of these sizes: the last two dims times the area of a kernel.
#[must_use]
pub fn fans_of(dims: &[i64]) -> (f64, f64) {
    match dims {
        [] => (1.0, 1.0),
        [n] => (*n as f64, *n as f64),
        [area @ .., input, output] => {
            let area: i64 = area.iter().product();
            ((area * input) as f64, (area * output) as f64)
        }
    }
}

fn truncated(generator: &mut Generator, count: usize, mean: f64, std: f64) -> Vec<f64> {
    (0..count)
        .map(|_| {
            loop {
                let z = generator.normal(0.0, 1.0);
                if z.abs() <= 2.0 {
                    return mean + std * z;
                }
            }
        })
        .collect()
}

/// The Q of a random matrix, its signs those of R's diagonal.
fn orthogonal(generator: &mut Generator, dims: &[i64], gain: f64) -> Result<Vec<f64>> {
    let Some((&columns, rows)) = dims.split_last().filter(|(_, rows)| !rows.is_empty()) else {
        return Err(Error::new(Kind::Argument, "an orthogonal initializer wants at least two dimensions")
            .with_fact("the variable has", format!("{dims:?}")));
    };
    let rows: i64 = rows.iter().product();
    let (long, short) = (rows.max(columns), rows.min(columns));
    let mut block = vec![0.0; (long * short) as usize];
    generator.normals(&mut block, 0.0, 1.0);
    let random = tch::Tensor::f_from_slice(&block)?.f_reshape([long, short])?;
    let (q, r) = tch::Tensor::f_linalg_qr(&random, "reduced")?;
    let q = q.f_mul(&r.f_diagonal(0, 0, 1)?.f_sign()?)?;
    let q = if rows < columns { q.f_transpose(0, 1)? } else { q };
    Ok(Vec::try_from(q.f_mul_scalar(gain)?.f_contiguous()?.f_reshape([-1])?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(initializer: &Initializer, dims: &[i64]) -> Vec<f64> {
        let value = initializer.draw(&Graph::new(7), dims, DType::Float32).unwrap();
        Vec::try_from(value.to_kind(tch::Kind::Double).flatten(0, -1)).unwrap()
    }

    fn deviation(numbers: &[f64]) -> f64 {
        let mean = numbers.iter().sum::<f64>() / numbers.len() as f64;
        (numbers.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / numbers.len() as f64).sqrt()
    }

    #[test]
    fn distributions_have_their_limits_and_deviations() {
        let limit = (6.0f64 / (784.0 + 300.0)).sqrt();
        let xavier = drawn(&Initializer::xavier(true), &[784, 300]);
        let (low, high) = xavier.iter().fold((0f64, 0f64), |(low, high), &x| (low.min(x), high.max(x)));
        assert!(low >= -limit && low < -0.999 * limit && high < limit && high > 0.999 * limit);
        // A kernel's area counts on both sides.
        assert_eq!(fans_of(&[5, 5, 20, 50]), (500.0, 1250.0));
        assert_eq!(fans_of(&[16]), (16.0, 16.0));
        let cut = drawn(&Initializer::TruncatedNormal(1.0, 0.5), &[100_000]);
        assert!(cut.iter().all(|x| (x - 1.0).abs() <= 1.0 + 1e-6));
        assert!((deviation(&cut) - 0.5 * TRUNCATED_DEVIATION).abs() < 0.005);
        let he = Initializer::VarianceScaling { scale: 2.0, fans: Fans::In, spread: Spread::CorrectedTruncated };
        assert!((deviation(&drawn(&he, &[200, 500])) - 0.1).abs() < 0.001);
    }

    #[test]
    fn orthogonal_rows_are_at_right_angles() {
        let numbers = drawn(&Initializer::Orthogonal(2.0), &[3, 5]);
        let dot = |a: usize, b: usize| (0..5).map(|i| numbers[a * 5 + i] * numbers[b * 5 + i]).sum::<f64>();
        assert!((dot(0, 0) - 4.0).abs() < 1e-5 && dot(0, 1).abs() < 1e-5 && dot(1, 2).abs() < 1e-5);
    }

    #[test]
    fn constants_repeat_their_last_number() {
        assert_eq!(drawn(&Initializer::Constant(Rc::new(vec![1.0, 2.0])), &[2, 2]), [1.0, 2.0, 2.0, 2.0]);
        let many = Initializer::Constant(Rc::new(vec![0.0; 9]));
        assert!(many.draw(&Graph::new(1), &[2], DType::Float32).is_err());
        assert!(Initializer::zeros().draw(&Graph::new(1), &[1 << 40], DType::Float32).is_err());
    }
}
