//! LMDB folders as Caffe and DIGITS use them: read by number or in order, written in batches.
//!
//! **In:** folders with a `data.mdb`. **Out:** keys and values, or a page that names what is damaged, and where.
//! **Never:** what a record means.
//!
//! ```text
//! Database ─▶ walk (once: every page is checked) ─▶ Places ─▶ values by number
//!     └─────▶ Cursor: keys and values in order      both through tree and LeafReader ─▶ format ─▶ DataFile
//! Writer ─▶ the LMDB library, which nothing else here knows
//! ```
//!
//! Files are read by a reader of our own: LMDB itself trusts every number in a file, so that a damaged one ends the
//! process by a signal, and it maps the file, so that one which is cut meanwhile does too.

mod cursor;
mod database;
mod file;
mod format;
mod notice;
mod places;
mod tree;
mod used_pages;
mod walk;
mod writer;

pub use cursor::Cursor;
pub use database::Database;
pub use notice::{Tell, tell_of_long_waits};
pub use writer::Writer;

#[cfg(test)]
mod tests;
