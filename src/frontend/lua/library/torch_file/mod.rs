//! `torch.DiskFile`, `torch.MemoryFile` and `torch.PipeFile` as Lua values: the numbers on them are `torch::t7::Channel`'s,
//! whole objects are read and written by `prelude/torch/file.lua`.
//!
//! **In:** paths, commands, storages. **Out:** numbers, bytes and whole objects. **Never:** a disk or a program for a fenced
//! file, which has memory files only.
//!
//! `handle` (the value), `open`, `methods`, `install`. Source of the behaviour: torch7 `File.c`, `DiskFile.c`,
//! `MemoryFile.c`, `PipeFile.c`.

mod handle;
mod install;
mod methods;
mod open;

pub(super) use install::install;
