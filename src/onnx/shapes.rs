//! What each module sees: the network is run twice, on batches of 2 and of 3 samples. An extent that differs is the
//! batch (or a multiple of it); all others are constants of the model.

use crate::{
    error::{Error, Kind, Result},
    nn::{Activity, Context, Mode, Network, Node, Observer, Shape},
};

/// One extent of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dim {
    Fixed(i64),
    /// So many times the batch size.
    Batch(i64),
}

/// One value seen with both batch sizes.
#[derive(Debug, Clone)]
pub(super) struct Seen(Shape, Shape);

/// What went into a module and what came out.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) input: Seen,
    pub(super) output: Seen,
}

const BATCHES: [i64; 2] = [2, 3];

#[derive(Default)]
struct Recorder(Vec<(Shape, Shape)>);

impl Observer for Recorder {
    fn saw(&mut self, _: &Node, input: &Activity, output: &Activity) {
        self.0.push((input.shape(), output.shape()));
    }
}

/// The steps of an evaluation pass, each module's after those of its children.
pub(super) fn record(network: &Network, shape: [i64; 3]) -> Result<Vec<Step>> {
    let pass = |batch: i64| {
        let size = [&[batch], &shape[..]].concat();
        // Ones: modules that look numbers up want them above 0.
        let image = tch::Tensor::f_ones(size, (network.kind, network.device))?;
        let mut recorder = Recorder::default();
        tch::no_grad(|| network.forward(&image.into(), &mut Context::new(Mode::Evaluate).observed(&mut recorder)))?;
        Ok::<_, Error>(recorder.0)
    };
    let (two, three) = (pass(BATCHES[0])?, pass(BATCHES[1])?);
    if two.len() != three.len() {
        return Err(Error::new(Kind::Network, "the network takes another way for another batch size")
            .with_help("an ONNX model has one graph for all batches"));
    }
    let step = |((i2, o2), (i3, o3))| Step { input: Seen(i2, i3), output: Seen(o2, o3) };
    Ok(two.into_iter().zip(three).map(step).collect())
}

impl Seen {
    /// The extents of a tensor.
    pub(super) fn dims(&self) -> Result<Vec<Dim>> {
        let (Shape::Tensor(two), Shape::Tensor(three)) = (&self.0, &self.1) else {
            return Err(Error::new(Kind::Shape, "a tensor is wanted, not a table"));
        };
        let strange = || {
            Error::new(Kind::Network, "a shape depends on the batch size in a way that ONNX cannot say")
                .with_fact("batches of 2", format!("{two:?}"))
                .with_fact("batches of 3", format!("{three:?}"))
                .with_help("keep the batch a dimension of its own: nn.View(…):setNumInputDims(…), nn.Reshape(…, true)")
        };
        if two.len() != three.len() {
            return Err(strange());
        }
        let dim = |(&a, &b): (&i64, &i64)| match (a, b) {
            (a, b) if a == b => Ok(Dim::Fixed(a)),
            (a, b) if a % 2 == 0 && a / 2 * 3 == b => Ok(Dim::Batch(a / 2)),
            _ => Err(strange()),
        };
        two.iter().zip(three).map(dim).collect()
    }

    /// The extents of a tensor that do not depend on the batch, from dim `from` on.
    pub(super) fn fixed(&self, from: usize) -> Result<Vec<i64>> {
        let fixed = |dim: &Dim| match dim {
            Dim::Fixed(extent) => Ok(*extent),
            Dim::Batch(_) => {
                Err(Error::new(Kind::Network, "the batch size is in a dimension where ONNX needs a number")
                    .with_help("keep the batch the first dimension, and a dimension of its own"))
            }
        };
        self.dims()?.get(from..).unwrap_or_default().iter().map(fixed).collect()
    }

    /// How many dims a tensor has.
    pub(super) fn rank(&self) -> Result<usize> {
        Ok(self.dims()?.len())
    }

    /// The entries of a table; a tensor is its own only entry.
    pub(super) fn entries(&self) -> Vec<Seen> {
        match (&self.0, &self.1) {
            (Shape::Table(two), Shape::Table(three)) => {
                two.iter().zip(three).flat_map(|(a, b)| Seen(a.clone(), b.clone()).entries()).collect()
            }
            _ => vec![self.clone()],
        }
    }
}
