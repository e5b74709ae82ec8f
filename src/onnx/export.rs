//! `export`: a network in evaluation to the bytes of a model.

use prost::Message;

use super::{
    graph::{Graph, Input},
    shapes,
    writer::Writer,
};
use crate::{
    error::{Error, Kind, Result},
    nn::Network,
};

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
