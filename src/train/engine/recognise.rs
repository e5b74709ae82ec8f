//! Recognises the networks that the chain's kernels can train: [MulConstant, View] Linear [ReLU] Linear … with
//! MSECriterion and SGD, in f32 on the processor, every parameter learned and none shared.

use std::any::Any;

use super::kernels::{Layer, Shape};
use crate::{
    nn::{
        Network, Node,
        criteria::mse::Mse,
        modules::{
            linear::Linear, mul_constant::MulConstant, reshape::Reshape, sequential::Sequential, threshold::Threshold,
            view::View,
        },
    },
    optim::{OptimizerKind, OptimizerSpec},
};

/// The chain that `network` is; `None` when it is anything else.
pub(super) fn chain(network: &Network, spec: &OptimizerSpec) -> Option<Shape> {
    let fits = network.kind == tch::Kind::Float
        && network.device == tch::Device::Cpu
        && spec.kind == OptimizerKind::Sgd
        && network.parameters.buffers.is_empty()
        && criterion(network).is_some();
    if !fits {
        return None;
    }
    let mut chain = Reader { network, layers: Vec::new(), scale: 1.0 };
    chain.read(&network.root)?;
    let Reader { layers, scale, .. } = chain;
    let parts = layers
        .iter()
        .flat_map(|l| [Some((l.weight, l.inputs * l.outputs)), l.bias.map(|bias| (bias, l.outputs))])
        .flatten()
        .collect();
    let widths_fit = layers.windows(2).all(|pair| pair[0].outputs == pair[1].inputs);
    (!layers.is_empty() && widths_fit && covers(parts, network)).then_some(Shape { layers, scale })
}

/// The criterion, when it is `nn.MSECriterion`.
pub(super) fn criterion(network: &Network) -> Option<&Mse> {
    let criterion: &dyn Any = &*network.criterion;
    criterion.downcast_ref()
}

struct Reader<'a> {
    network: &'a Network,
    layers: Vec<Layer>,
    scale: f32,
}

impl Reader<'_> {
    fn read(&mut self, node: &Node) -> Option<()> {
        let module: &dyn Any = &*node.module;
        if module.is::<Sequential>() {
            return node.module.children().into_iter().try_for_each(|child| self.read(child));
        }
        if let Some(linear) = module.downcast_ref::<Linear>() {
            let &[outputs, inputs] = linear.weight.size().as_slice() else { return None };
            let layer = Layer {
                inputs: usize::try_from(inputs).ok()?,
                outputs: usize::try_from(outputs).ok()?,
                weight: place(self.network, &linear.weight)?,
                bias: match &linear.bias {
                    Some(bias) if bias.numel() as i64 == outputs => Some(place(self.network, bias)?),
                    Some(_) => return None,
                    None => None,
                },
                relu: false,
            };
            self.layers.push(layer);
            return (inputs > 0 && outputs > 0).then_some(());
        }
        if let Some(threshold) = module.downcast_ref::<Threshold>() {
            let layer = self.layers.last_mut()?;
            layer.relu = true;
            return (threshold.threshold == 0.0 && threshold.value == 0.0).then_some(());
        }
        if let Some(factor) = module.downcast_ref::<MulConstant>() {
            self.scale *= factor.constant as f32;
            return self.layers.is_empty().then_some(());
        }
        // Views keep the order of the numbers, and whether they fit the batch is checked by running them once.
        (module.is::<View>() || module.is::<Reshape>()).then_some(())
    }
}

/// Where a learned, contiguous f32 parameter starts in the flat vector.
pub(super) fn place(network: &Network, tensor: &tch::Tensor) -> Option<usize> {
    let parameters = &network.parameters;
    let known = parameters.list.iter().find(|p| p.leaf.data_ptr() == tensor.data_ptr())?;
    let usual = known.learns
        && tensor.kind() == tch::Kind::Float
        && tensor.device() == tch::Device::Cpu
        && tensor.is_contiguous();
    let bytes = (tensor.data_ptr() as usize).checked_sub(parameters.flat.view().data_ptr() as usize)?;
    (usual && bytes.is_multiple_of(4)).then_some(bytes / 4)
}

/// Whether these parts, as start and length, are exactly the flat vector: nothing is shared, and nothing else is
/// learned.
pub(super) fn covers(mut parts: Vec<(usize, usize)>, network: &Network) -> bool {
    parts.sort_unstable();
    let mut next = 0;
    for (start, len) in &parts {
        if *start != next {
            return false;
        }
        next += len;
    }
    next as i64 == network.parameters.count() && parts.len() == network.parameters.list.len()
}
