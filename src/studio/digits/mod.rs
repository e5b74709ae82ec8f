//! DIGITS' own routes, as its documentation has them, for the clients that were written for it.

mod create;
mod fields;
mod infer;
pub(super) mod routes;
mod shapes;
mod visualize;
