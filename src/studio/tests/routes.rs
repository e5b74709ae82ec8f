//! The routes of tests.

use std::{path::Path as FsPath, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, Query, State},
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use utoipa::IntoParams;

use super::{
    kept::KeptTest,
    layers,
    request::{OneImage, TestRequest, What},
    run,
};
use crate::{
    error::Error,
    inspect::value_map::{Colors, Ground},
    studio::{
        app::App,
        blocking::{blocking, in_place},
        body::Body,
        child::question::Question,
        jobs::files::send_below,
        png::png,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::{
        SnapshotChoice,
        inference::{self, ImageRequest, KeptValues},
    },
};

fn shown(test: &KeptTest) -> Value {
    let mut result = test.result.clone();
    if let Some(result) = result.as_object_mut() {
        result.remove("answers");
    }
    let (done, total) = test.progress;
    json!({"id": test.id, "job": test.request.job, "request": test.request, "state": test.state, "done": done, "total": total,
        "snapshot": {"epoch": test.snapshot.0, "best": test.snapshot.1}, "title": test.title, "created": test.created,
        "milliseconds": test.milliseconds, "result": result, "error": test.error})
}

/// Tests something.
#[utoipa::path(post, path = "/api/tests", tag = "tests", request_body = TestRequest,
    responses((status = 201, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Body(request): Body<TestRequest>,
) -> Answer<(StatusCode, Json<Value>)> {
    let test = run::begin(&app, request).await?;
    Ok((StatusCode::CREATED, Json(shown(&test))))
}

/// One test.
#[utoipa::path(get, path = "/api/tests/{id}", tag = "tests", params(("id" = String, Path,)),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn get(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Json<Value>> {
    app.tests.get(&id).map(|test| Json(shown(&test)))
}

/// Forgets a test; stops it when it runs.
#[utoipa::path(delete, path = "/api/tests/{id}", tag = "tests", params(("id" = String, Path,)),
    responses((status = 204), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<StatusCode> {
    blocking(move || app.tests.forget(&id)).await.map(|()| StatusCode::NO_CONTENT)
}

/// How a map is drawn.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct MapQuery {
    /// `activations`, `weight` …
    of: Option<String>,
    /// At most so many; 160 when not given.
    tiles: Option<usize>,
    /// `diverging` or `jet`.
    #[param(value_type = Option<String>)]
    colors: Colors,
    /// `light` or `dark`.
    #[param(value_type = Option<String>)]
    theme: Ground,
}

/// A layer.
#[utoipa::path(get, path = "/api/tests/{id}/layers/{node}", tag = "tests", params(("id" = String, Path,), ("node" = usize, Path,), MapQuery),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn layer(
    State(app): State<Arc<App>>,
    Path((id, node)): Path<(String, usize)>,
    Query(query): Query<MapQuery>,
) -> Answer<Json<Value>> {
    let test = app.tests.get(&id)?;
    let examined = blocking(move || layers::read(&test.folder)).await?;
    let missing = || Refusal::not_found("layer", &node.to_string());
    let layer = examined.layers.iter().find(|layer| layer.id == node).ok_or_else(missing)?;
    let parameters = examined.graph.nodes.iter().find(|known| known.id == node).map_or(0, |node| node.parameters);
    Ok(Json(layers::detail(&id, layer, parameters, query.tiles.unwrap_or(160))))
}

/// The values of a layer that a test keeps in its folder, and the name that they have there; its activations when none are named.
fn kept(folder: &FsPath, node: usize, of: Option<&str>) -> Answer<(String, KeptValues)> {
    let of = of.unwrap_or("activations");
    let examined = layers::read(folder)?;
    let layer = examined.layers.into_iter().find(|layer| layer.id == node);
    let mut all = layer.into_iter().flat_map(|layer| layer.activations.into_iter().chain(layer.weights));
    let found = all.find(|kept| kept.name == of).ok_or_else(|| Refusal::not_found("values of this layer", of))?;
    Ok((format!("{node}-{of}"), found))
}

/// A map of a layer's values.
#[utoipa::path(get, path = "/api/tests/{id}/layers/{node}/map", tag = "tests",
    params(("id" = String, Path,), ("node" = usize, Path,), MapQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn map(
    State(app): State<Arc<App>>,
    Path((id, node)): Path<(String, usize)>,
    Query(query): Query<MapQuery>,
) -> Answer<Response> {
    let test = app.tests.get(&id)?;
    blocking(move || {
        let (name, kept) = kept(&test.folder, node, query.of.as_deref())?;
        let most = query.tiles.unwrap_or(160).clamp(1, 4096);
        Ok(png(inference::draw(&test.folder, &name, &kept, most, query.colors, query.theme)?))
    })
    .await
}

/// A layer's values for a spreadsheet.
#[utoipa::path(get, path = "/api/tests/{id}/layers/{node}/values", tag = "tests",
    params(("id" = String, Path,), ("node" = usize, Path,), MapQuery),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn values(
    State(app): State<Arc<App>>,
    Path((id, node)): Path<(String, usize)>,
    Query(query): Query<MapQuery>,
) -> Answer<Response> {
    let test = app.tests.get(&id)?;
    blocking(move || {
        let (name, kept) = kept(&test.folder, node, query.of.as_deref())?;
        let values = inference::read(&test.folder, &name)?;
        let row = kept.shape.last().and_then(|&size| usize::try_from(size).ok()).filter(|&size| size > 0).unwrap_or(1);
        let lines = values.chunks(row).map(|row| row.iter().map(f32::to_string).collect::<Vec<_>>().join(","));
        let text = lines.collect::<Vec<_>>().join("\n") + "\n";
        Ok(([(header::CONTENT_TYPE, "text/csv; charset=utf-8")], text).into_response())
    })
    .await
}

/// A picture of a test.
#[utoipa::path(get, path = "/api/tests/{id}/pictures/{name}", tag = "tests",
    params(("id" = String, Path,), ("name" = String, Path,), MapQuery),
    responses((status = 200, body = Vec<u8>, content_type = "image/png"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn picture(
    State(app): State<Arc<App>>,
    Path((id, name)): Path<(String, String)>,
    Query(query): Query<MapQuery>,
) -> Answer<Response> {
    let test = app.tests.get(&id)?;
    if name != "difference" {
        return send_below(&test.folder, &format!("{name}.png"), None).await;
    }
    blocking(move || {
        let examined = layers::read(&test.folder)?;
        let shape = vec![examined.channels, examined.size[0], examined.size[1]];
        let kept = KeptValues { name: name.clone(), shape, scale: 0.0, tiles: 1, note: None, statistics: Value::Null };
        Ok(png(inference::draw(&test.folder, &name, &kept, 4096, query.colors, query.theme)?))
    })
    .await
}

/// Which answers.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct AnswersQuery {
    /// From 0.
    first: usize,
    /// 500 at most.
    count: Option<usize>,
    /// Of this class.
    right: Option<u64>,
    /// Taken for this class.
    answer: Option<u64>,
    /// Only mistakes.
    only_wrong: bool,
}

/// Answers of a classifier, the least likely right ones first.
#[utoipa::path(get, path = "/api/tests/{id}/answers", tag = "tests", params(("id" = String, Path,), AnswersQuery),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn answers(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<AnswersQuery>,
) -> Answer<Json<Value>> {
    let test = app.tests.get(&id)?;
    let passes = |answer: &&Value| {
        query.right.is_none_or(|class| answer["right"] == class)
            && query.answer.is_none_or(|class| answer["answer"] == class)
            && (!query.only_wrong || answer["right"] != answer["answer"])
    };
    let all: Vec<Value> = test.result["answers"].as_array().into_iter().flatten().filter(passes).cloned().collect();
    let (total, count) = (all.len(), query.count.unwrap_or(100).min(500));
    let answers: Vec<Value> = all.into_iter().skip(query.first).take(count).collect();
    Ok(Json(json!({"total": total, "answers": answers})))
}

/// The confusion matrix or the answers, for a spreadsheet.
#[utoipa::path(get, path = "/api/tests/{id}/csv", tag = "tests", params(("id" = String, Path,)),
    responses((status = 200, body = String, content_type = "text/csv"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn csv(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Response> {
    let test = app.tests.get(&id)?;
    if let Some(table) = super::table::of(&test.result) {
        let headers = [
            (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_string()),
            (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{id}.csv\"")),
        ];
        return Ok((headers, table).into_response());
    }
    let tables = ["confusion.csv", "predictions.csv", "outputs.jsonl"];
    let found = in_place(|| tables.into_iter().find(|name| test.folder.join(name).is_file()));
    let name = found.ok_or_else(|| Refusal::not_found("table of the test", &id))?;
    send_below(&test.folder, name, Some(format!("{id}-{name}"))).await
}

/// The self-contained page of a test.
#[utoipa::path(get, path = "/api/tests/{id}/page", tag = "tests", params(("id" = String, Path,)),
    responses((status = 200, body = String, content_type = "text/html"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn page(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Response> {
    let test = app.tests.get(&id)?;
    // One image has its page when somebody wants it.
    let made = test.folder.join("page");
    if let What::One(OneImage { view, top, .. }) = test.request.what
        && !in_place(|| made.join("index.html").is_file())
    {
        let job = app.jobs.folder(&test.request.job).ok_or_else(|| Refusal::not_found("job", &test.request.job))?;
        in_place(|| std::fs::create_dir_all(&made)).map_err(|source| Error::io("make the folder", &made, &source))?;
        let (image, snapshot) = (test.folder.join("original.png"), SnapshotChoice::Epoch(test.snapshot.0));
        let out = Some(made.clone());
        let request = ImageRequest { snapshot, view, top, out, ..ImageRequest::new(job, image) };
        let _: Value = app.tester.ask(&Question::Page(request), Duration::from_secs(60)).await?;
    }
    let folder = if in_place(|| made.is_dir()) { &made } else { &test.folder };
    send_below(folder, "index.html", Some(format!("{id}.html"))).await
}
