//! `.t7` files: Torch7's own format for any object, read and written without Lua.
//!
//! **In:** bytes, or values. **Out:** a [`Document`]: the values as an arena of nodes, in which shared objects stay shared;
//! or the bytes that Torch7 would write. **Never:** Lua, and never the code that a file may carry.
//!
//! To read weights:
//!
//! ```no_run
//! # use digits::torch::t7::Document;
//! let file = Document::open("model.t7".as_ref())?;
//! let net = file.root();
//! println!("{:?}", file.class(net));                               // Some("nn.Sequential")
//! let first = &file.list(file.field(net, "modules").unwrap())[0]; // its first module
//! let weight = file.tensor(file.field(first, "weight").unwrap()); // Option<&torch::Tensor>, storage shared as saved
//! # Ok::<(), digits::error::Error>(())
//! ```
//!
//! To write them, fill a document from the leaves up (`add_tensor`, `add_table`, `add_object`), `set_root`, and
//! [`Document::save`]. A table may be added empty and filled later, so cycles are possible.
//!
//! [`Channel`] is the layer below: numbers on a medium, shared with `torch.DiskFile` and its kin in Lua.

mod channel;
mod document;
mod file;
mod medium;
mod numerals;
mod read;
pub mod tag;
mod write;

pub use channel::{Channel, Encoding};
pub use document::{Document, Id, Node, Value};
pub use medium::{Disk, Medium, Memory, Pipe};

#[cfg(test)]
mod tests;
