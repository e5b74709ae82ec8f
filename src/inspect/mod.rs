//! Looking inside: loss curves, layers, one tested image, the summary of a network.
//!
//! **In:** a lowered [`Network`](crate::nn::Network), tensors, the points of a run. **Out:** plain structs that
//! serialise; pictures (PNG), SVG and self-contained HTML pages, as bytes with the names of their files. **Never:** it
//! changes nothing: no training, no writing, into a job or elsewhere.

pub mod axis;
pub mod bars;
pub mod chart;
pub mod classification_page;
pub mod classify;
pub mod code;
pub mod confusion;
pub mod contact_sheet;
pub mod csv;
pub mod curves;
pub mod database;
pub mod files;
mod frame;
pub mod gradients;
pub mod graph;
pub mod heat_map;
pub mod histogram;
pub mod label_image;
pub mod layer;
pub mod lines;
pub mod network;
pub mod numbers;
pub mod output_kind;
pub mod output_view;
pub mod page;
pub mod picture;
pub mod plot;
pub mod predictions;
pub mod raster;
pub mod reconstruction;
pub mod report;
mod seen;
pub mod shown;
pub mod sparkline;
pub mod statistics;
pub mod svg;
pub mod sweep;
pub mod test_one;
#[cfg(test)]
pub(crate) mod toy;
pub mod value_map;
pub mod values;
pub mod wanted_view;
mod weights;
