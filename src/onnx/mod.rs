//! ONNX: a trained network as a file that onnxruntime and others run without us.
//!
//! **In:** a `Network`, the shape of a sample, the mean that training subtracted. **Out:** the bytes of a model: pixels
//! in (0..=255, batch size free), the network's output out. **Never:** Lua, files, jobs, training behaviour: what is
//! written is the network in evaluation.
//!
//! ```text
//! Network ── shapes: two passes, batches of 2 and 3 ─▶ what each module sees; which extents are the batch
//!         └─ writer: containers ─▶ operators: one function a module ─▶ graph: nodes and weights ─▶ bytes
//! ```

mod graph;
mod operators;
mod shapes;
mod writer;

use prost::Message;

use crate::{
    error::{Error, Kind, Result},
    nn::Network,
};
use graph::Graph;
use writer::Writer;

/// The messages of `proto/onnx.proto`.
#[expect(unreachable_pub, reason = "generated; the fields are those of the ONNX standard")]
mod proto {
    include!(concat!(env!("OUT_DIR"), "/onnx.rs"));
}

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

/// The largest message that protobuf's readers take.
const LARGEST: u64 = 1 << 31;

/// The network in evaluation as an ONNX model. Its input is called `image`, its outputs `output`, or `output_1`,
/// `output_2` … for a table.
///
/// # Errors
/// `Kind::Network` with the module's place when ONNX has no operators for a module, or when a shape depends on the
/// batch in a way that ONNX cannot say; `Kind::Shape` when the network does not take the input.
pub fn export(network: &Network, input: Input<'_>) -> Result<Vec<u8>> {
    let bytes = network.parameters.count() as u64 * 4;
    if bytes >= LARGEST {
        return Err(Error::new(Kind::Network, "the network is too large for one ONNX file")
            .with_fact("its parameters", format!("{bytes} bytes"))
            .with_fact("a file holds", format!("{LARGEST} bytes")));
    }
    let steps = shapes::record(network, input.shape)?;
    let mut graph = Graph::default();
    let image = match input.mean {
        Some(mean) => {
            let mean = graph.weights(mean)?;
            graph.node("Sub", &["image", &mean], vec![])
        }
        None => "image".to_string(),
    };
    let mut writer = Writer::new(graph, steps);
    let (output, shape) = writer.network(&network.root, image)?;
    Ok(writer.into_graph().into_model(input, &output, &shape)?.encode_to_vec())
}
