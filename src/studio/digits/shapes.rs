//! DIGITS' replies: the fields of datasets, models, errors, as its documentation names them.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use crate::studio::{
    app::App,
    datasets::summary::{DatasetStatus, DatasetSummary},
    jobs::summary::{JobSummary, Status},
    refusal::Refusal,
};

/// What DIGITS answers when something fails.
pub(crate) struct DigitsRefusal(Refusal);

impl From<Refusal> for DigitsRefusal {
    fn from(refusal: Refusal) -> DigitsRefusal {
        DigitsRefusal(refusal)
    }
}

impl From<crate::error::Error> for DigitsRefusal {
    fn from(error: crate::error::Error) -> DigitsRefusal {
        DigitsRefusal(error.into())
    }
}

impl IntoResponse for DigitsRefusal {
    fn into_response(self) -> Response {
        let Refusal { status, page } = self.0;
        // DIGITS has no 409 and no 422: what cannot be done now is forbidden, what cannot be used is a bad request.
        let status = match status {
            StatusCode::CONFLICT => StatusCode::FORBIDDEN,
            StatusCode::UNPROCESSABLE_ENTITY => StatusCode::BAD_REQUEST,
            other => other,
        };
        let body = json!({"error": {"message": page.message, "type": page.title, "description": page.page}});
        (status, Json(body)).into_response()
    }
}

/// A reply that says what cannot mean anything here.
pub(crate) fn not_here(what: &str, instead: &str) -> Response {
    let body = json!({"error": {"message": format!("{what} is not part of digits-rs"), "type": "NotImplemented", "description": instead}});
    (StatusCode::NOT_IMPLEMENTED, Json(body)).into_response()
}

/// DIGITS' word, its letter, its colour.
pub(crate) fn status_words(status: Status) -> (&'static str, &'static str) {
    match status {
        Status::Initialized => ("Initialized", "warning"),
        Status::Waiting => ("Waiting", "warning"),
        Status::Running => ("Running", "info"),
        Status::Done => ("Done", "success"),
        Status::Aborted => ("Aborted", "warning"),
        Status::Error => ("Error", "danger"),
    }
}

/// Likewise of a dataset.
pub(crate) fn dataset_words(status: DatasetStatus) -> (&'static str, &'static str) {
    match status {
        DatasetStatus::Making => ("Running", "info"),
        DatasetStatus::Absent => ("Initialized", "warning"),
        DatasetStatus::Done => ("Done", "success"),
        DatasetStatus::Aborted => ("Aborted", "warning"),
        DatasetStatus::Error => ("Error", "danger"),
    }
}

/// `{id, name, status}`
pub(crate) fn dataset(dataset: &DatasetSummary) -> Value {
    json!({"id": dataset.id, "name": dataset.name, "status": dataset_words(dataset.status).0})
}

/// `{id, name, status}`
pub(crate) fn model(job: &JobSummary) -> Value {
    json!({"id": job.id, "name": job.name, "status": status_words(job.status).0})
}

/// A row of the home page.
pub(crate) fn model_row(job: &JobSummary) -> Value {
    let (status, css) = status_words(job.status);
    let share = if job.epochs > 0.0 { job.epoch / job.epochs } else { 0.0 };
    json!({"id": job.id, "name": job.name, "group": job.group.clone().unwrap_or_default(), "status": status, "status_css": css,
        "submitted": job.created, "elapsed": job.elapsed_seconds, "progress": share, "framework": "torch",
        "dataset_id": job.dataset.id, "type": "model", "extension": if job.accuracy.is_some() { "image-classification" } else { "image-generic" },
        "sparkline": job.spark.points.iter().map(|point| point[1]).collect::<Vec<f64>>(),
        "loss (train) last": job.train_loss, "loss (val) last": job.validation_loss,
        "accuracy (val) last": job.accuracy.map(|share| share * 100.0)})
}

/// A row of the home page.
pub(crate) fn dataset_row(dataset: &DatasetSummary) -> Value {
    let (status, css) = dataset_words(dataset.status);
    json!({"id": dataset.id, "name": dataset.name, "group": "", "status": status, "status_css": css, "submitted": dataset.created,
        "elapsed": 0, "progress": if status == "Done" { 1.0 } else { 0.0 }, "backend": "lmdb", "type": "dataset",
        "extension": format!("image-{}", dataset.kind), "refs": dataset.models})
}

/// `/datasets/ID.json`
pub(crate) fn dataset_details(app: &App, known: &DatasetSummary) -> Value {
    let mut reply = dataset(known);
    let folder = app.datasets.place().join(&known.id);
    let [channels, height, width] = known.shape.unwrap_or_default();
    let splits = [("train", known.train), ("val", known.val), ("test", known.test)];
    let made: Vec<(&str, u64)> = splits.into_iter().filter(|(_, count)| *count > 0).collect();
    reply["directory"] = folder.display().to_string().into();
    if known.kind == "classification" {
        let of = |(name, count): &(&str, u64)| {
            json!({"name": format!("Create DB ({name})"), "entries": count, "image_width": width, "image_height": height,
                "image_channels": channels, "backend": "lmdb", "encoding": "png", "compression": "none"})
        };
        reply["CreateDbTasks"] = made.iter().map(of).collect();
        reply["ParseFolderTasks"] = json!([{"name": "Parse Folder (train/val)", "label_count": known.classes,
            "train_count": known.train, "val_count": known.val, "test_count": known.test}]);
    } else {
        let of = |(name, count): &(&str, u64)| {
            let path = folder.join(format!("{name}_db")).display().to_string();
            json!({"name": format!("Create {name} DB"), "stage": name, "entry_count": count, "feature_db_path": path, "label_db_path": null})
        };
        reply["create_db_tasks"] = made.iter().map(of).collect();
        reply["feature_dims"] = json!([height, width, channels]);
    }
    reply
}

/// `/models/ID.json`
pub(crate) fn model_details(app: &App, job: &JobSummary) -> Value {
    let mut reply = model(job);
    let folder = app.jobs.folder(&job.id).unwrap_or_default();
    let epochs: Vec<f64> = crate::job::JobView::open(&folder)
        .and_then(|view| view.snapshots())
        .map(|all| all.iter().map(|snapshot| snapshot.epoch).collect())
        .unwrap_or_default();
    let shape = job.dataset.id.as_deref().and_then(|id| app.datasets.summary(id)).and_then(|dataset| dataset.shape);
    let last = epochs.last().map(|epoch| format!("snapshot_{epoch}.safetensors"));
    reply["directory"] = folder.display().to_string().into();
    reply["snapshots"] = json!(epochs);
    reply["dataset_id"] = json!(job.dataset.id);
    reply["job id"] = job.id.clone().into();
    reply["creation time"] = job.created.clone().into();
    reply["username"] = "".into();
    reply["image dimensions"] = json!(shape.map(|[c, h, w]| [h, w, c]));
    reply["image resize mode"] = "squash".into();
    reply["labels file"] = "labels.txt".into();
    reply["mean file"] = "mean.binaryproto".into();
    reply["snapshot file"] = json!(last);
    reply["model file"] = "network.lua".into();
    reply["framework"] = "torch".into();
    reply["digits version"] = format!("digits-rs {}", env!("CARGO_PKG_VERSION")).into();
    reply
}

/// Numbers in nested arrays of this shape.
pub(crate) fn nested(shape: &[i64], values: &[Value]) -> Value {
    match shape {
        [] => values.first().cloned().unwrap_or_default(),
        [_] => values.to_vec().into(),
        [first, rest @ ..] => {
            let each = values.len() / usize::try_from(*first).unwrap_or(1).max(1);
            values.chunks(each.max(1)).map(|part| nested(rest, part)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_nested_as_their_shape_says() {
        let values: Vec<Value> = (0..6).map(Value::from).collect();
        assert_eq!(nested(&[1, 2, 3], &values), json!([[[0, 1, 2], [3, 4, 5]]]));
        assert_eq!(nested(&[6], &values), json!([0, 1, 2, 3, 4, 5]));
    }
}
