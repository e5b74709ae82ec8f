//! Testing a trained network: one image, the images of a list, a whole database.

mod classification;
mod database;
mod defaults;
mod examine;
mod folder;
mod image;
pub(in crate::tasks) mod input_file;
mod label_view;
mod list;
mod listing;
mod strip;
mod top;
mod wanted_image;

pub use database::{DatabaseReport, DatabaseRequest, DatabaseResult, Segmented, database};
pub use defaults::{DEVICE, MOST_WORST, TOP, WORST};
pub use examine::{
    Errors, ExamineRequest, Examined, ExaminedCode, ExaminedLayer, ImageChoice, KeptValues, OpenJob, draw, read,
};
pub use folder::{Written, place};
pub use image::{ImageReport, ImageRequest, image};
pub use label_view::{LabelClass, LabelView};
pub use list::{ListReport, ListRequest, ListedImage, ListedLabels, list};
pub use listing::NotTested;
pub(in crate::tasks) use listing::{images, is_array};
pub use strip::{STRIP_OF, StripRequest, strip, strip_records};
pub use top::{Sure, TopClass, TopReport, TopRequest, top};
