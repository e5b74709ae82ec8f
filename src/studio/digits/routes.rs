//! DIGITS' routes of jobs, datasets and models.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{OriginalUri, Path, Request, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{delete, get, post},
};
use serde_json::{Value, json};

use super::{
    create,
    fields::Fields,
    infer,
    shapes::{self, DigitsRefusal, not_here},
    visualize,
};
use crate::studio::{
    app::App,
    blocking::{blocking, in_place},
    datasets::routes as datasets,
    front,
    jobs::{
        about::{self, About},
        change, create as jobs, files,
    },
    refusal::Refusal,
};

type Reply = Result<Response, DigitsRefusal>;

/// All of them.
pub(crate) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/index.json", get(index))
        .route("/completed_jobs.json", get(completed))
        .route("/login", get(page).post(login))
        .route("/logout", get(logout).post(logout))
        .route("/group", post(group))
        .route("/jobs", delete(delete_many))
        .route("/abort_jobs", post(abort_many))
        .route("/jobs/{id}", get(page).put(change_job).delete(delete_one))
        .route("/jobs/{id}/{action}", get(of_job).post(to_job))
        .route("/clone/{id}", get(clone).post(clone))
        .route("/files/{*path}", get(file))
        .route("/autocomplete/path", get(autocomplete))
        .route("/datasets/{id}", get(dataset).delete(delete_one))
        .route("/datasets/{id}/{action}", get(of_job).post(to_job))
        .route("/datasets/images/{kind}", post(new_dataset))
        .route("/datasets/images/{kind}/new", get(page))
        .route("/models/{id}", get(model).delete(delete_one))
        .route("/models/{id}/{action}", get(of_job).post(to_job))
        .route("/models/customize", post(visualize::customize))
        .route("/models/visualize-network", post(visualize::network))
        .route("/models/visualize-lr", post(visualize::rates))
        .route("/models/images/{kind}", post(new_model))
        .route("/models/images/{kind}/{action}", get(page).post(infer::infer))
        .route("/pretrained_models/{*rest}", get(no_store).post(no_store).delete(no_store))
        .route("/store/{*rest}", get(no_store))
}

/// Whether a browser goes there.
fn wants_html(headers: &HeaderMap, uri: &OriginalUri) -> bool {
    let accepts = headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    accepts.contains("text/html") && !uri.path().ends_with(".json")
}

async fn page(headers: HeaderMap) -> Response {
    front::page(&headers)
}

async fn no_store() -> Response {
    not_here("the store of pretrained models", "start from a job's snapshot, or from a .t7 file: weights")
}

/// `/index.json`, and `/` for whoever wants JSON.
pub(crate) async fn index(State(app): State<Arc<App>>) -> Json<Value> {
    let datasets: Vec<Value> = app.datasets.all().iter().map(shapes::dataset).collect();
    let models: Vec<Value> = app.jobs.all().iter().map(shapes::model).collect();
    Json(json!({"version": env!("CARGO_PKG_VERSION"), "jobs_dir": app.jobs.place(), "server_name": "digits-rs",
        "datasets": datasets, "models": models}))
}

async fn completed(State(app): State<Arc<App>>) -> Json<Value> {
    use crate::studio::jobs::summary::Status::{Running, Waiting};
    let all = app.jobs.all();
    let (running, models): (Vec<_>, Vec<_>) = all.iter().partition(|job| matches!(job.status, Running | Waiting));
    let rows = |jobs: Vec<&crate::studio::jobs::summary::JobSummary>| {
        jobs.into_iter().map(shapes::model_row).collect::<Vec<_>>()
    };
    let datasets: Vec<Value> =
        app.datasets.all().into_iter().map(|dataset| shapes::dataset_row(&app.with_models(dataset))).collect();
    Json(json!({"running": rows(running), "datasets": datasets, "models": rows(models), "pretrained_models": [],
        "model_output_fields": ["loss (train)", "loss (val)", "accuracy (val)"]}))
}

async fn login(State(app): State<Arc<App>>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    let name = fields.required("username")?.to_string();
    let is_name = name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c));
    if !is_name {
        return Err(Refusal::usage("a user name begins with a lower-case letter, then letters, digits, . - _").into());
    }
    // Only a way of this site: never an address of another.
    let next =
        fields.text("next").filter(|next| next.starts_with('/') && !next.starts_with("//")).unwrap_or("/").to_string();
    Ok(([(header::SET_COOKIE, format!("username={name}; Path=/; SameSite=Strict"))], Redirect::to(&next))
        .into_response())
}

async fn logout() -> Response {
    ([(header::SET_COOKIE, "username=; Path=/; Max-Age=0; SameSite=Strict")], Redirect::to("/")).into_response()
}

async fn group(State(app): State<Arc<App>>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    let name = fields.text("group_name").map(String::from);
    in_place(|| {
        for id in fields.all("job_ids[]") {
            let folder = app.jobs.folder(&id).ok_or_else(|| Refusal::not_found("job", &id))?;
            About { group: name.clone(), ..About::read(&folder) }.write(&folder)?;
        }
        app.refresh();
        Ok::<_, Refusal>(())
    })?;
    Ok("Jobs regrouped.".into_response())
}

async fn delete_many(State(app): State<Arc<App>>, request: Request) -> Reply {
    for id in Fields::of(&app, request).await?.all("job_ids[]") {
        in_place(|| remove(&app, &id))?;
    }
    Ok("Jobs deleted.".into_response())
}

async fn abort_many(State(app): State<Arc<App>>, request: Request) -> Reply {
    for id in Fields::of(&app, request).await?.all("job_ids[]") {
        in_place(|| change::stop(&app, &id))?;
    }
    in_place(|| app.refresh());
    Ok("Jobs aborted.".into_response())
}

async fn change_job(State(app): State<Arc<App>>, Path(id): Path<String>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    in_place(|| {
        let folder = app.jobs.folder(&id).or_else(|| app.datasets.folder(&id));
        let folder = folder.ok_or_else(|| Refusal::not_found("job", &id))?;
        let mut about = About::read(&folder);
        if let Some(name) = fields.text("job_name") {
            about.name = about::name_of("job_name", name)?;
        }
        if let Some(notes) = fields.text("job_notes") {
            about.notes = about::notes_of(notes.into())?;
        }
        about.write(&folder)?;
        app.refresh();
        Ok::<_, Refusal>(())
    })?;
    Ok("Job changed.".into_response())
}

fn remove(app: &App, id: &str) -> Result<(), Refusal> {
    if app.jobs.summary(id).is_some() {
        change::remove(app, id)?;
        app.refresh();
        return Ok(());
    }
    datasets::remove(app, id)
}

async fn delete_one(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    blocking(move || remove(&app, &id)).await?;
    Ok("Job deleted.".into_response())
}

/// `status`, `table_data.json`, `download…`
async fn of_job(
    State(app): State<Arc<App>>,
    Path((id, action)): Path<(String, String)>,
    uri: OriginalUri,
    headers: HeaderMap,
    request: Request,
) -> Reply {
    let job = app.jobs.summary(&id);
    if action == "status" {
        return Ok(Json(status(&app, &id)).into_response());
    }
    if action == "table_data.json" {
        let row = job
            .map(|job| shapes::model_row(&job))
            .or_else(|| app.datasets.summary(&id).map(|d| shapes::dataset_row(&d)));
        return Ok(Json(json!({"job": row.ok_or_else(|| Refusal::not_found("job", &id))?})).into_response());
    }
    if action == "download" || action.starts_with("download.") {
        return download(&app, &id, &action, request).await;
    }
    if wants_html(&headers, &uri) {
        return Ok(front::page(&headers));
    }
    Err(Refusal::not_found("route", uri.path()).into())
}

/// As DIGITS, 200 with an error text for an id that is unknown.
fn status(app: &App, id: &str) -> Value {
    if let Some(job) = app.jobs.summary(id) {
        return json!({"status": shapes::status_words(job.status).0, "name": job.name, "type": "Image Model", "error": job.error});
    }
    if let Some(dataset) = app.datasets.summary(id) {
        return json!({"status": shapes::dataset_words(dataset.status).0, "name": dataset.name, "type": "Image Dataset", "error": dataset.error});
    }
    json!({"error": format!("job '{id}' not found")})
}

async fn download(app: &Arc<App>, id: &str, action: &str, request: Request) -> Reply {
    let ending = action.strip_prefix("download").unwrap_or_default().trim_start_matches('.');
    let fields = Fields::of(app, request).await?;
    let epoch = fields.number::<f64>("epoch")?.or(fields.number("snapshot_epoch")?).filter(|epoch| *epoch >= 0.0);
    let format = match ending {
        "" | "tar.gz" | "tgz" => "tar.gz",
        "t7" | "onnx" | "safetensors" => ending,
        _ => return Ok(not_here(&format!("a download as .{ending}"), "tar.gz, t7, onnx and safetensors are")),
    };
    Ok(files::package(app, id, format, epoch).await?)
}

/// `abort`, `download`, `to_pretrained`, `publish_inference`
async fn to_job(State(app): State<Arc<App>>, Path((id, action)): Path<(String, String)>, request: Request) -> Reply {
    match action.as_str() {
        "abort" => {
            let making = app.datasets.making().get(&id).cloned();
            in_place(|| {
                match making {
                    Some(making) => making.stop(),
                    None => change::stop(&app, &id)?,
                }
                app.refresh();
                Ok::<_, Refusal>(())
            })?;
            Ok("Job aborted.".into_response())
        }
        "to_pretrained" => Ok(not_here("the list of pretrained models", "start a new job from this job's snapshot")),
        "publish_inference" => Ok(not_here("an inference server", "download the network as ONNX")),
        action if action.starts_with("download") => download(&app, &id, action, request).await,
        _ => Err(Refusal::not_found("route", &action).into()),
    }
}

async fn clone(State(app): State<Arc<App>>, Path(id): Path<String>) -> Reply {
    let to = match (app.jobs.summary(&id), app.datasets.summary(&id)) {
        (Some(_), _) => format!("/models/new?clone={id}"),
        (None, Some(_)) => format!("/datasets/new?clone={id}"),
        _ => return Err(Refusal::not_found("job", &id).into()),
    };
    Ok(Redirect::to(&to).into_response())
}

async fn file(State(app): State<Arc<App>>, Path(path): Path<String>) -> Reply {
    Ok(files::send_below(app.jobs.place(), &path, None).await?)
}

async fn autocomplete(State(app): State<Arc<App>>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    let typed = fields.text("query").unwrap_or("/").to_string();
    let (above, beginning) = typed.rsplit_once('/').unwrap_or(("", &typed));
    let above = if above.is_empty() { app.root.display().to_string() } else { above.to_string() };
    let named = |folder: std::path::PathBuf| -> Vec<String> {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(beginning));
        named.map(|entry| entry.path().display().to_string()).collect()
    };
    let mut found = in_place(|| app.roots.resolve(&above).map(named).unwrap_or_default());
    found.sort();
    found.truncate(200);
    Ok(Json(json!({"suggestions": found})).into_response())
}

async fn dataset(State(app): State<Arc<App>>, Path(id): Path<String>, uri: OriginalUri, headers: HeaderMap) -> Reply {
    if wants_html(&headers, &uri) {
        return Ok(front::page(&headers));
    }
    let id = id.strip_suffix(".json").unwrap_or(&id);
    let known = app.datasets.summary(id).ok_or_else(|| Refusal::not_found("dataset", id))?;
    Ok(Json(in_place(|| shapes::dataset_details(&app, &known))).into_response())
}

async fn model(State(app): State<Arc<App>>, Path(id): Path<String>, uri: OriginalUri, headers: HeaderMap) -> Reply {
    if wants_html(&headers, &uri) {
        app.read_ahead(&id);
        return Ok(front::page(&headers));
    }
    let id = id.strip_suffix(".json").unwrap_or(&id);
    let known = app.jobs.summary(id).ok_or_else(|| Refusal::not_found("model", id))?;
    Ok(Json(in_place(|| shapes::model_details(&app, &known))).into_response())
}

async fn new_dataset(State(app): State<Arc<App>>, Path(kind): Path<String>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    let form = match kind.trim_end_matches(".json") {
        "classification" => create::classification_dataset(&fields),
        "generic" => create::generic_dataset(&fields),
        _ => return Err(Refusal::not_found("route", &kind).into()),
    };
    let made = form.and_then(|form| in_place(|| datasets::begin(&app, form)));
    Ok(match made {
        Ok(dataset) => Json(shapes::dataset(&dataset)).into_response(),
        Err(refusal) => of_form(refusal),
    })
}

async fn new_model(State(app): State<Arc<App>>, Path(kind): Path<String>, request: Request) -> Reply {
    let fields = Fields::of(&app, request).await?;
    if !["classification", "generic"].contains(&kind.trim_end_matches(".json")) {
        return Err(Refusal::not_found("route", &kind).into());
    }
    let made = match in_place(|| create::model(&app, &fields)) {
        Ok(form) => jobs::make(&app, form).await,
        Err(refusal) => Err(refusal),
    };
    Ok(match made {
        Ok(made) if made.jobs.len() == 1 => Json(shapes::model(&made.jobs[0])).into_response(),
        Ok(made) => Json(json!({"jobs": made.jobs.iter().map(shapes::model).collect::<Vec<_>>()})).into_response(),
        Err(refusal) => of_form(refusal),
    })
}

/// What is wrong with a form: 400, texts by field.
fn of_form(refusal: Refusal) -> Response {
    let page = &refusal.page;
    let field = page.message.split(' ').next().unwrap_or_default();
    let is_field = field.contains('_') && field.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let field = if is_field { field } else { "form" };
    (StatusCode::BAD_REQUEST, Json(json!({"errors": {field: [page.page]}}))).into_response()
}
