//! Making datasets and looking into one.

mod defaults;
mod image_options;
mod info;
mod make;
mod pairs;
mod record_size;
mod report;
mod scan;
mod texts;
mod watched;

pub use image_options::ImageOptions;
pub use info::{ExploreReport, ExploreRequest, InfoRequest, explore, info};
pub use make::{FolderRequest, GenericRequest, ListsRequest, MnistRequest, folder, generic, lists, mnist};
pub use pairs::{LabelsAre, PairsRequest, pairs};
pub use record_size::RecordSize;
pub use report::{DatasetReport, LeftOut, SplitReport};
pub use scan::{Scan, ScannedClass, ScannedPair, scan, scan_lists, scan_pairs};
pub use texts::{TextRequest, text};
