//! Modules → ONNX operators: the one table. A module that is not in it cannot be written.

mod layers;
mod pointwise;
mod pooling;
mod shaping;
mod site;
mod tables;

use std::any::Any;

pub(super) use site::{Site, axis, unknown};

use super::graph::Value;
use crate::{
    error::Result,
    nn::{
        Module,
        modules::{
            add_constant::AddConstant,
            average_pooling::AveragePooling,
            batch_normalization::BatchNormalization,
            convolution::Convolution,
            dropout::Dropout,
            full_convolution::FullConvolution,
            gradient_rule::{L1Penalty, Scaled},
            linear::Linear,
            lookup_table::LookupTable,
            max_pooling::MaxPooling,
            mul_constant::MulConstant,
            normalize::Normalize,
            one_hot::OneHot,
            padding::Border,
            padding::Run,
            pass_through::PassThrough,
            pointwise::Pointwise,
            rank::Rank,
            reductions::Reduction,
            reshape::Reshape,
            scale::Scale,
            shaped_pointwise::ShapedPointwise,
            slices::Slice,
            soft_max::SoftMax,
            spatial_cross_map_lrn::SpatialCrossMapLrn,
            table_arithmetic::TableArithmetic,
            table_entries::Entries,
            temporal::Temporal,
            temporal::TemporalMaxPooling,
            threshold::Threshold,
            view::View,
        },
    },
};

macro_rules! table {
    ($module:ident, $site:ident; $($type:ty => $write:path),* $(,)?) => {
        $(if let Some(module) = $module.downcast_ref::<$type>() {
            return $write(module, $site);
        })*
    };
}

/// The operators of a module that is no container.
pub(super) fn write(module: &dyn Module, site: Site<'_>) -> Result<Value> {
    let module: &dyn Any = module;
    table! { module, site;
        Linear => layers::linear,
        Convolution => layers::convolution,
        FullConvolution => layers::full_convolution,
        BatchNormalization => layers::batch_normalization,
        Temporal => layers::temporal,
        LookupTable => layers::lookup_table,
        OneHot => layers::one_hot,
        Scale => layers::scale,
        MaxPooling => pooling::max,
        AveragePooling => pooling::average,
        TemporalMaxPooling => pooling::temporal_max,
        SpatialCrossMapLrn => pooling::cross_map,
        MulConstant => pointwise::mul_constant,
        AddConstant => pointwise::add_constant,
        Threshold => pointwise::threshold,
        Pointwise => pointwise::pointwise,
        ShapedPointwise => pointwise::shaped,
        SoftMax => pointwise::soft_max,
        Dropout => pointwise::dropout,
        Normalize => pointwise::normalize,
        View => shaping::view,
        Reshape => shaping::reshape,
        Rank => shaping::rank,
        Slice => shaping::slice,
        Border => shaping::border,
        Run => shaping::run,
        Reduction => shaping::reduction,
        Entries => tables::entries,
        TableArithmetic => tables::arithmetic,
        PassThrough => tables::pass_through,
        Scaled => tables::scaled,
        L1Penalty => tables::penalty,
    }
    Err(unknown(site.class))
}
