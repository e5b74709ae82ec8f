//! The server's folders, as far as it shows them.

use std::{path::Path, sync::Arc};

use axum::{
    Json,
    extract::{Query, State},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{
    app::App,
    blocking::blocking,
    refusal::{Answer, RefusalBody},
};

/// Entries shown at most.
const MOST: usize = 200;

/// What is listed.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(default)]
pub(crate) struct FilesQuery {
    /// May be half typed: its last part is a beginning.
    path: String,
    /// `folder`, `file` or `database`.
    kind: Option<String>,
}

/// One entry.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct FileEntry {
    /// Its name.
    name: String,
    /// Absolute.
    path: String,
    /// `folder`, `file`, `database`, `dataset` or `job`.
    kind: String,
    /// Of a file.
    bytes: Option<u64>,
}

/// A folder.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Files {
    /// The folder listed.
    folder: String,
    /// By name, folders first.
    entries: Vec<FileEntry>,
    /// The folders that may be looked into.
    roots: Vec<String>,
    /// Entries that are not shown.
    more: usize,
}

/// What a folder holds.
#[utoipa::path(get, path = "/api/files", tag = "files", params(FilesQuery),
    responses((status = 200, body = Files), (status = "4XX", body = RefusalBody)))]
pub(crate) async fn files(State(app): State<Arc<App>>, Query(query): Query<FilesQuery>) -> Answer<Json<Files>> {
    blocking(move || list(&app, &query)).await.map(Json)
}

fn list(app: &App, query: &FilesQuery) -> Answer<Files> {
    let typed = query.path.trim();
    let (above, beginning) = match typed {
        "" => (app.root.display().to_string(), String::new()),
        typed if typed.ends_with('/') => (typed.to_string(), String::new()),
        typed => {
            let path = Path::new(typed);
            let above = path.parent().filter(|above| !above.as_os_str().is_empty());
            let above = above.map_or_else(|| app.root.display().to_string(), |above| above.display().to_string());
            (above, path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default())
        }
    };
    let folder = app.roots.resolve(&above)?;
    let wanted = |kind: &str| match query.kind.as_deref() {
        Some("folder") => kind != "file",
        Some("database") => matches!(kind, "folder" | "database" | "dataset"),
        _ => true,
    };
    let mut entries: Vec<FileEntry> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name().into_string().ok()?;
            let hidden = name.starts_with('.') && !beginning.starts_with('.');
            if hidden || !name.to_lowercase().starts_with(&beginning.to_lowercase()) {
                return None;
            }
            // A link that leads out is not shown.
            let path = entry.path().canonicalize().ok().filter(|path| app.roots.contains(path))?;
            let kind = if path.is_file() {
                "file"
            } else if path.join("data.mdb").is_file() {
                "database"
            } else if path.join("dataset.json").is_file() {
                "dataset"
            } else if path.join("job.json").is_file() {
                "job"
            } else {
                "folder"
            };
            let bytes = if kind == "file" { path.metadata().ok().map(|meta| meta.len()) } else { None };
            let path = folder.join(&name).display().to_string();
            wanted(kind).then(|| FileEntry { name, path, kind: kind.into(), bytes })
        })
        .collect();
    entries.sort_by(|a, b| (a.kind == "file", &a.name).cmp(&(b.kind == "file", &b.name)));
    let more = entries.len().saturating_sub(MOST);
    entries.truncate(MOST);
    let roots = app.roots.folders().iter().map(|root| root.display().to_string()).collect();
    Ok(Files { folder: folder.display().to_string(), entries, roots, more })
}
