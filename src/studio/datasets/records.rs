//! Databases and their records.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
    response::Response,
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    index::SAMPLE,
    scan::{percent, thumbs},
};
use crate::{
    data::Resize,
    error::{Error, Kind},
    studio::{
        app::App,
        blocking::in_place,
        child::question::Question,
        png::png,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::records::{DatabaseChoice, RecordsRequest, Side},
};

const LIMIT: Duration = Duration::from_secs(30);

/// Which database.
#[derive(Debug, Default, Clone, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct DatabaseQuery {
    /// A dataset's id.
    pub(crate) dataset: Option<String>,
    /// `train`, `val` or `test`.
    pub(crate) split: Option<String>,
    /// Or the path of any LMDB.
    pub(crate) path: Option<String>,
}

impl DatabaseQuery {
    /// The database that is meant.
    ///
    /// # Errors
    /// 400 when none is named, 403 and 404.
    pub(crate) async fn choice(&self, app: &App) -> Answer<DatabaseChoice> {
        if let Some(path) = self.path.as_deref().filter(|path| !path.is_empty()) {
            return Ok(DatabaseChoice::Path { path: in_place(|| app.roots.resolve(path))? });
        }
        let id = self.dataset.as_deref().ok_or_else(|| Refusal::usage("name a dataset and a split, or a path"))?;
        // The sample can be looked at before it is made.
        if id == SAMPLE && app.datasets.folder(id).is_none() {
            app.unpack_sample().await;
        }
        let sample =
            || Some(app.sample_preview()).filter(|folder| id == SAMPLE && folder.join("dataset.json").is_file());
        let dataset = app.datasets.folder(id).or_else(sample).ok_or_else(|| Refusal::not_found("dataset", id))?;
        Ok(DatabaseChoice::Split { dataset, split: self.split.clone().unwrap_or_else(|| "train".into()) })
    }

    /// As the end of an address.
    pub(crate) fn address(&self) -> String {
        match (&self.path, &self.dataset) {
            (Some(path), _) if !path.is_empty() => format!("path={}", percent(path)),
            (_, dataset) => {
                let split = self.split.as_deref().unwrap_or("train");
                format!("dataset={}&split={}", percent(dataset.as_deref().unwrap_or_default()), percent(split))
            }
        }
    }
}

/// A database by its path.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct PathQuery {
    /// Its folder.
    path: String,
}

/// What the database at a path is.
#[utoipa::path(get, path = "/api/databases", tag = "datasets", params(PathQuery),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn database(State(app): State<Arc<App>>, Query(query): Query<PathQuery>) -> Answer<Json<Value>> {
    let path = in_place(|| app.roots.resolve(&query.path))?;
    let mut found: Value = app.looker.ask(&Question::Database(path), LIMIT).await?;
    found["thumbs"] = thumbs(&found);
    Ok(Json(found))
}

/// Which records.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct RecordsQuery {
    /// A dataset's id.
    dataset: Option<String>,
    /// `train`, `val` or `test`.
    split: Option<String>,
    /// Or the path of any LMDB.
    path: Option<String>,
    /// From 0.
    first: u64,
    /// 500 at most.
    count: Option<u64>,
    /// From 0.
    class: Option<i32>,
    /// A key's beginning, a number, or a class name.
    search: Option<String>,
}

/// A page of records.
#[utoipa::path(get, path = "/api/records", tag = "datasets", params(RecordsQuery),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn records(State(app): State<Arc<App>>, Query(query): Query<RecordsQuery>) -> Answer<Json<Value>> {
    let of = DatabaseQuery { dataset: query.dataset, split: query.split, path: query.path };
    let request = RecordsRequest {
        database: of.choice(&app).await?,
        first: query.first,
        count: query.count.unwrap_or(100),
        class: query.class,
        search: query.search,
    };
    let mut page: Value = app.looker.ask(&Question::Records(request), LIMIT).await?;
    for row in page["records"].as_array_mut().into_iter().flatten() {
        with_pictures(row, &of);
    }
    Ok(Json(page))
}

fn with_pictures(row: &mut Value, of: &DatabaseQuery) {
    let address = format!("/api/records/{}/picture?{}", row["index"], of.address());
    let has_label = row["has_label_picture"] == true;
    row["label_picture"] = if has_label { format!("{address}&of=label").into() } else { Value::Null };
    row["picture"] = address.into();
    if let Some(row) = row.as_object_mut() {
        row.remove("has_label_picture");
    }
}

/// One record.
#[utoipa::path(get, path = "/api/records/{index}", tag = "datasets", params(("index" = u64, Path,), DatabaseQuery),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn record(
    State(app): State<Arc<App>>,
    Path(index): Path<u64>,
    Query(query): Query<DatabaseQuery>,
) -> Answer<Json<Value>> {
    let database = query.choice(&app).await?;
    let mut facts: Value = app.looker.ask(&Question::Record { database, index }, LIMIT).await?;
    with_pictures(&mut facts, &query);
    Ok(Json(facts))
}

/// How a record is drawn.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct PictureQuery {
    /// A dataset's id.
    dataset: Option<String>,
    /// `train`, `val` or `test`.
    split: Option<String>,
    /// Or the path of any LMDB.
    path: Option<String>,
    /// Longest side, pixels.
    max: Option<usize>,
    /// `image` or `label`.
    #[param(value_type = Option<String>)]
    of: Side,
}

/// The picture of a record.
#[utoipa::path(get, path = "/api/records/{index}/picture", tag = "datasets", params(("index" = u64, Path,), PictureQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path(index): Path<u64>,
    Query(query): Query<PictureQuery>,
) -> Answer<Response> {
    let of = DatabaseQuery { dataset: query.dataset, split: query.split, path: query.path };
    let question = Question::Picture { database: of.choice(&app).await?, index, side: query.of, max: query.max };
    decoded(&app.looker.ask::<String>(&question, LIMIT).await?)
}

/// A picture as a process gives it: base64.
fn decoded(base64: &str) -> Answer<Response> {
    let bytes = STANDARD
        .decode(base64)
        .map_err(|cause| Error::new(Kind::Io, "a picture is damaged").with_cause(cause.to_string()))?;
    Ok(png(bytes))
}

/// How an image file is fitted.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct ResizedQuery {
    /// A path or `upload:<id>`.
    file: String,
    /// Pixels in a row.
    width: usize,
    /// Rows.
    height: usize,
    /// 1 or 3.
    channels: usize,
    /// `squash`, `crop`, `fill` or `half_crop`.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    resize: Resize,
    /// `image`, or `label` for one whose values may be classes.
    #[serde(default)]
    #[param(value_type = Option<String>)]
    of: Side,
}

/// An image file as a dataset would hold it.
#[utoipa::path(get, path = "/api/pictures/resized", tag = "datasets", params(ResizedQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn resized(State(app): State<Arc<App>>, Query(query): Query<ResizedQuery>) -> Answer<Response> {
    let file = in_place(|| app.named(&query.file))?;
    let shape = [query.channels, query.height, query.width];
    if ![1, 3].contains(&query.channels) {
        return Err(Refusal::usage("channels are 1 or 3"));
    }
    decoded(
        &app.looker
            .ask::<String>(&Question::Resized { file, shape, resize: query.resize, side: query.of }, LIMIT)
            .await?,
    )
}
