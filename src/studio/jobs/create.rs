//! New jobs: one, or one for each rate and batch size of a sweep; and the form that would make a job again.

use std::{path::PathBuf, sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State},
    http::StatusCode,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    about::{self, About},
    folder::{JobRequest, REQUEST, STARTED},
    summary::JobSummary,
};
use crate::{
    data::Preprocess,
    error::{Error, Kind},
    frontend::{Language, Settings, Source},
    job::{JobDir, JobView},
    studio::{
        app::App,
        blocking::{blocking, in_place},
        body::Body,
        child::question::Question,
        datasets::{index::SAMPLE, summary::DatasetStatus},
        error_page::ErrorPage,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::{
        RunOptions, RunSettings,
        check::CheckRequest,
        sweep::{self, Sweep, Variants},
        train::Train,
    },
};

/// A network may take so long to check: the file's own limits end it sooner, but for a machine that has much else to do.
pub(crate) const CHECK: Duration = Duration::from_secs(30);

/// What a person asks for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewJob {
    /// For people.
    #[serde(default)]
    pub(crate) name: String,
    /// Jobs of one group stand together.
    #[serde(default)]
    pub(crate) group: Option<String>,
    /// A dataset's id; null when the options name databases.
    #[serde(default)]
    pub(crate) dataset: Option<String>,
    /// The network file.
    pub(crate) text: String,
    /// `lua` or `python`.
    #[serde(default = "lua")]
    pub(crate) language: String,
    /// What the file is called.
    #[serde(default = "network_lua")]
    pub(crate) file: String,
    /// The flags of `digits-rs run`.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub(crate) options: RunOptions,
    /// Base learning rates; several make a sweep.
    #[serde(default)]
    pub(crate) lr: Vec<f64>,
    /// Batch sizes; several make a sweep.
    #[serde(default)]
    pub(crate) batch_size: Vec<u64>,
}

fn lua() -> String {
    "lua".into()
}

fn network_lua() -> String {
    "network.lua".into()
}

/// What a file is called: where the form or the text says Python, its name ends as Python's do.
pub(crate) fn named(file: &str, language: &str, text: &str) -> String {
    match file.strip_suffix(".lua") {
        Some(stem) if language == "python" || Language::of(file, text) == Language::Python => format!("{stem}.py"),
        _ => file.to_string(),
    }
}

/// The jobs that were made.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub(crate) struct NewJobs {
    /// In the order of a sweep.
    pub(crate) jobs: Vec<JobSummary>,
}

/// Makes a job, or a sweep of them.
#[utoipa::path(post, path = "/api/jobs", tag = "jobs", request_body = NewJob,
    responses((status = 201, body = NewJobs), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn create(
    State(app): State<Arc<App>>,
    Body(form): Body<NewJob>,
) -> Answer<(StatusCode, Json<NewJobs>)> {
    make(&app, form).await.map(|jobs| (StatusCode::CREATED, Json(jobs)))
}

/// Checks the network and puts the jobs into the queue.
///
/// # Errors
/// 400 and 422 for what is wrong with the form or the network.
pub(crate) async fn make(app: &Arc<App>, form: NewJob) -> Answer<NewJobs> {
    let form = named_well(form)?;
    let options = in_place(|| options(app, &form))?;
    let source = Source::pasted(&named(&form.file, &form.language, &form.text), &form.text);
    let before = Settings::before(&source);
    let settings = RunSettings::of(&options, &before);
    in_place(|| app.machine.check(&settings.device))?;
    settings.optimizer()?;
    settings.schedule()?;
    let variants = Variants { lr: form.lr.clone(), batch_size: form.batch_size.clone() };
    variants.check()?;
    variants.check_with(&options, &before)?;
    let databases = [&options.train_db, &options.val_db, &options.train_labels_db, &options.val_labels_db];
    for database in databases.into_iter().flatten() {
        let found: serde_json::Value = app.looker.ask(&Question::Database(database.clone()), CHECK).await?;
        if let Ok(shape) = serde_json::from_value(found["shape"].clone())
            && options.train_db.as_ref() == Some(database)
        {
            Preprocess::check_crop(shape, options.crop)?;
        }
    }
    let request = match options.dataset.clone() {
        Some(folder) => CheckRequest { dataset: Some(folder), ..CheckRequest::default() },
        None => app.check_request(options.train_db.is_none().then_some(SAMPLE)),
    };
    let question = Question::Check { source: source.clone(), request, crop: options.crop };
    let seen: serde_json::Value = app.checker.ask(&question, CHECK).await?;
    if let Ok(page) = serde_json::from_value::<ErrorPage>(seen["error"].clone()) {
        return Err(Refusal { status: StatusCode::UNPROCESSABLE_ENTITY, page: Box::new(page) });
    }
    let app = Arc::clone(app);
    blocking(move || put(&app, &form, source, options, variants)).await
}

/// The form with its names as they are kept.
fn named_well(form: NewJob) -> Answer<NewJob> {
    about::check_file_name(&form.file)?;
    Ok(NewJob {
        name: about::name_of("name", &form.name)?.unwrap_or_default(),
        group: about::name_of("group", form.group.as_deref().unwrap_or_default())?,
        ..form
    })
}

fn put(app: &App, form: &NewJob, source: Source, options: RunOptions, variants: Variants) -> Answer<NewJobs> {
    std::fs::create_dir_all(app.jobs.place())
        .map_err(|source| Error::io("make the folder", app.jobs.place(), &source))?;
    let fresh = JobDir::fresh_path(app.jobs.place());
    let is_sweep = variants.is_sweep();
    let tasks = if is_sweep {
        let mut folder = fresh.into_os_string();
        folder.push("-sweep");
        sweep::plan(Sweep { network: source, folder: Some(folder.into()), variants, options })?
    } else {
        let options = RunOptions {
            lr: variants.lr.first().copied().or(options.lr),
            batch_size: variants.batch_size.first().copied().or(options.batch_size),
            ..options
        };
        vec![Train { network: source, job: Some(fresh), options }]
    };
    let mut ids = Vec::new();
    let own_name = || Some(form.name.clone()).filter(|name| is_sweep && !name.is_empty());
    let group = form.group.clone().or_else(own_name);
    for task in tasks {
        let Some(folder) = task.job.clone() else { continue };
        let mut name = form.name.clone();
        if is_sweep && !name.is_empty() {
            name += &format!(" {}", folder.file_name().unwrap_or_default().to_string_lossy());
        }
        let about =
            About { name: Some(name).filter(|name| !name.is_empty()), group: group.clone(), notes: String::new() };
        JobRequest::Begin(task).put(&folder)?;
        about.write(&folder)?;
        ids.push(folder.strip_prefix(app.jobs.place()).map(|id| id.to_string_lossy().into_owned()).unwrap_or_default());
    }
    app.refresh();
    Ok(NewJobs { jobs: ids.iter().filter_map(|id| app.jobs.summary(id)).collect() })
}

/// The form's options with the dataset's folder; every path below the allowed folders.
fn options(app: &App, form: &NewJob) -> Answer<RunOptions> {
    if form.text.trim().is_empty() {
        let page =
            Error::new(Kind::Network, "there is no network file").with_help("paste one, or pick a standard network");
        return Err(Refusal::from(page));
    }
    if !["lua", "python"].contains(&form.language.as_str()) {
        let page = Error::new(Kind::Network, format!("network files in {} cannot be run", form.language));
        return Err(Refusal::from(page));
    }
    let mut options = form.options.clone();
    if let Some(id) = form.dataset.as_deref().filter(|id| !id.is_empty()) {
        let folder = app.datasets.place().join(id);
        let known = app.datasets.summary(id).ok_or_else(|| Refusal::not_found("dataset", id))?;
        let unusable = match known.status {
            DatasetStatus::Done | DatasetStatus::Absent => None,
            DatasetStatus::Making => Some("is still being made"),
            DatasetStatus::Aborted => Some("was stopped while it was made"),
            DatasetStatus::Error => Some("cannot be used"),
        };
        if let Some(why) = unusable {
            let page = Error::new(Kind::Job, format!("the dataset '{}' {why}", known.name));
            return Err(Refusal::from(known.error.into_iter().fold(page, Error::with_cause)));
        }
        // The sample is unpacked by the run when it is not there.
        options.dataset = if known.built_in && !folder.is_dir() { None } else { Some(folder) };
    }
    let paths: [&mut Option<PathBuf>; 8] = [
        &mut options.dataset,
        &mut options.train_db,
        &mut options.val_db,
        &mut options.train_labels_db,
        &mut options.val_labels_db,
        &mut options.mean,
        &mut options.labels,
        &mut options.weights,
    ];
    for path in paths.into_iter().flatten() {
        *path = app.roots.resolve(&path.to_string_lossy())?;
    }
    Ok(options)
}

/// The form that would make this job again.
#[utoipa::path(get, path = "/api/jobs/{id}/clone", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 200, body = NewJob), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn again(State(app): State<Arc<App>>, Path(id): Path<String>) -> Answer<Json<NewJob>> {
    blocking(move || form_of(&app, &id)).await.map(Json)
}

/// The form that would make a job again.
///
/// # Errors
/// 404 when there is no such job.
pub(crate) fn form_of(app: &App, id: &str) -> Answer<NewJob> {
    let missing = || Refusal::not_found("job", id);
    let (summary, folder) = app.jobs.summary(id).zip(app.jobs.folder(id)).ok_or_else(missing)?;
    let asked = [STARTED, REQUEST].into_iter().find_map(|name| match JobRequest::read(&folder, name) {
        Some(JobRequest::Begin(train)) => Some(train),
        _ => None,
    });
    let (mut options, text) = match (asked, JobView::open(&folder)) {
        (Some(train), _) => (train.options, train.network.text),
        (None, Ok(view)) => (RunOptions::resumed(&view.record()?.settings, &RunOptions::default())?, view.network()?),
        (None, Err(_)) => return Err(missing()),
    };
    if summary.dataset.id.is_some() {
        options.dataset = None;
    }
    let (lr, batch_size) = (options.lr.take().into_iter().collect(), options.batch_size.take().into_iter().collect());
    Ok(NewJob {
        name: summary.name,
        group: summary.group,
        dataset: summary.dataset.id,
        text,
        language: summary.language,
        file: summary.network,
        options,
        lr,
        batch_size,
    })
}
