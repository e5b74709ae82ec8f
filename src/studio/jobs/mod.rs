//! Jobs: their folders as the only truth, the queue in front of the devices, their curves, and the routes.

pub(crate) mod about;
pub(crate) mod change;
pub(crate) mod command;
pub(crate) mod create;
pub(crate) mod detail;
pub(crate) mod files;
pub(crate) mod folder;
pub(crate) mod follow;
pub(crate) mod import;
pub(crate) mod index;
pub(crate) mod kind;
pub(crate) mod log;
pub(crate) mod look;
pub(crate) mod metrics;
pub(crate) mod points;
pub(crate) mod queue;
pub(crate) mod routes;
pub(crate) mod spark;
pub(crate) mod start;
pub(crate) mod summary;
pub(crate) mod tail;
pub(crate) mod thin;
