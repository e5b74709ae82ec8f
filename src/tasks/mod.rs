//! What a user can ask for, once, below every door: train, resume, sweep, check, test, export, datasets, previews.
//!
//! **In:** plain structs that serde reads, with DIGITS' defaults in one place; an [`Observer`] and a
//! [`Stop`](crate::train::Stop). **Out:** plain structs that serde writes, and files in job and dataset folders.
//! **Never:** printing, parsing of arguments, a terminal, state of the whole process.

mod observer;

pub use observer::{Observer, Unobserved};
