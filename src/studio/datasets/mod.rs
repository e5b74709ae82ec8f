//! Datasets: their folders as the only truth, those in the making, their databases' records, and the routes.

pub(crate) mod command;
pub(crate) mod form;
pub(crate) mod index;
pub(crate) mod making;
pub(crate) mod records;
pub(crate) mod routes;
pub(crate) mod scan;
pub(crate) mod summary;
mod unmade;
