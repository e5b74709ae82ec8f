//! `TestRequest`: what a person wants tested.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::{inspect::output_kind::OutputKind, studio::unreadable::part};

/// Which database.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum DatabaseRef {
    /// A split of a dataset.
    Split {
        /// Its id.
        dataset: String,
        /// `train`, `val` or `test`.
        split: String,
    },
    /// Any LMDB.
    Path {
        /// Its folder.
        path: String,
    },
}

/// Each by the fields that it has, so that what is wrong can be named.
impl<'de> Deserialize<'de> for DatabaseRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<DatabaseRef, D::Error> {
        #[derive(Deserialize)]
        struct Split {
            dataset: String,
            split: String,
        }
        #[derive(Deserialize)]
        struct Path {
            path: String,
        }
        let fields = Value::deserialize(deserializer)?;
        if fields.get("path").is_some() && fields.get("dataset").is_none() {
            return part(&fields).map(|Path { path }| DatabaseRef::Path { path });
        }
        part(&fields).map(|Split { dataset, split }| DatabaseRef::Split { dataset, split })
    }
}

/// A record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct RecordRef {
    /// Where.
    #[serde(flatten)]
    pub(crate) database: DatabaseRef,
    /// From 0.
    pub(crate) index: u64,
}

/// An image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ImageRef {
    /// One that was sent.
    Upload(String),
    /// A record.
    Record(RecordRef),
    /// A file below the allowed folders.
    Path(String),
}

/// `best`, `last`, or an epoch.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub(crate) enum SnapshotRef {
    /// Of this epoch.
    Epoch(f64),
    /// `best` or `last`.
    Word(String),
}

impl<'de> Deserialize<'de> for SnapshotRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SnapshotRef, D::Error> {
        match Value::deserialize(deserializer)? {
            Value::String(word) => Ok(SnapshotRef::Word(word)),
            other => part(&other).map(SnapshotRef::Epoch),
        }
    }
}

/// One image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct OneImage {
    /// The image.
    pub(crate) image: ImageRef,
    /// Whether a file is fitted as the dataset's images were; otherwise it goes in as it is.
    #[serde(default = "yes")]
    pub(crate) resize: bool,
    /// What the output is shown as; what it is when not given.
    #[serde(default)]
    #[schema(value_type = Option<String>, example = "boxes")]
    pub(crate) view: Option<OutputKind>,
    /// How many of the likeliest classes are listed.
    #[serde(default = "five")]
    pub(crate) top: u64,
}

/// The images of a list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct ManyImages {
    /// A text file or a folder of images: a path, or `upload:<id>`.
    pub(crate) list: String,
    /// What a text file's relative paths start from; its own folder when not given.
    #[serde(default)]
    pub(crate) folder: Option<String>,
    /// The first so many of a text file, 1 at least.
    #[serde(default)]
    pub(crate) limit: Option<usize>,
    /// How many of the likeliest classes are listed.
    #[serde(default = "five")]
    pub(crate) top: u64,
}

/// A whole database.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct WholeDatabase {
    /// The database.
    pub(crate) database: DatabaseRef,
    /// Its labels, when they are in another one.
    #[serde(default)]
    pub(crate) labels_path: Option<String>,
}

/// The best images of each class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TopImages {
    /// The database.
    pub(crate) database: DatabaseRef,
    /// Of each class.
    pub(crate) count: u64,
}

/// What is tested.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum What {
    /// One image.
    One(OneImage),
    /// The images of a list.
    Many(ManyImages),
    /// A whole database.
    Database(WholeDatabase),
    /// The best images of each class.
    Top(TopImages),
}

/// By the tag first: serde's own way through it forgets the name of a wrong field.
impl<'de> Deserialize<'de> for What {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<What, D::Error> {
        #[derive(Deserialize)]
        struct Tag {
            kind: Kind,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "snake_case")]
        enum Kind {
            One,
            Many,
            Database,
            Top,
        }
        let fields = Value::deserialize(deserializer)?;
        match part::<Tag, D::Error>(&fields)?.kind {
            Kind::One => part(&fields).map(What::One),
            Kind::Many => part(&fields).map(What::Many),
            Kind::Database => part(&fields).map(What::Database),
            Kind::Top => part(&fields).map(What::Top),
        }
    }
}

fn yes() -> bool {
    true
}

fn five() -> u64 {
    5
}

/// What a person wants tested.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub(crate) struct TestRequest {
    /// The job's id.
    pub(crate) job: String,
    /// Which snapshot.
    pub(crate) snapshot: SnapshotRef,
    /// What.
    #[serde(flatten)]
    pub(crate) what: What,
}

#[cfg(test)]
mod tests {
    use axum::Json;
    use serde_json::json;

    use super::*;
    use crate::studio::unreadable;

    #[test]
    fn a_wrong_field_of_a_test_is_named() {
        let told = |change: &[(&str, Value)]| {
            let mut form = json!({"job": "j", "snapshot": "best", "kind": "one", "image": {"upload": "u1"}});
            change.iter().for_each(|(name, value)| form[*name] = value.clone());
            match Json::<TestRequest>::from_bytes(form.to_string().as_bytes()) {
                Ok(_) => "read".to_string(),
                Err(refused) => unreadable::page(&refused.body_text()).message().into(),
            }
        };
        assert_eq!(told(&[]), "read");
        assert_eq!(told(&[("snapshot", json!(3))]), "read");
        assert_eq!(told(&[("kind", json!("two"))]), "kind is 'two'");
        assert_eq!(told(&[("top", json!("x"))]), "top is x");
        assert_eq!(told(&[("image", json!({"upload": 3}))]), "image.upload is 3");
        assert_eq!(told(&[("kind", json!("many"))]), "list is missing");
        let of = |database: Value| told(&[("kind", json!("top")), ("count", json!(3)), ("database", database)]);
        assert_eq!(of(json!({"path": "p"})), "read");
        assert_eq!(of(json!({"dataset": "d", "split": "val"})), "read");
        for (database, wrong) in [
            (json!({"dataset": "d"}), "database.split is missing"),
            (json!({"path": 3}), "database.path is 3"),
            (json!({"dataset": [], "split": "val"}), "database.dataset is a list"),
        ] {
            assert_eq!(of(database), wrong);
        }
    }
}
