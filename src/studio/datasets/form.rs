//! The forms of new datasets, and what they ask the maker for.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{
    data::{Encoding, Resize},
    studio::{
        app::App,
        child::question::MakeDataset,
        refusal::{Answer, Refusal},
    },
    tasks::dataset::{FolderRequest, GenericRequest, ImageOptions, LabelsAre, ListsRequest, PairsRequest, RecordSize},
};

/// What is made of images.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImageForm {
    /// Pixels in a row.
    pub(crate) width: i64,
    /// Rows.
    pub(crate) height: i64,
    /// 1 or 3.
    pub(crate) channels: i64,
    /// How images of another shape are fitted.
    #[serde(default)]
    #[schema(value_type = String, example = "squash")]
    pub(crate) resize: Resize,
    /// How pixels are kept.
    #[serde(default)]
    #[schema(value_type = String, example = "png")]
    pub(crate) encoding: Encoding,
    /// Of division and order.
    #[serde(default)]
    pub(crate) seed: u64,
}

/// A form of a new dataset.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum DatasetForm {
    /// A folder with a subfolder for each class.
    Folder {
        /// The folder.
        folder: String,
        /// Another one to validate on.
        #[serde(default)]
        val_folder: Option<String>,
        /// Another one to test on.
        #[serde(default)]
        test_folder: Option<String>,
        /// Percent of each class.
        #[serde(default = "val_percent")]
        val_percent: f64,
        /// Percent of each class.
        #[serde(default)]
        test_percent: f64,
        /// Smaller classes are left out.
        #[serde(default = "min_per_class")]
        min_per_class: usize,
        /// Larger classes are cut.
        #[serde(default)]
        max_per_class: Option<usize>,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// Text files: a path and a class number on each line.
    Lists {
        /// A path, or `upload:<id>`.
        train: String,
        /// What its relative paths start from.
        #[serde(default)]
        train_folder: Option<String>,
        /// To validate on.
        #[serde(default)]
        val: Option<String>,
        /// What its relative paths start from.
        #[serde(default)]
        val_folder: Option<String>,
        /// To test on.
        #[serde(default)]
        test: Option<String>,
        /// What its relative paths start from.
        #[serde(default)]
        test_folder: Option<String>,
        /// The classes' names.
        labels: String,
        /// Write the records in another order.
        #[serde(default = "yes")]
        shuffle: bool,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// Databases that exist already, used where they lie.
    Generic {
        /// Train images.
        train_db: String,
        /// Train labels.
        #[serde(default)]
        train_labels_db: Option<String>,
        /// Validation images.
        #[serde(default)]
        val_db: Option<String>,
        /// Validation labels.
        #[serde(default)]
        val_labels_db: Option<String>,
        /// `mean.binaryproto`
        #[serde(default)]
        mean: Option<String>,
    },
    /// A folder of inputs and one of label images.
    Pairs {
        /// Inputs.
        feature_folder: String,
        /// Label images.
        label_folder: String,
        /// Inputs to validate on.
        #[serde(default)]
        val_feature_folder: Option<String>,
        /// Their labels.
        #[serde(default)]
        val_label_folder: Option<String>,
        /// Percent of the pairs, without folders of their own.
        #[serde(default = "val_percent")]
        val_percent: f64,
        /// `images` (values to repeat) or `classes` (one at each pixel).
        #[serde(default)]
        #[schema(value_type = String, example = "classes")]
        labels_are: LabelsAre,
        /// The classes' names: a path, or `upload:<id>`.
        #[serde(default)]
        class_names: Option<String>,
        /// The classes' colours, red green blue a line; without, the palette or the grey value counts.
        #[serde(default)]
        color_map_file: Option<String>,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// The MNIST sample in the program.
    Sample,
}

fn val_percent() -> f64 {
    FolderRequest::new(PathBuf::new(), ImageOptions::new(PathBuf::new())).val_percent
}

fn min_per_class() -> usize {
    FolderRequest::new(PathBuf::new(), ImageOptions::new(PathBuf::new())).min_per_class
}

fn yes() -> bool {
    true
}

/// A new dataset.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewDataset {
    /// For people.
    #[serde(default)]
    pub(crate) name: String,
    /// The form.
    #[serde(flatten)]
    pub(crate) form: DatasetForm,
}

impl DatasetForm {
    /// `classification`, `generic` or `pairs`.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            DatasetForm::Folder { .. } | DatasetForm::Lists { .. } | DatasetForm::Sample => "classification",
            DatasetForm::Generic { .. } => "generic",
            DatasetForm::Pairs { .. } => "pairs",
        }
    }

    /// Where the images come from, in words.
    pub(crate) fn source(&self, app: &App) -> String {
        match self {
            DatasetForm::Folder { folder, .. } => format!("from the folder {folder}"),
            DatasetForm::Lists { train, .. } => format!("from the list {}", app.given(train)),
            DatasetForm::Generic { train_db, .. } => format!("the database {train_db}"),
            DatasetForm::Pairs { feature_folder, .. } => format!("from the folder {feature_folder}"),
            DatasetForm::Sample => "built into the program".into(),
        }
    }

    /// The maker's request for the folder `out`; every path below the allowed folders.
    ///
    /// # Errors
    /// 403 for a path outside, 400 for one that is not there.
    pub(crate) fn request(&self, app: &App, out: PathBuf) -> Answer<MakeDataset> {
        let path = |named: &str| app.named(named);
        let maybe =
            |named: &Option<String>| named.as_deref().filter(|named| !named.trim().is_empty()).map(path).transpose();
        Ok(match self {
            DatasetForm::Folder {
                folder,
                val_folder,
                test_folder,
                val_percent,
                test_percent,
                min_per_class,
                max_per_class,
                images,
            } => MakeDataset::Folder(FolderRequest {
                folder: path(folder)?,
                images: images.options(out)?,
                val_folder: maybe(val_folder)?,
                test_folder: maybe(test_folder)?,
                val_percent: *val_percent,
                test_percent: *test_percent,
                min_per_class: *min_per_class,
                max_per_class: *max_per_class,
            }),
            DatasetForm::Lists { train, train_folder, val, val_folder, test, test_folder, labels, shuffle, images } => {
                MakeDataset::Lists(ListsRequest {
                    train: path(train)?,
                    train_folder: maybe(train_folder)?,
                    val: maybe(val)?,
                    val_folder: maybe(val_folder)?,
                    test: maybe(test)?,
                    test_folder: maybe(test_folder)?,
                    labels: path(labels)?,
                    shuffle: *shuffle,
                    images: images.options(out)?,
                })
            }
            DatasetForm::Generic { train_db, train_labels_db, val_db, val_labels_db, mean } => {
                MakeDataset::Generic(GenericRequest {
                    train_db: path(train_db)?,
                    train_labels_db: maybe(train_labels_db)?,
                    val_db: maybe(val_db)?,
                    val_labels_db: maybe(val_labels_db)?,
                    mean: maybe(mean)?,
                    labels: None,
                    out,
                })
            }
            DatasetForm::Pairs {
                feature_folder,
                label_folder,
                val_feature_folder,
                val_label_folder,
                val_percent,
                labels_are,
                class_names,
                color_map_file,
                images,
            } => MakeDataset::Pairs(PairsRequest {
                inputs: path(feature_folder)?,
                labels: path(label_folder)?,
                val_inputs: maybe(val_feature_folder)?,
                val_labels: maybe(val_label_folder)?,
                val_percent: *val_percent,
                labels_are: *labels_are,
                class_names: maybe(class_names)?,
                colors: maybe(color_map_file)?,
                images: images.options(out)?,
            }),
            DatasetForm::Sample => MakeDataset::Sample(out),
        })
    }
}

impl ImageForm {
    fn options(&self, out: PathBuf) -> Answer<ImageOptions> {
        let side = 1..=4096;
        if !side.contains(&self.width) || !side.contains(&self.height) || ![1, 3].contains(&self.channels) {
            return Err(Refusal::usage("width and height are 1 to 4096 pixels, channels 1 or 3"));
        }
        let size = RecordSize { width: self.width, height: self.height };
        let (channels, resize, encoding, seed) = (self.channels, self.resize, self.encoding, self.seed);
        Ok(ImageOptions { out, size, channels, resize, encoding, seed })
    }
}
