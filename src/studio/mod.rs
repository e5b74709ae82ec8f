//! The studio: a web page and the REST interface behind it, over the folders of jobs and datasets.
//!
//! **In:** requests of a browser or of DIGITS' clients; job and dataset folders, which are the only truth. **Out:** JSON,
//! pictures, event streams; processes of this program that train, test and check. **Never:** running a network or opening a
//! stranger's database in the server's own process; anything that leaves the machine.

#![allow(unused_qualifications, reason = "utoipa's macros repeat the path of a parameter's type")]

mod accept;
mod access;
mod app;
mod blocking;
mod body;
mod bus;
mod check;
pub mod child;
pub(crate) mod datasets;
mod digits;
mod error_page;
mod events;
mod files;
mod front;
mod given_names;
mod guard;
mod heap;
mod jobs;
mod machine;
mod png;
mod program;
mod rate_curve;
mod refusal;
mod roots;
mod router;
mod scratch;
mod serve;
mod tests;
mod unreadable;
mod upload_routes;
mod uploads;
mod workers;

pub use serve::{ServeOptions, Served, serve};
