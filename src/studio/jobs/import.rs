//! A job out of an archive that `download` made, here or on another machine.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::summary::JobSummary;
use crate::{
    job::JobDir,
    studio::{
        app::App,
        blocking::blocking,
        body::Body,
        error_page::ErrorPage,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::pack::{self, UnpackRequest},
};

/// What is taken in.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct ImportJob {
    /// The id of the upload.
    upload: String,
}

/// Takes a job in.
#[utoipa::path(post, path = "/api/jobs/import", tag = "jobs", request_body = ImportJob,
    responses((status = 201, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Body(request): Body<ImportJob>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    let sent = app.uploads.file(&request.upload)?;
    blocking(move || {
        let folder = JobDir::fresh_path(app.jobs.place());
        let unpacked = pack::unpack(&UnpackRequest { archive: sent.path, job: Some(folder.clone()) });
        unpacked.map_err(|error| app.uploads.names().in_page(ErrorPage::of(&error)))?;
        app.refresh();
        let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        app.jobs.summary(&id).ok_or_else(|| Refusal::not_found("job", &id))
    })
    .await
    .map(|job| (StatusCode::CREATED, Json(job)))
}
