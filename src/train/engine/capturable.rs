//! Which networks' steps can be captured: those that never look at a value of the device, take nothing from the processor's
//! memory and do the same for every batch of a size.
//!
//! A list of what may, not of what may not: a capture that meets anything else is lost, and with it the memory it took. Left
//! out on purpose, for they read values on the processor: `nn.LookupTable`, `nn.OneHot`, `nn.MaskedSelect`, `nn.SparseLinear`,
//! the gradient rules of `nn.L1Penalty` and its kin, `nn.BCECriterion`, `nn.MultiMarginCriterion`,
//! `nn.ClassSimplexCriterion`, class weights that lie in the processor's memory; and programs of TensorFlow's operations.

use std::any::Any;

use crate::nn::{
    Criterion, Module, Network,
    criteria::{class_nll::ClassNll, cross_entropy::CrossEntropy, elementwise::Elementwise, mse::Mse},
    modules::{
        add_constant::AddConstant,
        average_pooling::AveragePooling,
        batch_normalization::BatchNormalization,
        branches::Branches,
        concat::Concat,
        convert::Convert,
        convolution::Convolution,
        decorator::Decorator,
        dropout::Dropout,
        full_convolution::FullConvolution,
        gates::{BothSigns, Gated},
        graph::Graph,
        linear::Linear,
        max_pooling::MaxPooling,
        max_unpooling::MaxUnpooling,
        mul_constant::MulConstant,
        noise::Noise,
        normalize::Normalize,
        padding::{Border, Run},
        pass_through::PassThrough,
        pointwise::Pointwise,
        rank::Rank,
        reductions::Reduction,
        reshape::Reshape,
        scale::Scale,
        sequential::Sequential,
        shaped_pointwise::ShapedPointwise,
        soft_max::SoftMax,
        spatial_cross_map_lrn::SpatialCrossMapLrn,
        table_arithmetic::{AddToEach, TableArithmetic},
        table_entries::Entries,
        threshold::Threshold,
        up_sampling::UpSampling,
        view::View,
    },
};

/// Whether a value is of one of the types.
macro_rules! is_one_of {
    ($value:expr; $($type:ty),* $(,)?) => {{ let value: &dyn Any = $value; false $(|| value.is::<$type>())* }};
}

/// Why the network's steps are not captured, in words; `None` when they can be.
pub(super) fn refusal(network: &Network) -> Option<String> {
    if network.kind != tch::Kind::Float {
        return Some("numbers of 64 bits".into());
    }
    if network.gradient_update.is_some() {
        return Some("the network file changes gradients".into());
    }
    if !network.criterion.taught().is_empty() {
        return Some("several losses take turns".into());
    }
    if network.parameters.count() == 0 {
        return Some("nothing is learned".into());
    }
    let stranger = network.root.walk().into_iter().find(|node| !is_known(&*node.module));
    if let Some(node) = stranger {
        let name = if node.class.is_empty() { &node.label } else { &node.class };
        return Some(format!("{name} is not among what is captured"));
    }
    (!is_known_loss(&*network.criterion)).then(|| format!("{} is not among what is captured", network.criterion_label))
}

fn is_known(module: &dyn Module) -> bool {
    is_one_of!(module;
        AddConstant, AddToEach, AveragePooling, BatchNormalization, Border, BothSigns, Branches, Concat, Convert,
        Convolution, Decorator, Dropout, Entries, FullConvolution, Gated, Graph, Linear, MaxPooling, MaxUnpooling,
        MulConstant, Noise, Normalize, PassThrough, Pointwise, Rank, Reduction, Reshape, Run, Scale, Sequential,
        ShapedPointwise, SoftMax, SpatialCrossMapLrn, TableArithmetic, Threshold, UpSampling, View,
    )
}

fn is_known_loss(criterion: &dyn Criterion) -> bool {
    let any: &dyn Any = criterion;
    if let Some(nll) = any.downcast_ref::<ClassNll>() {
        return nll.weights.is_none();
    }
    match any.downcast_ref::<CrossEntropy>() {
        Some(entropy) => is_known_loss(&*entropy.0),
        None => is_one_of!(criterion; Elementwise, Mse),
    }
}
