//! `GET /api/datasets` and what is done to datasets.

use std::{
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::{
    command::{command, free_beside},
    form::{DatasetForm, NewDataset},
    index::SAMPLE,
    making::{Making, State as MakingState},
    summary::{DatasetStatus, DatasetSummary},
    unmade,
};
use crate::{
    data,
    error::{Error, Kind},
    input::{self, Form},
    inspect::label_image::{color, hex},
    job::{self, Stamp},
    studio::{
        app::App,
        blocking::{blocking, in_place},
        body::Body,
        child::{
            Wall,
            question::{Question, Reply},
        },
        jobs::{
            about::{self, About},
            files::send_below,
        },
        refusal::{Answer, Refusal, RefusalBody},
    },
};

/// Where the form of a dataset is kept, for its clone.
const FORM: &str = "form.json";
/// Where the uploads that a dataset was made of are kept.
const GIVEN: &str = "given";
/// A dataset may take so long to make.
const LIMIT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The datasets.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct DatasetList {
    /// The newest first.
    datasets: Vec<DatasetSummary>,
    /// Where to open the event stream so that nothing is missed.
    cursor: String,
}

/// All datasets.
#[utoipa::path(get, path = "/api/datasets", tag = "datasets", responses((status = 200, body = DatasetList)))]
pub(crate) async fn datasets(State(app): State<Arc<App>>) -> Json<DatasetList> {
    let cursor = app.bus.cursor();
    let datasets = app.datasets.all().into_iter().map(|dataset| app.with_models(dataset)).collect();
    Json(DatasetList { datasets, cursor })
}

/// Makes a dataset.
#[utoipa::path(post, path = "/api/datasets", tag = "datasets", request_body = NewDataset,
    responses((status = 201, body = DatasetSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Body(form): Body<NewDataset>,
) -> Answer<(StatusCode, Json<DatasetSummary>)> {
    in_place(|| begin(&app, form)).map(|dataset| (StatusCode::CREATED, Json(dataset)))
}

/// Begins to make a dataset.
///
/// # Errors
/// What is wrong with the form.
pub(crate) fn begin(app: &Arc<App>, new: NewDataset) -> Answer<DatasetSummary> {
    let given = about::name_of("name", &new.name)?;
    new.form.leaves_some()?;
    let id = if matches!(new.form, DatasetForm::Sample) { SAMPLE.to_string() } else { free_id(app, &new.name) };
    let folder = app.datasets.place().join(&id);
    let known = app.datasets.summary(&id).filter(|known| known.status == DatasetStatus::Making || folder.is_dir());
    if let Some(known) = known {
        // The sample that is there, or being made.
        return Ok(app.with_models(known));
    }
    std::fs::create_dir_all(app.datasets.place())
        .map_err(|source| Error::io("make the folder", app.datasets.place(), &source))?;
    let how = new.form.request(folder.clone(), &|named| app.named(named))?;
    let name = given.unwrap_or_else(|| id.clone());
    let begun = DatasetSummary {
        id: id.clone(),
        name: if id == SAMPLE { "MNIST sample".into() } else { name.clone() },
        status: DatasetStatus::Making,
        kind: new.form.kind().into(),
        built_in: id == SAMPLE,
        shape: None,
        classes: 0,
        train: 0,
        val: 0,
        test: 0,
        skipped: 0,
        disk_bytes: 0,
        created: Stamp::now().rfc3339(),
        source: new.form.source(app),
        models: 0,
        thumbs: Vec::new(),
        progress: None,
        error: None,
    };
    let making = Making::new(begun);
    app.datasets.making().insert(id.clone(), making.clone());
    let (app_of, id_of) = (Arc::clone(app), id.clone());
    tokio::spawn(async move {
        let id = id_of;
        let worker = app_of.worker(Wall::Make);
        let question = Question::Make(how);
        let told = |reply: &Reply| {
            if let Reply::Progress { stage, done, total } = reply {
                making.progress(stage, *done, *total);
            }
        };
        let made = tokio::select! {
            made = worker.ask_raw(&question, LIMIT, told) => Some(made),
            () = making.stopped() => None,
        };
        // A process that was at work ends with its worker.
        drop(worker);
        match made {
            Some(Ok(_)) => {
                let about =
                    About { name: Some(name).filter(|_| id != SAMPLE), group: None, notes: new.form.source(&app_of) };
                let _ = in_place(|| {
                    let form = serde_json::to_vec_pretty(&with_uploads_kept(&app_of, &new, &folder)?);
                    about.write(&folder)?;
                    job::replace(&folder.join(FORM), &form.unwrap_or_default())
                });
                making.end(MakingState::Done);
            }
            Some(Err(page)) => making.end(MakingState::Failed(Box::new(page))),
            None => {
                let mut partial = folder.clone().into_os_string();
                partial.push(".partial");
                let _ = in_place(|| std::fs::remove_dir_all(PathBuf::from(partial)));
                making.end(MakingState::Aborted);
            }
        }
        if making.state() == MakingState::Done {
            unmade::forget(app_of.datasets.place(), &id);
        } else {
            // Where the disk refuses, this server still knows it.
            let _ = in_place(|| keep_unmade(&app_of, &making, &new));
        }
        let _ = tokio::task::spawn_blocking(move || app_of.refresh()).await;
    });
    app.refresh();
    let summary = app.datasets.summary(&id).ok_or_else(|| Refusal::not_found("dataset", &id))?;
    Ok(summary)
}

/// Keeps why a dataset is not there, and the form that would make it.
///
/// # Errors
/// When the disk refuses.
fn keep_unmade(app: &App, making: &Making, new: &NewDataset) -> Result<(), Error> {
    unmade::keep(app.datasets.place(), making)?;
    let folder = unmade::folder(app.datasets.place(), &making.summary().id);
    let form = serde_json::to_vec_pretty(&with_uploads_kept(app, new, &folder)?);
    job::replace(&folder.join(FORM), &form.unwrap_or_default())
}

/// The form with its uploads as files of the dataset's folder: those end with the server, a clone needs them later.
///
/// # Errors
/// When one cannot be copied.
fn with_uploads_kept(app: &App, new: &NewDataset, folder: &FsPath) -> Result<Value, Error> {
    let mut form = serde_json::to_value(new).unwrap_or_default();
    for (field, value) in form.as_object_mut().into_iter().flatten() {
        let upload = value.as_str().and_then(|named| named.strip_prefix("upload:"));
        let Some(sent) = upload.and_then(|id| app.uploads.file(id).ok()) else { continue };
        let kept = folder.join(GIVEN).join(field).with_extension(sent.path.extension().unwrap_or_default());
        std::fs::create_dir_all(folder.join(GIVEN))
            .and_then(|()| std::fs::copy(&sent.path, &kept))
            .map_err(|source| Error::io("copy the upload to", &kept, &source))?;
        let below = kept.strip_prefix(&app.root).unwrap_or(&kept);
        *value = below.display().to_string().into();
    }
    Ok(form)
}

/// A folder's name like the dataset's that is not taken.
fn free_id(app: &App, name: &str) -> String {
    let mut stem: String = name
        .trim()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c.to_ascii_lowercase() } else { '-' })
        .take(60)
        .collect();
    stem = stem.trim_matches(['-', '.']).to_string();
    let folder = FsPath::new(&stem);
    if stem.is_empty() || data::is_in_the_making(folder) || unmade::is(folder) {
        stem = Stamp::now().id();
    }
    let is_free = |id: &str| app.datasets.summary(id).is_none() && !app.datasets.place().join(id).exists();
    let numbered = (2..).map(|number| format!("{stem}-{number}"));
    std::iter::once(stem.clone()).chain(numbered).find(|id| is_free(id)).unwrap_or(stem)
}

/// One dataset.
#[utoipa::path(get, path = "/api/datasets/{id}", tag = "datasets", params(("id" = String, Path,)),
    responses((status = 200, body = Object), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn dataset(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Json<Value>> {
    let summary = app.datasets.summary(&id).ok_or_else(|| Refusal::not_found("dataset", &id))?;
    let folder = app.datasets.place().join(&id);
    let jobs: Vec<_> = app.jobs.all().into_iter().filter(|job| job.dataset.id.as_deref() == Some(&id)).collect();
    let failed = match app.datasets.making().get(&id).map(Making::state) {
        Some(MakingState::Failed(page)) => Some(*page),
        _ => None,
    };
    let is_there = in_place(|| folder.join("dataset.json").is_file() || folder.join("train_db").is_dir());
    let asked = if is_there {
        app.looker.ask::<Value>(&Question::Dataset(folder.clone()), Duration::from_secs(60)).await.map(Some)
    } else {
        Ok(None)
    };
    let (info, error) = match asked {
        Ok(info) => (info.unwrap_or_default(), failed),
        Err(page) => (Value::Null, Some(page)),
    };
    let summary = app.with_models(summary);
    let shown = move || {
        let command = command_of(&app, &folder);
        let known = json!({"command": command, "folder": folder, "models": jobs, "error": error, "summary": summary});
        Ok(Json(details(&id, &folder, &info, known)))
    };
    blocking(shown).await
}

/// What the page shows of a dataset, beside what is `known`; `info` is what the process that looked at it found.
fn details(id: &str, folder: &FsPath, info: &Value, mut known: Value) -> Value {
    let manifest: Value = input::read(&folder.join("dataset.json"), Form::Record)
        .ok()
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or_default();
    let split = |split: &Value| {
        let name = split["name"].as_str().unwrap_or_default();
        json!({"name": name, "folder": split["folder"], "labels_folder": manifest["splits"][name]["labels"],
            "entries": split["entries"], "classes": split["classes"]})
    };
    let mean = folder.join("mean.png").is_file().then(|| {
        let values: Vec<f64> = info["mean"].as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
        let value = values.iter().sum::<f64>() / values.len().max(1) as f64;
        let file = |name: &str| format!("/api/datasets/{id}/files/{name}");
        json!({"picture": file("mean.png"), "file": file("mean.binaryproto"), "value": value,
            "darkest": info["mean_range"][0], "brightest": info["mean_range"][1]})
    });
    let skipped = input::read_text(&folder.join("skipped.txt"), Form::Record).unwrap_or_default();
    let skipped = skipped.lines().take(500).map(|line| {
        let (file, reason) = line.split_once('\t').or_else(|| line.split_once(": ")).unwrap_or((line, ""));
        json!({"file": file, "reason": reason})
    });
    known["splits"] = info["splits"].as_array().into_iter().flatten().map(split).collect();
    let labels = info["labels"].as_array().cloned().unwrap_or_default();
    // Those of a label image's classes, as every picture of it has them.
    let colored = if manifest["kind"] == "pairs" { labels.len() } else { 0 };
    known["colors"] = (0..colored).map(|class| Value::from(hex(color(class)))).collect();
    known["labels"] = labels.into();
    known["mean"] = mean.unwrap_or_default();
    known["skipped"] = skipped.collect();
    known["fingerprint"] = info["fingerprint"].as_str().unwrap_or_default().into();
    for name in ["resize", "encoding", "seed"] {
        known[name] = manifest[name].clone();
    }
    known
}

/// The form that a dataset was made by.
fn form_in(folder: &FsPath) -> Option<NewDataset> {
    serde_json::from_slice(&input::read(&folder.join(FORM), Form::Record).ok()?).ok()
}

/// The command line that makes the same dataset; empty where none does.
fn command_of(app: &App, folder: &FsPath) -> String {
    // What the form names may have gone since: it is named all the same.
    let lies = |named: &str| match named.strip_prefix("upload:") {
        Some(id) => app.uploads.file(id).map(|sent| sent.path),
        None => Ok(app.root.join(named.trim())),
    };
    let request = form_in(folder).and_then(|new| new.form.request(free_beside(folder), &lies).ok());
    request.map(|request| command(&request)).unwrap_or_default()
}

/// What is to change.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(default)]
pub(crate) struct DatasetChange {
    /// A new name.
    name: Option<String>,
}

/// Names a dataset.
#[utoipa::path(patch, path = "/api/datasets/{id}", tag = "datasets", params(("id" = String, Path,)), request_body = DatasetChange,
    responses((status = 200, body = DatasetSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn change(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Body(change): Body<DatasetChange>,
) -> Answer<Json<DatasetSummary>> {
    blocking(move || {
        let folder = app.datasets.folder(&id).ok_or_else(|| Refusal::not_found("dataset", &id))?;
        if let Some(name) = change.name {
            About { name: Some(about::new_name(&name)?), ..About::read(&folder) }.write(&folder)?;
        }
        app.refresh();
        app.datasets.summary(&id).ok_or_else(|| Refusal::not_found("dataset", &id))
    })
    .await
    .map(Json)
}

/// Deletes a dataset that no job uses.
#[utoipa::path(delete, path = "/api/datasets/{id}", tag = "datasets", params(("id" = String, Path,)),
    responses((status = 204), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn delete(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<StatusCode> {
    blocking(move || remove(&app, &id)).await.map(|()| StatusCode::NO_CONTENT)
}

/// Deletes a dataset that no job uses.
///
/// # Errors
/// 404, or 409 with the jobs that use it.
pub(crate) fn remove(app: &App, id: &str) -> Answer<()> {
    let summary = app.datasets.summary(id).ok_or_else(|| Refusal::not_found("dataset", id))?;
    let users: Vec<String> =
        app.jobs.all().into_iter().filter(|job| job.dataset.id.as_deref() == Some(id)).map(|job| job.name).collect();
    if !users.is_empty() {
        let page = Error::new(Kind::Data, format!("jobs use the dataset '{}'", summary.name))
            .with_fact("jobs", users.join("\n"))
            .with_help("delete these jobs first");
        return Err(Refusal::new(StatusCode::CONFLICT, &page));
    }
    let ended = {
        let mut making = app.datasets.making();
        let ended = making.get(id).is_some_and(|making| making.state() != MakingState::Making);
        if ended {
            making.remove(id);
        } else if making.contains_key(id) {
            return Err(Refusal::conflict(format!("the dataset '{}' is being made: stop it first", summary.name)));
        }
        ended
    };
    unmade::forget(app.datasets.place(), id);
    if let Some(folder) = app.datasets.folder(id) {
        // The processes that have it open let go of it at their next question.
        std::fs::remove_dir_all(&folder).map_err(|source| Error::io("remove", &folder, &source))?;
    } else if !ended {
        return Err(Refusal::not_found("dataset", id));
    }
    app.refresh();
    Ok(())
}

/// Stops the making of a dataset.
#[utoipa::path(post, path = "/api/datasets/{id}/abort", tag = "datasets", params(("id" = String, Path,)),
    responses((status = 202, body = DatasetSummary), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn abort(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
) -> Answer<(StatusCode, Json<DatasetSummary>)> {
    let making = app.datasets.making().get(&id).cloned();
    match making.filter(|making| making.state() == MakingState::Making) {
        Some(making) => {
            making.stop();
            Ok((StatusCode::ACCEPTED, Json(making.summary())))
        }
        None => {
            let summary = app.datasets.summary(&id).ok_or_else(|| Refusal::not_found("dataset", &id))?;
            Err(Refusal::conflict(format!("the dataset '{}' is not being made", summary.name)))
        }
    }
}

/// The form that would make this dataset again.
#[utoipa::path(get, path = "/api/datasets/{id}/clone", tag = "datasets", params(("id" = String, Path,)),
    responses((status = 200, body = NewDataset), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn again(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Json<NewDataset>> {
    let form = in_place(|| {
        let folder = app.datasets.folder(&id).or_else(|| app.datasets.unmade(&id));
        Ok::<_, Refusal>(form_in(&folder.ok_or_else(|| Refusal::not_found("dataset", &id))?))
    })?;
    form.map(Json).ok_or_else(|| Refusal::conflict("the dataset was not made by a form"))
}

/// A file of a dataset's folder.
#[utoipa::path(get, path = "/api/datasets/{id}/files/{*path}", tag = "datasets",
    params(("id" = String, Path,), ("path" = String, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn file(State(app): State<Arc<App>>, Path((id, name)): Path<(String, String)>) -> Answer<Response> {
    let folder = in_place(|| app.datasets.folder(&id)).ok_or_else(|| Refusal::not_found("dataset", &id))?;
    send_below(&folder, &name, None).await
}
