//! Tests of trained networks: what was asked for, what came of it, and the routes.

pub(crate) mod kept;
pub(crate) mod layers;
mod listed;
pub(crate) mod request;
pub(crate) mod routes;
pub(crate) mod run;
mod table;
