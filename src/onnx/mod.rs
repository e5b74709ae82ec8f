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

mod export;
mod graph;
mod operators;
mod proto;
mod shapes;
mod writer;

pub use export::export;
pub use graph::{Input, OPSET};
