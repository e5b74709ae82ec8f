//! What is done to jobs: named, grouped, stopped, gone on with, deleted; one or many at once.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{
    about::{self, About},
    folder::{ERROR_PAGE, JobRequest, REQUEST, STARTED},
    summary::{JobSummary, Status},
};
use crate::{
    error::{Error, Kind},
    frontend,
    job::JobView,
    studio::{
        app::App,
        blocking::blocking,
        body::Body,
        error_page::ErrorPage,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::{RunOptions, RunSettings, train::Resume},
};

/// A run says that it has ended a moment before its process has: so long nobody who wants the job is refused for it.
const LEAVING: Duration = Duration::from_secs(10);

/// How the folders begin that deleted jobs are moved into.
const ASIDE: &str = ".deleted-";

/// What is to change.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct JobChange {
    /// A new name.
    name: Option<String>,
    /// A new group; null takes it out of its group.
    #[serde(deserialize_with = "there")]
    #[schema(value_type = Option<String>)]
    group: Option<Option<String>>,
    /// New notes.
    notes: Option<String>,
}

/// Tells null from nothing.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<String>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// How a job goes on.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct ResumeJob {
    /// More epochs.
    epochs: Option<u64>,
    /// From the snapshot of this epoch.
    from_snapshot: Option<f64>,
}

/// What is done to several jobs.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub(crate) enum BulkAction {
    /// Deletes them.
    Delete {
        /// Whom.
        ids: Vec<String>,
    },
    /// Stops them.
    Abort {
        /// Whom.
        ids: Vec<String>,
    },
    /// Goes on with them.
    Resume {
        /// Whom.
        ids: Vec<String>,
    },
    /// Puts them into a group.
    Group {
        /// Whom.
        ids: Vec<String>,
        /// Null takes them out.
        #[serde(default)]
        group: Option<String>,
    },
}

/// What came of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkReply {
    /// Ids.
    done: Vec<String>,
    /// Ids with what is wrong.
    failed: Vec<BulkFailure>,
}

/// What failed for one job.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct BulkFailure {
    /// Whose.
    id: String,
    /// What is wrong.
    error: ErrorPage,
}

fn known(app: &App, id: &str) -> Answer<(JobSummary, std::path::PathBuf)> {
    app.jobs.summary(id).zip(app.jobs.folder(id)).ok_or_else(|| Refusal::not_found("job", id))
}

fn now(app: &App, id: &str) -> Answer<JobSummary> {
    app.refresh();
    app.jobs.summary(id).ok_or_else(|| Refusal::not_found("job", id))
}

/// Names a job, groups it, notes something about it.
#[utoipa::path(patch, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path,)), request_body = JobChange,
    responses((status = 200, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(change): Body<JobChange>,
) -> Answer<Json<JobSummary>> {
    blocking(move || {
        let (_, folder) = known(&app, &id)?;
        let mut about = About::read(&folder);
        if let Some(name) = change.name {
            about.name = Some(about::new_name(&name)?);
        }
        if let Some(group) = change.group {
            about.group = about::name_of("group", &group.unwrap_or_default())?;
        }
        if let Some(notes) = change.notes {
            about.notes = about::notes_of(notes)?;
        }
        about.write(&folder)?;
        now(&app, &id)
    })
    .await
    .map(Json)
}

/// Deletes a job with its folder.
#[utoipa::path(delete, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 204), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<StatusCode> {
    blocking(move || remove(&app, &id).map(|()| app.refresh())).await.map(|()| StatusCode::NO_CONTENT)
}

/// Deletes a job that does not run.
///
/// # Errors
/// 404, or 409 while it runs.
pub(crate) fn remove(app: &App, id: &str) -> Answer<()> {
    let (summary, folder) = known(app, id)?;
    let leaves = || JobView::open(&folder).is_ok_and(|view| !view.is_free_within(LEAVING));
    if summary.status == Status::Running || leaves() {
        return Err(Refusal::conflict(format!("the job '{}' runs: stop it first", summary.name)));
    }
    // Whoever starts it now finds nothing to take.
    let _ = std::fs::remove_file(folder.join(REQUEST));
    // First out of sight, in one move: a picture that is being drawn of it cannot leave half a job there.
    let place = app.jobs.place();
    let aside = tempfile::Builder::new().prefix(ASIDE).tempdir_in(place);
    let aside = aside.map_err(|source| Error::io("make a folder in", place, &source))?;
    std::fs::rename(&folder, aside.path().join("job")).map_err(|source| Error::io("remove", &folder, &source))?;
    aside.close().map_err(|source| Error::io("remove", &folder, &source))?;
    Ok(())
}

/// Removes what a server that was killed while it deleted has left.
pub(crate) fn remove_what_is_aside(jobs: &std::path::Path) {
    let entries = std::fs::read_dir(jobs).into_iter().flatten().flatten();
    for entry in entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(ASIDE)) {
        let _ = std::fs::remove_dir_all(entry.path()); // it is out of sight: only lost space
    }
}

/// Stops a job after its step; what it has learned is saved.
#[utoipa::path(post, path = "/api/jobs/{id}/abort", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 202, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn abort(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    blocking(move || stop(&app, &id).and_then(|()| now(&app, &id))).await.map(|job| (StatusCode::ACCEPTED, Json(job)))
}

/// Stops a job that runs or waits.
///
/// # Errors
/// 404, or 409 when it does neither.
pub(crate) fn stop(app: &App, id: &str) -> Answer<()> {
    let (summary, folder) = known(app, id)?;
    if std::fs::rename(folder.join(REQUEST), folder.join(STARTED)).is_ok() {
        return Ok(());
    }
    let process = JobView::open(&folder).ok().and_then(|view| view.process());
    match process.and_then(|process| i32::try_from(process).ok()) {
        Some(process) => {
            #[expect(unsafe_code, reason = "the standard library sends no signals")]
            // SAFETY: kill takes plain numbers; the process holds the job's lock, so it is a training of ours.
            unsafe {
                libc::kill(process, libc::SIGTERM);
            }
            Ok(())
        }
        None => Err(Refusal::conflict(format!("the job '{}' neither runs nor waits", summary.name))),
    }
}

/// Goes on with a job from its last snapshot, or from a chosen one.
#[utoipa::path(post, path = "/api/jobs/{id}/resume", tag = "jobs", params(("id" = String, Path,)), request_body = ResumeJob,
    responses((status = 202, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn resume(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(how): Body<ResumeJob>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    blocking(move || go_on(&app, &id, &how).and_then(|()| now(&app, &id)))
        .await
        .map(|job| (StatusCode::ACCEPTED, Json(job)))
}

fn go_on(app: &App, id: &str, how: &ResumeJob) -> Answer<()> {
    let (summary, folder) = known(app, id)?;
    if matches!(summary.status, Status::Running | Status::Waiting) {
        return Err(Refusal::conflict(format!("the job '{}' runs or waits already", summary.name)));
    }
    let _ = std::fs::remove_file(folder.join(ERROR_PAGE));
    let Ok(view) = JobView::open(&folder) else {
        // It never began: the same request waits again.
        std::fs::rename(folder.join(STARTED), folder.join(REQUEST))
            .map_err(|source| Error::io("start again", &folder, &source))?;
        return Ok(());
    };
    if !view.is_free_within(LEAVING) {
        return Err(Refusal::conflict(format!("the process of the job '{}' has not ended yet", summary.name)));
    }
    if summary.status == Status::Done && how.epochs.is_none() && how.from_snapshot.is_none() {
        let page =
            Error::new(Kind::Job, format!("the job '{}' is done", summary.name)).with_help("give it more epochs");
        return Err(Refusal::new(StatusCode::CONFLICT, &page));
    }
    check_epochs(how, summary.epoch)?;
    let options = RunOptions { epochs: how.epochs, ..RunOptions::default() };
    let whole = RunOptions::resumed(&view.record()?.settings, &options)?;
    RunSettings::of(&whole, &frontend::Settings::default()).check()?;
    if let Some(epoch) = how.from_snapshot {
        view.snapshot_of(epoch)?;
    }
    let task = Resume { job: folder.clone(), from_snapshot: how.from_snapshot, options };
    JobRequest::Resume(task).put(&folder)?;
    Ok(())
}

/// A run goes on to more epochs than there are where it begins: with fewer it would end as it is.
fn check_epochs(how: &ResumeJob, done: f64) -> Answer<()> {
    let begins = how.from_snapshot.unwrap_or(done);
    match how.epochs.filter(|epochs| *epochs as f64 <= begins) {
        Some(epochs) => Err(Error::new(Kind::Usage, format!("epochs is {epochs}"))
            .with_fact("it must be", format!("more than the {begins} that are done"))
            .into()),
        None => Ok(()),
    }
}

/// Starts a waiting job beside what runs.
#[utoipa::path(post, path = "/api/jobs/{id}/start", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 202, body = JobSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn start(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<JobSummary>)> {
    blocking(move || {
        let (summary, _) = known(&app, &id)?;
        if summary.status != Status::Waiting {
            return Err(Refusal::conflict(format!("the job '{}' does not wait", summary.name)));
        }
        app.queue.start_at_once(&id);
        now(&app, &id)
    })
    .await
    .map(|job| (StatusCode::ACCEPTED, Json(job)))
}

/// Does something to several jobs; what fails for one does not stop the others.
#[utoipa::path(post, path = "/api/jobs/bulk", tag = "jobs", request_body = BulkAction,
    responses((status = 200, body = BulkReply), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn bulk(State(app): State<Arc<App>>, Body(action): Body<BulkAction>) -> Answer<Json<BulkReply>> {
    blocking(move || {
        let mut reply = BulkReply { done: Vec::new(), failed: Vec::new() };
        let mut each = |ids: Vec<String>, act: &dyn Fn(&str) -> Answer<()>| {
            for id in ids {
                match act(&id) {
                    Ok(()) => reply.done.push(id),
                    Err(refusal) => reply.failed.push(BulkFailure { id, error: *refusal.page }),
                }
            }
        };
        match action {
            BulkAction::Delete { ids } => each(ids, &|id| remove(&app, id)),
            BulkAction::Abort { ids } => each(ids, &|id| stop(&app, id)),
            BulkAction::Resume { ids } => each(ids, &|id| go_on(&app, id, &ResumeJob::default())),
            BulkAction::Group { ids, group } => each(ids, &|id| {
                let (_, folder) = known(&app, id)?;
                let mut about = About::read(&folder);
                about.group = about::name_of("group", group.as_deref().unwrap_or_default())?;
                Ok(about.write(&folder)?)
            }),
        }
        app.refresh();
        Ok(reply)
    })
    .await
    .map(Json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_job_goes_on_to_more_epochs_than_are_done() {
        let of = |epochs, from_snapshot, done| check_epochs(&ResumeJob { epochs, from_snapshot }, done).is_ok();
        assert!(of(None, None, 40.0) && of(Some(41), None, 40.0) && of(Some(5), Some(4.5), 40.0));
        assert!(!of(Some(5), None, 40.0) && !of(Some(40), None, 40.0) && !of(Some(5), Some(5.0), 40.0));
    }
}
