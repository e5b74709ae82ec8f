//! `Site`: what the writer of an operator has at hand, and the pages for modules that ONNX cannot hold.

use crate::{
    error::{Error, Kind, Result},
    onnx::{
        graph::{Graph, Value},
        proto::AttributeProto,
        shapes::Step,
    },
};

/// The place in the graph where a module is written.
pub(in crate::onnx) struct Site<'a> {
    pub(in crate::onnx) graph: &'a mut Graph,
    /// The module's class, such as `nn.Linear`.
    pub(in crate::onnx) class: &'a str,
    pub(in crate::onnx) input: &'a Value,
    pub(in crate::onnx) step: &'a Step,
}

/// The page for a module that is not in the table.
pub(in crate::onnx) fn unknown(class: &str) -> Error {
    Error::new(Kind::Network, format!("{class} cannot be written as ONNX"))
        .with_help(
            "replace it by modules that ONNX has operators for: a module written in Lua has none, nor has a graph of tf whose operations are no known layers; .safetensors and .t7 hold the weights of any network",
        )
}

/// The page for a form of a module that ONNX has no operator for.
pub(super) fn refused(class: &str, form: &str) -> Error {
    Error::new(Kind::Network, format!("{class} cannot be written as ONNX {form}"))
}

/// The 0-based axis for Torch7's dim, of a tensor of `rank` dims with the batch.
pub(in crate::onnx) fn axis(rank: usize, dimension: i64, input_dims: Option<i64>) -> Result<usize> {
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
    pub(super) fn apply(&mut self, operator: &str, attributes: Vec<AttributeProto>) -> Result<Value> {
        let input = self.input.tensor()?;
        Ok(self.graph.node(operator, &[input], attributes).into())
    }

    /// One operator on the input and others.
    pub(super) fn apply_with(&mut self, operator: &str, more: &[&str]) -> Result<String> {
        let inputs = [&[self.input.tensor()?], more].concat();
        Ok(self.graph.node(operator, &inputs, vec![]))
    }

    /// The input's rank, checked to be `wanted` with the batch.
    pub(super) fn check_rank(&self, wanted: usize) -> Result<()> {
        let rank = self.step.input.rank()?;
        if rank == wanted {
            return Ok(());
        }
        Err(refused(self.class, &format!("on a tensor of {rank} dimensions: it wants {wanted}, the batch included"))
            .with_help("keep the batch a dimension of its own"))
    }
}
