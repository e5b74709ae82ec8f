//! A job out of an archive that `download` made, here or on another machine.

use std::{path::PathBuf, sync::Arc};

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{detail::blocking, summary::JobSummary};
use crate::{
    error::Error,
    job::{JobDir, JobView, unpack},
    studio::{
        app::App,
        refusal::{Answer, Refusal, RefusalBody},
    },
};

/// What is taken in.
#[derive(Debug, Deserialize, ToSchema)]
pub(crate) struct ImportJob {
    /// The id of the upload.
    upload: String,
}

/// Takes a job in.
#[utoipa::path(post, path = "/api/jobs/import", tag = "jobs", request_body = ImportJob,
    responses((status = 201, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn import(
    State(app): State<Arc<App>>,
    Json(request): Json<ImportJob>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    let sent = app.uploads.file(&request.upload)?;
    blocking(move || {
        std::fs::create_dir_all(app.jobs.place())
            .map_err(|source| Error::io("make the folder", app.jobs.place(), &source))?;
        let folder = JobDir::fresh_path(app.jobs.place());
        let mut partial = folder.clone().into_os_string();
        partial.push(".partial");
        let partial = PathBuf::from(partial);
        let taken = unpack(&sent.path, &partial).and_then(|()| {
            JobView::open(&partial)?.record()?;
            std::fs::rename(&partial, &folder).map_err(|source| Error::io("name", &folder, &source))
        });
        if let Err(page) = taken {
            let _ = std::fs::remove_dir_all(&partial);
            return Err(page.into());
        }
        app.refresh();
        let id = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        app.jobs.summary(&id).ok_or_else(|| Refusal::not_found("job", &id))
    })
    .await
    .map(|job| (StatusCode::CREATED, Json(job)))
}
