//! Dataflow: graphs of TensorFlow's primitive operations, their types and sizes before they run, and their run on libtorch.
//!
//! **In:** operations as plain data, values by number. **Out:** `Meta` of every value; a `Program`, which is a module
//! and a criterion of a `Network`. **Never:** Python, names of the user's API, variable scopes.
//!
//! Images are `[n, h, w, c]` here, as in the graph; the windows' operations hand libtorch a view with the planes in
//! front, which is the arrangement in memory that its kernels like best.

mod array;
mod image;
mod linear;
mod losses;
mod meta;
mod normalization;
mod op;
mod pointwise;
mod program;
mod random;
mod reduction;
mod run;
mod slice;
mod tower;
mod window;

pub use array::{Array, PadMode};
pub use image::{Resize, ResizeMethod};
pub use linear::Linear;
pub use losses::Loss;
pub use meta::{DType, Dim, Dims, Meta};
pub use normalization::Normalization;
pub use op::Op;
pub use pointwise::{Binary, Pointwise, Unary};
pub use program::{Described, Leaf, Pass, Program, ProgramBuilder, Slot, planes_last};
pub use random::{Distribution, Random};
pub use reduction::{Reduce, Reduction};
pub use slice::{Index, Slice};
pub use tower::{Labels, Losses, Taught, Towers, towers};
pub use window::{Padding, Window, Windowed};
