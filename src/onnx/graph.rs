//! `Graph`: nodes and weights as they are written, each value with a name of its own.

use std::collections::HashMap;

use super::{
    proto::{
        AttributeProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto, StringStringEntryProto, TensorProto,
        TensorShapeProto, TypeProto, ValueInfoProto, tensor_shape_proto::Dimension, type_proto::Tensor as TensorType,
    },
    shapes::{Dim, Seen},
};
use crate::error::{Error, Kind, Result};

/// The version of the operator set that is written.
pub const OPSET: i64 = 17;

/// What a model takes, and what is said about it.
#[derive(Debug)]
pub struct Input<'a> {
    /// `[c, h, w]` of a sample, as the network sees it.
    pub shape: [i64; 3],
    /// What is subtracted from it first: `[c, h, w]` or `[c, 1, 1]`.
    pub mean: Option<&'a tch::Tensor>,
    /// Pairs of words for the model's metadata.
    pub notes: Vec<(String, String)>,
}

const FLOAT: i32 = 1;
const INT64: i32 = 7;

/// What flows between modules: the name of a tensor, or a table of them.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Tensor(String),
    Table(Vec<Value>),
}

impl Value {
    pub(super) fn tensor(&self) -> Result<&str> {
        match self {
            Value::Tensor(name) => Ok(name),
            Value::Table(_) => Err(Error::new(Kind::Shape, "a tensor is wanted, not a table")),
        }
    }

    pub(super) fn table(&self) -> Result<&[Value]> {
        match self {
            Value::Table(entries) => Ok(entries),
            Value::Tensor(_) => Err(Error::new(Kind::Shape, "a table of tensors is wanted, not a tensor")),
        }
    }

    /// The tensors in order, depth first.
    pub(super) fn tensors(&self) -> Vec<&str> {
        match self {
            Value::Tensor(name) => vec![name],
            Value::Table(entries) => entries.iter().flat_map(Value::tensors).collect(),
        }
    }
}

impl From<String> for Value {
    fn from(name: String) -> Value {
        Value::Tensor(name)
    }
}

/// A model under construction.
#[derive(Default)]
pub(super) struct Graph {
    /// Path of the module that is being written, for the names of its values.
    pub(super) path: String,
    nodes: Vec<NodeProto>,
    weights: Vec<TensorProto>,
    /// Weights that are written already, by memory and sizes: shared ones are written once. Each is kept, so that its
    /// address is not given to another one meanwhile.
    known: HashMap<(usize, Vec<i64>), (tch::Tensor, String)>,
}

impl Graph {
    /// Adds an operator with one output; answers the output's name.
    pub(super) fn node(&mut self, operator: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> String {
        let name = format!("{}/{operator}_{}", self.path, self.nodes.len());
        self.nodes.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_string()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_string(),
            attribute: attributes,
        });
        name
    }

    /// A tensor of the network, in f32.
    pub(super) fn weights(&mut self, tensor: &tch::Tensor) -> Result<String> {
        let key = (tensor.data_ptr() as usize, tensor.size());
        if let Some((_, name)) = self.known.get(&key).filter(|_| tensor.is_contiguous()) {
            return Ok(name.clone());
        }
        let flat = tensor.f_detach()?.f_to_device(tch::Device::Cpu)?.f_to_kind(tch::Kind::Float)?.f_reshape([-1])?;
        let name = self.floats(&tensor.size(), &Vec::<f32>::try_from(flat)?);
        if tensor.is_contiguous() {
            self.known.insert(key, (tensor.shallow_clone(), name.clone()));
        }
        Ok(name)
    }

    /// Numbers in these extents; none for a single number.
    pub(super) fn floats(&mut self, dims: &[i64], values: &[f32]) -> String {
        self.constant(dims, FLOAT, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    /// One number.
    pub(super) fn number(&mut self, value: f64) -> String {
        self.floats(&[], &[value as f32])
    }

    /// A list of whole numbers.
    pub(super) fn ints(&mut self, values: &[i64]) -> String {
        let bytes = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.constant(&[values.len() as i64], INT64, bytes)
    }

    /// One whole number.
    pub(super) fn int(&mut self, value: i64) -> String {
        self.constant(&[], INT64, value.to_le_bytes().to_vec())
    }

    fn constant(&mut self, dims: &[i64], data_type: i32, raw_data: Vec<u8>) -> String {
        let name = format!("{}/constant_{}", self.path, self.weights.len());
        self.weights.push(TensorProto { dims: dims.to_vec(), data_type, name: name.clone(), raw_data });
        name
    }

    /// The finished model.
    pub(super) fn into_model(mut self, input: Input<'_>, output: &Value, shape: &Seen) -> Result<ModelProto> {
        let image: Vec<Dim> = [Dim::Batch(1)].into_iter().chain(input.shape.map(Dim::Fixed)).collect();
        let (tensors, shapes) = (output.tensors(), shape.entries());
        let alone = tensors.len() == 1;
        let mut outputs = Vec::new();
        self.path = String::new();
        for (i, (tensor, shape)) in tensors.iter().zip(&shapes).enumerate() {
            let name = if alone { "output".to_string() } else { format!("output_{}", i + 1) };
            self.nodes.push(NodeProto {
                input: vec![(*tensor).to_string()],
                output: vec![name.clone()],
                name: name.clone(),
                op_type: "Identity".to_string(),
                attribute: vec![],
            });
            outputs.push(value_info(&name, &shape.dims()?));
        }
        let note = |(key, value)| StringStringEntryProto { key, value };
        Ok(ModelProto {
            ir_version: 8,
            producer_name: "digits-rs".to_string(),
            producer_version: env!("CARGO_PKG_VERSION").to_string(),
            doc_string: String::new(),
            graph: Some(GraphProto {
                node: self.nodes,
                name: "network".to_string(),
                initializer: self.weights,
                input: vec![value_info("image", &image)],
                output: outputs,
            }),
            opset_import: vec![OperatorSetIdProto { domain: String::new(), version: OPSET }],
            metadata_props: input.notes.into_iter().map(note).collect(),
        })
    }
}

/// A tensor of f32 with these extents.
fn value_info(name: &str, dims: &[Dim]) -> ValueInfoProto {
    let dim = |dim: &Dim| match *dim {
        Dim::Fixed(extent) => Dimension { dim_value: Some(extent), dim_param: None },
        Dim::Batch(1) => Dimension { dim_value: None, dim_param: Some("batch".to_string()) },
        Dim::Batch(times) => Dimension { dim_value: None, dim_param: Some(format!("{times}*batch")) },
    };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor_type = TensorType { elem_type: FLOAT, shape: Some(shape) };
    ValueInfoProto { name: name.to_string(), r#type: Some(TypeProto { tensor_type: Some(tensor_type) }) }
}

/// A whole-number attribute.
pub(super) fn int(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.to_string(), i: Some(value), r#type: 2, ..AttributeProto::default() }
}

/// An attribute of several whole numbers.
pub(super) fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto { name: name.to_string(), ints: values.to_vec(), r#type: 7, ..AttributeProto::default() }
}

/// A number as an attribute.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto { name: name.to_string(), f: Some(value as f32), r#type: 1, ..AttributeProto::default() }
}

/// A word as an attribute.
pub(super) fn text(name: &str, value: &str) -> AttributeProto {
    AttributeProto {
        name: name.to_string(),
        s: Some(value.as_bytes().to_vec()),
        r#type: 3,
        ..AttributeProto::default()
    }
}
