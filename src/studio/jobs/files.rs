//! Files of a job: as they are, and as other software wants them; and the strip of images.

use std::{
    io::ErrorKind,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Json,
    body::Body,
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use serde::{Deserialize, Serialize};
use tokio_util::io::ReaderStream;
use utoipa::{IntoParams, ToSchema};

use super::folder::CONSOLE;
use crate::{
    error::{Error, Kind},
    input::{self, Form},
    job::{JobView, PackedSnapshots, pack},
    studio::{
        app::App,
        blocking::{blocking, in_place},
        child::question::Question,
        datasets::index::split_folder,
        front::content_type,
        refusal::{Answer, Refusal, RefusalBody},
        roots::file_below,
    },
    tasks::{
        SnapshotChoice,
        export::{ExportRequest, Format},
        inference::{STRIP_OF, StripRequest, strip_records},
    },
};

/// A file of a job's folder.
#[utoipa::path(get, path = "/api/jobs/{id}/files/{*path}", tag = "jobs",
    params(("id" = String, Path,), ("path" = String, Path,)),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn file(State(app): State<Arc<App>>, Path((id, name)): Path<(String, String)>) -> Answer<Response> {
    let folder = app.jobs.folder(&id).ok_or_else(|| Refusal::not_found("job", &id))?;
    send_below(&folder, &name, None).await
}

/// A file below a folder as a reply, by a path of a client.
///
/// # Errors
/// 403 when it leads out, 404 when it is not there.
pub(crate) async fn send_below(folder: &FsPath, name: &str, kept_as: Option<String>) -> Answer<Response> {
    send(in_place(|| file_below(folder, name))?, kept_as).await
}

/// A file as a reply, a piece at a time; with a name it is to be kept.
///
/// # Errors
/// When it cannot be opened.
async fn send(path: PathBuf, kept_as: Option<String>) -> Answer<Response> {
    let file = tokio::fs::File::open(&path).await.map_err(|source| Error::io("read", &path, &source))?;
    let length = file.metadata().await.map(|meta| meta.len()).unwrap_or(0);
    let mut headers = HeaderMap::new();
    let kind = content_type(path.file_name().and_then(|name| name.to_str()).unwrap_or_default());
    // What a job or a stranger wrote is shown as text: it never runs as a page.
    let kind = if kind.starts_with("text/html") || kind.starts_with("text/javascript") {
        "text/plain; charset=utf-8"
    } else {
        kind
    };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    if let Some(name) = kept_as {
        let name: String =
            name.chars().map(|c| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' }).collect();
        if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
            headers.insert(header::CONTENT_DISPOSITION, value);
        }
    }
    Ok((headers, Body::from_stream(ReaderStream::new(tokio::io::AsyncReadExt::take(file, length)))).into_response())
}

/// What is downloaded.
#[derive(Debug, Deserialize, IntoParams)]
pub(crate) struct DownloadQuery {
    /// `safetensors`, `t7`, `onnx` or `tar.gz`.
    format: String,
    /// The snapshot's; the best when not given.
    #[serde(default)]
    epoch: Option<f64>,
}

/// A job's network for other software, or the whole job.
#[utoipa::path(get, path = "/api/jobs/{id}/download", tag = "jobs", params(("id" = String, Path,), DownloadQuery),
    responses((status = 200, body = Vec<u8>, content_type = "application/octet-stream"), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn download(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<DownloadQuery>,
) -> Answer<Response> {
    package(&app, &id, &query.format, query.epoch).await
}

/// The file of a download.
///
/// # Errors
/// 404 when there is no such job, 400 for another format, and what keeps the network from being written.
pub(crate) async fn package(app: &Arc<App>, id: &str, format: &str, epoch: Option<f64>) -> Answer<Response> {
    let folder = app.jobs.folder(id).ok_or_else(|| Refusal::not_found("job", id))?;
    let stem = id.replace('/', "-");
    let place = app.uploads.folder().join("downloads");
    in_place(|| std::fs::create_dir_all(&place)).map_err(|source| Error::io("make the folder", &place, &source))?;
    let at = epoch.map_or_else(String::new, |epoch| format!("_epoch_{epoch}"));
    if format == "tar.gz" {
        let out = place.join(format!("{stem}.tar.gz"));
        let written = out.clone();
        let snapshots = epoch.map_or(PackedSnapshots::All, PackedSnapshots::Epoch);
        blocking(move || Ok(pack(&folder, &stem, snapshots, &[CONSOLE], &written).map(drop)?)).await?;
        return send(out, Some(format!("{}{at}.tar.gz", id.replace('/', "-")))).await;
    }
    let format: Format = format.parse().map_err(|_| unknown(format))?;
    let ending = match format {
        Format::Safetensors => "safetensors",
        Format::T7 | Format::T7Ascii => "t7",
        Format::Onnx => "onnx",
    };
    let name = format!("{stem}{at}.{ending}");
    let snapshot = epoch.map_or(SnapshotChoice::Best, SnapshotChoice::Epoch);
    let out = place.join(&name);
    let request = ExportRequest { job: folder, format, snapshot, out: Some(out.clone()) };
    let _: serde_json::Value = app.tester.ask(&Question::Export(request), Duration::from_secs(120)).await?;
    send(out, Some(name)).await
}

/// 400 for a format that no download has.
fn unknown(format: &str) -> Refusal {
    let known = Format::ALL.map(Format::name).into_iter().chain(["tar.gz"]).collect::<Vec<_>>().join(", ");
    let shown: String = format.chars().take(60).collect();
    Error::new(Kind::Usage, format!("format is '{shown}'")).with_fact("it must be", format!("one of {known}")).into()
}

/// How large the strip is.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct StripQuery {
    /// Snapshots; 10 when not given.
    columns: Option<usize>,
    /// Images; 3 when not given.
    rows: Option<usize>,
}

/// A snapshot.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StripColumn {
    /// Of the snapshot.
    epoch: f64,
    /// Its validation loss.
    loss: Option<f64>,
}

/// An image.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct StripRow {
    /// Its key.
    key: String,
    /// Its address.
    input: String,
    /// What the snapshots make of it; null while that is not drawn.
    outputs: Vec<Option<String>>,
}

/// The same validation images through snapshots spread over the run.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Strip {
    /// By epoch.
    columns: Vec<StripColumn>,
    /// In the order of the database.
    rows: Vec<StripRow>,
    /// Height and width of one picture.
    size: [i64; 2],
}

/// The strip of a job.
#[utoipa::path(get, path = "/api/jobs/{id}/strip", tag = "jobs", params(("id" = String, Path,), StripQuery),
    responses((status = 200, body = Strip), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn strip(
    State(app): State<Arc<App>>,
    Path(id): Path<String>,
    Query(query): Query<StripQuery>,
) -> Answer<Json<Strip>> {
    let (columns, rows) = (query.columns.unwrap_or(10).clamp(2, 24), query.rows.unwrap_or(3).clamp(1, 12));
    let (app_of, id_of) = (Arc::clone(&app), id.clone());
    let planned = blocking(move || Planned::of(&app_of, &id_of, columns, rows)).await?;
    let Some(planned) = planned else { return Ok(Json(Strip::empty())) };
    if let Some(request) = planned.missing.clone() {
        let app = Arc::clone(&app);
        let drawn = tokio::spawn(async move {
            app.tester.ask::<serde_json::Value>(&Question::Strip(request), Duration::from_secs(60)).await
        });
        // What is drawn soon is in this answer; the rest is asked for again.
        if let Ok(Ok(Err(page))) = tokio::time::timeout(Duration::from_millis(1500), drawn).await {
            return if page.kind == Kind::Shape { Ok(Json(Strip::empty())) } else { Err(page.into()) };
        }
    }
    blocking(move || Ok(Json(planned.strip(&id)))).await
}

impl Strip {
    /// Of a job that has no images to show.
    fn empty() -> Strip {
        Strip { columns: Vec::new(), rows: Vec::new(), size: [0, 0] }
    }
}

/// What a strip shows, and what of it is not drawn yet.
struct Planned {
    columns: Vec<StripColumn>,
    /// Images at most.
    rows: usize,
    /// Where its pictures lie.
    out: PathBuf,
    /// Draws the first column that is missing.
    missing: Option<StripRequest>,
}

impl Planned {
    /// None of a job without a database.
    fn of(app: &App, id: &str, columns: usize, rows: usize) -> Answer<Option<Planned>> {
        let folder = app.jobs.folder(id).ok_or_else(|| Refusal::not_found("job", id))?;
        let known = app.jobs.summary(id).ok_or_else(|| Refusal::not_found("job", id))?;
        let view = JobView::open(&folder)?;
        let epochs = spread(&view.snapshots()?.iter().map(|snapshot| snapshot.epoch).collect::<Vec<_>>(), columns);
        let losses =
            app.points.with(id, &folder, |points| (points.validation.epoch.clone(), points.validation.loss.clone()));
        let (at, losses) = losses.unwrap_or_default();
        let loss = |epoch: f64| {
            at.iter().rposition(|known| (known - epoch).abs() < 1e-6).map(|i| losses[i]).filter(|loss| loss.is_finite())
        };
        let Some(database) = database(&view.record()?.settings, &known.dataset.path, app) else { return Ok(None) };
        let out = folder.join("strip");
        // How many there are to choose from is known once the first column is drawn.
        let records = records_of(&out, rows);
        let is_drawn = |epoch: f64| {
            let is_there = |index: &u64| out.join(format!("{epoch}-{index}.png")).is_file();
            records.as_ref().is_some_and(|records| records.iter().all(is_there))
        };
        let missing = epochs.iter().copied().find(|epoch| !is_drawn(*epoch));
        let missing = missing.map(|epoch| {
            // Not the folders above it: a job that was deleted meanwhile stays so.
            match std::fs::create_dir(&out) {
                Err(source) if source.kind() != ErrorKind::AlreadyExists => {
                    return Err(Error::io("make the folder", &out, &source));
                }
                _ => {}
            }
            Ok(StripRequest { job: folder.clone(), epoch, database, rows, out: out.clone() })
        });
        let columns = epochs.iter().map(|&epoch| StripColumn { epoch, loss: loss(epoch) }).collect();
        Ok(Some(Planned { columns, rows, missing: missing.transpose()?, out }))
    }

    /// With what is drawn by now; no row before its image is there.
    fn strip(self, id: &str) -> Strip {
        let records = records_of(&self.out, self.rows).unwrap_or_default();
        let picture = |name: String| {
            let address = || format!("/api/jobs/{}/files/strip%2F{name}", id.replace('/', "%2F"));
            self.out.join(&name).is_file().then(address)
        };
        let row = |index: &u64| {
            Some(StripRow {
                key: index.to_string(),
                input: picture(format!("in-{index}.png"))?,
                outputs: self.columns.iter().map(|column| picture(format!("{}-{index}.png", column.epoch))).collect(),
            })
        };
        let rows = records.iter().filter_map(row).collect();
        let first = records.first().map(|index| self.out.join(format!("in-{index}.png")));
        let size = first.and_then(|first| image::image_dimensions(first).ok());
        let size = size.map_or([0, 0], |(width, height)| [i64::from(height), i64::from(width)]);
        Strip { rows, size, columns: self.columns }
    }
}

/// The records of a strip; not known before its first column is drawn.
fn records_of(out: &FsPath, rows: usize) -> Option<Vec<u64>> {
    let all = input::read_text(&out.join(STRIP_OF), Form::Record).ok()?;
    Some(strip_records(rows, all.trim().parse().ok()?))
}

/// At most `count` of the epochs, closer together at the beginning, the first and the last always.
fn spread(epochs: &[f64], count: usize) -> Vec<f64> {
    if epochs.len() <= count {
        return epochs.to_vec();
    }
    let last = (epochs.len() - 1) as f64;
    let mut at: Vec<usize> =
        (0..count).map(|i| (last * (i as f64 / (count - 1) as f64).powf(1.8)).round() as usize).collect();
    at.dedup();
    at.into_iter().map(|i| epochs[i]).collect()
}

/// The validation database of a job, else its train database.
fn database(settings: &serde_json::Value, dataset: &str, app: &App) -> Option<PathBuf> {
    let named = |name: &str| settings[name].as_str().map(PathBuf::from);
    if let Some(path) = named("val_db").or_else(|| named("train_db")) {
        return Some(path);
    }
    let dataset = app.root.join(dataset);
    split_folder(&dataset, "val").or_else(|| split_folder(&dataset, "train"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_and_the_last_snapshot_are_in_the_strip() {
        let epochs: Vec<f64> = (1..=30).map(f64::from).collect();
        let spread_out = spread(&epochs, 10);
        assert_eq!((spread_out[0], spread_out[spread_out.len() - 1]), (1.0, 30.0));
        assert!(spread_out.len() <= 10 && spread_out.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(spread(&epochs[..3], 10), [1.0, 2.0, 3.0]);
    }

    #[test]
    fn a_strip_shows_no_row_before_its_image_is_there() {
        let dir = tempfile::tempdir().unwrap();
        let column = || vec![StripColumn { epoch: 1.0, loss: None }];
        let planned = || Planned { columns: column(), rows: 3, out: dir.path().into(), missing: None };
        let strip = planned().strip("j");
        assert_eq!((strip.rows.len(), strip.size), (0, [0, 0]));
        std::fs::write(dir.path().join(STRIP_OF), "2").unwrap();
        let picture = crate::data::Image { width: 4, height: 3, channels: 1, pixels: vec![0; 12] };
        picture.save_png(&dir.path().join("in-0.png")).unwrap();
        let strip = planned().strip("j");
        assert_eq!((strip.rows.len(), strip.size), (1, [3, 4]));
        assert_eq!(strip.rows[0].outputs, [None]);
    }

    #[test]
    fn every_format_of_a_download_is_named_where_one_is_wrong() {
        let page = unknown("zip").page;
        assert_eq!(page.message, "format is 'zip'");
        assert!(page.facts[0].1.contains("safetensors") && page.facts[0].1.contains("tar.gz"), "{:?}", page.facts);
    }
}
