//! `GET /api/jobs/{id}`: everything about one job but its points.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use axum::{
    Json,
    extract::{Path as Segment, State},
};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::{
    about::About,
    command::command,
    folder::{ERROR_PAGE, JobRequest, REQUEST, STARTED},
    kind::{Known, loss_unit},
    look,
    summary::{JobSummary, Status},
};
use crate::{
    frontend,
    input::{self, Form},
    inspect::output_kind::OutputKind,
    job::{Event, EventKind, JobRecord, JobView, Stamp, file},
    studio::{
        app::App,
        blocking::blocking,
        error_page::ErrorPage,
        rate_curve,
        refusal::{Answer, Refusal, RefusalBody},
    },
    tasks::{RunOptions, RunSettings, train::Train},
    train::Interval,
};

/// A snapshot.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct SnapshotRow {
    /// From its name.
    epoch: f64,
    /// Steps done then.
    iteration: u64,
    /// Validation loss at that epoch.
    loss: Option<f64>,
    /// Validation accuracy at that epoch, 0 to 1.
    accuracy: Option<f64>,
    /// Its size.
    bytes: u64,
    /// Whether it has the lowest validation loss.
    best: bool,
    /// Below the job's folder.
    file: String,
}

/// Something that happened.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct HistoryLine {
    /// RFC 3339.
    time: String,
    /// In words.
    text: String,
}

/// A file of the folder.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct FileRow {
    /// Below the job's folder.
    name: String,
    /// Its size.
    bytes: u64,
}

/// Everything about one job but its points.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub(crate) struct Job {
    /// As in the list.
    summary: JobSummary,
    /// Under the names of the flags of `digits-rs run`, defaults filled in.
    #[schema(value_type = Object)]
    settings: Value,
    /// `digits-rs 0.1.0`
    program: String,
    /// `2.11.0+cpu`
    libtorch: String,
    /// Absolute.
    folder: String,
    /// The command line that gives the same run.
    command: String,
    /// Free text.
    notes: String,
    /// The network file.
    network_text: String,
    /// The network as Torch prints it.
    printed: String,
    /// What the network gives.
    #[schema(value_type = String, example = "reconstruction")]
    output: OutputKind,
    /// What the loss measures, in words.
    loss_unit: String,
    /// Learned numbers.
    parameters: Option<u64>,
    /// Resident bytes of its process; the most that were seen once it has ended.
    memory_bytes: Option<u64>,
    /// Share of its time that it waits for data; that of the whole run once it has ended.
    data_wait: Option<f64>,
    /// Iterations of one epoch.
    iterations_per_epoch: f64,
    /// The planned learning rate: epoch, rate.
    schedule: Vec<[f64; 2]>,
    /// By epoch.
    snapshots: Vec<SnapshotRow>,
    /// When the next is due.
    next_snapshot_epoch: Option<f64>,
    /// What happened.
    history: Vec<HistoryLine>,
    /// The page of the error that ended it.
    error: Option<ErrorPage>,
    /// Its files.
    files: Vec<FileRow>,
    /// Where to open the event stream so that nothing is missed.
    cursor: String,
}

/// One job.
#[utoipa::path(get, path = "/api/jobs/{id}", tag = "jobs", params(("id" = String, Path,)),
    responses((status = 200, body = Job), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn job(State(app): State<Arc<App>>, Segment(id): Segment<String>) -> Answer<Json<Job>> {
    let known = look::known(&app, &id).await;
    blocking(move || detail(&app, &id, &known)).await.map(Json)
}

fn detail(app: &App, id: &str, known: &Known) -> Answer<Job> {
    let missing = || Refusal::not_found("job", id);
    let summary = app.jobs.summary(id).ok_or_else(missing)?;
    let folder = app.jobs.folder(id).ok_or_else(missing)?;
    let view = JobView::open(&folder).ok();
    let record = view.as_ref().and_then(|view| view.record().ok());
    let request = [REQUEST, STARTED].into_iter().find_map(|name| JobRequest::read(&folder, name));
    let asked = match &request {
        Some(JobRequest::Begin(train)) => Some(train),
        _ => None,
    };
    let of_request = || asked.map(as_asked).unwrap_or_default();
    let settings = record.as_ref().map_or_else(of_request, |record| record.settings.clone());
    let text = view.as_ref().and_then(|view| view.network().ok());
    let network_text = text.or_else(|| asked.map(|train| train.network.text.clone())).unwrap_or_default();
    let printed = printed(&folder);
    let changing = changing_parts(app, id, &summary, &folder);
    let per_epoch = if summary.epoch > 0.0 { summary.iteration as f64 / summary.epoch } else { 0.0 };
    // Only of classes an accuracy is measured, also where the file cannot be followed any more.
    let measured = if summary.accuracy.is_some() { OutputKind::Classes } else { OutputKind::Numbers };
    let output = known.output.unwrap_or(measured);
    Ok(Job {
        command: command(&network_path(&folder, record.as_ref(), asked), &settings),
        schedule: schedule(&settings, summary.epochs, per_epoch),
        program: record.as_ref().map(|record| record.program.clone()).unwrap_or_default(),
        libtorch: record.as_ref().map(|record| record.libtorch.clone()).unwrap_or_default(),
        folder: folder.display().to_string(),
        notes: About::read(&folder).notes,
        loss_unit: loss_unit(known.criterion.as_deref(), output).into(),
        parameters: parameters(&changing.history),
        memory_bytes: changing.memory_bytes,
        data_wait: changing.data_wait,
        iterations_per_epoch: per_epoch.round(),
        snapshots: changing.snapshots,
        next_snapshot_epoch: changing.next_snapshot_epoch,
        history: changing.history,
        error: changing.error,
        files: files(&folder),
        cursor: app.bus.cursor(),
        settings,
        summary,
        network_text,
        printed,
        output,
    })
}

/// The settings of a job that has not run: sizes of batches as they were asked for, since what the network file says is not
/// known before it runs.
fn as_asked(train: &Train) -> Value {
    let settings = RunSettings::of(&train.options, &frontend::Settings::before(&train.network)).to_json();
    let mut settings = settings.unwrap_or_default();
    settings["batch_size"] = train.options.batch_size.into();
    settings["validation_batch_size"] = train.options.validation_batch_size.or(train.options.batch_size).into();
    settings
}

/// Where the network file lies: beside its neighbours, or the job's own copy of one that was pasted.
fn network_path(folder: &Path, record: Option<&JobRecord>, asked: Option<&Train>) -> PathBuf {
    let known = record.map(|record| (&record.network.name, record.network.folder.clone()));
    let named = known.or_else(|| asked.map(|train| (&train.network.name, train.network.folder.clone())));
    let beside = named.and_then(|(name, above)| Some(above?.join(Path::new(name).file_name()?)));
    beside.filter(|path| path.is_file()).unwrap_or_else(|| file::network(folder))
}

/// What changes while a job runs: the body of `detail` events.
#[derive(Debug, Clone, Serialize)]
struct Changing {
    job: String,
    snapshots: Vec<SnapshotRow>,
    next_snapshot_epoch: Option<f64>,
    history: Vec<HistoryLine>,
    memory_bytes: Option<u64>,
    data_wait: Option<f64>,
    error: Option<ErrorPage>,
}

/// The body of a `detail` event; empty when there is no such job.
#[must_use]
pub(crate) fn changing(app: &App, id: &str) -> String {
    let known = app.jobs.summary(id).zip(app.jobs.folder(id));
    let changing = known.map(|(summary, folder)| changing_parts(app, id, &summary, &folder));
    changing.and_then(|changing| serde_json::to_string(&changing).ok()).unwrap_or_default()
}

fn changing_parts(app: &App, id: &str, summary: &JobSummary, folder: &Path) -> Changing {
    let view = JobView::open(folder).ok();
    let tail = app.jobs.tail(id);
    let events = tail.as_ref().map(|tail| tail.history.as_slice()).unwrap_or_default();
    let snapshots = view.as_ref().and_then(|view| view.snapshots().ok()).unwrap_or_default();
    let validations = app
        .points
        .with(id, folder, |points| {
            let v = &points.validation;
            (v.epoch.clone(), v.loss.clone(), v.accuracy.clone())
        })
        .unwrap_or_default();
    let at = |epoch: f64| validations.0.iter().rposition(|known| (known - epoch).abs() < 1e-6);
    let rows: Vec<SnapshotRow> = snapshots
        .iter()
        .map(|snapshot| {
            let name = snapshot.path.file_name().unwrap_or_default().to_string_lossy();
            let file = format!("{}/{name}", file::SNAPSHOTS);
            let noted = events
                .iter()
                .rev()
                .find(|event| event.event == EventKind::Snapshot && event.file.as_deref() == Some(&file));
            let seen = at(snapshot.epoch);
            SnapshotRow {
                epoch: snapshot.epoch,
                iteration: noted.map_or(0, |event| event.iteration),
                loss: seen.map(|i| validations.1[i]).filter(|loss| loss.is_finite()),
                accuracy: seen.map(|i| validations.2[i]).filter(|accuracy| accuracy.is_finite()),
                bytes: std::fs::metadata(&snapshot.path).map_or(0, |meta| meta.len()),
                best: summary.best.as_ref().is_some_and(|best| best.file == file),
                file,
            }
        })
        .collect();
    let runs = summary.status == Status::Running;
    let last = rows.last().map_or(0.0, |row| row.epoch);
    let record = view.as_ref().filter(|_| runs).and_then(|view| view.record().ok());
    let interval = record.and_then(|record| record.settings["snapshot_interval"].as_str()?.parse::<Interval>().ok());
    // The last step is always kept.
    let next = interval.and_then(|interval| interval.next_after(last)).map(|next| next.min(summary.epochs));
    Changing {
        job: id.to_string(),
        next_snapshot_epoch: next.filter(|next| *next > summary.epoch),
        history: events.iter().map(line).collect(),
        memory_bytes: tail.as_ref().and_then(|tail| tail.memory(runs)),
        data_wait: tail.as_ref().and_then(|tail| tail.data_wait(runs)),
        error: error(folder, summary),
        snapshots: rows,
    }
}

fn error(folder: &Path, summary: &JobSummary) -> Option<ErrorPage> {
    if summary.status != Status::Error {
        return None;
    }
    let parts =
        input::read(&folder.join(ERROR_PAGE), Form::Record).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    parts.or_else(|| {
        input::read_text(&folder.join(file::ERROR), Form::Record).ok().map(|text| ErrorPage::of_text(&text))
    })
}

fn line(event: &Event) -> HistoryLine {
    let message = event.message.as_deref().unwrap_or_default();
    let text = match event.event {
        EventKind::Start => format!("training begins: {message}"),
        EventKind::Resume => format!("goes on at epoch {}: {}", event.epoch, event.file.as_deref().unwrap_or(message)),
        EventKind::Snapshot => format!("snapshot of epoch {}", event.epoch),
        EventKind::End => format!("ended: {message}"),
        EventKind::Error => format!("error: {message}"),
        EventKind::Train | EventKind::Epoch | EventKind::Validation => String::new(),
    };
    HistoryLine { time: Stamp::at(event.time).rfc3339(), text }
}

/// What stands between the two lines `Network definition` of the log.
fn printed(folder: &Path) -> String {
    let Ok(log) = input::open(&folder.join(file::LOG), Form::Stream) else { return String::new() };
    let words = |line: String| line.split_once("] ").map_or(line.clone(), |(_, words)| words.to_string());
    let lines = BufReader::new(log)
        .lines()
        .map_while(Result::ok)
        .map(words)
        .skip_while(|line| line != "Network definition:")
        .skip(1);
    lines.take_while(|line| line != "Network definition ends").collect::<Vec<_>>().join("\n")
}

/// The number of parameters in the words of the start event.
fn parameters(history: &[HistoryLine]) -> Option<u64> {
    let words = &history.first()?.text;
    let before = words.split(" parameters").next().filter(|before| before.len() < words.len())?;
    before.rsplit(' ').next()?.replace(',', "").parse().ok()
}

/// The planned rate over the run.
fn schedule(settings: &Value, epochs: f64, per_epoch: f64) -> Vec<[f64; 2]> {
    let options = RunOptions::resumed(settings, &RunOptions::default());
    let settings = options.map(|options| RunSettings::of(&options, &frontend::Settings::default()));
    let Ok(schedule) = settings.and_then(|settings| settings.schedule()) else { return Vec::new() };
    let total = (epochs * if per_epoch > 0.0 { per_epoch } else { 1000.0 }).round().max(1.0) as u64;
    rate_curve::points(&schedule, total, epochs)
}

fn files(folder: &Path) -> Vec<FileRow> {
    let rows = |folder: &Path, before: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        let files = entries.filter_map(|entry| Some((entry.file_name().into_string().ok()?, entry.metadata().ok()?)));
        let files = files.filter(|(_, meta)| meta.is_file());
        files.map(|(name, meta)| FileRow { name: format!("{before}{name}"), bytes: meta.len() }).collect::<Vec<_>>()
    };
    let mut all = rows(folder, "");
    for below in [file::SNAPSHOTS, file::SUMMARIES] {
        all.extend(rows(&folder.join(below), &format!("{below}/")));
    }
    all.sort_by(|a, b| a.name.cmp(&b.name));
    all
}
