//! Recognises small convolutional classifiers and regressors: a Sequential of [MulConstant] SpatialConvolution,
//! SpatialMaxPooling, Linear, ReLU, View, Reshape, with LogSoftMax and ClassNLL, CrossEntropy or MSE, in f32 on the
//! processor, every parameter learned and none shared.

use std::any::Any;

use super::plan::{Kind, Loss, PanelPlan, Place, Planes, Stage, Window};
use crate::{
    nn::{
        Activity, Context, Criterion, Mode, Network, Node, Observer,
        criteria::{class_nll::ClassNll, cross_entropy::CrossEntropy, mse::Mse},
        modules::{
            convolution::Convolution, linear::Linear, max_pooling::MaxPooling, mul_constant::MulConstant,
            pass_through::PassThrough, reshape::Reshape, sequential::Sequential, soft_max::SoftMax,
            threshold::Threshold, view::View,
        },
    },
    train::engine::recognise::{covers, place},
};

/// Features of one stage, at most: sixteen samples of them should stay near the processor.
const LARGEST: usize = 64 * 1024;

/// The plan of `network` for samples of this shape, and the shape of one output; `None` when it is anything else.
pub(super) fn plan(network: &Network, sample: &[i64]) -> Option<(PanelPlan, Vec<i64>)> {
    let usual = network.kind == tch::Kind::Float
        && network.device == tch::Device::Cpu
        && network.parameters.buffers.is_empty()
        && network.parameters.list.iter().all(|p| p.learns);
    let &[c, h, w] = sample else { return None };
    let modules = leaves(&network.root)?;
    let (loss, size_average) = criterion(&*network.criterion)?;
    if !usual {
        return None;
    }
    let shapes = shapes(network, sample)?;
    let planes = Planes { c: size(c)?, h: size(h)?, w: size(w)? };
    let mut reader = Reader { network, planes, stages: Vec::new(), scale: 1.0 };
    let mut log = false;
    for (i, node) in modules.iter().enumerate() {
        let module: &dyn Any = &*node.module;
        match module.downcast_ref::<SoftMax>() {
            Some(soft_max) if i + 1 == modules.len() && soft_max.is_log() => log = true,
            Some(_) => return None,
            None => reader.read(module)?,
        }
        if numel(&shapes[i]) != reader.planes.features() {
            return None;
        }
    }
    let Reader { stages, scale, .. } = reader;
    let loss = match (loss, log) {
        (Loss::ClassNll { .. }, log) => {
            let scores = stages.last()?.output;
            // The negative log-likelihood alone wants logarithms; CrossEntropy wants scores.
            let wants_log = (&*network.criterion as &dyn Any).is::<ClassNll>();
            if log != wants_log || scores.h * scores.w != 1 || shapes.last()?.len() != 2 {
                return None;
            }
            Loss::ClassNll { output_is_log: log }
        }
        (loss, false) => loss,
        _ => return None,
    };
    let parts: Vec<(usize, usize)> = stages
        .iter()
        .filter_map(|stage| Some((stage.place()?, stage)))
        .flat_map(|(place, stage)| {
            [Some((place.weight, stage.weights())), place.bias.map(|bias| (bias, stage.output.c))]
        })
        .flatten()
        .collect();
    let small = stages.iter().all(|stage| stage.input.features().max(stage.output.features()) <= LARGEST);
    let output = shapes.last()?[1..].to_vec();
    let plan = PanelPlan { stages, scale, loss, size_average };
    (small && !parts.is_empty() && covers(parts, network)).then_some((plan, output))
}

fn size(extent: i64) -> Option<usize> {
    usize::try_from(extent).ok().filter(|&extent| extent > 0)
}

/// Of one sample.
fn numel(shape: &[i64]) -> usize {
    shape[1..].iter().product::<i64>() as usize
}

fn criterion(criterion: &dyn Criterion) -> Option<(Loss, bool)> {
    let criterion: &dyn Any = criterion;
    if let Some(mse) = criterion.downcast_ref::<Mse>() {
        return Some((Loss::Mse, mse.size_average));
    }
    let nll: &dyn Any = criterion.downcast_ref::<CrossEntropy>().map_or(criterion, |outer| &*outer.0);
    let nll = nll.downcast_ref::<ClassNll>()?;
    // A class that is left out is the general engine's.
    (nll.weights.is_none() && nll.ignore_index < 1)
        .then_some((Loss::ClassNll { output_is_log: false }, nll.size_average))
}

/// The modules below Sequentials in the order in which they run; `None` when one is not known here.
fn leaves(node: &Node) -> Option<Vec<&Node>> {
    let module: &dyn Any = &*node.module;
    if module.is::<Sequential>() {
        let parts: Option<Vec<_>> = node.module.children().into_iter().map(leaves).collect();
        return Some(parts?.concat());
    }
    let known = module.is::<MulConstant>()
        || module.is::<Convolution>()
        || module.is::<MaxPooling>()
        || module.is::<Linear>()
        || module.is::<Threshold>()
        || module.is::<View>()
        || module.is::<Reshape>()
        || module.is::<PassThrough>()
        || module.is::<SoftMax>();
    known.then(|| vec![node])
}

/// The shape of each leaf's output for a batch of two, as the modules themselves make it.
fn shapes(network: &Network, sample: &[i64]) -> Option<Vec<Vec<i64>>> {
    struct Shapes(Vec<Option<Vec<i64>>>);
    impl Observer for Shapes {
        fn saw(&mut self, node: &Node, _input: &Activity, output: &Activity) {
            if !(&*node.module as &dyn Any).is::<Sequential>() {
                self.0.push(output.tensor().ok().map(tch::Tensor::size));
            }
        }
    }
    let _guard = tch::no_grad_guard();
    let mut seen = Shapes(Vec::new());
    let batch = tch::Tensor::f_zeros([&[2], sample].concat(), (tch::Kind::Float, tch::Device::Cpu)).ok()?;
    let mut cx = Context::new(Mode::Evaluate).observed(&mut seen);
    network.forward(&Activity::Tensor(batch), &mut cx).ok()?;
    // A batch that a View merged or split is none of ours.
    let shapes: Option<Vec<_>> = seen.0.into_iter().collect();
    shapes.filter(|shapes| shapes.iter().all(|shape| shape.first() == Some(&2)))
}

struct Reader<'a> {
    network: &'a Network,
    /// What the stages so far give.
    planes: Planes,
    stages: Vec<Stage>,
    scale: f32,
}

impl Reader<'_> {
    fn push(&mut self, kind: Kind, output: Planes) {
        self.stages.push(Stage { kind, input: self.planes, output, relu: false });
        self.planes = output;
    }

    fn read(&mut self, module: &dyn Any) -> Option<()> {
        if let Some(convolution) = module.downcast_ref::<Convolution>() {
            return self.convolution(convolution);
        }
        if let Some(pool) = module.downcast_ref::<MaxPooling>() {
            let window = Window { kernel: pair(&pool.kernel)?, stride: pair(&pool.stride)? };
            let plain = pool.padding.iter().all(|&pad| pad == 0) && pool.dilation.iter().all(|&step| step == 1);
            let output = self.windows(window).filter(|_| plain)?;
            let whole = |size: usize, d: usize| (size - window.kernel[d]).is_multiple_of(window.stride[d]);
            // Rounded up, a last window may hang over the edge.
            let fits = !pool.ceil || (whole(self.planes.h, 0) && whole(self.planes.w, 1));
            self.push(Kind::MaxPool(window), Planes { c: self.planes.c, ..output });
            return fits.then_some(());
        }
        if let Some(linear) = module.downcast_ref::<Linear>() {
            let &[outputs, inputs] = linear.weight.size().as_slice() else { return None };
            let kind = Kind::Linear(self.place(&linear.weight, linear.bias.as_ref(), outputs)?);
            let flat = Planes { c: self.planes.features(), h: 1, w: 1 };
            self.planes = flat;
            self.push(kind, Planes { c: size(outputs)?, h: 1, w: 1 });
            return (size(inputs)? == flat.c).then_some(());
        }
        if let Some(threshold) = module.downcast_ref::<Threshold>() {
            self.stages.last_mut()?.relu = true;
            return (threshold.threshold == 0.0 && threshold.value == 0.0).then_some(());
        }
        if let Some(factor) = module.downcast_ref::<MulConstant>() {
            self.scale *= factor.constant as f32;
            return self.stages.is_empty().then_some(());
        }
        // The others keep the numbers and their order; `plan` compares their count with the modules' own.
        Some(())
    }

    fn convolution(&mut self, convolution: &Convolution) -> Option<()> {
        let &[outputs, inputs, ..] = convolution.size.as_slice() else { return None };
        let kernel = pair(&convolution.size[2..])?;
        let plain = convolution.groups == 1 && convolution.dilation.iter().all(|&step| step == 1);
        let edge: Vec<usize> =
            convolution.padding.iter().map(|&pad| usize::try_from(pad).ok()).collect::<Option<_>>()?;
        let &[top, left] = edge.as_slice() else { return None };
        if !plain || size(inputs)? != self.planes.c {
            return None;
        }
        let place = self.place(&convolution.weight, convolution.bias.as_ref(), outputs)?;
        if top + left > 0 {
            let Planes { c, h, w } = self.planes;
            self.push(Kind::Pad([top, left]), Planes { c, h: h + 2 * top, w: w + 2 * left });
        }
        let window = Window { kernel, stride: pair(&convolution.stride)? };
        let output = self.windows(window)?;
        self.push(Kind::Convolution(place, window), Planes { c: size(outputs)?, ..output });
        Some(())
    }

    /// The planes with one cell a window; sizes round down.
    fn windows(&self, window: Window) -> Option<Planes> {
        let Planes { c, h, w } = self.planes;
        let count = |size: usize, d: usize| Some(size.checked_sub(window.kernel[d])? / window.stride[d] + 1);
        Some(Planes { c, h: count(h, 0)?, w: count(w, 1)? })
    }

    fn place(&self, weight: &tch::Tensor, bias: Option<&tch::Tensor>, outputs: i64) -> Option<Place> {
        let weight = place(self.network, weight)?;
        let bias = match bias {
            Some(bias) if bias.numel() as i64 == outputs => Some(place(self.network, bias)?),
            Some(_) => return None,
            None => None,
        };
        Some(Place { weight, bias })
    }
}

/// Two positive extents.
fn pair(extents: &[i64]) -> Option<[usize; 2]> {
    let &[a, b] = extents else { return None };
    Some([size(a)?, size(b)?])
}
