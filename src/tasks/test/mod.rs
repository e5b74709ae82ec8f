//! Testing a trained network: one image, the images of a list, a whole database.

mod classification;
mod database;
mod defaults;
mod folder;
mod image;
mod list;
mod listing;

pub use database::{DatabaseReport, DatabaseRequest, DatabaseResult, database};
pub use defaults::{MOST_WORST, TOP, WORST};
pub use folder::{Written, place};
pub use image::{ImageReport, ImageRequest, image};
pub use list::{ListReport, ListRequest, ListedImage, NotTested, list};
pub(in crate::tasks) use listing::images;
