//! digits-rs: paste a DIGITS-era Torch7 network file, train it on today's libtorch, look inside it.

pub mod cli;
pub mod cuda;
pub mod data;
pub mod docs;
pub mod error;
pub mod fence;
pub mod frontend;
pub mod input;
pub mod inspect;
pub mod job;
pub mod nn;
pub mod onnx;
pub mod optim;
pub mod studio;
pub mod tasks;
pub mod tensorboard;
pub mod torch;
pub mod train;
