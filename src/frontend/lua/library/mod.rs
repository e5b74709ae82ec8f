//! Torch7's packages: who installs what, and what `torch`, `image`, `paths` and scripts need from Rust.
//!
//! **In:** a fenced machine. **Out:** the machine with `torch`, `nn` and every package behind `require`.
//! **Never:** training, or a network's lowering.
//!
//! `chunks` (the prelude's files, run with the same four arguments), `native` (the functions that Rust gives them), `specs`
//! (the classes that `nn` declares), `recurrent` (libtorch's LSTM and its kin), `scripts`, `files`, `image`, `plots`, `hdf5` with `hdf5_writer`, `mat` and `caffe`
//! (what may touch the disk), `torch_file`, `packages` (the
//! list of all of it).

mod caffe;
pub(in crate::frontend::lua) mod chunks;
mod files;
mod hdf5;
mod hdf5_writer;
mod image;
mod mat;
mod native;
pub(in crate::frontend::lua) mod packages;
mod plots;
mod recurrent;
mod scripts;
mod specs;
mod torch_file;
