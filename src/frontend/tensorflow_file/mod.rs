//! DIGITS' TensorFlow form of a network file: the file is evaluated with symbolic modules, and its towers are lowered.
//!
//! **In:** a network file's text, `params`. **Out:** [`TensorflowFile`]: the printed network, `nn::Network`, the rule of
//! targets, summaries. **Never:** datasets, jobs, the training loop.
//!
//! `library` puts the modules together (`maths`, `arrays`, `nn`, `slim`, `tf_layers`, `scopes`, `summary`, `digits`);
//! `convert` says what a Python value is as a tensor; `load` builds one tower for each stage.

mod arrays;
mod bound;
mod clipping;
mod convert;
mod digits;
mod gradients;
mod initializers;
mod library;
mod load;
mod loss_elements;
mod losses;
mod maths;
mod nn;
mod numpy;
mod objects;
mod products;
mod scoped;
mod scopes;
mod shape;
mod slim;
mod slim_losses;
mod summary;
mod tensor;
mod tf_layers;
mod types;
mod untaught;
mod weighing;
mod windows;

pub use load::{Purpose, TensorflowFile, load};
