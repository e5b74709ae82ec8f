//! Modules → ONNX operators: the one table, and what its functions have at hand. A module that is not in the table
//! cannot be written.

mod layers;
mod pointwise;
mod pooling;
mod shaping;
mod tables;

use std::any::Any;

use super::{
    graph::{Graph, Value},
    shapes::Step,
};
use crate::{
    error::{Error, Kind, Result},
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

/// The place in the graph where a module is written.
pub(super) struct Site<'a> {
    pub(super) graph: &'a mut Graph,
    /// The module's class, such as `nn.Linear`.
    pub(super) class: &'a str,
    pub(super) input: &'a Value,
    pub(super) step: &'a Step,
}

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

/// The page for a module that is not in the table.
pub(super) fn unknown(class: &str) -> Error {
    Error::new(Kind::Network, format!("{class} cannot be written as ONNX"))
        .with_help("replace it by modules that ONNX has operators for; one written in Lua has none")
}

/// The page for a form of a module that ONNX has no operator for.
pub(super) fn refused(class: &str, form: &str) -> Error {
    Error::new(Kind::Network, format!("{class} cannot be written as ONNX {form}"))
}

/// The 0-based axis for Torch7's dim, of a tensor of `rank` dims with the batch.
pub(super) fn axis(rank: usize, dimension: i64, input_dims: Option<i64>) -> Result<usize> {
    let rank = rank as i64;
    let axis = match input_dims {
        _ if dimension < 0 => rank + dimension,
        Some(dims) if rank == dims + 1 => dimension,
        _ => dimension - 1,
    };
    usize::try_from(axis)
        .ok()
        .filter(|&axis| axis < rank as usize)
        .ok_or_else(|| Error::new(Kind::Shape, format!("there is no dimension {dimension} in a tensor of {rank}")))
}

impl Site<'_> {
    /// One operator on the input.
    fn apply(&mut self, operator: &str, attributes: Vec<super::proto::AttributeProto>) -> Result<Value> {
        let input = self.input.tensor()?;
        Ok(self.graph.node(operator, &[input], attributes).into())
    }

    /// One operator on the input and others.
    fn apply_with(&mut self, operator: &str, more: &[&str]) -> Result<String> {
        let inputs = [&[self.input.tensor()?], more].concat();
        Ok(self.graph.node(operator, &inputs, vec![]))
    }

    /// The input's rank, checked to be `wanted` with the batch.
    fn check_rank(&self, wanted: usize) -> Result<()> {
        let rank = self.step.input.rank()?;
        if rank == wanted {
            return Ok(());
        }
        Err(refused(self.class, &format!("on a tensor of {rank} dimensions: it wants {wanted}, the batch included"))
            .with_help("keep the batch a dimension of its own"))
    }
}
