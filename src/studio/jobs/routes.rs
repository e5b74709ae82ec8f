//! `GET /api/jobs`, metrics, log.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, Query, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    log::{self, LogLines, LogQuery},
    metrics::{Metrics, MetricsQuery},
    summary::JobSummary,
};
use crate::{
    error::Error,
    job::file,
    studio::{
        app::App,
        blocking::blocking,
        refusal::{Answer, Refusal, RefusalBody},
    },
};

/// The jobs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct JobList {
    /// The newest first.
    jobs: Vec<JobSummary>,
    /// Where to open the event stream so that nothing is missed.
    cursor: String,
}

/// All jobs.
#[utoipa::path(get, path = "/api/jobs", tag = "jobs", responses((status = 200, body = JobList)))]
pub(crate) async fn jobs(State(app): State<Arc<App>>) -> Json<JobList> {
    let cursor = app.bus.cursor();
    Json(JobList { jobs: app.jobs.all(), cursor })
}

/// The points of a job's curves.
#[utoipa::path(get, path = "/api/jobs/{id}/metrics", tag = "jobs", params(("id" = String, Path,), MetricsQuery),
    responses((status = 200, body = Metrics), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn metrics(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<MetricsQuery>,
) -> Answer<Json<Metrics>> {
    query.check()?;
    blocking(move || {
        let folder = app.jobs.folder(&id).ok_or_else(|| Refusal::not_found("job", &id))?;
        let seen = app.points.with(&id, &folder, |points| Metrics::of(points, &query));
        seen.map_err(|source| unreadable(&folder.join(file::METRICS), &source))
    })
    .await
    .map(Json)
}

/// Lines of a job's log.
#[utoipa::path(get, path = "/api/jobs/{id}/log", tag = "jobs", params(("id" = String, Path,), LogQuery),
    responses((status = 200, body = LogLines), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn log(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<LogQuery>,
) -> Answer<Json<LogLines>> {
    blocking(move || {
        let folder = app.jobs.folder(&id).ok_or_else(|| Refusal::not_found("job", &id))?;
        log::lines(&folder, &query).map_err(|source| unreadable(&folder.join(file::LOG), &source))
    })
    .await
    .map(Json)
}

fn unreadable(path: &std::path::Path, source: &std::io::Error) -> Refusal {
    Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, &Error::io("read", path, source))
}
