//! The forms of new datasets, and what they ask the maker for.

use std::path::PathBuf;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{
    data::{Encoding, Resize},
    error::{Error, Kind},
    studio::{app::App, child::question::MakeDataset, refusal::Answer, unreadable::part},
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

/// A folder with a subfolder for each class.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct FolderForm {
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
}

/// Text files: a path and a class number on each line.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct ListsForm {
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
}

/// Databases that exist already, used where they lie.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct GenericForm {
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
}

/// A folder of inputs and one of label images.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct PairsForm {
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
}

/// A form of a new dataset.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum DatasetForm {
    /// A folder with a subfolder for each class.
    Folder {
        /// Where they are.
        #[serde(flatten)]
        from: FolderForm,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// Text files: a path and a class number on each line.
    Lists {
        /// Where they are.
        #[serde(flatten)]
        from: ListsForm,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// Databases that exist already, used where they lie.
    Generic(GenericForm),
    /// A folder of inputs and one of label images.
    Pairs {
        /// Where they are.
        #[serde(flatten)]
        from: PairsForm,
        /// What is made of the images.
        #[serde(flatten)]
        images: ImageForm,
    },
    /// The MNIST sample in the program.
    Sample,
}

/// Which form it is.
#[derive(Debug, Deserialize)]
struct Tag {
    kind: TagKind,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum TagKind {
    Folder,
    Lists,
    Generic,
    Pairs,
    Sample,
}

/// By the tag first, then each part by itself: serde's own way through tags and flattened parts forgets the field's name.
impl<'de> Deserialize<'de> for DatasetForm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DatasetForm, D::Error> {
        let fields = Value::deserialize(deserializer)?;
        Ok(match part::<Tag, D::Error>(&fields)?.kind {
            TagKind::Folder => DatasetForm::Folder { from: part(&fields)?, images: part(&fields)? },
            TagKind::Lists => DatasetForm::Lists { from: part(&fields)?, images: part(&fields)? },
            TagKind::Generic => DatasetForm::Generic(part(&fields)?),
            TagKind::Pairs => DatasetForm::Pairs { from: part(&fields)?, images: part(&fields)? },
            TagKind::Sample => DatasetForm::Sample,
        })
    }
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
            DatasetForm::Folder { from, .. } => format!("from the folder {}", from.folder),
            DatasetForm::Lists { from, .. } => format!("from the list {}", app.given(&from.train)),
            DatasetForm::Generic(from) => format!("the database {}", from.train_db),
            DatasetForm::Pairs { from, .. } => format!("from the folder {}", from.feature_folder),
            DatasetForm::Sample => "built into the program".into(),
        }
    }

    /// The maker's request for the folder `out`; `path` says where a file or folder lies that is named.
    ///
    /// # Errors
    /// What `path` says of a name, and 400 for an image that cannot be made.
    pub(crate) fn request(&self, out: PathBuf, path: &dyn Fn(&str) -> Answer<PathBuf>) -> Answer<MakeDataset> {
        let maybe =
            |named: &Option<String>| named.as_deref().filter(|named| !named.trim().is_empty()).map(path).transpose();
        Ok(match self {
            DatasetForm::Folder { from, images } => MakeDataset::Folder(FolderRequest {
                folder: path(&from.folder)?,
                images: images.options(out)?,
                val_folder: maybe(&from.val_folder)?,
                test_folder: maybe(&from.test_folder)?,
                val_percent: from.val_percent,
                test_percent: from.test_percent,
                min_per_class: from.min_per_class,
                max_per_class: from.max_per_class,
            }),
            DatasetForm::Lists { from, images } => MakeDataset::Lists(ListsRequest {
                train: path(&from.train)?,
                train_folder: maybe(&from.train_folder)?,
                val: maybe(&from.val)?,
                val_folder: maybe(&from.val_folder)?,
                test: maybe(&from.test)?,
                test_folder: maybe(&from.test_folder)?,
                labels: path(&from.labels)?,
                shuffle: from.shuffle,
                images: images.options(out)?,
            }),
            DatasetForm::Generic(from) => MakeDataset::Generic(GenericRequest {
                train_db: path(&from.train_db)?,
                train_labels_db: maybe(&from.train_labels_db)?,
                val_db: maybe(&from.val_db)?,
                val_labels_db: maybe(&from.val_labels_db)?,
                mean: maybe(&from.mean)?,
                labels: None,
                out,
            }),
            DatasetForm::Pairs { from, images } => MakeDataset::Pairs(PairsRequest {
                inputs: path(&from.feature_folder)?,
                labels: path(&from.label_folder)?,
                val_inputs: maybe(&from.val_feature_folder)?,
                val_labels: maybe(&from.val_label_folder)?,
                val_percent: from.val_percent,
                labels_are: from.labels_are,
                class_names: maybe(&from.class_names)?,
                colors: maybe(&from.color_map_file)?,
                images: images.options(out)?,
            }),
            DatasetForm::Sample => MakeDataset::Sample(out),
        })
    }

    /// Refuses shares after which nothing is left to train on.
    ///
    /// # Errors
    /// 400 with the field's name.
    pub(crate) fn leaves_some(&self) -> Answer<()> {
        let (val, test) = match self {
            DatasetForm::Folder { from, .. } => (from.val_percent, from.test_percent),
            DatasetForm::Pairs { from, .. } if from.val_feature_folder.is_none() => (from.val_percent, 0.0),
            _ => return Ok(()),
        };
        if val + test < 100.0 {
            return Ok(());
        }
        let (field, value) = if val >= test { ("val_percent", val) } else { ("test_percent", test) };
        Err(Error::new(Kind::Usage, format!("{field} is {value}: nothing is left to train on"))
            .with_fact("it must be", "less than 100, with what is for testing")
            .into())
    }

    /// The field without which nothing can be looked at.
    pub(crate) fn main_field(&self) -> &'static str {
        match self {
            DatasetForm::Folder { .. } => "folder",
            DatasetForm::Lists { .. } => "train",
            DatasetForm::Generic(_) => "train_db",
            DatasetForm::Pairs { .. } => "feature_folder",
            DatasetForm::Sample => "name",
        }
    }

    /// The field that says how much is for validation, where one does.
    pub(crate) fn val_field(&self) -> Option<&'static str> {
        matches!(self, DatasetForm::Folder { .. } | DatasetForm::Pairs { .. }).then_some("val_percent")
    }

    /// Every path that the form names, by its field; an empty one is not given.
    pub(crate) fn paths(&self) -> Vec<(&'static str, &str)> {
        fn given<'a>(name: &'static str, path: &'a Option<String>) -> (&'static str, &'a str) {
            (name, path.as_deref().unwrap_or_default())
        }
        match self {
            DatasetForm::Folder { from, .. } => vec![
                ("folder", &from.folder),
                given("val_folder", &from.val_folder),
                given("test_folder", &from.test_folder),
            ],
            DatasetForm::Lists { from, .. } => vec![
                ("train", &from.train),
                given("train_folder", &from.train_folder),
                given("val", &from.val),
                given("val_folder", &from.val_folder),
                given("test", &from.test),
                given("test_folder", &from.test_folder),
                ("labels", &from.labels),
            ],
            DatasetForm::Generic(from) => vec![
                ("train_db", &from.train_db),
                given("train_labels_db", &from.train_labels_db),
                given("val_db", &from.val_db),
                given("val_labels_db", &from.val_labels_db),
                given("mean", &from.mean),
            ],
            DatasetForm::Pairs { from, .. } => vec![
                ("feature_folder", &from.feature_folder),
                ("label_folder", &from.label_folder),
                given("val_feature_folder", &from.val_feature_folder),
                given("val_label_folder", &from.val_label_folder),
                given("class_names", &from.class_names),
                given("color_map_file", &from.color_map_file),
            ],
            DatasetForm::Sample => Vec::new(),
        }
    }
}

impl ImageForm {
    fn options(&self, out: PathBuf) -> Answer<ImageOptions> {
        let size = RecordSize { width: self.width, height: self.height };
        let (channels, resize, encoding, seed) = (self.channels, self.resize, self.encoding, self.seed);
        let options = ImageOptions { out, size, channels, resize, encoding, seed };
        options.check()?;
        Ok(options)
    }
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use serde_json::json;

    use super::*;
    use crate::studio::unreadable;

    /// What a client is told of this form.
    fn told(form: &Value) -> String {
        match Json::<NewDataset>::from_bytes(form.to_string().as_bytes()) {
            Ok(_) => "read".into(),
            Err(refused) => unreadable::page(&refused.body_text()).message().into(),
        }
    }

    #[test]
    fn something_is_left_to_train_on() {
        let of = |form: Value| {
            let Json(read) = Json::<NewDataset>::from_bytes(form.to_string().as_bytes()).unwrap();
            read.form.leaves_some().map_err(|refusal| refusal.page.message)
        };
        let folder = |val: f64, test: f64| {
            of(json!({"kind": "folder", "folder": "f", "width": 8, "height": 8, "channels": 1, "val_percent": val,
                "test_percent": test}))
        };
        assert_eq!((folder(99.0, 0.0), folder(40.0, 40.0)), (Ok(()), Ok(())));
        assert_eq!(folder(100.0, 0.0), Err("val_percent is 100: nothing is left to train on".into()));
        assert!(folder(40.0, 60.0).unwrap_err().starts_with("test_percent is 60"));
        let pairs = json!({"kind": "pairs", "feature_folder": "f", "label_folder": "l", "width": 8, "height": 8,
            "channels": 1, "val_percent": 100});
        assert!(of(pairs).is_err());
    }

    #[test]
    fn a_wrong_field_of_any_form_is_named() {
        let images = json!({"width": 8, "height": 8, "channels": 1});
        for (kind, form, wrong) in [
            ("folder", json!({"folder": "f"}), [("val_percent", json!("x")), ("min_per_class", json!(-1))]),
            ("lists", json!({"train": "t", "labels": "l"}), [("shuffle", json!(3)), ("train_folder", json!([]))]),
            (
                "pairs",
                json!({"feature_folder": "f", "label_folder": "l"}),
                [("labels_are", json!("?")), ("val_percent", json!("x"))],
            ),
            ("generic", json!({"train_db": "d"}), [("val_db", json!(3)), ("mean", json!({}))]),
        ] {
            let of = |field: &str, value: &Value| {
                let mut whole = form.clone();
                (whole["kind"], whole["name"]) = (kind.into(), "n".into());
                for (name, side) in images.as_object().unwrap().iter().filter(|_| kind != "generic") {
                    whole[name] = side.clone();
                }
                if field.is_empty() {
                    told(&whole)
                } else {
                    whole[field] = value.clone();
                    told(&whole)
                }
            };
            assert_eq!(of("", &Value::Null), "read", "{kind}");
            for (field, value) in &wrong {
                assert!(of(field, value).starts_with(&format!("{field} is ")), "{kind}: {}", of(field, value));
            }
            for name in form.as_object().unwrap().keys() {
                assert_eq!(of(name, &Value::Null), format!("{name} is null"), "{kind}");
            }
            assert_eq!(of("name", &json!(3)), "name is 3", "{kind}");
            if kind != "generic" {
                assert_eq!(of("width", &json!("wide")), "width is wide", "{kind}");
                assert_eq!(of("encoding", &json!("gif")), "encoding is 'gif'", "{kind}");
            }
        }
        assert_eq!(told(&json!({"kind": "video"})), "kind is 'video'");
        assert_eq!(told(&json!({"name": "n"})), "kind is missing");
        assert_eq!(told(&json!({"kind": "generic"})), "train_db is missing");
    }
}
